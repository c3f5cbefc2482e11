"""`stadtsinn restore`: a backup in the place of the installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.backup import describe
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Clock
from stadtsinn.cli.output import say

if TYPE_CHECKING:
    from stadtsinn.cloud.backup.restoring import Restored


def restore(
    backup: Annotated[
        Path,
        typer.Argument(
            help=text(
                "A backup; of a folder with several the newest.",
                "Eine Sicherung; aus einem Ordner mit mehreren die neueste.",
            )
        ),
    ],
    config: Config = DEFAULT_CONFIG,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help=text(
                "In the place of what is there. SQLite files are kept under another name.",
                "An die Stelle dessen, was da ist. SQLite-Dateien bleiben unter anderem Namen.",
            ),
        ),
    ] = False,
    clock: Clock = None,
) -> None:
    with server_errors(config):
        from stadtsinn.base.clock import open_clock
        from stadtsinn.cloud.backup.configuration import let_the_service_read
        from stadtsinn.cloud.backup.restoring import restore as put_back
        from stadtsinn.cloud.backup.restoring import restore_configuration
        from stadtsinn.cloud.backup.store import one_backup
        from stadtsinn.cloud.backup.verifying import verified

        chosen = one_backup(backup)
        manifest, sums = verified(chosen)
        say(f"{chosen}  {describe(manifest)}")
        written: list[Path] = []
        if not config.exists():
            written, by_hand = restore_configuration(chosen, manifest, config)
            _say_configuration(written, [chosen / name for name in by_hand])
        settings = read_settings(config)
        let_the_service_read(written, config, settings)
        opened = open_clock(clock or settings.clock)
        restored = put_back(chosen, manifest, sums, settings, opened, overwrite=overwrite)
    _say_restored(restored)


restore.__doc__ = text(
    "Put a backup in the place of the installation: all of it or nothing. Stop 'stadtsinn cloud "
    "run' first. Edges deliver again what is missing (docs/backup.md).\n\n"
    "Example: stadtsinn restore /srv/backup --config /etc/stadtsinn/cloud.toml",
    "Eine Sicherung an die Stelle der Zentrale setzen: ganz oder gar nicht. Vorher 'stadtsinn "
    "cloud run' beenden. Die Agenten liefern nach, was fehlt (docs/backup.md).\n\n"
    "Beispiel: stadtsinn restore /srv/backup --config /etc/stadtsinn/cloud.toml",
)


def _say_configuration(written: list[Path], by_hand: list[Path]) -> None:
    for path in written:
        say(text(f"written: {path}", f"geschrieben: {path}"))
    for path in by_hand:
        say(text(f"put back by hand: {path}", f"von Hand zurücklegen: {path}"))


def _say_restored(restored: Restored) -> None:
    manifest = restored.manifest
    for path in restored.aside:
        say(text(f"what was there: {path}", f"was da war: {path}"))
    say(
        text(
            f"Restored: the installation of {manifest.made_at}. Start 'stadtsinn cloud run'; edges "
            "deliver again what they still hold.",
            f"Zurückgespielt: der Stand von {manifest.made_at}. Nun 'stadtsinn cloud run' starten; "
            "die Agenten liefern nach, was sie noch haben.",
        )
    )
    if not manifest.series:
        say(
            text(
                "The series are filled from the log when it runs.",
                "Die Messreihen entstehen im Betrieb neu aus dem Log.",
            )
        )

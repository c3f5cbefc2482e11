"""`stadtsinn backup`: a copy of the whole installation while it runs; whether one is sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from stadtsinn.base.counted import counted
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.options import Clock, Json
from stadtsinn.cli.output import print_facts, print_json, say

if TYPE_CHECKING:
    from stadtsinn.cloud.backup.making import Made
    from stadtsinn.cloud.backup.manifest import Manifest

_MAKE = "make"


class _FolderOrCommand(TyperGroup):
    """`stadtsinn backup FOLDER` is `stadtsinn backup make FOLDER`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FolderOrCommand,
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Backups of the installation (docs/backup.md). 'stadtsinn backup FOLDER' makes one; its "
        "options ('--keep 14', …) are those of 'make'.",
        "Sicherungen der Zentrale (docs/backup.md). 'stadtsinn backup ORDNER' macht eine; die "
        "Optionen ('--keep 14', …) sind die von 'make'.",
    ),
)


@app.command(
    _MAKE,
    help=text(
        "Make a backup in a folder while everything runs: database, series, archive, "
        "configuration.\n\nExample: stadtsinn backup /srv/backup --keep 14",
        "Eine Sicherung in einem Ordner anlegen, während alles läuft: Datenbank, Messreihen, "
        "Archiv, Konfiguration.\n\nBeispiel: stadtsinn backup /srv/backup --keep 14",
    ),
)
def make(
    folder: Annotated[
        Path, typer.Argument(help=text("Holds the backups.", "Enthält die Sicherungen."))
    ],
    config: Config = DEFAULT_CONFIG,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=text(
                "So many backups stay, this one included; older ones are deleted.",
                "So viele Sicherungen bleiben, diese mitgezählt; ältere werden gelöscht.",
            ),
        ),
    ] = None,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets",
            help=text(
                "Also passwords, tokens and keys that the configuration names.",
                "Auch Passwörter, Token und Schlüssel, die die Konfiguration nennt.",
            ),
        ),
    ] = False,
    without_series: Annotated[
        bool,
        typer.Option(
            "--without-series",
            help=text(
                "Leave the series out: a restore fills them from the log.",
                "Ohne die Messreihen: beim Zurückspielen entstehen sie neu aus dem Log.",
            ),
        ),
    ] = False,
    also: Annotated[
        list[Path] | None,
        typer.Option(
            help=text(
                "A file or folder more, keys included, e.g. /etc/stadtsinn/ca.",
                "Eine Datei oder ein Ordner mehr, samt Schlüsseln, z. B. /etc/stadtsinn/ca.",
            )
        ),
    ] = None,
    clock: Clock = None,
    json_lines: Json = False,
) -> None:
    with server_errors(config):
        from stadtsinn.base.clock import open_clock
        from stadtsinn.cloud.backup.making import Wishes, make_backup

        settings = read_settings(config)
        wishes = Wishes(keep, with_secrets, not without_series, tuple(also or ()))
        made = make_backup(config, settings, folder, open_clock(clock or settings.clock), wishes)
    if json_lines:
        print_json({"backup": str(made.folder), **_fields(made.manifest)})
    else:
        _print(made)


@app.command(
    help=text(
        "Prove a backup, or each one of a folder: all files, their sums, and what is in them.\n\n"
        "Example: stadtsinn backup verify /srv/backup",
        "Eine Sicherung oder alle eines Ordners prüfen: Dateien, Prüfsummen und ihr Inhalt.\n\n"
        "Beispiel: stadtsinn backup verify /srv/backup",
    )
)
def verify(
    folder: Annotated[
        Path,
        typer.Argument(
            help=text("A backup, or what holds them.", "Eine Sicherung oder der Ordner mit allen.")
        ),
    ],
    json_lines: Json = False,
) -> None:
    with server_errors(DEFAULT_CONFIG):
        from stadtsinn.cloud.backup.manifest import is_backup
        from stadtsinn.cloud.backup.store import backups, one_backup
        from stadtsinn.cloud.backup.verifying import verified

        one_backup(folder)  # raises where there is none
        for path in [folder] if is_backup(folder) else backups(folder):
            manifest, _ = verified(path)
            if json_lines:
                print_json({"backup": str(path), **_fields(manifest)})
            else:
                say(f"{path}  {describe(manifest)}")


def describe(manifest: Manifest) -> str:
    size = decimal(f"{sum(manifest.files.values()) / 1_000_000:.1f}")
    return text(
        f"sound: log to position {manifest.uplinks}, "
        f"{counted(len(manifest.files), 'file', 'files')}, {size} MB, "
        f"made by {manifest.stadtsinn}",
        f"in Ordnung: Log bis Position {manifest.uplinks}, "
        f"{counted(len(manifest.files), 'Datei', 'Dateien')}, "
        f"{size} MB, von Version {manifest.stadtsinn}",
    )


def _fields(manifest: Manifest) -> dict[str, object]:
    return {
        "made_at": manifest.made_at,
        "stadtsinn": manifest.stadtsinn,
        "revision": manifest.revision,
        "database": manifest.database,
        "uplinks": manifest.uplinks,
        "series": manifest.series,
        "secrets": manifest.secrets,
        "files": len(manifest.files),
        "bytes": sum(manifest.files.values()),
    }


def _print(made: Made) -> None:
    manifest = made.manifest
    size = decimal(f"{sum(manifest.files.values()) / 1_000_000:.1f}")
    yes, no = text("included", "enthalten"), text("not included", "nicht enthalten")
    rebuilt = text("filled from the log at a restore", "entstehen neu aus dem Log")
    facts = [
        (text("backup", "Sicherung"), str(made.folder)),
        (
            text("holds", "Inhalt"),
            text(
                f"log to position {manifest.uplinks}, "
                f"{counted(len(manifest.files), 'file', 'files')}, {size} MB",
                f"Log bis Position {manifest.uplinks}, "
                f"{counted(len(manifest.files), 'Datei', 'Dateien')}, "
                f"{size} MB",
            ),
        ),
        (text("series", "Messreihen"), yes if manifest.series else rebuilt),
        (text("secrets", "Geheimnisse"), yes if manifest.secrets else no),
    ]
    if made.linked:
        shared = text(
            f"{counted(made.linked, 'file', 'files')} with the backup before (hard links)",
            f"{counted(made.linked, 'Datei', 'Dateien')} mit der Sicherung davor (Hardlinks)",
        )
        facts.append((text("shared", "geteilt"), shared))
    facts += [(text("deleted", "gelöscht"), str(path)) for path in made.dropped]
    print_facts(facts)

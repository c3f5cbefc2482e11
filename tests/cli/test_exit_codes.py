"""The same kind of refusal has the same exit code everywhere (docs/commands.md), and is German
throughout on a German terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from databases import migrated_database
from fake_uplinks import furnish
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cli.frame import BAD_USAGE, FAILED, code_of
from stadtsinn.cli.main import _load
from stadtsinn.cloud.backup.manifest import BackupFailed
from stadtsinn.cloud.backup.restoring import InTheWay
from stadtsinn.cloud.broker.authority import Refused
from stadtsinn.cloud.migrations import NotCurrent
from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable
from stadtsinn.cloud.town_file.problems import TownRefused

TOWN = 'tenant = "musterstadt"\nname = "Musterstadt"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation; the commands below change nothing in it."""
    made = tmp_path_factory.mktemp("town")
    database = migrated_database(made / "stadtsinn.sqlite")
    furnish(database)
    database.dispose()
    (made / "cloud.toml").write_text('[database]\nurl = "sqlite:///stadtsinn.sqlite"\n')
    (made / "wrong.toml").write_text('[databse]\nurl = "sqlite:///stadtsinn.sqlite"\n')
    (made / "broken.toml").write_text("[database")
    (made / "site.toml").write_text(TOWN + '[[devices]]\ndev_eui = "70b3d500000009ff"\n')
    (made / "no_town.toml").write_text("tenant = \n")
    (made / "list.csv").write_text("dev_eui;type;name\nxyz;dragino/lse01;Linde\n")
    return made


def run(folder: Path, command: str, language: str) -> Any:
    words = [word.replace("@", f"{folder}/") for word in command.split()]
    environment = {"STADTSINN_CLOUD_CONFIG": str(folder / "cloud.toml"), "LC_ALL": language}
    return CliRunner().invoke(_load(words[0]), words[1:], env=environment)


REFUSED = {
    "registry apply @site.toml": "fehlt: angeben",
    "registry apply @no_town.toml": "kein gültiges TOML, in Zeile 1",
    "registry import-devices musterstadt @list.csv": "nichts geändert",
    "registry import-devices nirgends @list.csv": "Es gibt keine Stadt 'nirgends'",
    "registry take-edge nobody": "Es gibt keinen Agenten 'nobody'",
    "station list --tenant nirgends": "es gibt keine Stadt 'nirgends'",
    "device move 70b3d500000009ff linde": "ist nicht angelegt",
    "tenant delete nirgends": "Es gibt keine Stadt 'nirgends'",
    "tenant retention musterstadt audit 0": "muss mindestens 1 sein",
    "key revoke 77": "Es gibt keinen gültigen Schlüssel 77",
    "trace 70b3d500000009ff": "Keine Stadt hat",
    "ca list --folder @nothing": "'stadtsinn ca create' legt sie an",
    "backup --config @empty.toml @backups": "nichts zu sichern",
}
"""What the data or this machine do not allow, and what was not found; with German words of it."""
BAD = {
    "station list --config @wrong.toml": "unbekannter Eintrag 'databse': war 'database' gemeint?",
    "station list --config @broken.toml": "kein gültiges TOML",
    "station list --config @nowhere.toml": "ist nicht lesbar (gibt es nicht): die Datei mit",
    "registry apply @nowhere.toml": "gibt es nicht: den Pfad prüfen",
    "restore @": "ist keine Sicherung und enthält keine",
    "backup verify @": "ist keine Sicherung und enthält keine",
    "trace linde": "eine DevEUI hat 16 Hexadezimalziffern",
    "archive --before 2026-13-01": "ist kein Tag",
    "ca role rathaus --folder @ca": "eine Rolle dieses Namens gibt es nicht",
}
"""What was typed or configured must be changed first."""


@pytest.mark.parametrize("command", [*REFUSED, *BAD])
def test_each_kind_of_refusal_has_its_code_and_its_german(folder: Path, command: str) -> None:
    (folder / "empty.toml").write_text('[database]\nurl = "sqlite:///none.sqlite"\n')
    if "ca role" in command and not (folder / "ca").exists():
        assert run(folder, "ca create --name Stadt --folder @ca", "C").exit_code == 0
    german = run(folder, command, "de_DE.UTF-8")
    assert german.exit_code == (1 if command in REFUSED else 2), german.output
    words = {**REFUSED, **BAD}[command]
    assert words in german.output
    english = run(folder, command, "C")
    assert english.exit_code == german.exit_code
    assert words not in english.output


@pytest.mark.parametrize("kind", [SettingsError, Unusable])
def test_what_must_be_written_otherwise_is_bad_usage(kind: type[Explained]) -> None:
    assert code_of(kind("a", "b")) == BAD_USAGE
    assert code_of(FileNotFoundError()) == BAD_USAGE


@pytest.mark.parametrize(
    "kind",
    [
        *(Invalid, Conflict, NotFound, TownRefused, BackupFailed, InTheWay, NotCurrent),
        *(Refused, SeriesRejected, SeriesUnavailable),
    ],
)
def test_what_the_data_do_not_allow_is_a_failure(kind: type[Explained]) -> None:
    assert code_of(kind("a", "b")) == FAILED
    assert code_of(PermissionError()) == FAILED

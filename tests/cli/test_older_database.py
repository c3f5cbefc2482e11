"""Only 'cloud run' and 'cloud upgrade' change a database's schema; others say what would.

A command that only looked migrated the database under the running older version. Others met it:

- https://github.com/jamie8johnson/cqs/pull/1413 (every reading command tried to migrate)
- https://github.com/ggozad/haiku.rag/pull/242 (migrations on opening, then a command for them)
- https://github.com/probcomp/bayeslite/issues/44 (opening made files unreadable for others)
- https://github.com/davidfstr/Crystal-Web-Archiver/issues/53 (reading an old schema failed)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from first_version import all_rows, bring_to, fill_every_table
from stadtsinn.cli.main import NOUNS, _load
from stadtsinn.cloud.migrations import current, head
from stadtsinn.cloud.platform.database.engine import open_database

pytestmark = pytest.mark.slow

OLDER = "0007"
NEEDS = {
    "name": "series",
    "file": "town.toml",
    "tenant": "musterstadt",
    "new_config": "new.toml",
    "row_id": "1",
    "key_id": "1",
    "slug": "linde",
    "station": "linde",
    "device": "70b3d57ed0000001",
    "devices": "70b3d57ed0000001",
    "photos": "town.toml",
    "old": "70b3d57ed0000001",
    "new": "70b3d57ed0000002",
    "to": "linde",
    "edge": "rathaus-1",
    "value": "default",
    "tree": "L-1",
    "group": "linden",
    "litres": "100",
    "incident": "1-1",
    "number": "1",
    "rule": "linde",
    "folder": "rules",
    "zone": "linde",
    "recipient": "anna",
    "lot": "linde",
    "event": "samstag",
    "permitted": "900",
    "draft": "town.toml",
    "absent": "anna",
    "taker": "bernd",
}
OPTIONS = {
    "before": "2026-01-01",
    "since": "2026-01-01",
    "until": "2026-01-02",
    "role": "reader",
    "name": "Portal",
    "group": "wache",
    "start": "2026-01-01",
    "end": "2026-01-02",
    "reason": "Baustelle",
    "event_name": "Wochenmarkt",
}
ONE_OF: dict[tuple[str, ...], list[str]] = {
    ("alert", "mute"): ["--rule", "linde"],
    ("zone", "correct"): ["--to", "640"],
}
"""Commands that need one of several options, with one of them."""
ASK_FOR_A_TIME = {("redecode",), ("roster", "stand-in")}
UPGRADES = {("cloud", "run"), ("cloud", "upgrade"), ("cloud", "check")}
ANY_VERSION = {("backup", "make"), ("restore",)}
"""A backup is made before an upgrade, maybe with the new version; a restore takes its place."""


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, one in getattr(command, "commands", {}).items():
        yield from _commands(one, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


def _of_the_server() -> list[tuple[str, ...]]:
    """Every command that opens the installation's database."""
    found = []
    for noun in NOUNS:
        for path, command in _commands(typer.main.get_command(_load(noun)), (noun,)):
            variables = {getattr(one, "envvar", None) for one in command.params}
            if "STADTSINN_CLOUD_CONFIG" in variables and path not in UPGRADES | ANY_VERSION:
                found.append(path)
    return found


def _arguments(path: tuple[str, ...], folder: Path) -> list[str]:
    """The command with everything that it requires."""
    command = typer.main.get_command(_load(path[0]))
    for name in path[1:]:
        command = command.commands[name]  # type: ignore[attr-defined]
    given: list[str] = [*path[1:], *ONE_OF.get(path, [])]
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            value = NEEDS[parameter.name or ""]
            given.append(str(folder / value) if value.endswith(".toml") else value)
        elif parameter.required or (path in ASK_FOR_A_TIME and parameter.name in OPTIONS):
            given += [parameter.opts[0], OPTIONS[parameter.name or ""]]
    return given


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    new = '[database]\nurl = "sqlite:///new.sqlite"\n'
    (tmp_path / "new.toml").write_text(new, encoding="utf-8")
    example = CliRunner().invoke(_load("registry"), ["example"]).stdout
    (tmp_path / "town.toml").write_text(example, encoding="utf-8")
    return path


def _run(path: tuple[str, ...], config: Path, *more: str) -> Any:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    arguments = [*_arguments(path, config.parent), *more]
    return CliRunner().invoke(_load(path[0]), arguments, env=environment)


def test_there_are_commands() -> None:
    names = {" ".join(path) for path in _of_the_server()}
    assert {"cloud quarantine list", "cloud rebuild", "key list", "redecode", "archive"} <= names


@pytest.mark.sweep
@pytest.mark.parametrize("path", _of_the_server(), ids=" ".join)
def test_an_older_database_is_left_alone(path: tuple[str, ...], config: Path) -> None:
    database = open_database(str(config.with_name("town.sqlite")))
    bring_to(database, OLDER)
    fill_every_table(database)
    before = all_rows(database)
    result = _run(path, config)
    assert result.exit_code == 1, result.output
    assert "stadtsinn cloud upgrade" in result.output
    assert "0008 Rules name stations" in result.output  # what it would do
    assert all_rows(database) == before
    database.dispose()


READING = [
    (("tenant", "list"), ()),
    (("key", "list"), ()),
    (("station", "list"), ()),
    (("cloud", "quarantine", "list"), ()),
    (("registry", "devices"), ()),
    (("registry", "apply"), ("--dry-run",)),
    (("redecode",), ("--list",)),
    (("edges",), ()),
    (("device", "status"), ()),
    (("trace",), ()),
]


@pytest.mark.parametrize(("path", "more"), READING, ids=" ".join)
def test_who_only_reads_makes_no_database(
    path: tuple[str, ...], more: tuple[str, ...], config: Path
) -> None:
    result = _run(path, config, *more)
    assert "there is no database yet" in result.output
    assert not config.with_name("town.sqlite").exists()


def test_upgrade_says_and_does(config: Path) -> None:
    database = open_database(str(config.with_name("town.sqlite")))
    bring_to(database, OLDER)
    told = _run(("cloud", "upgrade"), config, "--dry-run")
    with database.read() as connection:
        assert current(connection) == OLDER
    done = _run(("cloud", "upgrade"), config)
    assert "0008  Rules name stations" in told.stdout
    assert done.stdout == told.stdout
    with database.read() as connection:
        assert current(connection) == head()
    assert "Nothing to change" in _run(("cloud", "upgrade"), config).stdout
    database.dispose()

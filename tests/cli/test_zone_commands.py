"""`stadtsinn zone`: numbers, corrections, permits and market days, as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import Instant, parse
from stadtsinn.cli import zones
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

TOWN: dict[str, Any] = {
    "tenant": "musterstadt",
    "name": "Musterstadt",
    "zones": [{"slug": "markt", "name": "Wochenmarkt", "permitted": 900}],
}
GERMAN = "de_DE.UTF-8"
WHO = ("--name", "K. Muster", "--reason", "Zählung")
SATURDAY = ("--event-name", "Markt", "--day", "sat", "--start", "07:00", "--end", "13:00")

Command = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """The commands on a Friday in November."""
    SharedClock.create(tmp_path / "clock", parse("2026-11-27T12:00:00+01:00"))
    config = tmp_path / "cloud.toml"
    settings = f'clock = "shared:{tmp_path}/clock"\n[database]\nurl = "sqlite:///town.sqlite"\n'
    config.write_text(settings, encoding="utf-8")
    database = migrated_database(tmp_path / "town.sqlite")
    apply_town(database, Town.read(TOWN), Instant(1))
    database.dispose()

    def command(*arguments: str, language: str = "C") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(zones.app, list(arguments), env=environment)

    return command


def test_zones_and_one_of_them(run: Command) -> None:
    (listed,) = [json.loads(line) for line in run("list", "--json").stdout.splitlines()]
    assert (listed["zone"], listed["permitted"], listed["state"]) == ("markt", 900, "stale")
    shown = run("show", "markt", language=GERMAN).output
    assert "zugelassen" in shown
    assert "keine aktuelle Zahl" in shown
    assert "wird nicht gelernt" in shown
    assert "'markd'" in run("show", "markd").output


def test_a_permit_now_and_from_a_time_on(run: Command) -> None:
    assert "permitted now: 800" in run("permit", "markt", "800", *WHO).output
    later = run("permit", "markt", "600", *WHO, "--from", "2026-11-28 09:00", language=GERMAN)
    assert "jetzt zugelassen: 800" in later.output
    assert "600" in later.output
    assert json.loads(run("show", "markt", "--json").stdout)["planned"] == [
        {"since": "2026-11-28T09:00:00+01:00", "permitted": 600}
    ]
    assert run("permit", "markt", "0", *WHO).exit_code == 2
    assert "mindestens 1" in run("permit", "markt", "0", *WHO, language=GERMAN).output
    assert "permitted now: -" in run("permit", "markt", "none", *WHO).output


def test_a_number_that_was_counted(run: Command) -> None:
    assert "640 inside" in run("correct", "markt", "--to", "640", *WHO).output
    assert json.loads(run("correct", "markt", "--by", "-40", *WHO, "--json").stdout)["value"] == 600
    below = run("correct", "markt", "--by", "-601", *WHO)
    assert "601 fewer would be less than nobody" in below.output
    assert run("correct", "markt", *WHO).exit_code == 2
    for at in ("2026-11-28 09:00", "2026-11-20"):
        assert run("correct", "markt", "--to", "5", "--at", at, *WHO).exit_code == 1
    assert "by hand: 600 (K. Muster)" in run("show", "markt").output
    assert "von Hand: 600 (K. Muster)" in run("show", "markt", language=GERMAN).output


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (("correct", "markt", "--to", "5", "--name", "", "--reason", "x"), "--name"),
        (("correct", "markt", "--to", "5", "--name", "K", "--reason", " "), "--reason"),
        (("correct", "markt", "--to", "5", "--name", "K", "--reason", "x" * 501), "--reason"),
        (("correct", "markt", "--to", "1000001", *WHO), "--to"),
        (("correct", "markt", "--by", "-1000001", *WHO), "--by"),
        (("correct", "markt", "--to", "5", *WHO, "--at", "2026-11-28"), "--at"),
        (("permit", "markt", "5", "--name", "", "--reason", "x"), "--name"),
        (("permit", "markt", "5", "--name", "K", "--reason", ""), "--reason"),
        (("permit", "markt", "5", *WHO, "--from", "2026-11-01"), "--from"),
    ],
)
def test_what_is_on_record_is_checked_as_over_the_api(
    run: Command, typed: tuple[str, ...], named: str
) -> None:
    for language in ("C", GERMAN):
        refused = run(*typed, language=language)
        assert refused.exit_code != 0
        assert named in refused.output
        assert "pydantic" not in refused.output
    assert "by hand" not in run("show", "markt").output
    assert json.loads(run("show", "markt", "--json").stdout)["permitted"] == 900


def test_market_days(run: Command) -> None:
    added = run("add-event", "markt", "samstag", *SATURDAY, "--permitted", "700", language=GERMAN)
    assert "'samstag' angelegt" in added.output
    assert "sat" in run("events", "markt").output
    assert "Sa" in run("events", "markt", language=GERMAN).output.split()
    closed = run("show", "markt", language=GERMAN).output
    assert "geschlossen, wieder ab" in closed
    twice = run("add-event", "markt", "noch-einer", *SATURDAY)
    assert "overlap" in twice.output
    wrong = run("add-event", "markt", "x", *SATURDAY, "--date", "2026-12-05")
    assert "either 'days'" in wrong.output
    late = run("add-event", "markt", "x", *SATURDAY[:-1], "13 Uhr", language=GERMAN)
    assert "--end: muss eine Uhrzeit wie 07:30 sein" in late.output
    assert "EVENT: has to be a short name" in run("add-event", "markt", "X y", *SATURDAY).output
    unknown = run("remove-event", "markt", "sonntag")
    assert "it has: samstag" in unknown.output
    run("remove-event", "markt", "samstag")
    assert "zone counts always" in run("events", "markt").output


def test_a_town_file_with_events_changes_nothing_the_second_time(tmp_path: Path) -> None:
    event = {"slug": "sa", "name": "Markt", "days": ["sat"], "start": "07:00", "end": "13:00"}
    once = event | {"slug": "fest", "days": [], "date": "2026-12-06", "permitted": 500}
    gate = {"slug": "nord", "name": "Nord", "station": "nord", "counts": "clicker"}
    zone = TOWN["zones"][0] | {"events": [event, once], "learn_ratio": True, "gates": [gate]}
    station = {"slug": "nord", "name": "Nord", "kind": "gate"}
    town = Town.read(TOWN | {"zones": [zone], "stations": [station]})
    database = migrated_database(tmp_path / "town.sqlite")
    apply_town(database, town, Instant(1))
    assert list(apply_town(database, town, Instant(2))) == []
    database.dispose()

"""`stadtsinn roster`: who is on duty, gaps, plans and stand-ins, as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import Instant, parse
from stadtsinn.cli import roster
from stadtsinn.cli.roster_output import when
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

TOWN = {
    "tenant": "musterstadt",
    "name": "Musterstadt",
    "recipients": [
        {"slug": "meier", "name": "Anna Meier", "address": "0170 1234567"},
        {"slug": "schulze", "name": "Bernd Schulze", "address": "0170 1234568"},
    ],
    "duty_groups": [
        {
            "slug": "bereitschaft",
            "name": "Bereitschaft",
            "region": "NW",
            "members": ["meier", "schulze"],
            "shifts": [
                {"on_duty": "meier", "start": "07:00", "end": "07:00"}
                | {"days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
            ],
        }
    ],
}
HOLIDAYS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
SUMMARY:Schulze
DTSTART;TZID=Europe/Berlin:20261225T070000
DTEND;TZID=Europe/Berlin:20261227T070000
END:VEVENT
END:VCALENDAR
"""

Command = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """The commands on a day in November."""
    SharedClock.create(tmp_path / "clock", parse("2026-11-27T12:00:00+01:00"))
    config = tmp_path / "cloud.toml"
    settings = f'clock = "shared:{tmp_path}/clock"\n[database]\nurl = "sqlite:///town.sqlite"\n'
    config.write_text(settings, encoding="utf-8")
    database = migrated_database(tmp_path / "town.sqlite")
    apply_town(database, Town.read(TOWN), Instant(1))
    database.dispose()

    def command(*arguments: str, language: str = "C") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(roster.app, list(arguments), env=environment)

    return command


def test_who_is_on_duty_is_said_in_both_languages(run: Command) -> None:
    at = ("--at", "2026-12-23 12:00")
    english = run("show", *at)
    assert english.exit_code == 0
    assert "on duty: Anna Meier, until Thu 24.12.2026 07:00" in english.output
    assert "Fri 25.12.2026 07:00  Sun 27.12.2026 07:00  NOBODY" in english.output
    german = run("show", *at, language="de_DE.UTF-8").output
    assert "Dienst hat: Anna Meier, bis Do 24.12.2026 07:00" in german
    nobody = run("show", "--at", "2026-12-25 12:00", language="de_DE.UTF-8").output
    assert "NIEMAND hat Dienst: Meldungen gehen an alle (Anna Meier, Bernd Schulze)" in nobody
    document = json.loads(run("show", *at, "--json").stdout)
    assert [one["on_duty"] for one in document["on_duty"]] == ["meier"]
    assert document["nobody"][0]["start"] == "2026-12-25T07:00:00+01:00"


def test_gaps_are_named_until_a_plan_fills_them(run: Command, tmp_path: Path) -> None:
    checked = run("check", language="de_DE.UTF-8")
    assert checked.exit_code == 1
    assert "hat niemand Dienst (2 Tage; Erster Weihnachtstag, Zweiter Weihnachtstag)" in (
        checked.output
    )
    assert "In diesen Zeiten gehen Meldungen an alle Mitglieder." in checked.output
    plan = tmp_path / "plan.ics"
    plan.write_text(HOLIDAYS, encoding="utf-8")
    into = ("import", str(plan), "--group", "bereitschaft")
    dry = run(*into, "--dry-run")
    assert "+ Fri 25.12.2026 07:00 – Sun 27.12.2026 07:00 Bernd Schulze" in dry.output
    assert "would add 1, remove 0, leave 0 as they are; nothing was changed" in dry.output
    assert "1 added, 0 removed" in run(*into).output
    assert "nothing changes: 1 known shift" in run(*into).output
    gaps = json.loads(run("check", "--json").stdout)["gaps"]
    assert gaps[0]["start"] == "2027-01-01T07:00:00+01:00"
    assert gaps[0]["holidays"] == ["New Year's Day"]


def test_a_wrong_plan_is_refused_in_the_readers_language(run: Command, tmp_path: Path) -> None:
    plan = tmp_path / "plan.csv"
    rows = "Beginn;Ende;Name\n24.12.2026 08:00;24.12.2026 07:00;Meier\nx;y;Mayer\n"
    plan.write_text(rows, encoding="cp1252")
    refused = run("import", str(plan), "-g", "bereitschaft", language="de_DE.UTF-8")
    assert refused.exit_code == 1
    assert "nichts geändert" in refused.output
    assert "Zeile 2: die Schicht endet (24.12.2026 07:00), bevor sie beginnt" in refused.output
    assert "Zeile 3: 'Mayer' ist kein Mitglied dieser Gruppe" in refused.output
    unknown = run("import", str(plan), "-g", "bereitshaft")
    assert "Did you mean 'bereitschaft'?" in unknown.output


@pytest.mark.slow
def test_a_stand_in_comes_and_goes(run: Command) -> None:
    times = ("--from", "2026-12-01", "--to", "2026-12-02", "-g", "bereitschaft")
    assert "Bernd Schulze" in run("stand-in", "meier", "schulze", *times).output
    shown = run("show", "--at", "2026-12-01 12:00").output
    assert "on duty: Bernd Schulze (for Anna Meier), until" in shown
    assert "--to has to lie after --from" in (
        run("stand-in", "meier", "schulze", *times[:3], "2026-11-01", *times[4:]).output
    )
    past = run("stand-in", "meier", "schulze", "--from", "2025-12-01", "--to", "2025-12-02", "-g",
               "bereitschaft", language="de_DE.UTF-8")  # fmt: skip
    assert past.exit_code == 1
    assert "Diese Zeit endete am 03.12.2025 00:00:00" in past.output
    assert "name who is away" in run("stand-in", "meier", "-g", "bereitschaft").output
    assert "nobody stands in" in run("stand-in", "-g", "bereitschaft", "--delete", "1").output


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    assert when(parse("2026-10-25T02:30:00+02:00")).endswith("25.10.2026 02:30 MESZ")
    assert when(parse("2026-10-25T02:30:00+01:00")).endswith("25.10.2026 02:30 MEZ")
    assert when(parse("2026-10-25T03:30:00+01:00")).endswith("25.10.2026 03:30")

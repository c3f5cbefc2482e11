"""`stadtsinn edges`, `device status` and `trace`: what an operator sees, in both languages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from fake_uplinks import at, furnish
from operated_town import DEVICE, OFFLINE, OTHER, Town, status
from stadtsinn.base.clock import SharedClock
from stadtsinn.cli import output
from stadtsinn.cli.main import _load
from stadtsinn.cli.trace import clock_words
from stadtsinn.cloud.intake.repository import write_streams
from stadtsinn.cloud.intake.streams import StreamState
from stadtsinn.cloud.intake.tables import edge_states
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.decoders.reading import Reading
from stadtsinn.decoders.uplink import TimeSource

NOW = 5_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a town; to be copied."""
    path = tmp_path_factory.mktemp("filled") / "town.sqlite"
    database = migrated_database(path)
    furnish(database)
    town = Town(database)
    waiting = {"items": 12_345, "oldest": "2026-09-26T06:00:00Z"}
    town.says(NOW - 60, status(NOW - 60, spool=waiting, warnings=["the card is a copy"]))
    town.log(NOW - 100, Reading("soil_moisture", 20), Reading("battery_level", 9))
    town.log(100, dev_eui=OTHER)
    database.dispose()
    return path


@pytest.fixture
def folder(tmp_path: Path, filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(filled, tmp_path / "town.sqlite")
    SharedClock.create(tmp_path / "clock", at(NOW))
    (tmp_path / "cloud.toml").write_text(
        f'clock = "shared:{tmp_path}/clock"\n[database]\nurl = "sqlite:///town.sqlite"\n'
    )
    monkeypatch.setattr(output, "_WIDE", 80)
    return tmp_path


def run(folder: Path, noun: str, *arguments: str, language: str = "C") -> Result:
    environment = {"STADTSINN_CLOUD_CONFIG": str(folder / "cloud.toml"), "LC_ALL": language}
    return CliRunner().invoke(_load(noun), list(arguments), env=environment)


def documents(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_tables_fit_a_terminal_and_show_whole_dev_euis(language: str, folder: Path) -> None:
    for noun, arguments in (("edges", ()), ("device", ("status",)), ("trace", (DEVICE,))):
        result = run(folder, noun, *arguments, language=language)
        assert result.exit_code == 0, result.output
        table = result.stdout.partition("\n\n")[0] if noun == "trace" else result.stdout
        assert max(map(len, table.splitlines())) <= 80
        if noun != "edges":
            assert DEVICE in result.stdout


def test_edges(folder: Path) -> None:
    shown = run(folder, "edges").stdout
    for word in ("rathaus", "there", "60 s", "12345 (2 h)", "0.1.0", "+1.5 s"):
        assert word in shown, shown
    assert "rathaus: the card is a copy" in shown
    (found,) = documents(run(folder, "edges", "--json"))
    assert (found["id"], found["state"], found["waiting"]) == ("rathaus", "online", 12_345)
    assert (found["stream"], found["acknowledged_position"]) == ("abc", 7)
    assert documents(run(folder, "edges", "--tenant", "nachbar", "--json")) == []
    assert run(folder, "edges", "--tenant", "nirgends").exit_code == 1
    german = run(folder, "edges", language="de_DE.UTF-8").stdout
    assert "Gesehen" in german
    assert "da" in german.split()


def test_an_edge_that_is_away(folder: Path) -> None:
    database = open_database(str(folder / "town.sqlite"))
    Town(database).says(NOW - 600, OFFLINE)
    database.dispose()
    assert "away 10 min" in run(folder, "edges").stdout
    assert "fort 10 min" in run(folder, "edges", language="de_DE.UTF-8").stdout


def test_an_edge_of_which_only_batches_come_is_explained(folder: Path) -> None:
    """The broker's access list is that of an earlier version."""
    database = open_database(str(folder / "town.sqlite"))
    with database.write() as connection:
        connection.execute(edge_states.delete())
        write_streams(connection, {("rathaus", "s"): StreamState()}, at(NOW - 5))
    database.dispose()
    shown = run(folder, "edges").stdout
    assert "there" in shown
    assert "may the ingest read stadtsinn/edge/+/status?" in " ".join(shown.split())


def test_device_status(folder: Path) -> None:
    fine, silent = (
        documents(run(folder, "device", "status", one, "--json"))[0] for one in (DEVICE, OTHER)
    )
    assert (fine["state"], fine["rssi"], fine["battery"], fine["battery_low"]) == (
        "fine",
        -71,
        9,
        True,
    )
    assert silent["state"] == "silent"
    listed = documents(run(folder, "device", "status", "--tenant", "musterstadt", "--json"))
    assert [one["dev_eui"] for one in listed] == [OTHER, DEVICE]  # who is silent comes first
    listed = documents(run(folder, "device", "status", "--silent", "--json"))
    assert [one["dev_eui"] for one in listed] == [OTHER, "70b3d50000000200"]
    shown = run(folder, "device", "status", "--tenant", "musterstadt").stdout
    assert "9 % !" in shown
    assert "-71/9" in shown
    assert "silent" in shown
    assert "stumm" in run(folder, "device", "status", language="de_DE.UTF-8").stdout


def test_trace_names_each_stage_and_what_to_do(folder: Path) -> None:
    result = run(folder, "trace", DEVICE.upper())
    assert result.exit_code == 0, result.output
    for word in ("✓ radio", "✓ delivered, logged", "✗ series", "'series' is 2 uplinks behind"):
        assert word in result.stdout, result.stdout
    german = run(folder, "trace", DEVICE, language="de_DE.UTF-8").stdout
    assert "✓ Funk" in german
    assert "Als Nächstes: 'series' ist 2 Meldungen zurück" in german
    (found,) = documents(run(folder, "trace", DEVICE, "--json"))
    assert found["missing"]["why"] == "behind"
    assert [step["stage"] for step in found["steps"]][:3] == ["radio", "edge", "log"]
    assert found["steps"][0]["at"].startswith("2026-09-26T10:21:40")


def test_trace_of_what_nobody_registered_and_of_no_dev_eui(folder: Path) -> None:
    result = run(folder, "trace", "70b3d500000009ff")
    assert result.exit_code == 1
    assert "registry apply" in result.stdout
    assert run(folder, "trace", "linde").exit_code == 2


@pytest.mark.parametrize("source", TimeSource)
def test_whose_clock_it_was_has_a_german_word(source: TimeSource) -> None:
    assert clock_words({"clock": source.value}) != source.value


def test_there_is_a_sentence_for_every_reason() -> None:
    from stadtsinn.cli.trace_words import next_step
    from stadtsinn.cloud.operations.trace import Missing, Stage, Trace, Why

    for why in Why:
        told = {"since": at(0), "interval_s": 600, "edge": "rathaus", "follower": "series"}
        found = Trace(DEVICE, None, (), Missing(why, Stage.RADIO, told), (), ())
        assert next_step(found, at(NOW)).startswith(("Next: ", "Nothing is missing"))

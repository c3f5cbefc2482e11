"""`stadtsinn archive` and `stadtsinn redecode` as an operator uses them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from by_night import others_by_night
from databases import add_tenant, migrated_database
from fake_uplinks import LSE01_PAYLOAD, NINE, at, entry, register, uplink
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import DAY, SECOND
from stadtsinn.cli.archive import archive
from stadtsinn.cli.redecode import redecode
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.log.cursors.repository import ensure_cursor, move_cursor
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Decoded, Reading

pytestmark = pytest.mark.slow

DEVICE, CONSTANT = "70b3d50000000100", "70b3d50000000101"
OLD = Decoded("dragino/lse01@0", (Reading("soil_moisture", 12.5), Reading("tilt", 1.0)))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose log and series were made by an older catalogue, over three days."""
    monkeypatch.setenv("LC_ALL", "C")
    SharedClock.create(tmp_path / "clock", at(10 * DAY / SECOND))
    path = tmp_path / "cloud.toml"
    path.write_text(f'clock = "shared:{tmp_path / "clock"}"\n[archive]\nfolder = "old-days"\n')
    return path


@pytest.fixture
def database(config: Path) -> Iterator[Database]:
    folder = config.parent
    opened = migrated_database(folder / "stadtsinn.sqlite")
    add_tenant(opened)
    register(opened, DEVICE, CONSTANT)
    ups = [
        uplink(n, n * 3600, dev_eui=DEVICE, payload=LSE01_PAYLOAD, device_type="dragino/lse01")
        for n in range(60)
    ]
    with opened.write() as connection:
        append(connection, [entry(up, outcome=OLD) for up in ups], NINE)
        for name in ("live", "alerts"):
            ensure_cursor(connection, name, NINE)
            move_cursor(connection, name, 0, head(connection), NINE)
    store = open_store(str(folder / "series.sqlite"))
    follower = SeriesFollower(store, DirectoryCache(opened))
    window = LogWindow(Archive(folder / "old-days"))
    FollowerLoop(opened, follower, SharedClock(folder / "clock"), window=window).run_once()
    store.close()
    yield opened
    opened.dispose()


def call(function: object, config: Path, *arguments: str) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(function)  # type: ignore[type-var]
    result = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    return result.exit_code, result.stdout, result.stderr


WHOLE = ("--from", "2026-09-26", "--to", "2026-09-30")


def test_days_are_archived_and_listed(config: Path, database: Database) -> None:
    code, said, _ = call(archive, config, "--before", "2026-09-28", "--json")
    days = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert [(day["day"], day["uplinks"], day["archived"]) for day in days] == [
        ("2026-09-26", 17, True),
        ("2026-09-27", 24, True),
    ]
    assert all((config.parent / "old-days" / day["file"]).stat().st_size for day in days)
    assert "nothing to do" in call(archive, config, "--before", "2026-09-28")[1]
    with database.read() as connection:
        assert len(read_after(connection, Archive(config.parent / "old-days"), 0, 100)) == 60


def test_a_day_that_a_follower_needs_stays_with_the_reason(
    config: Path, database: Database
) -> None:
    with database.write() as connection:
        move_cursor(connection, "alerts", head(connection), 3, NINE)
    _, said, _ = call(archive, config, "--before", "2026-09-28")
    assert "2026-09-26  not yet: the follower 'alerts' is at position 3" in said


@pytest.mark.parametrize("jobs", others_by_night(["1", "2"], ["2"]))
def test_a_dry_run_shows_what_the_run_then_does(
    config: Path, database: Database, jobs: str
) -> None:
    call(archive, config, "--before", "2026-09-28")
    code, planned, _ = call(redecode, config, *WHOLE, "--dry-run", "--json", "--jobs", jobs)
    assert code == 0
    *devices, whole = [json.loads(line) for line in planned.splitlines()]
    assert [one["dev_eui"] for one in devices] == [DEVICE]
    assert devices[0]["decoders"] == [
        {"old": "dragino/lse01@0", "new": whole["decoders"][0]["new"], "uplinks": 60}
    ]
    series = {one["quantity"]: one for one in devices[0]["series"]}
    assert (series["soil_moisture"]["changed"], series["tilt"]["gone"]) == (60, 60)
    assert series["soil_moisture"]["unit"] == "%"
    assert series["soil_moisture"]["largest_difference"] == pytest.approx(7.07)
    assert series["battery_voltage"]["new"] == 60
    assert (whole["dry_run"], whole["uplinks"], whole["differing"]) == (True, 60, 60)
    _, done, _ = call(redecode, config, *WHOLE, "--json", "--jobs", jobs)
    *same, ran = [json.loads(line) for line in done.splitlines()]
    assert same == devices
    assert ran == {**whole, "dry_run": False, "redecoding": 1}
    store = open_store(str(config.parent / "series.sqlite"))
    assert {key.quantity for key in store.series("musterstadt", DEVICE)} == set(series) - {"tilt"}
    store.close()


def test_people_read_what_changes_in_their_language(
    config: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said, _ = call(redecode, config, *WHOLE, "--dry-run")
    assert "soil_moisture: 60 changed (by 7.07 % at most)" in said
    assert "Dry run: 60 of 60 uplinks would be logged otherwise, 1 device." in said
    assert "Live occupancy, alerts and messages of the past are not changed." in said
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    _, german, _ = call(redecode, config, *WHOLE, "--dry-run")
    assert "soil_moisture: 60 geändert (um höchstens 7.07 %)" in german
    assert "Belegung, Alarme und Nachrichten der Vergangenheit bleiben unverändert." in german


def test_a_day_is_berlins_and_an_instant_is_exact(config: Path, database: Database) -> None:
    """The 27th in Berlin: 24 of the hourly uplinks; `--to` includes its day."""
    for since, until, count in [
        ("2026-09-27", "2026-09-27", 24),
        ("2026-09-26T09:00:00+02:00", "2026-09-26T11:00:00+02:00", 2),
        ("2026-09-26T07:00:00Z", "2026-09-26", 15),
    ]:
        _, said, _ = call(redecode, config, "--from", since, "--to", until, "--dry-run", "--json")
        assert json.loads(said.splitlines()[-1])["uplinks"] == count, since


def test_past_runs_are_listed(config: Path, database: Database) -> None:
    assert "Nothing was decoded again yet" in call(redecode, config, "--list")[1]
    call(redecode, config, *WHOLE, "--device", "DRAGINO/LSE01", "--tenant", "musterstadt")
    _, listed, _ = call(redecode, config, "--list", "--json")
    record = json.loads(listed)
    assert record["devices"] == ["dragino/lse01"]
    assert record["tenant"] == "musterstadt"
    assert record["from"] == "2026-09-26T00:00:00+02:00"
    assert record["to"] == "2026-10-01T00:00:00+02:00"
    assert record["finished"] is not None
    assert "@" in record["by"]
    assert record["decoders"][0]["uplinks"] == 60
    assert "dragino/lse01@0 → " in call(redecode, config, "--list")[1]
    assert "Nothing was interrupted" in call(redecode, config, "--continue")[1]


REFUSALS = [
    (archive, ("--before", "yesterday"), "give one like 2026-10-01"),
    (archive, ("--before", "2026-12-01"), "only days that are over"),
    (redecode, ("--from", "2026-09-26"), "give the range with --from and --to"),
    (redecode, ("--from", "2026-09-28", "--to", "2026-09-26"), "swap them"),
    (redecode, ("--from", "gestern", "--to", "2026-09-26"), "--from 'gestern' is no time"),
]


@pytest.mark.parametrize(("command", "arguments", "remedy"), REFUSALS)
def test_refusals_name_the_remedy(
    config: Path, database: Database, command: object, arguments: tuple[str, ...], remedy: str
) -> None:
    code, _, refused = call(command, config, *arguments)
    assert code in (1, 2)
    assert remedy in refused


def test_two_at_once_are_refused(config: Path, database: Database) -> None:
    with rewriting_history(database):
        for command, arguments in ((archive, ("--before", "2026-09-28")), (redecode, WHOLE)):
            code, _, refused = call(command, config, *arguments)
            assert code == 1
            assert "wait until it has ended" in refused


def test_a_missing_archive_is_named(config: Path, database: Database) -> None:
    call(archive, config, "--before", "2026-09-28")
    (config.parent / "old-days").rename(config.parent / "elsewhere")
    code, _, refused = call(redecode, config, *WHOLE, "--dry-run")
    assert code == 1
    assert "mount or restore that folder, or correct [archive] folder" in refused

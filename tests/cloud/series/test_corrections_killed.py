"""Corrections on real servers: killed at each step nobody sees half; a fresh start ends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import real_correcting_child
from api_callers import HOME
from by_night import others_by_night
from databases import fresh_database, fresh_postgres, shared_cluster
from influx_servers import GENERATIONS
from loaded_child import run_child
from moving_sensors import DEVICES, STATIONS, MovingSensors, State, minute
from real_series import SeriesAddress, fresh_address, open_at
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.repository import streams_of
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore
from stadtsinn.cloud.town.stations import service

pytestmark = pytest.mark.slow

LINDE, EICHE = STATIONS
OLD, NEW, _ = DEVICES

STEPS = [
    "rewriting.begun",
    "rewriting.begun:3",
    "rewriting.some_staged",
    "corrections.staged",
    "corrections.replaced",
    "corrections.replaced:2",
    "corrections.streams_settled",
    "corrections.streams_settled:3",
    "corrections.done",
    "series.prepared",
    "series.applied",
]
STEPS_OF_INFLUXDB = [
    "series.begun:2",
    "series.switched",
    "series.old_deleted:2",
    "series.page_in_place",
    "series.page_in_place:2",
    "series.in_place:2",
    "series.settled",
    "series.aside_forgotten:2",
]
TELLING_INFLUXDB = ["series.switched", "series.in_place:2"]
STEPS_OF_THE_FILE = ["series.exchanging", "series.exchanging:3"]

SMALL = "sqlite+embedded"
LARGE = [f"postgres+{generation}" for generation in GENERATIONS]
MIXED = ["postgres+embedded", "sqlite+influxdb_1_8"]
"""Databases and stores meet only in the table of replacements."""


@dataclass
class Installation:
    """A town whose sensors move, and what another process needs to open it."""

    sensors: MovingSensors
    address: SeriesAddress

    def open_again(self) -> SeriesStore:
        return open_at(self.address, self.sensors.database)

    def child(self, crash_at: str = "") -> int:
        """Run the process that corrects and follows; its exit code."""
        folder, database = str(self.sensors.folder), url_of(self.sensors.database)
        given = (folder, database, *self.address)
        return run_child(real_correcting_child.main, *given, crash_at=crash_at)


def url_of(database: Database) -> str:
    url = database.engine.url.render_as_string(hide_password=False)
    return url.replace("postgresql+psycopg", "postgresql")


@pytest.fixture
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An hour of two devices; the second was put in at the half hour, which nobody noted. A part
    is archived, and some values have times of their own."""
    database_kind, store_kind = request.param.split("+")
    with ExitStack() as ending:
        if database_kind == "postgres":
            database = ending.enter_context(fresh_postgres(shared_cluster()))
        else:
            database = fresh_database(tmp_path)
            ending.callback(database.dispose)
        if store_kind == "embedded":
            address = SeriesAddress(str(tmp_path / "moving.sqlite"))
        else:
            address = fresh_address(request.getfixturevalue(store_kind))
        store = open_at(address, database)
        ending.callback(store.close)
        ending.callback(store.drop_tenant, HOME)
        sensors = MovingSensors(tmp_path, store, database)
        furnish(sensors)
        yield Installation(sensors, address)


def furnish(sensors: MovingSensors) -> None:
    sensors.change(service.move_device, OLD, LINDE, minute(0))
    for number in range(0, 60, 5):
        sensors.send(0, number)
        sensors.send(1, number + 1)
    sensors.send(1, 2 * 1440, own_minute=40)
    sensors.follow()
    sensors.correct()
    sensors.archive_days(minute(1440))


def swap_noted_late(sensors: MovingSensors) -> None:
    """The boundary moves into the past, and one part is taken to the other station."""
    assert sensors.change(service.swap_device, OLD, NEW, minute(30))
    assert sensors.change(service.move_device, OLD, EICHE, minute(30))


def of_station(state: State, station: str) -> State:
    return {key: points for key, points in state.items() if key.station == station}


@contextmanager
def watched(installation: Installation, allowed: list[State]) -> Iterator[None]:
    """While the block runs, each series is read again and again: it is one of those allowed."""
    keys = {key for state in allowed for key in state}
    done, failures, rounds = threading.Event(), list[object](), [0]

    def watch() -> None:
        reader = installation.open_again()
        while not done.is_set() or not rounds[0]:
            for key in keys:
                found = read(reader, key)
                if found not in [state.get(key, []) for state in allowed]:
                    failures.append((key, found))
            rounds[0] += 1
        reader.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert rounds[0]
    assert failures == []


def read(store: SeriesStore, key: SeriesKey) -> list[tuple[int, float, str, str]]:
    samples = store.read(HOME, key, Instant(0), Instant(2**52), include_doubtful=True)
    return [(s.time, s.value, s.quality.value, s.dev_eui) for s in samples]


def killed_and_started_again(installation: Installation, crash_at: str) -> None:
    sensors = installation.sensors
    before = sensors.state()
    swap_noted_late(sensors)
    after = sensors.built_from_the_log()
    assert before != after
    sensors.send(2, 70)  # waits in the log for the follower of the child, and feeds another station
    stations = {key.station for key in {*before, *after}}
    with watched(installation, [before, after]):
        assert installation.child(crash_at) == -9
    wreck = sensors.state(installation.open_again())
    for station in stations:
        allowed = [of_station(state, station) for state in (before, after)]
        assert of_station(wreck, station) in allowed, station
    with watched(installation, [before, after]):
        assert installation.child() == 0
    ended = sensors.built_from_the_log()
    assert sensors.state(installation.open_again()) == ended
    assert sensors.corrector.waiting() == 0
    with sensors.database.read() as connection:
        for station in stations:
            streams = streams_of(connection, HOME, station)
            assert streams == set(of_station(ended, station)), station
    assert installation.child() == 0
    assert sensors.state(installation.open_again()) == ended


@pytest.mark.sweep
@pytest.mark.parametrize("installation", [SMALL], indirect=True)
@pytest.mark.parametrize("crash_at", STEPS)
def test_killed_at_each_step(installation: Installation, crash_at: str) -> None:
    killed_and_started_again(installation, crash_at)


@pytest.mark.parametrize("installation", LARGE, indirect=True)
@pytest.mark.parametrize("crash_at", others_by_night(STEPS, ["corrections.replaced"]))
def test_killed_at_each_step_on_servers(installation: Installation, crash_at: str) -> None:
    killed_and_started_again(installation, crash_at)


@pytest.mark.parametrize("installation", MIXED, indirect=True)
def test_killed_with_other_pairs_of_servers(installation: Installation) -> None:
    killed_and_started_again(installation, "corrections.replaced:2")


@pytest.mark.parametrize("installation", LARGE, indirect=True)
@pytest.mark.parametrize("crash_at", others_by_night(STEPS_OF_INFLUXDB, TELLING_INFLUXDB))
def test_killed_between_the_steps_that_influxdb_takes(
    installation: Installation, crash_at: str
) -> None:
    killed_and_started_again(installation, crash_at)


@pytest.mark.parametrize("installation", [SMALL], indirect=True)
@pytest.mark.parametrize("crash_at", STEPS_OF_THE_FILE)
def test_killed_inside_the_transaction_of_the_file(
    installation: Installation, crash_at: str
) -> None:
    killed_and_started_again(installation, crash_at)

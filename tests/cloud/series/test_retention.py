"""Values past the retention of their datastream: nobody reads them, nothing brings them back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from api_callers import HOME
from by_night import others_by_night
from databases import add_tenant, fresh_database
from fake_uplinks import at, register
from influx_servers import GENERATIONS
from moving_sensors import DEVICES, STATIONS, MovingSensors, minute
from real_parts import InfluxServer
from real_series import influx_store
from stadtsinn.base.backoff import wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy, rewriting_history
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.corrections.preview import preview
from stadtsinn.cloud.series.repository import forget_empty, make_streams, streams_of
from stadtsinn.cloud.series.retention.kept import KeptSeries
from stadtsinn.cloud.series.retention.worker import RetentionWorker
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Point,
    SeriesKey,
    SeriesReader,
    SeriesStore,
    SeriesUnavailable,
    Span,
    Window,
)
from stadtsinn.cloud.town import service as town
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations import service
from stadtsinn.cloud.town.stations.tables import datastreams
from stadtsinn.decoders.reading import Quality

pytestmark = pytest.mark.slow

LINDE, EICHE = STATIONS
TREE = "70b3d57ed0000001"
MOISTURE, WARMTH = (SeriesKey(LINDE, name) for name in ("soil_moisture", "soil_temperature"))
EVER = (Instant(0), Instant(2**52))
START = at(0)


def keep(database: Database, days: int | None, *keys: SeriesKey) -> None:
    """Set the retention of datastreams, as the API does."""
    with town.change(database) as connection:
        for key in keys:
            make_streams(connection, {(HOME, key): START})
            connection.execute(
                update(datastreams)
                .where(datastreams.c.quantity == key.quantity, datastreams.c.channel == key.channel)
                .values(retention_days=days)
            )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = fresh_database(tmp_path)
    add_tenant(made, HOME)
    yield made
    made.dispose()


@pytest.fixture(params=["embedded", *GENERATIONS])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, database: Database
) -> Iterator[SeriesStore]:
    if request.param == "embedded":
        opened = open_store(str(tmp_path / "series.sqlite"))
    else:
        opened = influx_store(request.getfixturevalue(request.param), database)
    yield opened
    opened.drop_tenant(HOME)
    opened.close()


def answers(series: SeriesReader, key: SeriesKey, around: Instant) -> list[Any]:
    """All that can be asked of a series, with ranges that begin before, at and after a time."""
    found: list[Any] = [series.latest(HOME, None).get(key)]
    found.append(series.latest(HOME, [key.station], quantity=key.quantity).get(key))
    found.append(key in series.series(HOME, key.station))
    for start in (Instant(0), Instant(around - 1), around, Instant(around + HOUR)):
        found.append(series.read(HOME, key, start, EVER[1]))
        found.append(series.read(HOME, key, start, EVER[1], include_doubtful=True))
        found.append(series.read(HOME, key, start, Instant(around + 5 * HOUR), limit=2))
        for how in Aggregate:
            # InfluxDB makes windows from its own first value on: not since the beginning of time.
            since = Instant(max(start, around - 30 * DAY))
            bounds = since, Instant(around + 30 * DAY)
            found += [series.aggregate(HOME, key, *bounds, Window.HOUR, how)]
            found += [series.aggregate(HOME, key, *bounds, Window.DAY, how)]
    return found


@pytest.mark.parametrize("seed", others_by_night(range(4), [0]))
def test_answers_are_those_of_a_store_without_it_before_and_after_it_is_deleted(
    seed: int, store: SeriesStore, database: Database, tmp_path: Path
) -> None:
    """Random series with values on both sides of the moment, at it and a microsecond beside."""
    choice = random.Random(seed)
    register(database, TREE, tenant_id=HOME)
    keys = [
        SeriesKey(TREE, name, channel)
        for name in ("soil_moisture", "soil_temperature", "people_in_total")
        for channel in ("", "30cm")
    ]
    days = {key: choice.choice([None, 1, 2, 3]) for key in keys}
    clock = ManualClock(Instant(START + 20 * DAY))
    for key in keys:
        keep(database, days[key], key)
    points = []
    for key in keys:
        edge = clock.now() - (days[key] or 2) * DAY
        near = {edge, edge + choice.choice([-1, 1])} if choice.random() < 0.7 else set()
        times = near | {edge + choice.randrange(-40, 40) * HOUR // 2 for _ in range(12)}
        for time in sorted(times):
            quality = choice.choice([Quality.GOOD, Quality.GOOD, Quality.BAD])
            value = float(choice.randrange(50))
            point = Point(HOME, "soil", key, Instant(time), value, quality, choice.choice(DEVICES))
            points.append(point)
    assert store.write(points) == []
    kept = open_store(str(tmp_path / "kept.sqlite"))
    limits = {key: Instant(clock.now() - limit * DAY) for key, limit in days.items() if limit}
    kept.write([one for one in points if one.time >= limits.get(one.key, 0)])

    seen = KeptSeries(store, database, clock)
    for _ in range(2):
        for key in keys:
            around = limits.get(key, clock.now())
            assert answers(seen, key, around) == answers(kept, key, around), key
        store.expire(HOME, {key: (Instant(0), limit) for key, limit in limits.items()})
    if isinstance(store, EmbeddedStore):
        for key in keys:
            left = store.read(HOME, key, *EVER, include_doubtful=True)
            assert left == kept.read(HOME, key, *EVER, include_doubtful=True), key
    kept.close()


def test_influxdb_deletes_a_point_when_all_its_quantities_are_past(
    influx: InfluxServer, database: Database
) -> None:
    store = influx_store(influx, database)
    battery, warmth, deep = (
        SeriesKey(LINDE, "battery_voltage"),
        SeriesKey(LINDE, "soil_temperature"),
        SeriesKey(LINDE, "battery_voltage", "30cm"),
    )
    other = SeriesKey(EICHE, "battery_voltage")
    times = [Instant(START + day * DAY) for day in range(6)]
    for key in (battery, warmth, deep, other):
        store.write([Point(HOME, "soil", key, time, 1.0, dev_eui="a840") for time in times])

    def left(key: SeriesKey) -> list[int]:
        return [times.index(one.time) for one in store.read(HOME, key, *EVER)]

    spans: dict[SeriesKey, Span] = {battery: (times[0], times[4]), deep: (times[0], times[3])}
    store.expire(HOME, spans)
    assert (left(battery), left(warmth)) == ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5])
    assert (left(deep), left(other)) == ([3, 4, 5], [0, 1, 2, 3, 4, 5])
    store.expire(HOME, {**spans, warmth: (times[0], times[2])})
    assert (left(battery), left(warmth)) == ([2, 3, 4, 5], [2, 3, 4, 5])
    assert left(other) == [0, 1, 2, 3, 4, 5]
    with rewriting_history(database), pytest.raises(HistoryBusy):
        store.expire(HOME, spans)
    store.drop_tenant(HOME)
    store.close()


@pytest.fixture(params=["embedded", *GENERATIONS])
def sensors(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MovingSensors]:
    """A sensor has measured at the lime tree twice a day for ten days; then somebody says that
    moisture is kept for five days."""
    database = fresh_database(tmp_path)
    store = None
    if request.param in GENERATIONS:
        store = influx_store(request.getfixturevalue(request.param), database)
    made = MovingSensors(tmp_path, store, database)
    made.change(service.move_device, DEVICES[0], LINDE, minute(0))
    for half_day in range(20):
        made.send(0, half_day * 720)
    made.follow()
    made.correct()
    made.clock.set(minute(10 * 1440))
    keep(database, 5, MOISTURE)
    made.directory.renew()
    made.archive_days(minute(3 * 1440))
    yield made
    made.store.drop_tenant(HOME)
    made.store.close()
    database.dispose()


def say(sensors: MovingSensors, days: int | None, key: SeriesKey) -> None:
    """Set a retention; the follower hears of it, as it does within 0.2 s."""
    keep(sensors.database, days, key)
    sensors.directory.renew()


def half_days(sensors: MovingSensors, key: SeriesKey) -> list[int]:
    """What everybody reads, in half days after the first value."""
    seen = KeptSeries(sensors.store, sensors.database, sensors.clock)
    found = seen.read(HOME, key, *EVER)
    return [(one.time - minute(0)) // (DAY // 2) for one in found]


def stored(sensors: MovingSensors, key: SeriesKey) -> int:
    return len(sensors.store.read(HOME, key, *EVER))


def test_a_rebuild_brings_back_what_is_kept_and_nothing_else(sensors: MovingSensors) -> None:
    assert half_days(sensors, MOISTURE) == [*range(10, 20)]
    assert stored(sensors, MOISTURE) == 20  # nothing was deleted yet
    rebuild(sensors.database, sensors.follower, sensors.clock, sensors.archive)
    sensors.follow()
    assert (stored(sensors, MOISTURE), stored(sensors, WARMTH)) == (10, 20)
    say(sensors, 8, MOISTURE)
    assert half_days(sensors, MOISTURE) == [*range(10, 20)]
    rebuild(sensors.database, sensors.follower, sensors.clock, sensors.archive)
    sensors.follow()
    assert half_days(sensors, MOISTURE) == [*range(4, 20)]
    say(sensors, None, MOISTURE)
    rebuild(sensors.database, sensors.follower, sensors.clock, sensors.archive)
    sensors.follow()
    assert half_days(sensors, MOISTURE) == [*range(20)]


def test_a_correction_brings_back_nothing_and_its_preview_says_so(sensors: MovingSensors) -> None:
    """The sensor was at the oak from the second day on: nine days, five of them are kept."""

    def moved(connection: Any) -> None:
        service.move_device(connection, sensors.editor, DEVICES[0], EICHE, minute(1440))

    at_oak, warmth_there = (SeriesKey(EICHE, key.quantity) for key in (MOISTURE, WARMTH))
    say(sensors, 5, at_oak)
    seen = KeptSeries(sensors.store, sensors.database, sensors.clock)
    parts = sensors.database, sensors.archive, seen, sensors.clock
    found = {one.key: (one.removed, one.added) for one in preview(*parts, HOME, moved)}
    assert found == {MOISTURE: (10, 0), at_oak: (0, 10), WARMTH: (18, 0), warmth_there: (0, 18)}
    with town.change(sensors.database) as connection:
        moved(connection)
    sensors.correct()
    assert (half_days(sensors, MOISTURE), half_days(sensors, WARMTH)) == ([], [0, 1])
    assert half_days(sensors, at_oak) == [*range(10, 20)]
    assert (stored(sensors, at_oak), stored(sensors, warmth_there)) == (10, 18)


def test_an_uplink_that_comes_late_brings_nothing_back(sensors: MovingSensors) -> None:
    sensors.send(0, 5 * 1440)
    sensors.send(0, 5 * 1440 - 1)
    sensors.follow()
    assert stored(sensors, MOISTURE) == 20  # the first one was there already
    assert stored(sensors, WARMTH) == 21


def test_the_worker_deletes_in_the_stores_interval(sensors: MovingSensors) -> None:
    worker = RetentionWorker(sensors.store, sensors.directory, sensors.clock, pause_s=0)
    say(sensors, 7, WARMTH)
    worker.run_if_due()
    shared = not isinstance(sensors.store, EmbeddedStore)  # both quantities are one point
    assert (stored(sensors, MOISTURE), stored(sensors, WARMTH)) == (14 if shared else 10, 14)
    sensors.clock.advance(sensors.store.expiry_interval - 1)
    before = stored(sensors, WARMTH)
    worker.run_if_due()
    assert stored(sensors, WARMTH) == before
    sensors.clock.advance(2 * DAY)
    worker.run_if_due()
    assert stored(sensors, WARMTH) == len(half_days(sensors, WARMTH)) < before


class Recorder:
    """A store that keeps what is to be deleted, and may be away."""

    expiry_interval = HOUR

    def __init__(self) -> None:
        self.asked: list[dict[SeriesKey, Span]] = []
        self.away = False

    def expire(self, tenant_id: str, past: dict[SeriesKey, Span]) -> None:
        assert tenant_id == HOME
        if self.away:
            raise SeriesUnavailable("it does not answer", "fort")
        self.asked.append(past)


@pytest.fixture
def recorder(database: Database) -> Recorder:
    register(database, LINDE, tenant_id=HOME)
    return Recorder()


def test_an_old_history_is_searched_once(database: Database, recorder: Recorder) -> None:
    clock = ManualClock(Instant(START + 100 * DAY))
    directory = DirectoryCache(database, monotonic=lambda: 0.0)
    worker = RetentionWorker(recorder, directory, clock, pause_s=0)  # type: ignore[arg-type]

    def asked(days: int | None) -> tuple[float, float]:
        """From and until which day, after another hour with this retention."""
        keep(database, days, MOISTURE)
        directory.renew()
        recorder.asked.clear()
        worker.run_if_due()
        clock.advance(HOUR)
        spans = [past[MOISTURE] for past in recorder.asked]
        if not spans:
            return (0, 0)
        return tuple(round((moment - START) / DAY, 2) if moment else 0 for moment in spans[0])  # type: ignore[return-value]

    assert asked(90) == (0, 10)
    assert asked(90) == (9, 10.04)
    assert asked(30) == (9.04, 70.08)
    assert asked(60) == (39.12, 40.12)  # a rebuild may have brought back what is kept now
    assert asked(30) == (39.12, 70.17)
    assert asked(None) == (0, 0)
    assert asked(30) == (0, 70.25)


def test_what_could_not_be_deleted_is_tried_again(database: Database, recorder: Recorder) -> None:
    keep(database, 1, MOISTURE)
    clock = ManualClock(Instant(START + 9 * DAY))
    worker = RetentionWorker(recorder, DirectoryCache(database), clock, pause_s=0)  # type: ignore[arg-type]
    recorder.away = True
    with pytest.raises(SeriesUnavailable):
        worker.run_if_due()
    recorder.away = False
    worker.run_if_due()
    assert [past[MOISTURE] for past in recorder.asked] == [(0, clock.now() - DAY)]


def test_the_thread_says_in_health_what_it_cannot_do(
    database: Database, recorder: Recorder
) -> None:
    keep(database, 1, MOISTURE)
    clock = ManualClock(Instant(START + 9 * DAY))
    directory = DirectoryCache(database)
    worker = RetentionWorker(recorder, directory, clock, pause_s=0)  # type: ignore[arg-type]
    recorder.away = True
    worker.start()
    assert wait_until(lambda: not worker.check().ok, timeout=60)
    assert "it does not answer" in worker.check().detail
    recorder.away = False
    assert wait_until(lambda: worker.check().ok and bool(recorder.asked), timeout=60)
    worker.stop()


def test_a_datastream_without_values_keeps_its_retention(
    database: Database, recorder: Recorder
) -> None:
    keep(database, 90, MOISTURE)
    keep(database, None, WARMTH)
    with database.write() as connection:
        forget_empty(connection, HOME, LINDE, [])
        assert streams_of(connection, HOME, LINDE) == {MOISTURE}

"""Replacing part of a station's series: readers see the old or the new one, whatever happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

import real_replacing_child
from databases import fresh_database
from fake_influx import keeping
from influx_servers import GENERATIONS
from loaded_child import run_child
from real_parts import InfluxServer
from real_series import SeriesAddress, fresh_address, influx_store, open_at
from series_parts import (
    COUNTER,
    EIGHT,
    EVER,
    MOISTURE,
    PART,
    STATION,
    TEMPERATURE,
    TOWN,
    UPLINKS,
    morning,
    part_points,
    point,
)
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.series.stores import counters
from stadtsinn.cloud.series.stores.influxdb import http
from stadtsinn.cloud.series.stores.influxdb import store as influxdb
from stadtsinn.cloud.series.stores.influxdb.generations import generation_of
from stadtsinn.cloud.series.stores.influxdb.replacing import aside
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Sample,
    SeriesKey,
    SeriesRejected,
    SeriesStore,
    Window,
)
from stadtsinn.decoders.reading import Quality

pytestmark = pytest.mark.slow

Open = Callable[[], SeriesStore]


@pytest.fixture(params=["embedded", *GENERATIONS])
def again(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the same store once more, as another process does."""
    opened: list[SeriesStore] = []
    database = fresh_database(tmp_path)
    if request.param == "embedded":
        address = SeriesAddress(str(tmp_path / "series.sqlite"))
    else:
        address = fresh_address(request.getfixturevalue(request.param))

    def open_one() -> SeriesStore:
        opened.append(open_at(address, database))
        return opened[-1]

    yield open_one
    open_one().drop_tenant(TOWN)
    for store in opened:
        store.close()
    database.dispose()


def values(store: SeriesStore, key: SeriesKey = MOISTURE) -> list[float]:
    return [sample.value for sample in store.read(TOWN, key, *EVER)]


def replace_with(store: SeriesStore, value: float) -> None:
    store.begin_replacement(PART)
    assert store.stage(part_points(value)) == []
    store.finish_replacement(TOWN, STATION)


def test_the_part_is_new_and_what_lies_around_it_stays(again: Open) -> None:
    store = again()
    store.write(morning())
    replace_with(store, 7.0)
    for reader in (store, again()):
        assert values(reader) == [1.0] * 30 + [7.0] * 30 + [1.0] * 30
        assert values(reader, COUNTER) == [float(n) for n in range(UPLINKS)]


def test_readers_see_the_old_series_until_it_is_finished(again: Open) -> None:
    store, reader = again(), again()
    store.write(morning())
    store.begin_replacement(PART)
    store.stage([*part_points(7.0), point(TEMPERATURE, 40, 21.5)])
    assert values(reader) == [1.0] * UPLINKS
    assert reader.series(TOWN, STATION) == [COUNTER, MOISTURE]
    assert TEMPERATURE not in reader.latest(TOWN, None)
    store.finish_replacement(TOWN, STATION)
    assert reader.series(TOWN, STATION) == [COUNTER, MOISTURE, TEMPERATURE]
    assert reader.latest(TOWN, None)[TEMPERATURE].value == 21.5
    assert reader.latest(TOWN, [STATION]) == reader.latest(TOWN, None)


def test_values_vanish_appear_and_change_their_quality(again: Open) -> None:
    """What `write` alone cannot do: InfluxDB takes no single good value back."""
    store = again()
    store.write([point(MOISTURE, n, 50.0) for n in range(28, 33)])
    store.write([point(COUNTER, 31, 5.0)])
    store.begin_replacement(PART)
    store.stage([point(MOISTURE, 30, 240.0, Quality.BAD), point(MOISTURE, 31.5, 12.0)])
    store.finish_replacement(TOWN, STATION)
    found = store.read(TOWN, MOISTURE, *EVER, include_doubtful=True)
    assert [((s.time - EIGHT) / MINUTE, s.value, s.quality) for s in found] == [
        (28, 50.0, Quality.GOOD),
        (29, 50.0, Quality.GOOD),
        (30, 240.0, Quality.BAD),
        (31.5, 12.0, Quality.GOOD),
    ]
    assert store.read(TOWN, COUNTER, *EVER) == []
    assert store.series(TOWN, STATION) == [MOISTURE]
    assert store.latest(TOWN, None) == {
        MOISTURE: Sample(Instant(EIGHT + 31.5 * MINUTE), 12.0)  # type: ignore[arg-type]
    }


def test_what_is_written_meanwhile_by_another_process_is_not_lost(again: Open) -> None:
    store, follower = again(), again()
    store.write(morning())
    store.begin_replacement(PART)
    follower.write([point(MOISTURE, 40.5, 99.0), point(MOISTURE, 200, 98.0)])
    store.stage(part_points(7.0))
    follower.write([point(MOISTURE, 41.5, 97.0)])
    store.finish_replacement(TOWN, STATION)
    follower.write([point(MOISTURE, 42.5, 96.0)])
    found = values(again())
    assert sorted(value for value in found if value > 90) == [96.0, 97.0, 98.0, 99.0]
    assert len(found) == UPLINKS + 4


def test_a_part_that_another_device_measured_takes_its_place(again: Open) -> None:
    """A boundary was put right: the part is another device's, of another family even."""
    store = again()
    store.write([replace(p, dev_eui="a1") for p in morning()])
    store.begin_replacement(PART)
    store.stage([replace(p, dev_eui="b2", family="weather") for p in part_points(7.0)])
    again().write([replace(point(MOISTURE, 40.5, 9.0), dev_eui="b2")])
    store.finish_replacement(TOWN, STATION)
    for reader in (store, again()):
        found = reader.read(TOWN, MOISTURE, *EVER)
        assert [s.dev_eui for s in found] == ["a1"] * 30 + ["b2"] * 31 + ["a1"] * 30
        assert [s.value for s in found].count(7.0) == 30
        assert {s.dev_eui for s in reader.latest(TOWN, None).values()} == {"a1"}


def test_only_what_was_begun_is_staged(again: Open) -> None:
    store = again()
    other = SeriesKey("nordtor", "soil_moisture")
    store.begin_replacement(PART)
    store.stage([point(MOISTURE, 29, 1.0), point(MOISTURE, 60, 1.0), point(other, 40, 1.0)])
    store.stage([point(MOISTURE, 30, 2.0), point(MOISTURE, 59.999, 3.0)])
    store.finish_replacement(TOWN, STATION)
    assert values(store) == [2.0, 3.0]
    assert values(store, other) == []


def test_begun_again_it_starts_from_nothing_and_finished_twice_it_stays(again: Open) -> None:
    store = again()
    store.write(morning())
    store.begin_replacement(PART)
    store.stage(part_points(5.0))
    replace_with(again(), 7.0)
    for _ in range(2):
        store.finish_replacement(TOWN, STATION)
        assert values(store) == [1.0] * 30 + [7.0] * 30 + [1.0] * 30
    store.finish_replacement(TOWN, "nordtor")


def test_an_empty_part_is_emptied(again: Open) -> None:
    store = again()
    store.write(morning())
    store.begin_replacement(PART)
    store.finish_replacement(TOWN, STATION)
    assert len(values(store)) == 60


def check_one_state(store: SeriesStore) -> None:
    """Everything that is asked answers from one state: the part has one value throughout."""
    found = values(store)
    assert len(found) == UPLINKS
    assert len(set(found[30:60])) == 1, found
    assert found[:30] + found[60:] == [1.0] * 60
    means = store.aggregate(TOWN, MOISTURE, *_WINDOW, Window.HOUR, Aggregate.MEAN)
    assert [m.time for m in means] == [EIGHT, EIGHT + HOUR]
    assert (means[0].value * 60 - 30) % 30 == 0, means
    grown = store.aggregate(TOWN, COUNTER, *_WINDOW, Window.QUARTER_HOUR, Aggregate.COUNTER_DELTA)
    assert [g.value for g in grown] == [14.0] + [15.0] * 5
    steps = store.aggregate(TOWN, MOISTURE, *_WINDOW, Window.QUARTER_HOUR, Aggregate.COUNTER_DELTA)
    up = steps[2].value
    assert [s.value for s in steps] == [0, 0, up, 0, 1.0 if up else 0, 0]
    assert store.latest(TOWN, [STATION])[COUNTER] == Sample(Instant(EIGHT + 89 * MINUTE), 89.0)
    assert set(store.latest(TOWN, None)) == {MOISTURE, COUNTER}
    assert store.series(TOWN, STATION) == [COUNTER, MOISTURE]


_WINDOW = (EIGHT, Instant(EIGHT + 2 * HOUR))


def test_readers_at_the_same_time_never_see_a_mixture(
    again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influxdb, "_PAGE", 7)  # so that one answer takes many questions
    monkeypatch.setattr(counters, "_PAGE", 7)
    store = again()
    store.write(morning())
    done = threading.Event()
    failures: list[BaseException] = []
    seen: set[float] = set()

    def watch() -> None:
        reader = again()
        try:
            while not done.is_set():
                check_one_state(reader)
                seen.add(values(reader)[45])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=watch) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(2, 14):
        replace_with(store, float(number))
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert values(store)[45] == 13.0
    assert seen <= {float(n) for n in range(1, 14)}


def test_a_station_aside_is_nobodys_station(again: Open) -> None:
    """Not in a map, not by its name, whatever phase a replacement is in."""
    store = again()
    store.write(morning())
    store.begin_replacement(PART)
    store.stage(part_points(7.0))
    assert {key.station for key in store.latest(TOWN, None)} == {STATION}
    assert store.latest(TOWN, [aside(STATION)]) == {}


POINTS = ["switched", "old_deleted", "in_place", "settled"]


@pytest.mark.parametrize("crash_at", POINTS)
def test_killed_between_its_steps_readers_see_one_series_and_the_next_run_goes_on(
    influx: InfluxServer, tmp_path: Path, crash_at: str
) -> None:
    database, address = fresh_database(tmp_path), fresh_address(influx)
    store = open_at(address, database)
    store.write(morning())
    child, url = real_replacing_child.main, str(database.engine.url)
    assert run_child(child, url, "7", *address, crash_at=f"series.{crash_at}") == -9
    reader = open_at(address, database)
    check_one_state(reader)
    assert values(reader)[45] == 7.0  # switched is switched
    # the follower goes on beside the wreck
    reader.write([point(MOISTURE, 40.5, 99.0)])
    assert 99.0 in values(reader)
    assert run_child(child, url, "8", *address) == 0
    assert sorted(set(values(reader))) == [1.0, 8.0]  # the child's log does not know 40.5
    store.begin_replacement(PART)
    store.finish_replacement(TOWN, STATION)
    assert len(values(reader)) == 60
    store.drop_tenant(TOWN)
    database.dispose()


def test_killed_while_staging_nothing_has_changed(influx: InfluxServer, tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    store = influx_store(influx, database)
    store.write(morning())
    store.begin_replacement(PART)
    store.stage(part_points(7.0))  # and no more: the process is gone
    assert values(store) == [1.0] * UPLINKS
    store.write([point(MOISTURE, 40.5, 99.0)])
    assert 99.0 in values(store)
    replace_with(store, 8.0)
    assert values(store) == [1.0] * 30 + [8.0] * 30 + [1.0] * 30
    store.drop_tenant(TOWN)
    database.dispose()


def test_influxdb_2_deletes_the_part_by_its_times(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    with keeping("v2.7.1") as server:
        store = open_store(server.url, token="secret", org="town", database=database)
        store.begin_replacement(PART)
        assert server.deleted == [
            ("stadtsinn-musterstadt", f'station="%00aside%00{STATION}"'),
        ]
        server.deleted_times.clear()
        generation = generation_of(http.InfluxServer(server.url, "secret", "town"))
        generation.drop_range("stadtsinn-musterstadt", STATION, PART.start, PART.end)
        assert server.deleted[-1] == ("stadtsinn-musterstadt", f'station="{STATION}"')
        # to behind the last microsecond of the part, whether the server counts its stop in or not
        assert server.deleted_times == [
            ("2026-06-10T06:30:00Z", "2026-06-10T06:59:59.999999500Z"),
        ]
        store.close()
    database.dispose()


def test_a_store_that_cannot_replace_says_so_before_it_changes_anything(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    with keeping("3.8.0") as server:
        store = open_store(server.url, token="secret", database=database)
        with pytest.raises(SeriesRejected, match=r"use the embedded store, InfluxDB 1\.8 or 2"):
            store.begin_replacement(PART)
        alone = open_store(server.url, token="secret")
        with pytest.raises(SeriesRejected, match="give it to open_store"):
            alone.begin_replacement(PART)
        store.close()
        alone.close()
    database.dispose()

"""A station's series across a swap of its device, in every store: one line, nothing twice."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.series.stores import counters
from stadtsinn.cloud.series.stores.influxdb import store as influxdb
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Point,
    Sample,
    SeriesKey,
    SeriesStore,
    Window,
)
from stadtsinn.decoders.reading import Quality

TOWN, STATION = "musterstadt", "nordtor"
OLD, NEW = "a84041b42182fec7", "a84041b42182fec8"
TOTAL = SeriesKey(STATION, "people_in_total", "line_1")
WARMTH = SeriesKey(STATION, "temperature")
NOON = parse("2026-06-10T12:00:00+02:00")
EVER = (Instant(0), Instant(2**52))
FAMILIES = [("people_counter", "people_counter"), ("people_counter", "parking")]


def point(
    minutes: float,
    value: float,
    dev_eui: str,
    key: SeriesKey = TOTAL,
    family: str = "people_counter",
    quality: Quality = Quality.GOOD,
) -> Point:
    time = Instant(NOON + round(minutes * MINUTE))
    return Point(TOWN, family, key, time, value, quality, dev_eui)


def listed(samples: Sequence[Sample]) -> list[tuple[float, float, str]]:
    return [((s.time - NOON) / MINUTE, s.value, s.dev_eui) for s in samples]


def windows(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    return [((s.time - NOON) / MINUTE, s.value) for s in samples]


def swapped(families: tuple[str, str]) -> list[Point]:
    """A total up to 5003, then another device's, that begins at 7; from minute 20 the new one."""
    old = [point(n, 5000.0 + n / 5, OLD, family=families[0]) for n in (0, 5, 10, 15)]
    return [*old, *(point(n, 7.0 + n - 20, NEW, family=families[1]) for n in (20, 25, 30))]


@pytest.mark.parametrize("families", FAMILIES)
def test_a_swap_leaves_one_line_and_every_value_names_its_device(
    store: SeriesStore, families: tuple[str, str]
) -> None:
    assert store.write(swapped(families)) == []
    assert listed(store.read(TOWN, TOTAL, *EVER)) == [
        (0, 5000.0, OLD),
        (5, 5001.0, OLD),
        (10, 5002.0, OLD),
        (15, 5003.0, OLD),
        (20, 7.0, NEW),
        (25, 12.0, NEW),
        (30, 17.0, NEW),
    ]
    assert listed(store.read(TOWN, TOTAL, *EVER, limit=5))[-1] == (20, 7.0, NEW)
    assert store.series(TOWN, STATION) == [TOTAL]
    latest = {TOTAL: Sample(Instant(NOON + 30 * MINUTE), 17.0, dev_eui=NEW)}
    assert store.latest(TOWN, [STATION]) == store.latest(TOWN, None) == latest


@pytest.mark.parametrize("families", FAMILIES)
def test_between_the_totals_of_two_devices_nothing_grew(
    store: SeriesStore, monkeypatch: pytest.MonkeyPatch, families: tuple[str, str]
) -> None:
    monkeypatch.setattr(influxdb, "_PAGE", 2)
    monkeypatch.setattr(counters, "_PAGE", 2)
    store.write(swapped(families))
    store.write([point(35, 6000.0, OLD, family=families[0])])  # the old one comes back

    def grown(start: float) -> list[tuple[float, float]]:
        since = Instant(NOON + round(start * MINUTE))
        bounds = (since, Instant(NOON + DAY))
        counted = Aggregate.COUNTER_DELTA
        return windows(
            store.aggregate(
                TOWN, TOTAL, *bounds, Window.QUARTER_HOUR, counted, counter_modulus=2**16
            )
        )

    assert grown(0) == [(0, 2.0), (15, 1.0 + 5.0), (30, 5.0)]
    # The base of a range that begins with the swap is the old device's: none.
    assert grown(20) == [(15, 5.0), (30, 5.0)]
    assert grown(21) == [(15, 5.0), (30, 5.0)]
    assert grown(35) == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_two_devices_values_at_one_time_count_once_in_whatever_order_they_come(
    store: SeriesStore, order: tuple[int, ...]
) -> None:
    """As where a boundary was wrong for a moment: the greater DevEUI's counts."""
    points = [
        point(0, 10.0, OLD, WARMTH),
        point(10, 12.0, OLD, WARMTH),
        point(10, 20.0, NEW, WARMTH, family="weather"),
    ]
    for number in order:
        store.write([points[number]])
    store.write([points[number] for number in order])
    assert listed(store.read(TOWN, WARMTH, *EVER)) == [(0, 10.0, OLD), (10, 20.0, NEW)]
    latest = Sample(Instant(NOON + 10 * MINUTE), 20.0, dev_eui=NEW)
    assert store.latest(TOWN, None) == store.latest(TOWN, [STATION]) == {WARMTH: latest}
    for aggregate, value in (
        (Aggregate.MEAN, 15.0),
        (Aggregate.SUM, 30.0),
        (Aggregate.MIN, 10.0),
        (Aggregate.MAX, 20.0),
        (Aggregate.LAST, 20.0),
    ):
        for window in (Window.HOUR, Window.DAY):
            (found,) = store.aggregate(TOWN, WARMTH, *EVER, window, aggregate)
            assert found.value == value, aggregate


@pytest.mark.parametrize("families", FAMILIES)
def test_windows_with_a_swap_inside_hold_the_values_of_both(
    store: SeriesStore, families: tuple[str, str]
) -> None:
    store.write(
        [
            point(0, 30.0, OLD, WARMTH, families[0]),
            point(5, 10.0, OLD, WARMTH, families[0]),
            point(10, 20.0, NEW, WARMTH, families[1]),
            point(20, 7.0, NEW, WARMTH, families[1]),
        ]
    )
    expected = {
        Aggregate.MEAN: 20.0,
        Aggregate.SUM: 60.0,
        Aggregate.MIN: 10.0,
        Aggregate.MAX: 30.0,
        Aggregate.LAST: 20.0,
    }
    for aggregate, value in expected.items():
        found = store.aggregate(TOWN, WARMTH, *EVER, Window.QUARTER_HOUR, aggregate)
        assert windows(found) == [(0, value), (15, 7.0)], aggregate
    cut = (Instant(NOON + MINUTE), Instant(NOON + 15 * MINUTE))
    (mean,) = store.aggregate(TOWN, WARMTH, *cut, Window.QUARTER_HOUR, Aggregate.MEAN)
    assert mean.value == 15.0


def test_doubtful_values_of_two_devices_keep_their_devices(store: SeriesStore) -> None:
    store.write(
        [
            point(0, 10.0, OLD, WARMTH, quality=Quality.SUSPECT),
            point(5, 99.0, NEW, WARMTH, quality=Quality.BAD),
            point(10, 12.0, NEW, WARMTH),
        ]
    )
    found = store.read(TOWN, WARMTH, *EVER, include_doubtful=True)
    assert [(s.value, s.quality, s.dev_eui) for s in found] == [
        (10.0, Quality.SUSPECT, OLD),
        (99.0, Quality.BAD, NEW),
        (12.0, Quality.GOOD, NEW),
    ]


def test_one_devices_points_are_erased_wherever_it_was(store: SeriesStore) -> None:
    elsewhere = SeriesKey("suedtor", "temperature")
    store.write(
        [
            point(0, 10.0, NEW, WARMTH),
            point(5, 11.0, OLD, WARMTH),
            point(10, 12.0, OLD, elsewhere),
            point(10, 3.0, OLD),
        ]
    )
    store.drop_device(TOWN, OLD)
    assert listed(store.read(TOWN, WARMTH, *EVER)) == [(0, 10.0, NEW)]
    assert store.series(TOWN, "suedtor") == []
    assert store.series(TOWN, STATION) == [WARMTH]
    assert store.latest(TOWN, None) == {WARMTH: Sample(NOON, 10.0, dev_eui=NEW)}
    store.write([point(10, 13.0, OLD, elsewhere)])
    assert [s.value for s in store.read(TOWN, elsewhere, *EVER)] == [13.0]


def test_one_station_is_no_other_with_the_same_device(store: SeriesStore) -> None:
    """A device that was moved has a part of its history at each station."""
    there = SeriesKey("suedtor", "temperature")
    store.write([point(0, 1.0, OLD, WARMTH), point(60, 2.0, OLD, there)])
    assert listed(store.read(TOWN, WARMTH, *EVER)) == [(0, 1.0, OLD)]
    assert listed(store.read(TOWN, there, *EVER)) == [(60, 2.0, OLD)]
    store.drop_station(TOWN, STATION)
    assert store.read(TOWN, WARMTH, *EVER) == []
    assert store.latest(TOWN, None) == {there: Sample(Instant(NOON + HOUR), 2.0, dev_eui=OLD)}

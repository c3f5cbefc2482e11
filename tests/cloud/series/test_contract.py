"""What every series store does, whatever it keeps the points in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pytest

from stadtsinn.base.berlin import BERLIN
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, from_datetime
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Point,
    Sample,
    SeriesKey,
    SeriesStore,
    Window,
)
from stadtsinn.decoders.reading import Quality

TOWN, NEIGHBOUR = "musterstadt", "nachbarort"
STATION = "linde-am-markt"
OLD, NEW = "a84041b42182fec7", "a84041b42182fec8"
SOIL = SeriesKey(STATION, "soil_moisture")
EVER = (Instant(0), Instant(2_000_000_000 * SECOND))


def berlin(text: str) -> Instant:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=BERLIN))


NOON = berlin("2026-06-10T12:00")


def point(
    time: int,
    value: float,
    key: SeriesKey = SOIL,
    quality: Quality = Quality.GOOD,
    tenant: str = TOWN,
    family: str = "soil",
    dev_eui: str = "",
) -> Point:
    return Point(tenant, family, key, Instant(time), value, quality, dev_eui)


def write(store: SeriesStore, points: Sequence[Point]) -> None:
    assert store.write(points) == []


def pairs(samples: Sequence[Sample]) -> list[tuple[int, float]]:
    return [(sample.time, sample.value) for sample in samples]


def test_an_empty_store_answers_with_nothing(store: SeriesStore) -> None:
    store.ping()
    assert store.read(TOWN, SOIL, *EVER) == []
    assert store.aggregate(TOWN, SOIL, *EVER, Window.DAY, Aggregate.MEAN) == []
    assert store.aggregate(TOWN, SOIL, *EVER, Window.DAY, Aggregate.COUNTER_DELTA) == []
    assert store.latest(TOWN, [STATION]) == {}
    assert store.latest(TOWN, None) == {}
    assert store.series(TOWN, STATION) == []
    store.drop_station(TOWN, STATION)
    store.drop_device(TOWN, OLD)
    store.drop_tenant(TOWN)


def test_reads_back_exactly_what_was_written(store: SeriesStore) -> None:
    values = [0.1 + 0.2, -1e-9, 1e300, 0.0, 4294967295.0, 21.0, 5e-324]
    write(store, [point(NOON + i, value) for i, value in enumerate(values)])
    assert store.read(TOWN, SOIL, *EVER) == [
        Sample(Instant(NOON + i), value) for i, value in enumerate(values)
    ]


def test_writing_twice_changes_nothing(store: SeriesStore) -> None:
    points = [point(NOON + i * MINUTE, float(i)) for i in range(50)]
    write(store, points)
    write(store, points[20:])
    assert store.read(TOWN, SOIL, *EVER) == [Sample(p.time, p.value) for p in points]


def test_of_two_equal_points_the_last_stays(store: SeriesStore) -> None:
    write(store, [point(NOON, 1.0), point(NOON, 2.0)])
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON, 2.0)]
    write(store, [point(NOON, 3.0)])
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON, 3.0)]


def test_points_arrive_in_any_order(store: SeriesStore) -> None:
    write(store, [point(NOON + 3, 3.0), point(NOON + 1, 1.0)])
    write(store, [point(NOON + 2, 2.0)])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER)] == [1.0, 2.0, 3.0]


def test_the_start_belongs_to_a_range_and_the_end_does_not(store: SeriesStore) -> None:
    write(store, [point(NOON + i, float(i)) for i in range(5)])
    found = store.read(TOWN, SOIL, Instant(NOON + 1), Instant(NOON + 3))
    assert [s.value for s in found] == [1.0, 2.0]
    assert store.read(TOWN, SOIL, Instant(NOON + 3), Instant(NOON + 1)) == []


def test_a_limit_keeps_the_first(store: SeriesStore) -> None:
    write(store, [point(NOON + i, float(i)) for i in range(5)])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER, limit=2)] == [0.0, 1.0]
    assert store.read(TOWN, SOIL, *EVER, limit=0) == []


def test_a_column_holds_the_good_values_and_who_measured_them(store: SeriesStore) -> None:
    points = [point(NOON + i, 0.1 * i, dev_eui=NEW if i > 2 else OLD) for i in range(5)]
    write(store, [*points, point(NOON + 9, 1, quality=Quality.BAD, dev_eui=NEW)])
    column = store.column(TOWN, SOIL, *EVER)
    samples = [column.sample(number) for number in range(len(column))]
    assert [(one.at, one.value, one.source) for one in samples] == [
        (one.time, one.value, one.dev_eui) for one in points
    ]
    first = store.column(TOWN, SOIL, NOON, Instant(NOON + 4), limit=2)
    assert [first.sample(number).source for number in range(len(first))] == [OLD, OLD]
    assert len(store.column(NEIGHBOUR, SOIL, *EVER)) == 0


@pytest.mark.parametrize(
    "values",
    [
        [0.1, -0.1, 25.0, 0.0, -3.25],
        [1 / 3, 0.1 + 0.2, -1e-7, 5e-324, 1.7e308],
        [20.5, 1e12, 123_456_789.123456, -0.000001, 2.0**53],
    ],
    ids=["decimals", "no decimals", "large"],
)
def test_a_column_holds_each_value_to_its_last_bit(store: SeriesStore, values: list[float]) -> None:
    write(store, [point(NOON + i, value) for i, value in enumerate(values)])
    column = store.column(TOWN, SOIL, *EVER)
    assert [one.hex() for one in column.values.tolist()] == [one.hex() for one in values]
    assert column.times.tolist() == [NOON + i for i in range(len(values))]


def test_a_long_history_comes_whole(store: SeriesStore) -> None:
    count = 45_000  # more than two pages of any server
    write(store, [point(NOON + i * SECOND, float(i)) for i in range(count)])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER)] == [float(i) for i in range(count)]
    total = store.aggregate(TOWN, SOIL, *EVER, Window.DAY, Aggregate.COUNTER_DELTA)
    assert sum(sample.value for sample in total) == count - 1


def test_doubtful_values_are_only_there_for_who_asks(store: SeriesStore) -> None:
    write(
        store,
        [
            point(NOON, 20.0),
            point(NOON + MINUTE, 0.5, quality=Quality.SUSPECT),
            point(NOON + 2 * MINUTE, 240.0, quality=Quality.BAD),
        ],
    )
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON, 20.0)]
    everything = store.read(TOWN, SOIL, *EVER, include_doubtful=True)
    assert everything == [
        Sample(NOON, 20.0),
        Sample(Instant(NOON + MINUTE), 0.5, Quality.SUSPECT),
        Sample(Instant(NOON + 2 * MINUTE), 240.0, Quality.BAD),
    ]
    assert store.latest(TOWN, [STATION]) == {SOIL: Sample(NOON, 20.0)}
    assert pairs(store.aggregate(TOWN, SOIL, *EVER, Window.HOUR, Aggregate.MAX)) == [(NOON, 20.0)]


def test_a_series_of_doubtful_values_only_exists_and_has_no_latest(store: SeriesStore) -> None:
    write(store, [point(NOON, 240.0, quality=Quality.BAD)])
    assert store.series(TOWN, STATION) == [SOIL]
    assert store.latest(TOWN, [STATION]) == {}


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (Aggregate.MEAN, [2.0, 10.0]),
        (Aggregate.MIN, [1.0, 10.0]),
        (Aggregate.MAX, [4.0, 10.0]),
        (Aggregate.SUM, [6.0, 10.0]),
        (Aggregate.LAST, [1.0, 10.0]),
    ],
)
def test_windows_hold_only_what_lies_in_them(
    store: SeriesStore, aggregate: Aggregate, expected: list[float]
) -> None:
    write(
        store,
        [
            point(NOON, 4.0),
            point(NOON + 5 * MINUTE, 1.0),
            point(NOON + 15 * MINUTE - 1, 1.0),
            point(NOON + 45 * MINUTE, 10.0),  # nothing in between: no sample for that window
        ],
    )
    found = store.aggregate(TOWN, SOIL, *EVER, Window.QUARTER_HOUR, aggregate)
    assert pairs(found) == [(NOON, expected[0]), (NOON + 45 * MINUTE, expected[1])]


@pytest.mark.parametrize("window", [Window.MINUTE, Window.FIVE_MINUTES, Window.HOUR])
def test_a_window_begins_at_its_own_boundary(store: SeriesStore, window: Window) -> None:
    write(store, [point(NOON + 10 * SECOND, 1.0), point(NOON + 40 * SECOND, 3.0)])
    start, end = Instant(NOON + 20 * SECOND), Instant(NOON + MINUTE)
    assert pairs(store.aggregate(TOWN, SOIL, start, end, window, Aggregate.SUM)) == [(NOON, 3.0)]


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-10", 24)]
)
def test_a_day_is_berlins_also_when_the_clocks_change(
    store: SeriesStore, day: str, hours: int
) -> None:
    """One value every half hour from noon of the day before to noon of the day after."""
    midnight = berlin(f"{day}T00:00")
    first, last = midnight - 12 * HOUR, midnight + (hours + 12) * HOUR
    half_hours = range(first, last, HOUR // 2)
    write(store, [point(time, float(i)) for i, time in enumerate(half_hours)])

    def asked(aggregate: Aggregate) -> list[tuple[int, float]]:
        start, end = Instant(first), Instant(last)
        return pairs(store.aggregate(TOWN, SOIL, start, end, Window.DAY, aggregate))

    before, after = berlin_midnight_before(midnight), midnight + hours * HOUR
    counts = [24, 2 * hours, 24]
    bounds = [(0, 23), (24, 23 + 2 * hours), (24 + 2 * hours, 47 + 2 * hours)]
    days = [before, midnight, after]
    assert asked(Aggregate.MIN) == list(zip(days, [float(low) for low, _ in bounds], strict=True))
    assert asked(Aggregate.MAX) == list(zip(days, [float(up) for _, up in bounds], strict=True))
    assert asked(Aggregate.LAST) == asked(Aggregate.MAX)
    sums = [(low + up) * count / 2 for (low, up), count in zip(bounds, counts, strict=True)]
    assert asked(Aggregate.SUM) == list(zip(days, sums, strict=True))
    means = [total / count for total, count in zip(sums, counts, strict=True)]
    assert asked(Aggregate.MEAN) == list(zip(days, means, strict=True))
    # A total that grows by one each half hour; the day's first step began the day before.
    growths = [23.0, 2.0 * hours, 24.0]
    assert asked(Aggregate.COUNTER_DELTA) == list(zip(days, growths, strict=True))


def berlin_midnight_before(midnight: int) -> Instant:
    day_before = datetime.fromtimestamp((midnight - 12 * HOUR) / SECOND, BERLIN)
    return from_datetime(day_before.replace(hour=0))


def test_a_counter_grows_over_resets_and_wraps(store: SeriesStore) -> None:
    total = SeriesKey(STATION, "people_in_total", "line_1")
    readings = [65_000, 65_530, 10, 25, 3, 8]  # 16 bits: wraps after 65530, resets after 25
    write(store, [point(NOON + i * HOUR, float(v), total) for i, v in enumerate(readings)])

    def grown(start: int, bits: int | None) -> list[tuple[int, float]]:
        end = Instant(NOON + DAY)
        return pairs(
            store.aggregate(
                TOWN,
                total,
                Instant(start),
                end,
                Window.HOUR,
                Aggregate.COUNTER_DELTA,
                counter_modulus=None if bits is None else 2.0**bits,
            )
        )

    hours = [NOON + i * HOUR for i in range(6)]
    assert grown(NOON, 16) == list(zip(hours[1:], [530.0, 16.0, 15.0, 3.0, 5.0], strict=True))
    # Without a width nobody can tell a wrap from a restart: the smaller growth is claimed.
    assert grown(NOON, None) == list(zip(hours[1:], [530.0, 10.0, 15.0, 3.0, 5.0], strict=True))
    # What was before the range is the base of its first value.
    assert grown(hours[3], 16) == list(zip(hours[3:], [15.0, 3.0, 5.0], strict=True))


def test_latest_knows_every_series_of_many_stations(store: SeriesStore) -> None:
    stations = [f"stellplatz-{number}" for number in range(1_500)]
    keys = [SeriesKey(station, "occupied") for station in stations]
    write(store, [point(NOON, float(i), key, family="parking") for i, key in enumerate(keys)])
    other = SeriesKey(stations[7], "battery_voltage", "cell 1")
    write(store, [point(NOON + 5, 3.6, other, family="parking"), point(NOON - 5, 9.0, keys[7])])
    few = store.latest(TOWN, [stations[7], stations[9], "nirgends"])
    assert few == {
        keys[7]: Sample(NOON, 7.0),
        keys[9]: Sample(NOON, 9.0),
        other: Sample(Instant(NOON + 5), 3.6),
    }
    expected = {key: Sample(NOON, float(i)) for i, key in enumerate(keys)}
    assert store.latest(TOWN, stations[:1_200], quantity="occupied") == {
        key: expected[key] for key in keys[:1_200]
    }
    assert store.latest(TOWN, None, quantity="occupied") == expected
    assert store.latest(TOWN, None) == expected | {other: Sample(Instant(NOON + 5), 3.6)}
    assert store.latest(TOWN, []) == {}


def test_series_of_a_station_are_listed_once_each_and_sorted(store: SeriesStore) -> None:
    keys = [
        SeriesKey(STATION, "temperature", "probe"),
        SeriesKey(STATION, "soil_moisture", "60cm"),
        SeriesKey(STATION, "soil_moisture", "30cm"),
    ]
    write(store, [point(NOON + i, 1.0, key) for key in keys for i in range(3)])
    write(store, [point(NOON, 1.0, SeriesKey("0" * 16, "soil_tension"))])
    assert store.series(TOWN, STATION) == keys[::-1]


def test_channels_of_one_uplink_are_apart(store: SeriesStore) -> None:
    lines = [SeriesKey(STATION, "people_in", channel) for channel in ("line_1", "line_2", "")]
    write(store, [point(NOON, float(i), key) for i, key in enumerate(lines)])
    for i, key in enumerate(lines):
        assert pairs(store.read(TOWN, key, *EVER)) == [(NOON, float(i))]


def test_a_tenant_sees_nothing_of_another(store: SeriesStore) -> None:
    write(store, [point(NOON, 1.0), point(NOON, 2.0, tenant=NEIGHBOUR)])
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON, 1.0)]
    assert pairs(store.read(NEIGHBOUR, SOIL, *EVER)) == [(NOON, 2.0)]
    store.drop_tenant(TOWN)
    assert store.read(TOWN, SOIL, *EVER) == []
    assert store.latest(NEIGHBOUR, [STATION]) == {SOIL: Sample(NOON, 2.0)}


def test_a_dropped_station_is_gone_and_can_be_written_again(store: SeriesStore) -> None:
    kept = SeriesKey("0" * 16, "soil_moisture")
    write(store, [point(NOON, 1.0), point(NOON, 5.0, kept)])
    store.drop_station(TOWN, STATION)
    assert store.read(TOWN, SOIL, *EVER) == []
    assert store.series(TOWN, STATION) == []
    assert store.latest(TOWN, None) == {kept: Sample(NOON, 5.0)}
    write(store, [point(NOON, 2.0, quality=Quality.SUSPECT), point(NOON + 1, 3.0)])
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON + 1, 3.0)]


def test_a_dropped_tenant_can_be_written_again(store: SeriesStore) -> None:
    write(store, [point(NOON, 1.0)])
    store.drop_tenant(TOWN)
    assert store.latest(TOWN, None) == {}
    write(store, [point(NOON + 1, 2.0)])
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON + 1, 2.0)]


def test_an_erased_tenant_is_gone_with_its_retention(store: SeriesStore) -> None:
    write(store, [point(NOON, 1.0, dev_eui=OLD), point(NOON, 2.0, tenant=NEIGHBOUR, dev_eui=NEW)])
    write(store, [point(NOON + HOUR, 4.0, tenant=NEIGHBOUR, dev_eui="")])  # no device measured it
    store.set_retention(TOWN, 1)
    assert store.erase_tenant(TOWN) is None
    store.forget_devices(lambda: {NEW})
    assert store.series(TOWN, STATION) == []
    assert store.erase_tenant(TOWN) is None  # there is nothing left to do
    assert pairs(store.read(NEIGHBOUR, SOIL, *EVER)) == [(NOON, 2.0), (NOON + HOUR, 4.0)]
    write(store, [point(NOON, 3.0, dev_eui=OLD)])  # long ago: no retention hinders it
    assert pairs(store.read(TOWN, SOIL, *EVER)) == [(NOON, 3.0)]


def test_a_station_whose_device_changes_its_family_keeps_one_history(store: SeriesStore) -> None:
    write(store, [point(NOON, 1.0, family="soil"), point(NOON + HOUR, 2.0, family="weather")])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER)] == [1.0, 2.0]
    assert store.latest(TOWN, [STATION])[SOIL].value == 2.0
    day = store.aggregate(TOWN, SOIL, *EVER, Window.DAY, Aggregate.SUM)
    assert [s.value for s in day] == [3.0]


def test_values_past_their_retention_are_not_kept(store: SeriesStore) -> None:
    now = SystemClock().now()
    store.set_retention(TOWN, 30)
    write(store, [point(now - 40 * DAY, 1.0), point(now - DAY, 2.0)])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER)] == [2.0]
    store.set_retention(TOWN, None)
    write(store, [point(now - 40 * DAY, 1.0)])
    assert [s.value for s in store.read(TOWN, SOIL, *EVER)] == [1.0, 2.0]


def test_a_retention_below_a_day_is_refused(store: SeriesStore) -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        store.set_retention(TOWN, 0)

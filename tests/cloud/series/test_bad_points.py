"""Names that try to mean more than a name, and points that cannot be stored."""

from __future__ import annotations

import math

import pytest

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.store import (
    Aggregate,
    Point,
    Sample,
    SeriesKey,
    SeriesStore,
    Window,
)

NOON = Instant(1_780_000_000_000_000)
EVER = (Instant(0), Instant(2_000_000_000_000_000))
GOOD = Point("musterstadt", "soil", SeriesKey("00", "soil_moisture"), NOON, 1.0)

HOSTILE = [
    "it's",
    'say "hello"',
    "back\\slash",
    "trailing\\",
    "\\",
    "\\'; DROP DATABASE x; --",
    '"; DROP MEASUREMENT soil; SELECT "',
    "' OR ''='",
    "a,b=c d",
    "station=00",
    "new\nline",
    "cr\r\nlf",
    "nul\x00",
    "tab\t",
    "# comment",
    "_internal",
    "time",
    "station",
    "device",
    "channel",
    "x_bad",
    "_suspect",
    "%5C",
    "100%",
    ".*",
    "/^.*$/",
    "$(id)",
    "(a|b)",
    "{{}}",
    "Bodenfeuchte–Straße 🌳",
    "\u2028",
    " ",
    "trailing space ",
    "a" * 200,
]


@pytest.mark.sweep
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_any_name_means_only_itself(store: SeriesStore, name: str) -> None:
    """The name at every place where it can stand, beside plain ones that must stay as they are."""
    keys = [
        SeriesKey(name, "soil_moisture"),
        SeriesKey("00", name),
        SeriesKey("00", "soil_moisture", name),
        SeriesKey(name, name, name),
    ]
    points = [Point("musterstadt", "soil", key, NOON, float(i)) for i, key in enumerate(keys)]
    points.append(Point("musterstadt", name, SeriesKey("01", "tilt"), NOON, 9.0))
    points.append(Point("musterstadt", "soil", SeriesKey("02", "tilt"), NOON, 8.0, dev_eui=name))
    points.append(GOOD)
    assert store.write(points) == []

    for point in points:
        expected = [Sample(point.time, point.value, dev_eui=point.dev_eui)]
        assert store.read("musterstadt", point.key, *EVER) == expected
        window = (Window.MINUTE, Aggregate.LAST)
        found = store.aggregate("musterstadt", point.key, *EVER, *window)
        assert [sample.value for sample in found] == [point.value]
    assert store.latest("musterstadt", None) == {
        p.key: Sample(p.time, p.value, dev_eui=p.dev_eui) for p in points
    }
    assert store.latest("musterstadt", [name]) == {
        keys[0]: Sample(NOON, 0.0),
        keys[3]: Sample(NOON, 3.0),
    }
    assert set(store.series("musterstadt", "00")) == {keys[1], keys[2], GOOD.key}

    store.drop_station("musterstadt", name)
    assert store.series("musterstadt", name) == []
    store.drop_device("musterstadt", name)
    assert store.series("musterstadt", "02") == []
    assert store.read("musterstadt", GOOD.key, *EVER) == [Sample(NOON, 1.0)]


@pytest.mark.sweep
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_tenant_stays_in_its_own_bucket(store: SeriesStore, name: str) -> None:
    if not name.isascii() or name == "a" * 200:
        name = name[:20]
    own = Point(name, "soil", GOOD.key, NOON, 2.0)
    try:
        assert store.write([own, GOOD]) == []
        assert store.read(name, own.key, *EVER) == [Sample(NOON, 2.0)]
        store.set_retention(name, 30_000)
    finally:
        store.drop_tenant(name)
    assert store.read(name, own.key, *EVER) == []
    assert store.read("musterstadt", GOOD.key, *EVER) == [Sample(NOON, 1.0)]


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (Point("musterstadt", "soil", GOOD.key, NOON, math.nan), "finite"),
        (Point("musterstadt", "soil", GOOD.key, NOON, math.inf), "finite"),
        (Point("musterstadt", "soil", GOOD.key, Instant(-1), 1.0), "1970"),
        (Point("musterstadt", "soil", GOOD.key, Instant(2**63), 1.0), "1970"),
        (Point("musterstadt", "soil", SeriesKey("", "tilt"), NOON, 1.0), "empty"),
        (Point("musterstadt", "soil", SeriesKey("00", ""), NOON, 1.0), "empty"),
        (Point("musterstadt", "", SeriesKey("00", "tilt"), NOON, 1.0), "empty"),
        (Point("", "soil", SeriesKey("00", "tilt"), NOON, 1.0), "empty"),
        (Point("musterstadt", "soil", SeriesKey("00", "tilt", "x" * 70_000), NOON, 1.0), "longer"),
        (Point("musterstadt", "soil", SeriesKey("00", "tilt", "ä" * 101), NOON, 1.0), "longer"),
        (Point("musterstadt", "soil", SeriesKey("00", "tilt", "\udc80"), NOON, 1.0), "Unicode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "point",
)
def test_a_point_that_cannot_be_stored_stops_no_other(
    store: SeriesStore, poison: Point, reason: str
) -> None:
    after = Point("musterstadt", "soil", GOOD.key, Instant(NOON + 1), 2.0)
    (refused,) = store.write([GOOD, poison, after])
    assert refused.count == 1
    assert reason in refused.reason
    assert len(refused.what) < 1_000
    assert refused.what.isprintable()
    assert [s.value for s in store.read("musterstadt", GOOD.key, *EVER)] == [1.0, 2.0]


def test_asking_for_a_series_without_a_name_finds_nothing(store: SeriesStore) -> None:
    store.write([GOOD])
    assert store.read("musterstadt", SeriesKey("00", ""), *EVER) == []
    assert store.read("musterstadt", SeriesKey("", "soil_moisture"), *EVER) == []
    assert store.series("musterstadt", "") == []

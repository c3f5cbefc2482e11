"""A station's morning, and the part of it that tests replace."""

from __future__ import annotations

from stadtsinn.base.instant import MINUTE, Instant, parse
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.decoders.reading import Quality

TOWN, STATION = "musterstadt", "linde-am-markt"
EIGHT = parse("2026-06-10T08:00:00+02:00")
MOISTURE = SeriesKey(STATION, "soil_moisture", "30cm")
TEMPERATURE = SeriesKey(STATION, "soil_temperature")
COUNTER = SeriesKey(STATION, "people_in_total")
EVER = (Instant(0), Instant(2**52))

UPLINKS = 90
"""One a minute from eight o'clock; the part holds those of minute 30 to 59."""
_HALF = Instant(EIGHT + 30 * MINUTE)
PART = SeriesPart(TOWN, STATION, _HALF, Instant(_HALF + 30 * MINUTE))


def point(key: SeriesKey, minutes: float, value: float, quality: Quality = Quality.GOOD) -> Point:
    return Point(TOWN, "soil", key, Instant(EIGHT + round(minutes * MINUTE)), value, quality)


def morning(value: float = 1.0) -> list[Point]:
    """Moisture, and a counter that grows by `value` a minute."""
    minutes = range(UPLINKS)
    counted = [point(COUNTER, n, n * value) for n in minutes]
    return [point(MOISTURE, n, value) for n in minutes] + counted


def part_points(value: float) -> list[Point]:
    """The part's moisture with another value; the counter stays as it was."""
    minutes = range(30, 60)
    counted = [point(COUNTER, n, float(n)) for n in minutes]
    return [point(MOISTURE, n, value) for n in minutes] + counted

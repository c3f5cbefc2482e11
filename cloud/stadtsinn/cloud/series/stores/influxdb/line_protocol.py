"""Points as InfluxDB's line protocol: one line per uplink, station and channel.

The client's own `Point` class takes twice as long, and quotes names by rules of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from stadtsinn.cloud.series.stores.influxdb.names import (
    is_plain,
    line_escaped,
    line_escaped_measurement,
    to_field,
    to_influx,
    to_measurement,
)
from stadtsinn.cloud.series.stores.store import Point
from stadtsinn.decoders.reading import Quality


def lines(points: Iterable[Point]) -> list[str]:
    """Lines with times in microseconds. Of two equal points the later one stays."""
    uplinks: dict[tuple[str, str, str, str, int], dict[str, Point]] = {}
    for point in points:
        key = point.key
        where = (point.family, key.station, key.channel, point.dev_eui, point.time)
        uplinks.setdefault(where, {})[key.quantity] = point
    return [
        f"{_head(family, station, channel, dev_eui)} {_fields(values.values())} {time}"
        for (family, station, channel, dev_eui, time), values in uplinks.items()
    ]


def stored_line(
    measurement: str, tags: Mapping[str, str], values: Mapping[str, float], time: int
) -> str:
    """One line of names as the server gave them back: encoded already, not yet escaped."""
    fields = ",".join(f"{line_escaped(name)}={float(value)!r}" for name, value in values.items())
    return f"{line_escaped_measurement(measurement)}{_tags(tags)} {fields} {time}"


def _fields(points: Iterable[Point]) -> str:
    # float() first: an int or bool would be written as another type than the field has.
    return ",".join(
        [f"{_field(p.key.quantity, p.quality)}={float(p.value)!r}" for p in points],
    )


@lru_cache(maxsize=10_000)
def _field(quantity: str, quality: Quality) -> str:
    return line_escaped(to_field(quantity, quality))


@lru_cache(maxsize=100_000)
def _head(family: str, station: str, channel: str, dev_eui: str) -> str:
    return (
        _measurement(family)
        + _tag("channel", channel)
        + _tag("device", dev_eui)
        + _tag("station", station)
    )


@lru_cache(maxsize=10_000)
def _measurement(family: str) -> str:
    return line_escaped_measurement(to_measurement(family))


def _tag(tag: str, value: str) -> str:
    if not value:
        return ""  # an empty tag must not be written at all
    return f",{tag}={value if is_plain(value) else line_escaped(to_influx(value))}"


def _tags(encoded: Mapping[str, str]) -> str:
    # Sorted tags are what the server wants.
    return "".join(
        f",{tag}={line_escaped(encoded[tag])}" for tag in sorted(encoded) if encoded[tag]
    )

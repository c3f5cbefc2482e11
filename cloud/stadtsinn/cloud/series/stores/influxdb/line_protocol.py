"""Points as InfluxDB's line protocol: one line per uplink and channel.

The client's own `Point` class takes twice as long, and quotes names by rules of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from stadtsinn.cloud.series.stores.influxdb.names import (
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
    uplinks: dict[tuple[str, str, str, int], dict[str, Point]] = {}
    for point in points:
        key = point.key
        where = (point.family, key.dev_eui, key.channel, point.time)
        uplinks.setdefault(where, {})[key.quantity] = point
    return [
        f"{_head(family, dev_eui, channel)} {_fields(values.values())} {time}"
        for (family, dev_eui, channel, time), values in uplinks.items()
    ]


def stored_line(
    measurement: str, device: str, channel: str, values: Mapping[str, float], time: int
) -> str:
    """One line of names as the server gave them back: encoded already, not yet escaped."""
    tag = f",channel={line_escaped(channel)}" if channel else ""
    fields = ",".join(f"{line_escaped(name)}={float(value)!r}" for name, value in values.items())
    head = f"{line_escaped_measurement(measurement)}{tag},device={line_escaped(device)}"
    return f"{head} {fields} {time}"


def _fields(points: Iterable[Point]) -> str:
    # float() first: an int or bool would be written as another type than the field has.
    return ",".join(
        [f"{_field(p.key.quantity, p.quality)}={float(p.value)!r}" for p in points],
    )


@lru_cache(maxsize=10_000)
def _field(quantity: str, quality: Quality) -> str:
    return line_escaped(to_field(quantity, quality))


@lru_cache(maxsize=100_000)
def _head(family: str, dev_eui: str, channel: str) -> str:
    # Sorted tags are what the server wants; an empty tag must not be written at all.
    tag = f",channel={line_escaped(to_influx(channel))}" if channel else ""
    measurement = line_escaped_measurement(to_measurement(family))
    return f"{measurement}{tag},device={line_escaped(to_influx(dev_eui))}"

"""The InfluxQL that the series store asks. Every name passes through `names`."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.instant import MINUTE
from stadtsinn.cloud.series.stores.influxdb.names import (
    any_of,
    identifier,
    string,
    to_field,
    to_influx,
)
from stadtsinn.cloud.series.stores.store import Aggregate, SeriesKey
from stadtsinn.decoders.reading import Quality

_PARTS = {
    Aggregate.MEAN: ("sum", "count"),
    Aggregate.SUM: ("sum",),
    Aggregate.MIN: ("min",),
    Aggregate.MAX: ("max",),
    Aggregate.LAST: ("last",),
}
_DEVICE, _CHANNEL = identifier("device"), identifier("channel")
# The reader of a series does not know its family; the device's tag finds it.
_ANYWHERE = "FROM /.+/"


def samples(key: SeriesKey, qualities: Sequence[Quality], start: int, end: int, limit: int) -> str:
    """Rows: time, then a value or null for each quality."""
    fields = ", ".join(identifier(to_field(key.quantity, quality)) for quality in qualities)
    return f"SELECT {fields} {_ANYWHERE} {_where(key, start, end)} ORDER BY time LIMIT {limit}"


def parts(key: SeriesKey, aggregate: Aggregate, start: int, end: int, step: int) -> str:
    """Rows: start of the part, its value, for the mean also the count of values."""
    field = identifier(to_field(key.quantity))
    chosen = ", ".join(f"{function}({field})" for function in _PARTS[aggregate])
    group = f"GROUP BY time({step // MINUTE}m) fill(none)"
    return f"SELECT {chosen} {_ANYWHERE} {_where(key, start, end)} {group}"


def last_between(key: SeriesKey, start: int, end: int) -> str:
    """Rows: time and value."""
    field = identifier(to_field(key.quantity))
    return f"SELECT last({field}) {_ANYWHERE} {_where(key, start, end)}"


def latest(measurement: str, field: str, devices: Sequence[str] | None) -> str:
    """A table with one row, time and value, for each device and channel."""
    where = ""
    if devices is not None:
        where = f" WHERE {_DEVICE} =~ {any_of([to_influx(device) for device in devices])}"
    what, by = f"last({identifier(field)})", f"{_DEVICE}, {_CHANNEL}"
    return f"SELECT {what} FROM {identifier(measurement)}{where} GROUP BY {by}"  # noqa: S608 (quoted)


def fields_of_device(
    measurement: str, fields: Sequence[str], device: str, start: int, end: int
) -> str:
    """A table with one row for each channel: time, then a value or null for each field."""
    chosen = ", ".join(f"last({identifier(field)})" for field in fields)
    where = f"WHERE {_DEVICE} = {string(to_influx(device))} AND {_times(start, end)}"
    source = identifier(measurement)
    return f"SELECT {chosen} FROM {source} {where} GROUP BY {_CHANNEL}"  # noqa: S608 (quoted)


def latest_of_device(measurement: str, field: str, device: str, start: int, end: int) -> str:
    """A table with one row, time and value, for each channel."""
    where = f"WHERE {_DEVICE} = {string(to_influx(device))} AND {_times(start, end)}"
    what, source = f"last({identifier(field)})", identifier(measurement)
    return f"SELECT {what} FROM {source} {where} GROUP BY {_CHANNEL}"  # noqa: S608 (quoted)


def stored_tables(device: str) -> str:
    """A table with one row for each measurement and channel that a device has points in."""
    where = f"WHERE {_DEVICE} = {string(to_influx(device))}"
    return f"SELECT * {_ANYWHERE} {where} GROUP BY {_CHANNEL} LIMIT 1"


def stored(
    measurement: str, device: str, channel_tag: str, start: int, end: int, limit: int
) -> str:
    """Rows with all fields as they were stored; `channel_tag` as the server names it."""
    where = f"{_DEVICE} = {string(to_influx(device))} AND {_CHANNEL} = {string(channel_tag)}"
    source, times = identifier(measurement), _times(start, end)
    return f"SELECT * FROM {source} WHERE {where} AND {times} ORDER BY time LIMIT {limit}"  # noqa: S608


def _where(key: SeriesKey, start: int, end: int) -> str:
    # A point without the tag matches the empty string.
    return (
        f"WHERE {_DEVICE} = {string(to_influx(key.dev_eui))}"
        f" AND {_CHANNEL} = {string(to_influx(key.channel))}"
        f" AND {_times(start, end)}"
    )


def _times(start: int, end: int) -> str:
    return f"time >= {start}000 AND time < {end}000"  # nanoseconds

"""The InfluxQL that the series store asks. Every name passes through `names`."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.cloud.series.names import any_of, identifier, string, to_field, to_influx
from stadtsinn.cloud.series.store import Aggregate, SeriesKey
from stadtsinn.decoders.instant import MINUTE
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


def last_before(key: SeriesKey, moment: int) -> str:
    """Rows: time and value."""
    field = identifier(to_field(key.quantity))
    return f"SELECT last({field}) {_ANYWHERE} {_where(key, 0, moment)}"


def latest(measurement: str, field: str, devices: Sequence[str] | None) -> str:
    """A table with one row, time and value, for each device and channel."""
    where = ""
    if devices is not None:
        where = f" WHERE {_DEVICE} =~ {any_of([to_influx(device) for device in devices])}"
    what, by = f"last({identifier(field)})", f"{_DEVICE}, {_CHANNEL}"
    return f"SELECT {what} FROM {identifier(measurement)}{where} GROUP BY {by}"  # noqa: S608 (quoted)


def fields_of_device(measurement: str, fields: Sequence[str], device: str) -> str:
    """A table with one row for each channel: time, then a value or null for each field."""
    chosen = ", ".join(f"last({identifier(field)})" for field in fields)
    where = f"WHERE {_DEVICE} = {string(to_influx(device))}"
    source = identifier(measurement)
    return f"SELECT {chosen} FROM {source} {where} GROUP BY {_CHANNEL}"  # noqa: S608 (quoted)


def _where(key: SeriesKey, start: int, end: int) -> str:
    # A point without the tag matches the empty string. Times are nanoseconds.
    return (
        f"WHERE {_DEVICE} = {string(to_influx(key.dev_eui))}"
        f" AND {_CHANNEL} = {string(to_influx(key.channel))}"
        f" AND time >= {start}000 AND time < {end}000"
    )

"""The InfluxQL that the series store asks. Every name passes through `names`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
_STATION, _CHANNEL, _DEVICE = identifier("station"), identifier("channel"), identifier("device")
# The reader of a series does not know its family; the station's tag finds it.
_ANYWHERE = "FROM /.+/"


def samples(key: SeriesKey, qualities: Sequence[Quality], start: int, end: int, limit: int) -> str:
    """A table for each family and device; rows: time, then a value or null for each quality."""
    fields = ", ".join(identifier(to_field(key.quantity, quality)) for quality in qualities)
    group = f"GROUP BY {_DEVICE} ORDER BY time LIMIT {limit}"
    return f"SELECT {fields} {_ANYWHERE} {_where(key, start, end)} {group}"


def parts(key: SeriesKey, aggregate: Aggregate, start: int, end: int, step: int) -> str:
    """A table for each family and device; rows: start of the part, its value, for the mean also
    the count of values."""
    field = identifier(to_field(key.quantity))
    chosen = ", ".join(f"{function}({field})" for function in _PARTS[aggregate])
    group = f"GROUP BY time({step // MINUTE}m), {_DEVICE} fill(none)"
    return f"SELECT {chosen} {_ANYWHERE} {_where(key, start, end)} {group}"


def last_between(key: SeriesKey, start: int, end: int) -> str:
    """A table for each family and device with one row: time and value."""
    field = identifier(to_field(key.quantity))
    return f"SELECT last({field}) {_ANYWHERE} {_where(key, start, end)} GROUP BY {_DEVICE}"


def latest(measurement: str, field: str, stations: Sequence[str] | None) -> str:
    """A table with one row, time and value, for each station, channel and device."""
    where = ""
    if stations is not None:
        where = f" WHERE {_STATION} =~ {any_of([to_influx(station) for station in stations])}"
    what, by = f"last({identifier(field)})", f"{_STATION}, {_CHANNEL}, {_DEVICE}"
    return f"SELECT {what} FROM {identifier(measurement)}{where} GROUP BY {by}"  # noqa: S608 (quoted)


def fields_of_station(
    measurement: str, fields: Sequence[str], station: str, start: int, end: int
) -> str:
    """A table with one row for each channel: time, then a value or null for each field."""
    chosen = ", ".join(f"last({identifier(field)})" for field in fields)
    where = f"WHERE {_is_station(station)} AND {_times(start, end)}"
    source = identifier(measurement)
    return f"SELECT {chosen} FROM {source} {where} GROUP BY {_CHANNEL}"  # noqa: S608 (quoted)


def latest_of_station(measurement: str, field: str, station: str, start: int, end: int) -> str:
    """A table with one row, time and value, for each channel and device."""
    where = f"WHERE {_is_station(station)} AND {_times(start, end)}"
    what, source = f"last({identifier(field)})", identifier(measurement)
    return f"SELECT {what} FROM {source} {where} GROUP BY {_CHANNEL}, {_DEVICE}"  # noqa: S608 (quoted)


def stored_tables(station: str) -> str:
    """A table with one row for each measurement, channel and device of a station's points."""
    return (
        f"SELECT * {_ANYWHERE} WHERE {_is_station(station)} GROUP BY {_CHANNEL}, {_DEVICE} LIMIT 1"
    )


def stored(
    measurement: str, station: str, tags: Mapping[str, str], start: int, end: int, limit: int
) -> str:
    """Rows with all fields as they were stored; `tags`: channel and device as the server names
    them."""
    named = [f"{identifier(tag)} = {string(value)}" for tag, value in tags.items()]
    where = " AND ".join([_is_station(station), *named, _times(start, end)])
    source = identifier(measurement)
    return f"SELECT * FROM {source} WHERE {where} ORDER BY time LIMIT {limit}"  # noqa: S608


def _where(key: SeriesKey, start: int, end: int) -> str:
    # A point without the tag matches the empty string.
    return (
        f"WHERE {_is_station(key.station)}"
        f" AND {_CHANNEL} = {string(to_influx(key.channel))}"
        f" AND {_times(start, end)}"
    )


def _is_station(station: str) -> str:
    return f"{_STATION} = {string(to_influx(station))}"


def _times(start: int, end: int) -> str:
    return f"time >= {start}000 AND time < {end}000"  # nanoseconds

"""The series store: what it keeps and how it is asked. One contract suite tests each one."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.cloud.log.followers.follower import Hindered
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.decoders.reading import Quality
from stadtsinn.rules.history.column import Column

MAX_NAME_BYTES = 200
"""Longest tenant, family, station, quantity, channel or device: below every server's limit."""

_LAST_INSTANT = (2**63 - 1) // 1000 - 1  # InfluxDB counts nanoseconds in 64 bits


class SeriesKey(msgspec.Struct, frozen=True, gc=False):
    """One line in a chart: a quantity of a station, on one channel. `station` is its slug."""

    station: str
    quantity: str
    channel: str = ""


Span = tuple[Instant, Instant]
"""start <= time < end"""


class Point(msgspec.Struct, frozen=True, gc=False):
    """One value to store. Points with equal tenant, key and time are the same point.

    `dev_eui` names the device that measured it, empty where none did. Of two such points of one
    device the one written last stays, within a call the one further back; of two devices' points
    the one of the greater DevEUI counts, in whatever order they come. A point that changes its
    *quality* is not the same value any more: replace that part of the series, or drop the tenant
    first, as a rebuild does (InfluxDB cannot take a single good value back).
    """

    tenant_id: str
    family: str
    key: SeriesKey
    time: Instant
    value: float
    quality: Quality = Quality.GOOD
    dev_eui: str = ""


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One value read back; for aggregates `time` is the start of the window and no device is
    named."""

    time: Instant
    value: float
    quality: Quality = Quality.GOOD
    dev_eui: str = ""


class Refused(msgspec.Struct, frozen=True):
    """Points that can never be stored: how many, which (the first one's names), and why."""

    count: int
    what: str
    reason: str


class Aggregate(StrEnum):
    """How the good values of a window become one."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    LAST = "last"
    COUNTER_DELTA = "counter_delta"
    """Growth of a running total inside the window, resets and wraps taken into account. The
    value before the first window is the base; where there is none, the first value has no
    growth, and a window with nothing else is left out. Another device's total is a new base:
    across a swap nothing grows."""


class Window(StrEnum):
    """Windows as people mean them: a day is Europe/Berlin's, with 23, 24 or 25 hours.

    A window begins at its own boundary even where the time asked for begins inside it.
    """

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER_HOUR = "15m"
    HOUR = "1h"
    DAY = "1d"


class SeriesReader(Protocol):
    """Answers questions about points. All methods raise `SeriesUnavailable` when the store is
    away. A tenant or station that nothing was stored for is empty, not an error."""

    def read(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        include_doubtful: bool = False,
        limit: int | None = None,
    ) -> list[Sample]:
        """Samples with start <= time < end in order; only good ones unless asked otherwise."""
        ...

    def column(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        *,
        limit: int | None = None,
    ) -> Column:
        """Good samples with start <= time < end as arrays, for who reads millions."""
        ...

    def aggregate(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        window: Window,
        aggregate: Aggregate,
        *,
        counter_modulus: float | None = None,
        since: int = 0,
    ) -> list[Sample]:
        """One sample per window that has good values, in order. A value before `since` is not
        looked at, also not as the base of growth."""
        ...

    def latest(
        self, tenant_id: str, stations: Sequence[str] | None, *, quantity: str | None = None
    ) -> dict[SeriesKey, Sample]:
        """The newest good value of every series of these stations (None: all), in one call."""
        ...

    def series(self, tenant_id: str, station: str) -> list[SeriesKey]:
        """The series that exist for a station, also those with doubtful values only, sorted."""
        ...


class Trouble(StrEnum):
    """What a store does not allow, or does by itself."""

    NO_WRITING = "no_writing"
    NO_READING = "no_reading"
    NO_BUCKET = "no_bucket"
    """It is made with the first value."""
    READ_INSTEAD = "read_instead"
    """Queries for this bucket read another one; `detail`: its name."""
    EXPIRES = "expires"
    """The store deletes old values by itself; `detail`: after so many days."""


@dataclass(frozen=True)
class Finding:
    """Of one bucket; `detail` is the store's word."""

    trouble: Trouble
    bucket: str
    detail: str = ""


class SeriesStore(SeriesReader, Protocol):
    """Keeps points per tenant. All methods raise `SeriesUnavailable` when the store is away.

    Safe for threads.
    """

    expiry_interval: int
    """How often `expire` is worth its work, in microseconds."""

    def write(self, points: Iterable[Point]) -> list[Refused]:
        """Store points durably; writing the same points again changes nothing.

        They are taken one after the other, while those before them may be stored already.

        A point that can never be stored stops no other: it is left out and reported. When
        `SeriesUnavailable` is raised, some points may be stored already: write all again.
        """
        ...

    def check_replaceable(self) -> None:
        """Raise SeriesRejected where the store can replace no part of a series."""
        ...

    def begin_replacement(self, part: SeriesPart) -> None:
        """Make ready to replace a part of a station's series; readers go on seeing the old one.

        From now on whatever is written into the part is kept for the new one as well. Begun
        again, staged points are forgotten and a replacement that was interrupted half way
        through `finish_replacement` is finished first. Raises SeriesRejected as above.
        """
        ...

    def stage(self, points: Sequence[Point]) -> list[Refused]:
        """Store points for replacements that were begun; all others are passed over."""
        ...

    def finish_replacement(self, tenant_id: str, station: str) -> None:
        """Make the staged points the station's series in that part, for all readers at once.

        Every call of `read`, `aggregate` or `latest`, also one under way and in whatever
        process, answers from either the old or the new. Does nothing where none was begun.
        """
        ...

    def set_retention(self, tenant_id: str, days: int | None) -> None:
        """Keep points for so many days, None for ever. Older ones go when the store gets to it;
        writing one that is too old already does nothing."""
        ...

    def expire(self, tenant_id: str, past: Mapping[SeriesKey, Span]) -> None:
        """Delete what series keep no longer, each from a time until a time. What lies before it
        was deleted earlier.

        Where several quantities are one point (InfluxDB), it goes when all of them may go; this
        raises HistoryBusy while parts of series are replaced, SeriesRejected where the store can
        delete no points.
        """
        ...

    def drop_station(self, tenant_id: str, station: str) -> None:
        """Delete every point of a station (before its history is written again)."""
        ...

    def drop_device(self, tenant_id: str, dev_eui: str) -> None:
        """Delete every point that a device measured, at whatever station."""
        ...

    def drop_tenant(self, tenant_id: str) -> None:
        """Delete every point of a tenant; its retention stays."""
        ...

    def erase_tenant(self, tenant_id: str) -> str | None:
        """Delete every point of a tenant, its retention and its name, for good. Returns what is
        left, where the store may not take it away itself."""
        ...

    def forget_devices(self, known: Callable[[], Collection[str]]) -> None:
        """Forget the names of devices that nobody knows any more, once their points are gone.

        `known` is asked after the names were read: what is measured meanwhile keeps its name.
        """
        ...

    def ping(self) -> None:
        """Raise `SeriesUnavailable` unless the store answers."""
        ...

    def examine(self, tenant_id: str) -> list[Finding]:
        """What will go wrong with a tenant's series; changes nothing."""
        ...

    def time(self) -> Instant | None:
        """What time it is at the store; None where it is on this machine, or does not say."""
        ...

    def close(self) -> None: ...


class SeriesUnavailable(Explained, Hindered):
    """The store does not answer; what was to be done has to be tried again."""


class SeriesRejected(Explained):
    """The store refuses this for good; the text names what it refused and what to do."""


def why_never(point: Point) -> str | None:
    """Why no store may keep this point; None where it may. The same rule for every store."""
    if not math.isfinite(point.value):
        return "the value is not finite"
    if not 0 <= point.time <= _LAST_INSTANT:
        return "the time lies outside 1970 to 2262"
    key = point.key
    if not (point.tenant_id and point.family and key.station and key.quantity):
        return "tenant, family, station or quantity is empty"
    names = (
        f"{point.tenant_id}{point.family}{key.station}{key.quantity}{key.channel}{point.dev_eui}"
    )
    if len(names) <= MAX_NAME_BYTES and names.isascii():
        return None  # nearly always: none of them can be too long
    return _why_no_name(point)


def _why_no_name(point: Point) -> str | None:
    key = point.key
    names = (point.tenant_id, point.family, key.station, key.quantity, key.channel, point.dev_eui)
    for name in names:
        try:
            size = len(name.encode())
        except UnicodeEncodeError:
            return "a name is no valid Unicode"
        if size > MAX_NAME_BYTES:
            return f"a name is longer than {MAX_NAME_BYTES} bytes"
    return None


def only_storable(points: Iterable[Point]) -> tuple[list[Point], list[Refused]]:
    """The points that may be stored, and what is reported of the others."""
    good: list[Point] = []
    refused: list[Refused] = []
    for point in points:
        reason = why_never(point)
        if reason is None:
            good.append(point)
        else:
            refused.append(Refused(1, describe(point), reason))
    return good, refused


def describe(point: Point) -> str:
    """A point's names for a log line, short and on one line whatever they hold."""
    key = point.key
    names = (point.tenant_id, point.family, key.station, key.quantity, key.channel, point.dev_eui)
    return " ".join(ascii(name[:40]) for name in names)


def kept_since(days: int | None, now: int) -> Instant:
    """The oldest time that is kept for so many days, the beginning of time for None."""
    return Instant(0 if days is None else max(0, now - days * DAY))


def checked_days(days: int | None) -> int | None:
    """Retention as it was given; ValueError unless it is at least a day."""
    if days is not None and days < 1:
        raise Unusable(
            f"cannot keep points for {days} days: give 1 or more, or None for ever",
            f"Werte lassen sich nicht {days} Tage behalten: 1 oder mehr angeben, oder None für "
            "immer",
        )
    return days

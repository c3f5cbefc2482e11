"""The series store: what it keeps and how it is asked. One contract suite tests each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from stadtsinn.decoders.instant import Instant
from stadtsinn.decoders.reading import Quality


@dataclass(frozen=True)
class SeriesKey:
    """One line in a chart: a quantity of a device, on one channel."""

    dev_eui: str
    quantity: str
    channel: str = ""


@dataclass(frozen=True)
class Point:
    """One value to store. Points with equal tenant, key and time are the same point."""

    tenant_id: str
    family: str
    key: SeriesKey
    time: Instant
    value: float
    quality: Quality = Quality.GOOD


@dataclass(frozen=True)
class Sample:
    """One value read back; for aggregates `time` is the start of the window."""

    time: Instant
    value: float
    quality: Quality = Quality.GOOD


class Aggregate(StrEnum):
    """How the good values of a window become one."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    LAST = "last"
    COUNTER_DELTA = "counter_delta"
    """Growth of a running total inside the window, resets and wraps taken into account."""


class Window(StrEnum):
    """Windows as people mean them: days, weeks and months are Europe/Berlin's."""

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER_HOUR = "15m"
    HOUR = "1h"
    DAY = "1d"


class SeriesStore(Protocol):
    """Keeps points per tenant. All methods raise `SeriesUnavailable` when the store is away."""

    def write(self, points: Sequence[Point]) -> None:
        """Store points durably; writing the same points again changes nothing."""
        ...

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

    def aggregate(
        self,
        tenant_id: str,
        key: SeriesKey,
        start: Instant,
        end: Instant,
        window: Window,
        aggregate: Aggregate,
        *,
        counter_bits: int | None = None,
    ) -> list[Sample]:
        """One sample per window that has good values, in order."""
        ...

    def latest(self, tenant_id: str, dev_euis: Sequence[str]) -> dict[SeriesKey, Sample]:
        """The newest good value of every series of these devices, in one call."""
        ...

    def series(self, tenant_id: str, dev_eui: str) -> list[SeriesKey]:
        """The series that exist for a device."""
        ...

    def set_retention(self, tenant_id: str, days: int | None) -> None:
        """Keep points for so many days, None for ever."""
        ...

    def drop_device(self, tenant_id: str, dev_eui: str) -> None:
        """Delete every point of a device (before its history is written again)."""
        ...

    def drop_tenant(self, tenant_id: str) -> None:
        """Delete every point of a tenant."""
        ...

    def ping(self) -> None:
        """Raise `SeriesUnavailable` unless the store answers."""
        ...

    def close(self) -> None: ...


class SeriesUnavailable(Exception):
    """The store does not answer; what was to be written has to be tried again."""


class SeriesRejected(Exception):
    """The store refuses this write for good; the text names what it refused."""

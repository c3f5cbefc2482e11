"""What a device sends, with what a correct decoder has to make of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.simulator.market_day.calendar import Span


@dataclass(frozen=True)
class ExpectedReading:
    """A value in the vocabulary's unit, at the resolution of the device."""

    quantity: str
    value: float
    channel: str = ""


@dataclass(frozen=True)
class Transmission:
    """One payload a device hands to its radio at `time`."""

    time: Instant
    dev_eui: str
    device_type: str
    f_port: int
    payload: bytes
    readings: tuple[ExpectedReading, ...]


SETTLING = 6 * 60 * SECOND
"""Devices join in the first minutes of the day and measure from then on."""


def report_times(span: Span, interval_s: int, chance: Random) -> Iterator[Instant]:
    """When a device reports: its own phase in the interval, and a clock that is not perfect."""
    phase = chance.randrange(interval_s * 1000) * SECOND // 1000
    for moment in range(span.start + SETTLING + phase, span.end, interval_s * SECOND):
        yield Instant(moment + chance.randrange(-400_000, 400_001))

"""How much rain fell in the last minutes and hours, and which of the DWD's criteria it meets. Pure.

An amount is spread evenly over the time it fell in. What nobody measured is said, not guessed: no
sum counts it as dry.

The criteria are those by which the Deutscher Wetterdienst warns of heavy rain. A measured value
that meets one is no warning of the DWD, and is never called one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant

SPANS = (5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR)
_MOST_PER_MINUTE = 5.0
"""mm: more has not been measured in Germany for longer than a minute; a bucket that was shaken, a
total that was misread."""
_SILENT_INTERVALS = 3
"""After so many nobody knows whether it rained."""
_MOMENT = SECOND


class RainClass(StrEnum):
    """Which criterion of the DWD a sum meets. Names are those of the DWD's levels 2 to 4."""

    NONE = "none"
    MARKED = "marked"
    """Markantes Wetter."""
    SEVERE = "severe"
    """Unwetter."""
    EXTREME = "extreme"
    """Extremes Unwetter."""


_CRITERIA = {HOUR: (15.0, 25.0, 40.0), 6 * HOUR: (20.0, 35.0, 60.0), 24 * HOUR: (30.0, 50.0, 80.0)}
"""mm: from the first one on; above the others."""


def class_of(span: int, mm: float) -> RainClass | None:
    """None: the DWD has no criterion for so short a time."""
    if span not in _CRITERIA:
        return None
    marked, severe, extreme = _CRITERIA[span]
    if mm > extreme:
        return RainClass.EXTREME
    if mm > severe:
        return RainClass.SEVERE
    return RainClass.MARKED if mm >= marked else RainClass.NONE


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a gauge: an amount since the one before, or a total."""

    time: Instant
    value: float
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fall:
    """`mm` fell between two moments; None: nobody knows how much."""

    start: Instant
    end: Instant
    mm: float | None


@dataclass(frozen=True, slots=True)
class RainSum:
    """`mm` is what was measured; `unknown_s` of the span nobody measured."""

    span_s: int
    mm: float
    unknown_s: int
    rain_class: RainClass | None

    @property
    def complete(self) -> bool:
        return self.unknown_s == 0


def falls_of_amounts(values: Sequence[Measured], interval_s: int) -> list[Fall]:
    """Amounts per interval. What a lost uplink counted is lost."""
    interval, found = interval_s * SECOND, list[Fall]()
    before: Measured | None = None
    for one in values:
        start = one.time - interval
        if before is not None:
            gap = one.time - before.time
            if gap <= _SILENT_INTERVALS * interval:
                start = before.time
            else:
                found.append(Fall(before.time, Instant(start), None))
        found.append(_fall(start, one.time, one.value))
        before = one
    return found


def falls_of_totals(
    values: Sequence[Measured], interval_s: int, modulus: float | None = None
) -> list[Fall]:
    """A total that counts up. It heals lost uplinks: what grew in between fell in between.

    Another device's total is a new beginning. One that falls has wrapped where the device's total
    does so at `modulus` and little fell since; else the device began again at zero.
    """
    found = []
    for before, one in pairwise(values):
        if before.source != one.source:
            silent = one.time - before.time > _SILENT_INTERVALS * interval_s * SECOND
            found.append(Fall(before.time, one.time, None if silent else 0.0))
            continue
        grown = one.value - before.value
        if grown < 0:
            grown = one.value
            if modulus is not None and before.value <= modulus:
                around = one.value + modulus - before.value
                grown = around if _possible(before.time, one.time, around) else grown
        found.append(_fall(before.time, one.time, grown))
    return found


def _fall(start: int, end: int, mm: float) -> Fall:
    known = mm if mm >= 0 and _possible(start, end, mm) else None
    return Fall(Instant(start), Instant(end), known)


def _possible(start: int, end: int, mm: float) -> bool:
    return mm <= _MOST_PER_MINUTE * max((end - start) / MINUTE, 1.0)


def sums(falls: Iterable[Fall], now: Instant, interval_s: int) -> list[RainSum]:
    """The sums of all spans that end now. The last interval may be under way."""
    known = list(falls)
    return [_sum(known, now, span, interval_s * SECOND) for span in SPANS]


def _sum(falls: Sequence[Fall], now: Instant, span: int, interval: int) -> RainSum:
    begin, mm, known = now - span, 0.0, 0
    for one in falls:
        inside = min(one.end, now) - max(one.start, begin)
        if inside <= 0 or one.mm is None:
            continue
        known += inside
        mm += one.mm * inside / (one.end - one.start)
    reached = max((one.end for one in falls), default=None)
    if reached is not None and now - reached <= _SILENT_INTERVALS * interval:
        known += max(0, now - max(reached, begin))
    unknown = span - known
    mm = round(mm, 6)
    return RainSum(
        span // SECOND, mm, 0 if unknown < _MOMENT else unknown // SECOND, class_of(span, mm)
    )

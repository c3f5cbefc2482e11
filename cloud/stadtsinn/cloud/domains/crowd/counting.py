"""Turns what a counter reports into persons who passed: one line, one direction.

Running totals are preferred to interval counts, because a total heals lost frames. Reports are
processed in the order of their event time; the frame counter distinguishes a report with a wrong
event time from a counter that was set back. Persons that may or may not have passed are added to
the `doubt` of the line. Interval counts that were lost are estimated; how far such estimates
scatter adds to its `variance`: they err in both directions, so their errors do not add up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import msgspec

from stadtsinn.base.instant import MINUTE, Instant

_TOP_OF_RANGE = 0.95
_RECENT = 5


class Flag(StrEnum):
    """What was unusual about a report."""

    NONE = ""
    START = "start"
    """The first report of a counter: a base to count from, not persons."""
    RESET = "reset"
    """The counter began at zero again; persons between its last report and then are unknown."""
    WRAP = "wrap"
    """The counter ran over its width."""
    JUMP = "jump"
    """The counter went back for no reason found: counting goes on from its new value."""
    FAST = "fast"
    """More persons than can pass a gate in that time."""
    GAP = "gap"
    """Interval counts were lost; persons were estimated from the reports before and after."""


class CountKind(StrEnum):
    """What a counter says in its uplinks."""

    AUTO = "auto"
    """Running totals where they come, interval counts else."""
    TOTAL = "total"
    """Running totals; its interval counts are not looked at."""
    INTERVAL = "interval"
    """Each uplink says how many passed since the one before; its totals are not looked at."""
    CLICKER = "clicker"
    """Steps of a hand counter, sent when it was pressed: silence does not mean loss."""


STORED_RECORD = -1
"""The frame counter of a report that the device had stored and sent in a later frame."""


class Report(msgspec.Struct, frozen=True, gc=False):
    """What one frame said about one line and direction.

    `total` is the counter's running total, `count` the persons of its last interval; one of
    them may be missing. `dev_addr` and `generation` name the session that `f_cnt` belongs to.
    """

    time: Instant
    dev_eui: str
    dev_addr: str
    generation: int
    f_cnt: int
    total: int | None
    count: int | None


class CountPoint(msgspec.Struct, frozen=True, gc=False):
    """A report and its result: `counted` persons since the line's first report.

    `doubt` is how many persons `counted` may be wrong by, beyond the counter's stated error, and
    `variance` that of the estimates in it; all three only grow.
    """

    report: Report
    delta: int
    counted: int
    doubt: int
    flag: Flag
    variance: int = 0

    @property
    def time(self) -> Instant:
        return self.report.time


@dataclass(frozen=True)
class CountRule:
    """How a counter counts. `modulus` is where its totals begin again, None where that is unknown.

    `max_rate` is the most persons per minute that can pass; `interval` the expected time
    between two reports, in microseconds.
    """

    modulus: float | None
    max_rate: int
    interval: int
    kind: CountKind = CountKind.AUTO

    def reads(self, report: Report) -> Report | None:
        """What of a report counts; None: nothing."""
        if self.kind is CountKind.AUTO:
            return report
        if self.kind is CountKind.TOTAL:
            return None if report.total is None else msgspec.structs.replace(report, count=None)
        return None if report.count is None else msgspec.structs.replace(report, total=None)


def fold(before: Sequence[CountPoint], reported: Report, rule: CountRule) -> CountPoint | None:
    """The point a report makes after the points `before` it (the last five are enough).

    None where the report adds nothing: interval counts of a counter that sends totals, or a
    total from an older frame than one already counted.
    """
    report = rule.reads(reported)
    if report is None:
        return None
    previous = before[-1] if before else None
    if previous is None or previous.report.dev_eui != report.dev_eui:
        return _start(before, report, rule)
    if report.total is None:
        if previous.report.total is not None:
            return None
        return _add_count(before, report, rule)
    if _older_frame(previous.report, report):
        return None
    if previous.report.total is None:
        return _point(previous, report, report.count or 0, 0, Flag.START)
    return _add_total(before, report, rule)


def recent_rate(before: Sequence[CountPoint]) -> float:
    """The most persons per microsecond of the last five reports; 0 without any."""
    tail = before[-_RECENT - 1 :]
    return max(
        (
            point.delta / (point.time - earlier.time)
            for earlier, point in pairwise(tail)
            if point.time > earlier.time
        ),
        default=0.0,
    )


def _start(before: Sequence[CountPoint], report: Report, rule: CountRule) -> CountPoint:
    """The first report of a device at a gate, also where it replaces another device."""
    previous = before[-1] if before else None
    # A total only gives the base to count from; an interval count is persons already.
    if report.total is None:
        return _point(previous, report, report.count or 0, 0, Flag.START)
    # Nobody counted between the last report of the device before and this one.
    unseen = _unseen(before, report, rule) if previous else 0
    return _point(previous, report, 0, unseen, Flag.START)


def _unseen(before: Sequence[CountPoint], report: Report, rule: CountRule) -> int:
    """How many may have passed since the last report, at the busiest recent pace."""
    elapsed = report.time - before[-1].time
    possible = rule.max_rate * max(elapsed, MINUTE) / MINUTE
    return min(math.ceil(possible), 1 + math.ceil(recent_rate(before) * elapsed))


def _add_total(before: Sequence[CountPoint], report: Report, rule: CountRule) -> CountPoint:
    previous = before[-1]
    now, last = report.total, previous.report.total
    assert now is not None
    assert last is not None
    elapsed = report.time - previous.time
    possible = rule.max_rate * max(elapsed, MINUTE) / MINUTE
    if now >= last:
        excess = max(0, math.ceil(now - last - possible))
        return _point(previous, report, now - last, excess, Flag.FAST if excess else Flag.NONE)
    unseen = _unseen(before, report, rule)
    full = int(rule.modulus or 0)
    was_high = bool(full) and last >= _TOP_OF_RANGE * full
    if now <= possible and (_restarted(previous.report, report) or not was_high):
        return _point(previous, report, now, unseen, Flag.RESET)
    if full and now + full - last <= possible:
        return _point(previous, report, now + full - last, 0, Flag.WRAP)
    return _point(previous, report, 0, unseen, Flag.JUMP)


def _add_count(before: Sequence[CountPoint], report: Report, rule: CountRule) -> CountPoint:
    """Lost counts are taken to be the mean of their neighbours, see `_scatter`."""
    previous = before[-1]
    count = report.count or 0
    missing = _missing_reports(previous.report, report, rule)
    if not missing:
        return _point(previous, report, count, 0, Flag.NONE)
    known = previous.report.count or 0
    estimate = round(missing * (count + known) / 2)
    scatter = _scatter(missing, known, count)
    return _point(previous, report, count + estimate, 0, Flag.GAP, scatter)


def _scatter(missing: int, known: int, count: int) -> int:
    """The variance of an estimate for so many lost counts between two known ones.

    Persons come by chance (Poisson), the mean is known from two counts only, and the pace may
    have changed between them.
    """
    mean = (known + count) / 2
    change = (count - known) / 2
    return missing + math.ceil(missing * mean + missing**2 * max(mean / 2, change**2))


def _missing_reports(earlier: Report, later: Report, rule: CountRule) -> int:
    restarted = _restarted(earlier, later) or later.f_cnt < earlier.f_cnt
    unnumbered = restarted or STORED_RECORD in (earlier.f_cnt, later.f_cnt)
    if rule.kind is CountKind.CLICKER:
        # It is silent while nobody passes: only the numbers of its frames say what was lost.
        return 0 if unnumbered else max(0, later.f_cnt - earlier.f_cnt - 1)
    by_time = round((later.time - earlier.time) / rule.interval) - 1
    if unnumbered:
        return max(0, by_time)
    # Other frames of the device use counter values too: the time gives a second upper bound.
    return max(0, min(later.f_cnt - earlier.f_cnt - 1, by_time))


def _restarted(earlier: Report, later: Report) -> bool:
    """True after a join or a restart of the device's frame counter."""
    return later.dev_addr != earlier.dev_addr or later.generation > earlier.generation


def _older_frame(earlier: Report, later: Report) -> bool:
    """True where `later` was sent before `earlier`: its event time is wrong."""
    if STORED_RECORD in (earlier.f_cnt, later.f_cnt):
        return False
    same = (later.dev_addr, later.generation) == (earlier.dev_addr, earlier.generation)
    return same and later.f_cnt < earlier.f_cnt


def merge(first: Report, second: Report) -> Report:
    """One report from two about the same moment.

    The same frame, or a stored record of the same moment, adds nothing. Of two frames the later
    one has the newer total, and their interval counts add up.
    """
    if second.f_cnt == STORED_RECORD or second.f_cnt == first.f_cnt:
        return first
    if first.f_cnt == STORED_RECORD:
        return second
    older, newer = sorted((first, second), key=lambda report: (report.generation, report.f_cnt))
    counts = [report.count for report in (older, newer) if report.count is not None]
    return msgspec.structs.replace(
        newer,
        total=older.total if newer.total is None else newer.total,
        count=sum(counts) if counts else None,
    )


def _point(
    previous: CountPoint | None,
    report: Report,
    delta: int,
    doubt: int,
    flag: Flag,
    variance: int = 0,
) -> CountPoint:
    counted = previous.counted if previous else 0
    doubted = previous.doubt if previous else 0
    scattered = previous.variance if previous else 0
    return CountPoint(report, delta, counted + delta, doubted + doubt, flag, scattered + variance)

"""What a parking space is, by the reports of its sensor. Pure.

A change is believed once it has held for a while, silence makes a space unknown, and so does a
sensor that has just started: it may have calibrated itself under a car.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant

TAKEN_AFTER = 15 * SECOND
"""A car that stands for less is one that turns or looks for a space."""
FREE_AFTER = 30 * SECOND
STUCK_AFTER = 72 * HOUR
LOOKED_BACK = 96 * HOUR
START_LASTS = 10 * MINUTE
"""So long after its start a sensor that says taken may still mean itself."""
_HEARTBEATS = 2.5
_NEIGHBOURS = 2
"""So many others have to have changed for a space to be stuck: a quiet street is none."""


class SpaceState(StrEnum):
    FREE = "free"
    OCCUPIED = "occupied"
    UNKNOWN = "unknown"


class Doubt(StrEnum):
    """Why a space is unknown."""

    NEVER_REPORTED = "never_reported"
    SILENT = "silent"
    AFTER_START = "after_start"
    STUCK = "stuck"
    COUNTER = "counter"
    """Of a lot that is counted: it cannot be so many, or so few."""
    NO_CAPACITY = "no_capacity"
    """Of a lot that is counted: nobody has said how many spaces it has."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a sensor said. `doubted`: it said so at its start, or its value is in doubt."""

    time: Instant
    taken: bool
    doubted: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Space:
    """A space at a moment. `since`: from when on it is so, as far as the reports go back.

    `changed_at`: the newest change that its present sensor saw; None: none.
    """

    state: SpaceState
    since: Instant | None = None
    reported_at: Instant | None = None
    doubt: Doubt | None = None
    changed_at: Instant | None = None
    first_at: Instant | None = None
    """The first report of the sensor that is there now."""


NEVER = Space(SpaceState.UNKNOWN, doubt=Doubt.NEVER_REPORTED)


def silent_after(interval_s: int) -> int:
    """How long a sensor may say nothing that reports at least this often."""
    return int(_HEARTBEATS * interval_s * SECOND)


class _Reading:
    """Goes through the reports in their order."""

    def __init__(self) -> None:
        self.shown: bool | None = None
        self.since: Instant | None = None
        self.changing: Instant | None = None
        """Since when the sensor says other than is shown."""
        self.started: Instant | None = None
        self.last: Report | None = None
        self.changed_at: Instant | None = None
        self.first_at: Instant | None = None

    def take(self, report: Report) -> None:
        self.pass_time(Instant(report.time - 1))  # the report itself decides this moment
        if self.last is None or self.last.source != report.source:
            self.first_at, self.changed_at = report.time, None
        elif self.last.taken != report.taken:
            self.changed_at = report.time
        self.last = report
        if report.doubted:
            self.started, self.shown, self.since = report.time, None, report.time
            self.changing = None
            return
        if self.started is not None:
            if report.taken and report.time - self.started < START_LASTS:
                return
            self.started = None
        if self.shown is None:
            self.shown, self.since = report.taken, report.time
        elif report.taken == self.shown:
            self.changing = None
        elif self.changing is None:
            self.changing = report.time

    def pass_time(self, now: Instant) -> None:
        """A change that has held for long enough by now is shown, as of when it began."""
        if self.changing is None or self.shown is None:
            return
        wait = FREE_AFTER if self.shown else TAKEN_AFTER
        if now - self.changing >= wait:
            self.shown, self.since, self.changing = not self.shown, self.changing, None


def space_of(reports: Iterable[Report], now: Instant, silent: int) -> Space:
    """What a space is at `now`, by its reports in the order of time. `silent`: without a report
    for longer it is unknown."""
    read = _Reading()
    for report in reports:
        if report.time <= now:
            read.take(report)
    read.pass_time(now)
    if read.last is None:
        return NEVER
    doubt = None
    if now - read.last.time > silent:
        doubt = Doubt.SILENT
    elif read.shown is None:
        doubt = Doubt.AFTER_START
    states = {True: SpaceState.OCCUPIED, False: SpaceState.FREE, None: SpaceState.UNKNOWN}
    return Space(
        state=SpaceState.UNKNOWN if doubt else states[read.shown],
        since=read.last.time if doubt is Doubt.SILENT else read.since,
        reported_at=read.last.time,
        doubt=doubt,
        changed_at=read.changed_at,
        first_at=read.first_at,
    )


def without_stuck(spaces: Sequence[Space], now: Instant) -> list[Space]:
    """The spaces of a lot, those as unknown that have not changed for three days while most of
    the others have."""
    known = [one for one in spaces if one.doubt is None]
    changed = sum(_changes(one, now) for one in known)
    # Who stands still is not among them, and is none of its own neighbours.
    others_change = changed >= _NEIGHBOURS and 2 * changed > len(known) - 1
    return [_stuck(one) if others_change and _stands_still(one, now) else one for one in spaces]


def _stuck(space: Space) -> Space:
    since = space.changed_at or space.first_at
    return Space(
        SpaceState.UNKNOWN,
        since,
        space.reported_at,
        Doubt.STUCK,
        space.changed_at,
        space.first_at,
    )


def _stands_still(space: Space, now: Instant) -> bool:
    since = space.changed_at or space.first_at
    return space.doubt is None and since is not None and now - since >= STUCK_AFTER


def _changes(space: Space, now: Instant) -> bool:
    return space.changed_at is not None and now - space.changed_at < STUCK_AFTER

"""The present number as it is shown to people: rounded, with bounds and the end of its validity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.domains.crowd.level import Level, level_of
from stadtsinn.cloud.domains.crowd.occupancy import MISSED_REPORTS
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda, next_start
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit, permitted_at

EXACT_BELOW = 100
"""Numbers from this one on are rounded to tens."""


class State(StrEnum):
    """How far a number can be relied on."""

    LIVE = "live"
    DEGRADED = "degraded"
    """A gate is silent: only the bounds hold."""
    STALE = "stale"
    """No gate has reported for three intervals: there is no current number."""
    CLOSED = "closed"
    """Nothing takes place there: nobody is counted."""


class Qualifier(StrEnum):
    """How exact a shown number is."""

    EXACT = "exact"
    ABOUT = "about"
    AT_LEAST = "at_least"


@dataclass(frozen=True)
class ShownNumber:
    """What pages and API show. `low` <= true number <= `high`, rounded outwards."""

    persons: int
    qualifier: Qualifier
    low: int
    high: int
    level: Level | None
    to_be_safe: bool = False
    """The level is that of the upper bound, worse than that of the number beside it."""


@dataclass(frozen=True)
class Present:
    """The present of a zone. `shown` is None while it is stale."""

    state: State
    shown: ShownNumber | None
    sample: ZoneSample | None
    reported_at: Instant | None
    valid_until: Instant | None
    permitted: int | None = None
    opens_at: Instant | None = None
    """When something takes place again, where nothing does now."""


def present_in(
    zone: Zone,
    planned: Sequence[PlannedPermit],
    latest: tuple[ZoneSample, Instant] | None,
    now: Instant,
) -> Present:
    """The present of a zone with its events and permits."""
    agenda = Agenda(zone.events)
    permitted = permitted_at(agenda, planned, zone.permitted, now)
    if not agenda.is_open(now):
        opens = next_start(zone.events, now)
        return Present(State.CLOSED, None, None, None, opens, permitted, opens)
    occurrence = agenda.occurrence_at(now)
    if occurrence and latest and latest[0].event_time < occurrence.start:
        latest = None  # the number of another event
    found = replace(present(latest, permitted, zone.interval_s, now), permitted=permitted)
    if occurrence and found.valid_until and found.valid_until > occurrence.end:
        return replace(found, valid_until=occurrence.end)
    return found


def present(
    latest: tuple[ZoneSample, Instant] | None,
    permitted: int | None,
    interval_s: int,
    now: int,
) -> Present:
    """The present, from the newest sample and the time of the gates' last report."""
    if latest is None:
        return Present(State.STALE, None, None, None, None)
    sample, reported_at = latest
    valid_until = Instant(reported_at + MISSED_REPORTS * interval_s * SECOND)
    if now >= valid_until:
        return Present(State.STALE, None, sample, reported_at, valid_until)
    state = State.DEGRADED if sample.degraded else State.LIVE
    return Present(state, _shown_number(sample, permitted), sample, reported_at, valid_until)


def _shown_number(sample: ZoneSample, permitted: int | None) -> ShownNumber:
    low, high = _down(sample.low), _up(sample.high)
    if sample.degraded:
        # Passages at the silent gate are unknown: show the lower bound as the number, and judge
        # the level by the upper bound. That the permit is exceeded is said only where it is sure.
        certain, level = level_of(sample.low, permitted), level_of(sample.high, permitted)
        if level is Level.OVER and certain is not Level.OVER:
            level = Level.FULL
        return ShownNumber(low, Qualifier.AT_LEAST, low, high, level, level is not certain)
    level = level_of(sample.occupancy, permitted)
    if sample.occupancy < EXACT_BELOW:
        return ShownNumber(sample.occupancy, Qualifier.EXACT, low, high, level)
    rounded = (sample.occupancy + 5) // 10 * 10
    if level is Level.OVER:
        rounded = _up(sample.occupancy)  # never down to the permitted number
    return ShownNumber(rounded, Qualifier.ABOUT, min(low, rounded), max(high, rounded), level)


def _down(persons: int) -> int:
    return persons if persons < EXACT_BELOW else persons // 10 * 10


def _up(persons: int) -> int:
    return persons if persons < EXACT_BELOW else -(-persons // 10) * 10

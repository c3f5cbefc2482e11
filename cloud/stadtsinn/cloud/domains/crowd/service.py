"""A zone's number for staff: reading and correcting it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.base.logs import mask_text
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.domains.crowd import zone_repository
from stadtsinn.cloud.domains.crowd.day_repository import days_until, ratio_at
from stadtsinn.cloud.domains.crowd.drift import ClosedDay, Learned
from stadtsinn.cloud.domains.crowd.history import estimate_at, occupancy_history
from stadtsinn.cloud.domains.crowd.present import Present, present_in
from stadtsinn.cloud.domains.crowd.sample import MOST_PERSONS, ZoneSample
from stadtsinn.cloud.domains.crowd.zone_repository import Correction, CorrectionKind
from stadtsinn.cloud.domains.crowd.zones import repository as registry
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.platform.access.rows import missing
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import Database

MAX_MINUTES = 1_440
"""Minutes in one answer of the history."""

MAX_STREAMED = 400 * DAY
"""Of one table of the history."""


@dataclass(frozen=True)
class HistoryPage:
    """Minutes of a zone's past; `following` is where the next page starts."""

    samples: list[ZoneSample]
    following: Instant | None


def current(connection: Connection, scope: Scope, slug: str, now: Instant) -> Present:
    """The present of a zone of the caller's tenant; raises NotFound."""
    entry = _entry(connection, scope, slug)
    latest = zone_repository.latest_reported(connection, entry.id)
    return present_in(entry, entry.planned, latest, now)


def ratio(connection: Connection, scope: Scope, slug: str, now: Instant) -> Learned:
    """What who leaves is weighed by now, as the days before say; raises NotFound."""
    entry = _entry(connection, scope, slug)
    return ratio_at(connection, entry.id, now, learns=entry.learn_ratio)


def days(connection: Connection, scope: Scope, slug: str, now: Instant) -> list[ClosedDay]:
    """The days that began and ended empty, the newest last; raises NotFound."""
    return days_until(connection, registry.zone_id(connection, scope, slug), now)


def _entry(connection: Connection, scope: Scope, slug: str) -> ZoneEntry:
    entry = registry.zone_entry(connection, registry.zone_id(connection, scope, slug))
    if entry is None:  # its town is being erased
        raise missing("zone", slug)
    return entry


def history(
    connection: Connection, scope: Scope, slug: str, start: Instant, end: Instant
) -> HistoryPage:
    """Full minutes with start <= minute < end, a day's worth at most; raises NotFound, Invalid."""
    zone_id = registry.zone_id(connection, scope, slug)
    if end <= start:
        raise Invalid(
            "'end' has to be later than 'start'.",
            "'end' muss nach 'start' liegen.",
        )
    until = min(end, start + MAX_MINUTES * MINUTE)
    samples = occupancy_history(connection, zone_id, start, until)
    return HistoryPage(samples, Instant(until) if until < end else None)


def whole_history(
    database: Database, scope: Scope, slug: str, start: Instant, end: Instant
) -> Iterator[ZoneSample]:
    """Every full minute with start <= minute < end, computed a day at a time.

    Raises NotFound and Invalid before the first.
    """
    if end - start > MAX_STREAMED:
        raise Invalid(
            f"A table has at most {MAX_STREAMED // DAY} days: ask for the years one by one.",
            f"Eine Tabelle hat höchstens {MAX_STREAMED // DAY} Tage: die Jahre einzeln abfragen.",
        )
    with database.read() as connection:
        first = history(connection, scope, slug, start, end)
    return chain(first.samples, _following(database, scope, slug, first.following, end))


def _following(
    database: Database, scope: Scope, slug: str, start: Instant | None, end: Instant
) -> Iterator[ZoneSample]:
    while start is not None:
        with database.read() as connection:  # a slow reader holds no connection
            page = history(connection, scope, slug, start, end)
        yield from page.samples
        start = page.following


def corrections(
    connection: Connection, scope: Scope, slug: str, before: int | None, limit: int
) -> list[Correction]:
    """Corrections of a zone, the newest first; raises NotFound."""
    zone_id = registry.zone_id(connection, scope, slug)
    return zone_repository.corrections_page(connection, zone_id, before, limit)


def enter_number(
    database: Database,
    scope: Scope,
    slug: str,
    *,
    value: int | None,
    change: int = 0,
    name: str,
    reason: str,
    at: Instant,
    now: Instant,
) -> Correction:
    """Note how many persons were inside at a moment, or by how many more or fewer than counted:
    counting goes on from there.

    The live follower takes it over with its next tick. Two at once are both on record, and the one
    that was entered last counts; a change goes by what was entered before. Raises NotFound, and
    Invalid for a moment in the future or more than a day ago, and for a number below zero.
    """
    if at > now:
        raise Invalid(
            "'at' lies in the future: enter the number when it has been counted.",
            "'at' liegt in der Zukunft: die Zahl eintragen, wenn gezählt wurde.",
        )
    if at < now - DAY:
        raise Invalid(
            "'at' lies more than a day back: the nightly reset has corrected that day.",
            "'at' liegt mehr als einen Tag zurück: das nächtliche Nullstellen hat diesen Tag "
            "berichtigt.",
        )
    with database.write() as connection:
        zone = _entry(connection, scope, slug)
        zone_id = zone.id
        # From here on the follower computes anew: two corrections do not overtake each other.
        zone_repository.touch_state(connection, zone_id)
        if value is None:
            value = _changed(connection, zone, at, change)
        correction = zone_repository.insert_correction(
            connection,
            scope.tenant_id,
            zone_id,
            CorrectionKind.MANUAL,
            at,
            now,
            value=value,
            name=name,
            reason=reason,
        )
        detail = mask_text(f"value: {value}; reason: {reason}")
        line = Line(scope.tenant_id, Action.CREATED, Kind.COUNTED_NUMBER, slug, detail)
        record(connection, scope, now, [line])
    return correction


def _changed(connection: Connection, zone: ZoneEntry, at: Instant, change: int) -> int:
    """The number at a moment with so many more or fewer; raises Invalid for one that nobody could
    enter."""
    estimate = estimate_at(connection, zone, at)
    counted = estimate.occupancy if estimate else 0
    if counted + change < 0:
        raise Invalid(
            f"{counted} were counted then: {-change} fewer would be less than nobody. Enter the "
            "number of those who are there instead.",
            f"Gezählt waren da {counted}: {-change} weniger wäre weniger als niemand. Stattdessen "
            "die Zahl derer eintragen, die da sind.",
        )
    if counted + change > MOST_PERSONS:
        raise Invalid(
            f"{counted} were counted then: {change} more would be more than {MOST_PERSONS}. Enter "
            "the number of those who are there instead.",
            f"Gezählt waren da {counted}: {change} mehr wäre mehr als {MOST_PERSONS}. Stattdessen "
            "die Zahl derer eintragen, die da sind.",
        )
    return counted + change

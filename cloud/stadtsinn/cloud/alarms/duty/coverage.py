"""Whether somebody is always on duty: gaps, overlaps, and what clock changes do to shifts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty import repository
from stadtsinn.cloud.alarms.duty.regions import holiday
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.duty.roster import Overlap, Skipped
from stadtsinn.cloud.alarms.duty.service import is_list, roster_of
from stadtsinn.cloud.platform.access.scope import Scope


@dataclass(frozen=True)
class Gap:
    """Nobody is on duty. `ends_plan`: nobody is from here on, as far as was looked."""

    span: Span
    holiday: tuple[str, ...]
    ends_plan: bool


@dataclass(frozen=True)
class Coverage:
    """What a look at a group's shifts found. A mere list of people has no shifts to miss."""

    whole: Span
    is_list: bool
    gaps: tuple[Gap, ...]
    overlaps: tuple[Overlap, ...]
    skipped: tuple[Skipped, ...]


def coverage(
    connection: Connection, stored: StoredGroup, whole: Span, language: Language = Language.DE
) -> Coverage:
    """Every minute of the whole is looked at; holidays are named in the language."""
    if is_list(connection, stored):
        return Coverage(whole, True, (), (), ())
    roster = roster_of(connection, stored, whole)
    region = stored.group.region
    gaps = tuple(
        Gap(span, tuple(_holidays(region, span, language)), span.end == whole.end)
        for span in roster.gaps(whole)
    )
    overlaps = tuple(roster.overlaps(whole))
    return Coverage(whole, False, gaps, overlaps, tuple(roster.skipped(whole)))


def next_year(connection: Connection, scope: Scope, slug: str, now: Instant) -> Coverage:
    """Of a group of the caller's tenant. Raises NotFound."""
    stored = repository.group(connection, scope, slug)
    return coverage(connection, stored, a_year_from(now))


def a_year_from(now: Instant) -> Span:
    """From now on to the same time in a year."""
    today = berlin.local(now)
    year = timedelta(days=366 if _has_leap_day(today.year, today.month) else 365)
    return Span(now, Instant(now + year // timedelta(microseconds=1)))


def _has_leap_day(year: int, month: int) -> bool:
    """Whether a year from then on holds a 29th of February."""
    with_it = year if month <= 2 else year + 1
    return with_it % 4 == 0 and (with_it % 100 != 0 or with_it % 400 == 0)


def _holidays(region: str | None, span: Span, language: Language) -> Iterator[str]:
    """Names of the holidays in a gap, of long ones the first."""
    day = berlin.local(span.start).date()
    last = min(berlin.local(span.end - 1).date(), day + timedelta(days=7))
    while day <= last:
        if (name := holiday(region, day, language)) is not None:
            yield name
        day += timedelta(days=1)

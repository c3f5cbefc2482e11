"""Brings a shift plan from a file into a group: first what it would change, then the change.

A plan speaks of the time from its first shift to its last, or of what the caller says. What an
earlier import said of that time goes, as far as it is not over; all else stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import LATEST, Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.duty import repository
from stadtsinn.cloud.alarms.duty.people import People
from stadtsinn.cloud.alarms.duty.plan_file import read_plan
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.duty.roster import Planned
from stadtsinn.cloud.alarms.duty.service import group_named
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.lists.row_errors import WrongCell, told


class PlanRefused(Invalid):
    """A file that is no plan of this group, with all that is wrong."""


@dataclass(frozen=True)
class PlanChange:
    """What importing a plan changes. `notes`: what its reader should know."""

    whole: Span
    new: tuple[Planned, ...]
    gone: tuple[Planned, ...]
    same: int
    notes: tuple[Sentence, ...]


def plan_change(
    connection: Connection,
    stored: StoredGroup,
    content: bytes,
    now: Instant,
    *,
    start: Instant | None = None,
    end: Instant | None = None,
) -> PlanChange:
    """What importing this file would change. `start` and `end`: of the time that it speaks of,
    where that is more than its shifts say. Raises PlanRefused with all that is wrong."""
    try:
        plan = read_plan(content, people_of(connection, stored), now)
    except WrongCell as error:
        raise PlanRefused.of(error.sentence) from None
    if plan.errors:
        raise PlanRefused.of(told(plan.errors))
    wanted = sorted(plan.shifts)
    if not wanted:
        raise PlanRefused.of(_ALL_OVER)
    first = wanted[0].span.start if start is None else min(start, wanted[0].span.start)
    last = max(one.span.end for one in wanted)
    whole = Span(first, last if end is None else Instant(max(end, last)))
    present = _present(connection, stored, whole, now)
    new = tuple(one for one in wanted if one not in present)
    gone = tuple(one for one in sorted(present) if one not in plan.shifts)
    return PlanChange(whole, new, gone, len(wanted) - len(new), tuple(plan.notes))


_ALL_OVER = Sentence(
    "every shift of this file is over: is it the right one?",
    "alle Schichten dieser Datei sind vorbei: ist es die richtige?",
)


def import_plan(
    connection: Connection,
    scope: Scope,
    slug: str,
    content: bytes,
    now: Instant,
    *,
    start: Instant | None = None,
    end: Instant | None = None,
) -> PlanChange:
    """Bring a plan into a group of the caller's tenant, as `plan_change` says. Raises NotFound."""
    stored = group_named(connection, scope, slug)
    made = plan_change(connection, stored, content, now, start=start, end=end)
    change_plan(connection, stored, made)
    return made


def change_plan(connection: Connection, stored: StoredGroup, change: PlanChange) -> None:
    """Carry a change out, in the transaction in which it was found."""
    people = repository.people(connection, stored.tenant_id)
    repository.replace_planned(connection, stored.id, change.gone, change.new, people)


def people_of(connection: Connection, stored: StoredGroup) -> People:
    """All names by which plans may name the members of a group."""
    names = repository.names(connection, stored.tenant_id)
    return People(
        {
            one.recipient: (names[one.recipient], one.recipient, *one.known_as)
            for one in stored.group.members
        }
    )


def _present(
    connection: Connection, stored: StoredGroup, whole: Span, now: Instant
) -> Sequence[Planned]:
    """What the plan says of this time so far and is not over."""
    found = repository.planned(connection, stored.id, Span(now, LATEST))
    return [one for one in found if whole.start <= one.span.start < whole.end]

"""Changes duty groups, and says who of them is on duty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import Instant, from_datetime
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.alarms.duty import repository
from stadtsinn.cloud.alarms.duty.model import DutyGroup, SubstitutionBody, not_one_of
from stadtsinn.cloud.alarms.duty.regions import is_holiday
from stadtsinn.cloud.alarms.duty.repository import StoredGroup, StoredSubstitution
from stadtsinn.cloud.alarms.duty.roster import Roster, Turn, Weekly
from stadtsinn.cloud.alarms.duty.tables import duty_groups
from stadtsinn.cloud.platform.access.rows import missing
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room

_MOST_SUBSTITUTIONS = 1_000


def create_group(connection: Connection, scope: Scope, wanted: DutyGroup) -> None:
    """Raises Conflict when the slug is taken, Invalid for an unknown recipient."""
    people = repository.people(connection, scope.tenant_id)
    if wanted.slug in repository.slugs(connection, scope):
        raise Conflict(
            f"There is already a duty group '{wanted.slug}'. Change it with PUT.",
            f"Es gibt schon eine Bereitschaft '{wanted.slug}'. Sie mit PUT ändern.",
        )
    if wanted.slug in people:
        raise Conflict(
            f"There is a recipient '{wanted.slug}': rules name groups and recipients alike, so "
            "give the group another name.",
            f"Es gibt einen Empfänger '{wanted.slug}': Regeln nennen Bereitschaften und "
            "Empfänger gleichermaßen, also der Bereitschaft einen anderen Namen geben.",
        )
    _require_people(wanted, people)
    require_room(connection, scope, "duty_groups", duty_groups)
    repository.insert_group(connection, scope, wanted, people)


def replace_group(connection: Connection, scope: Scope, wanted: DutyGroup) -> bool:
    """False when it was so already. Raises NotFound, and Invalid as `create_group`."""
    stored = repository.group(connection, scope, wanted.slug)
    if stored.group.model_dump() == wanted.model_dump():
        return False
    people = repository.people(connection, scope.tenant_id)
    _require_people(wanted, people)
    repository.update_group(connection, stored, wanted, people)
    return True


def delete_group(connection: Connection, scope: Scope, slug: str) -> None:
    """Raises NotFound, and Conflict while a rule names it: its messages would be lost."""
    stored = repository.group(connection, scope, slug)
    if rules := repository.rules_with(connection, stored.id):
        raise Conflict(
            f"The rules {', '.join(rules)} name '{slug}': take the group out of them first.",
            f"Die Regeln {', '.join(rules)} nennen '{slug}': die Bereitschaft erst aus ihnen "
            "herausnehmen.",
        )
    repository.delete_group(connection, stored)


def apply_groups(
    connection: Connection, scope: Scope, wanted: Sequence[DutyGroup]
) -> list[tuple[str, str]]:
    """Bring groups to what a town file says; groups it does not name stay.

    Returns what changed as (``created`` or ``changed``, what). Raises Problem naming the group.
    """
    changes = []
    for one in wanted:
        try:
            if replace_group(connection, scope, one):
                changes.append(("changed", f"duty group {one.slug}"))
        except NotFound:
            create_group(connection, scope, one)
            changes.append(("created", f"duty group {one.slug}"))
    return changes


def _require_people(wanted: DutyGroup, people: dict[str, int]) -> None:
    for member in wanted.members:
        if member.recipient not in people:
            raise Invalid.of(not_one_of(member.recipient, list(people), "recipient"))


def group_named(connection: Connection, scope: Scope, slug: str) -> StoredGroup:
    """Raises NotFound with the names that are near."""
    try:
        return repository.group(connection, scope, slug)
    except NotFound:
        known = repository.slugs(connection, scope)
        names, said = ", ".join(known), not_one_of(slug, known, "duty group")
        more = f"Known: {names}." if known else "There is none yet (docs/duty.md)."
        german = f"Bekannt: {names}." if known else "Es gibt noch keine (docs/duty.md)."
        raise NotFound(f"{said.english} {more}", f"{said.german} {german}") from None


# --- stand-ins -------------------------------------------------------------------------


def add_substitution(
    connection: Connection, scope: Scope, slug: str, wanted: SubstitutionBody, now: Instant
) -> StoredSubstitution:
    """Raises NotFound, Invalid for an unknown person or a time that is over, Conflict where there
    are too many."""
    stored = repository.group(connection, scope, slug)
    people = repository.people(connection, scope.tenant_id)
    members = [one.recipient for one in stored.group.members]
    if wanted.absent not in members:
        raise Invalid.of(not_one_of(wanted.absent, members, "member"))
    if wanted.stand_in not in people:
        raise Invalid.of(not_one_of(wanted.stand_in, list(people), "recipient"))
    if len(repository.substitutions(connection, stored.id)) >= _MOST_SUBSTITUTIONS:
        raise Conflict(
            f"'{slug}' has {_MOST_SUBSTITUTIONS} substitutions: delete old ones.",
            f"'{slug}' hat {_MOST_SUBSTITUTIONS} Vertretungen: alte löschen.",
        )
    span = Span(from_datetime(wanted.start), from_datetime(wanted.end))
    if span.end <= now:
        raise Invalid(
            f"This time ended on {berlin.for_people(span.end)}: a stand-in is for now or later.",
            f"Diese Zeit endete am {berlin.in_german(span.end)}: eine Vertretung gilt ab jetzt "
            "oder später.",
        )
    number = repository.insert_substitution(
        connection, stored.id, people[wanted.absent], people[wanted.stand_in], span
    )
    return StoredSubstitution(number, wanted.absent, wanted.stand_in, span)


def delete_substitution(connection: Connection, scope: Scope, slug: str, number: int) -> None:
    """Raises NotFound."""
    stored = repository.group(connection, scope, slug)
    if not repository.delete_substitution(connection, stored.id, number):
        raise missing("substitution", number)


def substitutions(connection: Connection, scope: Scope, slug: str) -> list[StoredSubstitution]:
    """The newest first. Raises NotFound."""
    return repository.substitutions(connection, repository.group(connection, scope, slug).id)


# --- who is on duty --------------------------------------------------------------------


@dataclass(frozen=True)
class Duty:
    """Who is on duty at the beginning of a time, and in it."""

    whole: Span
    now: list[Turn]
    turns: list[Turn]
    is_list: bool


def duty_in(connection: Connection, scope: Scope, slug: str, whole: Span) -> Duty:
    """Raises NotFound."""
    stored = repository.group(connection, scope, slug)
    roster = roster_of(connection, stored, whole)
    is_mere_list = is_list(connection, stored)
    return Duty(whole, roster.on_duty(whole.start), roster.turns(whole), is_mere_list)


def roster_of(connection: Connection, stored: StoredGroup, whole: Span) -> Roster:
    """All that says who of the group is on duty within the whole."""
    one = stored.group
    return Roster(
        tuple(Weekly(shift.on_duty, shift.hours) for shift in one.shifts),
        tuple(repository.planned(connection, stored.id, whole)),
        repository.stand_ins(connection, stored.id, whole),
        partial(is_holiday, one.region),
    )


def is_list(connection: Connection, stored: StoredGroup) -> bool:
    """Nobody has a shift, and none was ever imported: all are told, and nothing is missing."""
    return not stored.group.shifts and not repository.has_plan(connection, stored.id)


def on_duty(connection: Connection, stored: StoredGroup, at: Instant) -> list[str]:
    """Slugs of those who are on duty at a moment."""
    moment = Span(at, Instant(at + 1))
    turns = roster_of(connection, stored, moment).on_duty(at)
    return list(dict.fromkeys(turn.person for turn in turns))

"""The SQL of duty groups, their shifts and stand-ins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update

from stadtsinn.base.calendar import Day, Span
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.duty.model import (
    DutyGroup,
    Member,
    QuietHours,
    WateringMail,
    WeeklyShift,
    WeeklyTest,
)
from stadtsinn.cloud.alarms.duty.roster import Planned, StandIn
from stadtsinn.cloud.alarms.duty.tables import (
    duty_groups,
    duty_members,
    duty_pauses,
    duty_shifts,
    duty_substitutions,
    duty_weekly,
)
from stadtsinn.cloud.alarms.notify.message import Addressee
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.platform.access.rows import only_row
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.database.engine import metadata
from stadtsinn.cloud.platform.tenants.repository import erasing


@dataclass(frozen=True)
class StoredGroup:
    """A group and what the table adds to it."""

    id: int
    tenant_id: str
    group: DutyGroup


def group(connection: Connection, scope: Scope, slug: str) -> StoredGroup:
    """A group of the caller's tenant; raises NotFound."""
    row = only_row(connection, _mine(scope).where(duty_groups.c.slug == slug), "duty group", slug)
    return _stored(connection, [row])[0]


def groups_page(
    connection: Connection, scope: Scope, after: str | None, limit: int | None
) -> list[StoredGroup]:
    """The caller's groups in the order of their slugs."""
    query = _mine(scope)
    if after is not None:
        query = query.where(duty_groups.c.slug > after)
    return _stored(connection, connection.execute(query.order_by(duty_groups.c.slug).limit(limit)))


def groups_of_all_towns(connection: Connection) -> list[StoredGroup]:
    """Every group, but for towns that are being erased."""
    query = select(duty_groups).where(duty_groups.c.tenant_id.not_in(erasing()))
    return _stored(connection, connection.execute(query.order_by(duty_groups.c.id)))


def groups_of_town(connection: Connection, tenant_id: str) -> list[StoredGroup]:
    query = select(duty_groups).where(duty_groups.c.tenant_id == tenant_id)
    return _stored(connection, connection.execute(query.order_by(duty_groups.c.id)))


def groups_with(connection: Connection, ids: Collection[int]) -> list[StoredGroup]:
    """The groups of these ids."""
    query = select(duty_groups).where(duty_groups.c.id.in_(ids)).order_by(duty_groups.c.id)
    return _stored(connection, connection.execute(query)) if ids else []


def group_ids(connection: Connection, scope: Scope, slugs: Sequence[str]) -> dict[str, int]:
    """Ids of those of the slugs that are groups of the caller's tenant."""
    query = select(duty_groups.c.slug, duty_groups.c.id).where(
        duty_groups.c.tenant_id == scope.tenant_id, duty_groups.c.slug.in_(slugs)
    )
    return {row.slug: row.id for row in connection.execute(query)}


def rules_with(connection: Connection, group_id: int) -> list[str]:
    """Slugs of the rules whose messages go to a group."""
    rules, link = metadata.tables["rules"], metadata.tables["rule_groups"]
    query = select(rules.c.slug).join(link, link.c.rule_id == rules.c.id)
    found = query.where(link.c.group_id == group_id).distinct().order_by(rules.c.slug)
    return list(connection.scalars(found))


def slugs(connection: Connection, scope: Scope) -> list[str]:
    query = select(duty_groups.c.slug).where(duty_groups.c.tenant_id == scope.tenant_id)
    return list(connection.scalars(query.order_by(duty_groups.c.slug)))


def groups_of_member(connection: Connection, scope: Scope, recipient: str) -> list[str]:
    """Slugs of the groups in which a recipient is a member or stands in."""
    person = select(recipients.c.id).where(
        recipients.c.tenant_id == scope.tenant_id, recipients.c.slug == recipient
    )
    member = select(duty_members.c.group_id).where(duty_members.c.recipient_id.in_(person))
    stands_in = select(duty_substitutions.c.group_id).where(
        duty_substitutions.c.stand_in_id.in_(person)
    )
    query = select(duty_groups.c.slug).where(duty_groups.c.id.in_(member.union(stands_in)))
    return list(connection.scalars(query.order_by(duty_groups.c.slug)))


# --- changes ---------------------------------------------------------------------------


def insert_group(
    connection: Connection, scope: Scope, wanted: DutyGroup, people: Mapping[str, int]
) -> None:
    """`people`: the recipients' ids by slug."""
    statement = insert(duty_groups).values(
        tenant_id=scope.tenant_id, slug=wanted.slug, **_values(wanted)
    )
    number = int(connection.execute(statement.returning(duty_groups.c.id)).scalar_one())
    _write_parts(connection, number, wanted, people)


def update_group(
    connection: Connection, stored: StoredGroup, wanted: DutyGroup, people: Mapping[str, int]
) -> None:
    """Bring a group to what is wanted. Who is no member any more has no shift."""
    connection.execute(
        update(duty_groups)
        .where(duty_groups.c.tenant_id == stored.tenant_id, duty_groups.c.id == stored.id)
        .values(**_values(wanted))
    )
    if stored.group.members != wanted.members:
        connection.execute(delete(duty_members).where(duty_members.c.group_id == stored.id))
    if stored.group.shifts != wanted.shifts:
        connection.execute(delete(duty_weekly).where(duty_weekly.c.group_id == stored.id))
    _write_parts(connection, stored.id, wanted, people, before=stored.group)
    left = [people[one.recipient] for one in wanted.members]
    for table, column in (
        (duty_shifts, duty_shifts.c.recipient_id),
        (duty_substitutions, duty_substitutions.c.absent_id),
    ):
        gone = delete(table).where(table.c.group_id == stored.id, column.not_in(left))
        connection.execute(gone)


def delete_group(connection: Connection, stored: StoredGroup) -> None:
    for table in (duty_pauses, duty_substitutions, duty_shifts, duty_weekly, duty_members):
        connection.execute(delete(table).where(table.c.group_id == stored.id))
    connection.execute(
        delete(duty_groups).where(
            duty_groups.c.tenant_id == stored.tenant_id, duty_groups.c.id == stored.id
        )
    )


def _values(wanted: DutyGroup) -> dict[str, Any]:
    quiet = [one.model_dump(mode="json") for one in wanted.quiet_hours]
    return {
        "name": wanted.name,
        "region": wanted.region,
        "quiet_hours": quiet,
        "test_message": wanted.test_message.model_dump(mode="json"),
        "watering_list": wanted.watering_list.model_dump(mode="json"),
    }


def _write_parts(
    connection: Connection,
    number: int,
    wanted: DutyGroup,
    people: Mapping[str, int],
    before: DutyGroup | None = None,
) -> None:
    members = [
        {
            "group_id": number,
            "recipient_id": people[one.recipient],
            "known_as": "\n".join(one.known_as),
        }
        for one in wanted.members
    ]
    shifts = [
        {
            "group_id": number,
            "recipient_id": people[one.on_duty],
            "days": " ".join(one.days),
            "start": one.start,
            "end": one.end,
        }
        for one in wanted.shifts
    ]
    if before is None or before.members != wanted.members:
        connection.execute(insert(duty_members), members)
    if shifts and (before is None or before.shifts != wanted.shifts):
        connection.execute(insert(duty_weekly), shifts)


# --- shifts of a plan ------------------------------------------------------------------


def planned(connection: Connection, group_id: int, whole: Span) -> list[Planned]:
    """Shifts of the imported plan of which something lies in the whole, by recipient's slug."""
    query = (
        select(duty_shifts.c.start, duty_shifts.c.end, recipients.c.slug)
        .join(recipients, recipients.c.id == duty_shifts.c.recipient_id)
        .where(
            duty_shifts.c.group_id == group_id,
            duty_shifts.c.end > whole.start,
            duty_shifts.c.start < whole.end,
        )
        .order_by(duty_shifts.c.start, duty_shifts.c.id)
    )
    return [
        Planned(Span(Instant(row.start), Instant(row.end)), row.slug)
        for row in connection.execute(query)
    ]


def has_plan(connection: Connection, group_id: int) -> bool:
    """Whether a plan was ever imported of which something is known."""
    query = select(duty_shifts.c.id).where(duty_shifts.c.group_id == group_id).limit(1)
    return connection.execute(query).first() is not None


def replace_planned(
    connection: Connection,
    group_id: int,
    gone: Iterable[Planned],
    new: Iterable[Planned],
    people: Mapping[str, int],
) -> None:
    """Take some shifts out of the plan and put others in."""
    table = duty_shifts
    for one in gone:
        connection.execute(
            delete(table).where(
                table.c.group_id == group_id,
                table.c.recipient_id == people[one.person],
                table.c.start == one.span.start,
                table.c.end == one.span.end,
            )
        )
    rows = [
        {
            "group_id": group_id,
            "recipient_id": people[one.person],
            "start": one.span.start,
            "end": one.span.end,
        }
        for one in new
    ]
    if rows:
        connection.execute(insert(table), rows)


# --- stand-ins -------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredSubstitution:
    """Who stands in for whom, by slug."""

    id: int
    absent: str
    stand_in: str
    span: Span


def substitutions(
    connection: Connection, group_id: int, whole: Span | None = None
) -> list[StoredSubstitution]:
    """Those of which something lies in the whole, in the order in which they were made: where two
    speak of the same time, the later one counts and comes first."""
    absent, stand_in = recipients.alias("absent"), recipients.alias("stand_in")
    table = duty_substitutions
    query = (
        select(table, absent.c.slug.label("absent"), stand_in.c.slug.label("stand_in"))
        .join(absent, absent.c.id == table.c.absent_id)
        .join(stand_in, stand_in.c.id == table.c.stand_in_id)
        .where(table.c.group_id == group_id)
        .order_by(table.c.id.desc())
    )
    if whole is not None:
        query = query.where(table.c.end > whole.start, table.c.start < whole.end)
    return [
        StoredSubstitution(
            row.id, row.absent, row.stand_in, Span(Instant(row.start), Instant(row.end))
        )
        for row in connection.execute(query)
    ]


def stand_ins(connection: Connection, group_id: int, whole: Span) -> tuple[StandIn, ...]:
    found = substitutions(connection, group_id, whole)
    return tuple(StandIn(one.span, one.absent, one.stand_in) for one in found)


def insert_substitution(
    connection: Connection, group_id: int, absent_id: int, stand_in_id: int, span: Span
) -> int:
    """Returns its id."""
    statement = insert(duty_substitutions).values(
        group_id=group_id,
        absent_id=absent_id,
        stand_in_id=stand_in_id,
        start=span.start,
        end=span.end,
    )
    return int(connection.execute(statement.returning(duty_substitutions.c.id)).scalar_one())


def delete_substitution(connection: Connection, group_id: int, number: int) -> bool:
    """False: there is none of this id."""
    statement = delete(duty_substitutions).where(
        duty_substitutions.c.group_id == group_id, duty_substitutions.c.id == number
    )
    return connection.execute(statement).rowcount == 1


# --- pauses ----------------------------------------------------------------------------


def paused(connection: Connection, group_id: int, at: Instant) -> set[str]:
    """Slugs of the members who answered STOP in this shift."""
    query = select(recipients.c.slug).join(
        duty_pauses, duty_pauses.c.recipient_id == recipients.c.id
    )
    return set(connection.scalars(query.where(*_holds(group_id, at))))


def paused_ids(connection: Connection, group_id: int, at: Instant) -> set[int]:
    return set(connection.scalars(select(duty_pauses.c.recipient_id).where(*_holds(group_id, at))))


def _holds(group_id: int, at: Instant) -> tuple[ColumnElement[bool], ...]:
    return (
        duty_pauses.c.group_id == group_id,
        duty_pauses.c.start <= at,
        duty_pauses.c.end > at,
    )


def insert_pause(connection: Connection, group_id: int, recipient_id: int, span: Span) -> None:
    values = {"group_id": group_id, "recipient_id": recipient_id}
    connection.execute(insert(duty_pauses).values(start=span.start, end=span.end, **values))


# --- people ----------------------------------------------------------------------------


def people(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Ids of all recipients of a town, by slug."""
    query = select(recipients.c.slug, recipients.c.id).where(recipients.c.tenant_id == tenant_id)
    return {row.slug: row.id for row in connection.execute(query)}


def names(connection: Connection, tenant_id: str) -> dict[str, str]:
    """Names of all recipients of a town, by slug."""
    query = select(recipients.c.slug, recipients.c.name).where(recipients.c.tenant_id == tenant_id)
    return {row.slug: row.name for row in connection.execute(query)}


def addressees(
    connection: Connection, tenant_id: str, wanted: Collection[str]
) -> dict[str, Addressee]:
    """Where messages to these recipients go, by slug."""
    query = select(
        recipients.c.slug,
        recipients.c.id,
        recipients.c.channel,
        recipients.c.address,
        recipients.c.language,
    ).where(recipients.c.tenant_id == tenant_id, recipients.c.slug.in_(wanted))
    return {slug: Addressee.of(*row) for slug, *row in connection.execute(query)}


# --- rows to groups --------------------------------------------------------------------


def _mine(scope: Scope) -> Select[Any]:
    return select(duty_groups).where(duty_groups.c.tenant_id == scope.tenant_id)


def _stored(connection: Connection, rows: Iterable[Row[Any]]) -> list[StoredGroup]:
    found = list(rows)
    ids = [row.id for row in found]
    members = _parts(connection, duty_members, ids)
    weekly = _parts(connection, duty_weekly, ids)
    return [
        StoredGroup(row.id, row.tenant_id, _group(row, members[row.id], weekly[row.id]))
        for row in found
    ]


def _parts(connection: Connection, table: Any, ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    query = (
        select(table, recipients.c.slug)
        .join(recipients, recipients.c.id == table.c.recipient_id)
        .where(table.c.group_id.in_(ids))
        .order_by(table.c.id)
    )
    for row in connection.execute(query) if ids else ():
        found[row.group_id].append(row)
    return found


def _group(row: Row[Any], members: list[Row[Any]], weekly: list[Row[Any]]) -> DutyGroup:
    # What stands in the table was checked when it was written.
    return DutyGroup.model_construct(
        slug=row.slug,
        name=row.name,
        region=row.region,
        members=tuple(
            Member.model_construct(
                recipient=one.slug, known_as=tuple(filter(None, one.known_as.split("\n")))
            )
            for one in members
        ),
        shifts=tuple(
            WeeklyShift.model_construct(
                on_duty=one.slug,
                days=tuple(map(Day, one.days.split())),
                start=one.start,
                end=one.end,
            )
            for one in weekly
        ),
        quiet_hours=tuple(QuietHours.model_validate(one) for one in row.quiet_hours),
        test_message=WeeklyTest.model_validate(row.test_message),
        watering_list=WateringMail.model_validate(row.watering_list),
    )

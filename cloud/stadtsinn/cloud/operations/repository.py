"""The SQL of what operators are told: of all towns, or of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, tuple_

from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.cloud.alarms.notify.message import Addressee, Kind, Status
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.log.cursors.tables import follower_cursors
from stadtsinn.cloud.log.set_aside.tables import set_aside
from stadtsinn.cloud.log.uplinks.tables import archived_sessions, uplinks
from stadtsinn.cloud.operations.tables import disk_samples as disk_samples_table
from stadtsinn.cloud.operations.tables import operator_alarms
from stadtsinn.cloud.operations.tables import pulses as pulses_table
from stadtsinn.cloud.operations.told import Key, Told
from stadtsinn.cloud.platform.database.upsert import (
    insert_ignore_all,
    insert_into,
    insert_or_update,
)
from stadtsinn.cloud.town.tables import devices, former_owners
from stadtsinn.cloud.town.tables import edges as edge_table


def edges(connection: Connection, tenant_id: str | None) -> Sequence[Any]:
    """Registered edges: id, name, tenant_id."""
    table = edge_table.c
    query = select(table.id, table.name, table.tenant_id).order_by(table.tenant_id, table.id)
    if tenant_id is not None:
        query = query.where(table.tenant_id == tenant_id)
    return connection.execute(query).all()


def registered_devices(
    connection: Connection, tenant_id: str | None, dev_eui: str | None = None
) -> Sequence[Any]:
    """Registered devices: dev_eui, tenant_id, name, device_type, interval_s, created_at."""
    table = devices.c
    query = select(
        table.dev_eui,
        table.tenant_id,
        table.name,
        table.device_type,
        table.interval_s,
        table.created_at,
    ).order_by(table.tenant_id, table.dev_eui)
    if tenant_id is not None:
        query = query.where(table.tenant_id == tenant_id)
    if dev_eui is not None:
        query = query.where(table.dev_eui == dev_eui)
    return connection.execute(query).all()


_ENDED = select(func.max(former_owners.c.until)).where(
    former_owners.c.dev_eui == bindparam("dev_eui")
)
# Made once: it is asked for each device that is silent.
_LAST_DAY = select(func.max(archived_sessions.c.day)).where(
    archived_sessions.c.dev_eui == bindparam("dev_eui"),
    archived_sessions.c.day >= func.coalesce(_ENDED.scalar_subquery(), 0),
)


def last_archived_day(connection: Connection, dev_eui: str) -> Instant | None:
    """The beginning of the newest archived day with uplinks of a device, as far as they are not of
    those who had it before."""
    day: Instant | None = connection.execute(_LAST_DAY, {"dev_eui": dev_eui}).scalar_one()
    return day


def cursors(connection: Connection) -> dict[str, tuple[int, Instant]]:
    """How far each follower is in the log, and when it moved last."""
    table = follower_cursors.c
    rows = connection.execute(select(table.name, table.position, table.updated_at))
    return {row.name: (row.position, row.updated_at) for row in rows}


def set_aside_at(connection: Connection, position: int) -> Sequence[Row[Any]]:
    """By which followers this uplink was set aside, and why."""
    table = set_aside
    return connection.execute(select(table).where(table.c.position == position)).all()


def newest_commit(connection: Connection) -> Instant | None:
    """When an uplink of whatever town was logged last."""
    query = select(uplinks.c.committed_at).order_by(uplinks.c.position.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def counted_after(connection: Connection, position: int) -> int:
    """How many uplinks are in the table behind this position."""
    query = select(func.count()).select_from(uplinks).where(uplinks.c.position > position)
    return int(connection.execute(query).scalar_one())


# --- what was told -------------------------------------------------------------------------


def told(connection: Connection, keys: Collection[Key] | None = None) -> dict[Key, Told]:
    """What operators were told and is not over: all of it, or of these keys."""
    table = operator_alarms
    query = select(
        table.c.kind,
        table.c.subject,
        table.c.since,
        table.c.said_at,
        table.c.times,
        table.c.detail,
    )
    if keys is not None:
        query = query.where(tuple_(table.c.kind, table.c.subject).in_(list(keys)))
    return {(row.kind, row.subject): Told(*row) for row in connection.execute(query)}


def note_told(connection: Connection, rows: Sequence[Told]) -> None:
    if not rows:
        return
    insert = insert_into(connection, operator_alarms)
    columns = ("said_at", "times", "detail")
    statement = insert.on_conflict_do_update(
        index_elements=["kind", "subject"],
        set_={name: insert.excluded[name] for name in columns},
    )
    connection.execute(statement, [asdict(row) for row in rows])


def forget_told(connection: Connection, keys: Collection[Key]) -> None:
    table = operator_alarms
    if keys:
        ended = tuple_(table.c.kind, table.c.subject).in_(list(keys))
        connection.execute(delete(table).where(ended))


def addressees(
    connection: Connection, tenant_id: str, slugs: Sequence[str]
) -> dict[str, Addressee]:
    """Those of these recipients of a town that there are, by short name."""
    table = recipients.c
    query = select(table.slug, table.id, table.channel, table.address, table.language).where(
        table.tenant_id == tenant_id, table.slug.in_(slugs)
    )
    return {slug: Addressee.of(*row) for slug, *row in connection.execute(query)}


# --- growth ----------------------------------------------------------------------------------


def disk_samples(connection: Connection, place: str) -> list[tuple[Instant, int]]:
    """When how many bytes were free at a place, the oldest first."""
    table = disk_samples_table.c
    query = select(table.at, table.free).where(table.place == place).order_by(table.at)
    return [(row.at, row.free) for row in connection.execute(query)]


def note_disk_samples(
    connection: Connection, free: Sequence[tuple[str, int]], now: Instant, kept_since: Instant
) -> None:
    """Add samples (place, free bytes) and forget those that are older than is kept."""
    table = disk_samples_table
    rows = [{"place": place, "at": now, "free": size} for place, size in free]
    insert_ignore_all(connection, table, rows)
    connection.execute(delete(table).where(table.c.at < kept_since))


def logged_since(connection: Connection, moment: Instant) -> int:
    """How many uplinks were logged since. Commits go up with positions, so a few looks find it."""
    table = uplinks.c
    query = select(func.min(table.position), func.max(table.position))
    low, high = connection.execute(query).one()
    if high is None:
        return 0
    first, last = int(low), int(high) + 1
    while first < last:
        middle = (first + last) // 2
        found = select(table.committed_at).where(table.position >= middle).order_by(table.position)
        if connection.execute(found.limit(1)).scalar_one() >= moment:
            last = middle
        else:
            first = middle + 1
    return counted_after(connection, first - 1)


def note_pulses(connection: Connection, roles: Collection[str], now: Instant) -> None:
    for role in roles:
        insert_or_update(connection, pulses_table, {"role": role, "at": now})


def pulses(connection: Connection) -> dict[str, Instant]:
    """When each role was last running."""
    table = pulses_table.c
    return {row.role: row.at for row in connection.execute(select(table.role, table.at))}


_TEST_TAKES = 30 * MINUTE
"""So long a test may be under way before somebody counts as not reached."""
_TESTS_KEPT = 8 * DAY
_REPORTED = 30 * DAY


@dataclass(frozen=True)
class LastTest:
    """The last weekly test of a duty group, and who did not get it, by short name."""

    at: Instant
    people: tuple[str, ...]


def test_not_delivered(connection: Connection, group_id: int, now: Instant) -> LastTest | None:
    """None without a test in the last week. Where a channel never reports a delivery, accepted by
    the provider is all that can be known."""
    table = outbox.c
    tests = (
        select(table.incident_id, table.created_at, table.status, table.channel, recipients.c.slug)
        .join(recipients, recipients.c.id == table.recipient_id)
        .where(
            table.kind == Kind.TEST.value,
            table.incident_id.startswith(f"test-{group_id}-", autoescape=True),
            table.created_at > now - _TESTS_KEPT,
            table.created_at <= now - _TEST_TAKES,
        )
        .order_by(table.created_at.desc(), recipients.c.slug)
    )
    rows = connection.execute(tests).all()
    if not rows:
        return None
    last = [row for row in rows if row.incident_id == rows[0].incident_id]
    reports = _channels_that_report(connection, Instant(now - _REPORTED))
    good = (Status.DELIVERED.value, Status.ACCEPTED.value)
    missed = [
        row.slug for row in last if row.status not in (good[:1] if row.channel in reports else good)
    ]
    return LastTest(last[0].created_at, tuple(missed))


def _channels_that_report(connection: Connection, since: Instant) -> set[str]:
    """Those by which some message was reported as delivered since then."""
    table = outbox.c
    query = select(table.channel).where(
        table.status == Status.DELIVERED.value, table.created_at > since
    )
    return set(connection.scalars(query.distinct()))

"""Whom a message to a duty group reaches, and when: a message is never lost.

An alarm goes to who is on duty when its incident is first told of. A higher level goes to them, and
to who is on duty by then. Where nobody is on duty all members are told. In quiet hours a message
waits for their end, and goes to who is on duty then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.calendar import Span, holding, merged
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.duty import repository
from stadtsinn.cloud.alarms.duty.model import DutyGroup
from stadtsinn.cloud.alarms.duty.regions import is_holiday
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.duty.service import is_list, on_duty
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import ALARMS, Addressee, Kind, Severity
from stadtsinn.cloud.alarms.notify.outbox_repository import Told

log = structlog.get_logger()

STOPPED = "the recipient answered STOP"

_nobody = Counter("stadtsinn_nobody_on_duty_total", "Messages to all of a group: nobody is on duty")

_LOOKED_AHEAD = 15 * DAY
"""For the end of quiet hours: beyond that they have none."""


@dataclass(frozen=True)
class Occasion:
    """Which message it is."""

    incident: str
    kind: Kind
    level: int
    sequence: int
    severity: Severity


def members_reached(
    connection: Connection, group_ids: Sequence[int], occasion: Occasion, now: Instant
) -> list[Addressee]:
    """Those of the groups who get this message."""
    found: list[Addressee] = []
    for stored in repository.groups_with(connection, group_ids):
        waits = waits_until(stored.group, occasion.severity, now)
        found += (
            replace(one, group_id=stored.id, not_before=waits)
            for one in _of_group(connection, stored, occasion, waits or now)
        )
    return found


def with_pauses(connection: Connection, to: Iterable[Addressee], now: Instant) -> list[Addressee]:
    """The same people; who answered STOP is not sent what comes through that group."""
    people = list(to)
    groups = {one.group_id for one in people if one.group_id is not None}
    paused = {group: repository.paused_ids(connection, group, now) for group in groups}
    return [
        replace(one, muted=one.muted or STOPPED)
        if one.id in paused.get(one.group_id or 0, ())
        else one
        for one in people
    ]


def with_quiet_hours(
    connection: Connection, to: Iterable[Addressee], severity: Severity, now: Instant
) -> list[Addressee]:
    """The same people; who was told as a member of a group has its quiet hours."""
    people = list(to)
    ids = {one.group_id for one in people if one.group_id is not None}
    waits = {
        stored.id: waits_until(stored.group, severity, now)
        for stored in repository.groups_with(connection, ids)
    }
    return [replace(one, not_before=waits.get(one.group_id or 0)) for one in people]


def each_once(to: Iterable[Addressee]) -> list[Addressee]:
    """Nobody twice: who is told at once by one way does not wait by another."""
    found: dict[int, Addressee] = {}
    for one in to:
        before = found.get(one.id)
        if before is None or (one.not_before or 0) < (before.not_before or 0):
            found[one.id] = one
    return list(found.values())


def waits_until(group: DutyGroup, severity: Severity, now: Instant) -> Instant | None:
    """The end of the quiet hours that hold this moment; None where it is in none."""
    ahead = Span(now, Instant(now + _LOOKED_AHEAD))
    quiet = merged(
        span
        for one in group.quiet_hours
        if one.severity is severity
        for span in one.hours.between(ahead, partial(is_holiday, group.region))
    )
    held = holding(quiet, now)
    return held.end if held is not None else None


def _of_group(
    connection: Connection, stored: StoredGroup, occasion: Occasion, at: Instant
) -> list[Addressee]:
    told = outbox.told_through(connection, occasion.incident, stored.id)
    this = (occasion.kind, occasion.level, occasion.sequence)
    if same := [one.to for one in told if (one.kind, one.level, one.sequence) == this]:
        return same  # the history is judged again: the same message goes to the same people
    alarmed = _alarmed(told) if occasion.kind is Kind.ALARM else []
    if alarmed and (paused := repository.paused_ids(connection, stored.id, at)):
        alarmed = [one for one in alarmed if one.id not in paused]
    return each_once([*alarmed, *_on_duty(connection, stored, at)])


def _alarmed(told: Iterable[Told]) -> list[Addressee]:
    return [one.to for one in told if one.kind in ALARMS and one.may_arrive]


def _on_duty(connection: Connection, stored: StoredGroup, at: Instant) -> list[Addressee]:
    members = [one.recipient for one in stored.group.members]
    paused = repository.paused(connection, stored.id, at)
    shift = on_duty(connection, stored, at)
    # Who answered STOP is left out: the next ones take over. A message is never lost for it.
    wanted = [one for one in shift if one not in paused]
    others = [one for one in members if one not in paused]
    found = repository.addressees(connection, stored.tenant_id, wanted or others or members)
    if not shift and not is_list(connection, stored):
        _nobody.inc()
        log.warning(
            "nobody_on_duty",
            tenant=stored.tenant_id,
            group=stored.group.slug,
            told=len(found),
            remedy="all members are told; 'stadtsinn roster check' names the gaps",
        )
    return list(found.values())

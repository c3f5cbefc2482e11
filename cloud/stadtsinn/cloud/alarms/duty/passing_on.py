"""An alarm that does not arrive goes to the person's next channel, then to the next in the group.

Next are those on duty who were not told, then the other members in their order, one at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import structlog
from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty import repository
from stadtsinn.cloud.alarms.duty.reaching import with_pauses
from stadtsinn.cloud.alarms.duty.service import on_duty
from stadtsinn.cloud.alarms.notify import facts, watched_repository
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind

log = structlog.get_logger()


def pass_on(connection: Connection, row: Any, now: Instant) -> bool:
    """Tell the next in line of an alarm that did not arrive; False: there is none."""
    told = watched_repository.told(connection, row)
    kept = facts.read(row.facts)
    to = next(_in_line(connection, row, told, now), None) if kept.said else None
    log.warning(
        "alarm_not_delivered",
        uuid=row.uuid,
        channel=row.channel,
        status=row.status,
        next=None if to is None else to.channel,
        same_person=to is not None and to.id == row.recipient_id,
    )
    if to is None:
        return False
    draft = Draft(
        tenant_id=row.tenant_id,
        incident_id=row.incident_id,
        kind=Kind(row.kind),
        level=row.level,
        sequence=row.sequence,
        said=kept.said,
        event_time=row.event_time,
        created_at=now,
        expires_at=row.expires_at,
        facts=kept,
    )
    outbox.enqueue(connection, draft, [to])
    watched_repository.give_up(connection, row.id)
    return True


def _in_line(
    connection: Connection, row: Any, told: set[tuple[int, str]], now: Instant
) -> Iterator[Addressee]:
    ways = watched_repository.ways_of(connection, row.recipient_id)
    for channel, address in ways:
        if (row.recipient_id, channel) not in told:
            language = Language(row.language)
            yield Addressee(row.recipient_id, channel, address, language, row.group_id)
    people = {recipient for recipient, _ in told}
    for stored in repository.groups_with(connection, [row.group_id] if row.group_id else []):
        members = [one.recipient for one in stored.group.members]
        slugs = list(dict.fromkeys([*on_duty(connection, stored, now), *members]))
        found = repository.addressees(connection, stored.tenant_id, slugs)
        others = [found[slug] for slug in slugs if slug in found and found[slug].id not in people]
        in_group = [replace(one, group_id=stored.id) for one in others]
        yield from (one for one in with_pauses(connection, in_group, now) if not one.muted)

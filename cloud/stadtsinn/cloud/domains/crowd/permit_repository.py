"""SQL of permits: what each zone's allowed from which event time on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, insert, select, tuple_, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.tables import zone_permits
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit
from stadtsinn.cloud.domains.crowd.zones.tables import zones


@dataclass(frozen=True)
class Permit:
    """What a zone's permit allowed from an event time on; None: there was none."""

    since: Instant
    permitted: int | None


def permits(connection: Connection, zone_id: int) -> list[Permit]:
    """What the permit allowed, the oldest first."""
    query = select(zone_permits.c.since, zone_permits.c.permitted)
    query = query.where(zone_permits.c.zone_id == zone_id).order_by(zone_permits.c.since)
    return [Permit(*row) for row in connection.execute(query)]


def note_permits(connection: Connection, zone_id: int, noted: Sequence[Permit]) -> None:
    """From these times on; of several at one moment the last holds."""
    for permit in noted:
        mine = (zone_permits.c.zone_id == zone_id) & (zone_permits.c.since == permit.since)
        connection.execute(delete(zone_permits).where(mine))
        connection.execute(
            insert(zone_permits).values(
                zone_id=zone_id, since=permit.since, permitted=permit.permitted
            )
        )


def delete_permits_before(connection: Connection, moment: int, limit: int) -> int:
    """Delete those that no longer held at a moment, so many at most; how many."""
    later = zone_permits.alias()
    former = (
        select(zone_permits.c.zone_id, zone_permits.c.since)
        .where(
            exists().where(
                later.c.zone_id == zone_permits.c.zone_id,
                later.c.since > zone_permits.c.since,
                later.c.since <= moment,
            )
        )
        .limit(limit)
    )
    key = tuple_(zone_permits.c.zone_id, zone_permits.c.since)
    return connection.execute(delete(zone_permits).where(key.in_(former))).rowcount


def write_permit(
    connection: Connection, zone_id: int, permitted: int | None, planned: Sequence[PlannedPermit]
) -> None:
    """What is permitted from now on, and what later."""
    values = {"permitted": permitted, "planned": [one.model_dump() for one in planned]}
    connection.execute(update(zones).where(zones.c.id == zone_id).values(values))

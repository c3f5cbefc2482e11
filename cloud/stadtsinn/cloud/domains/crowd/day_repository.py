"""SQL of days that began and ended with an empty zone."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd.drift import ClosedDay, Learned, learned
from stadtsinn.cloud.domains.crowd.occupancy import ZoneTally
from stadtsinn.cloud.domains.crowd.tables import zone_days
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry

_KEPT = 60 * DAY


def note_day(connection: Connection, zone_id: int, day: ClosedDay) -> None:
    """In the place of what was noted of it before; what is long ago goes."""
    mine = zone_days.c.zone_id == zone_id
    former = (zone_days.c.since == day.since) | (zone_days.c.since < day.until - _KEPT)
    connection.execute(delete(zone_days).where(mine, former))
    values = {"since": day.since, "until": day.until, "came": day.came, "left": day.left}
    connection.execute(insert(zone_days).values(zone_id=zone_id, **values))


def days_until(connection: Connection, zone_id: int, moment: int) -> list[ClosedDay]:
    """Those that had ended at a moment, the newest last."""
    query = select(zone_days.c.since, zone_days.c.until, zone_days.c.came, zone_days.c.left)
    mine = query.where(zone_days.c.zone_id == zone_id, zone_days.c.until <= moment)
    return [ClosedDay(*row) for row in connection.execute(mine.order_by(zone_days.c.since))]


def ratio_at(connection: Connection, zone_id: int, moment: int, *, learns: bool) -> Learned:
    """What holds from a moment on; 1 where the zone does not learn."""
    return learned(days_until(connection, zone_id, moment)) if learns else Learned(1.0, 0)


def ratio_of(connection: Connection, zone: ZoneEntry, moment: int) -> float:
    """What who leaves is multiplied by from a known number at this moment on."""
    return ratio_at(connection, zone.id, moment, learns=zone.learn_ratio).ratio


def note_end(connection: Connection, zone_id: int, tally: ZoneTally, end: Instant) -> None:
    """The zone is empty at `end`: where it was so at the start too, the counters can be learned
    from."""
    if tally.base or tally.newest is None:
        return
    if passed := tally.whole_day(end):
        note_day(connection, zone_id, ClosedDay(tally.start, end, *passed))

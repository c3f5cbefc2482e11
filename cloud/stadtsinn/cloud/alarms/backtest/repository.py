"""The SQL of a back-test: the numbers of a zone as rules judged them."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection, func, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.rules.history.column import Column


def zone_history(
    connection: Connection, zone_id: int, start: Instant, end: Instant, most: int | None
) -> Column:
    """What rules judge of a zone, in the order of the times; of one time the newest. What was
    permitted then stands beside it."""
    judged = func.coalesce(zone_samples.c.judged, zone_samples.c.high).label("judged")
    query = (
        select(zone_samples.c.event_time, judged, zone_samples.c.permitted)
        .where(zone_samples.c.zone_id == zone_id)
        .where(zone_samples.c.event_time >= start, zone_samples.c.event_time < end)
        .order_by(zone_samples.c.event_time, zone_samples.c.position)
        .limit(most)
    )
    newest = {row.event_time: row for row in connection.execute(query)}
    permitted = [float(row.permitted or "nan") for row in newest.values()]
    return Column(
        np.array(list(newest), np.int64),
        np.array([float(row.judged) for row in newest.values()], np.float64),
        permitted=np.array(permitted, np.float64),
    )

"""Compares the occupancy: its interval holds the truth every minute and is not too wide."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection, select

from stadtsinn.base.berlin import for_people
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.history import occupancy_history
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.simulator.market_day.truth import Truth
from stadtsinn.simulator.radio.transmission import SETTLING
from stadtsinn.simulator.verification.report import Check, check

_ROOM = 10
"""Persons of width that are always allowed: rounding, and doubt about the first reports."""

_REPORTS_AROUND = 2 * MINUTE
"""Between two reports, of which one may be lost, persons may have passed at any moment."""


def check_occupancy(truth: Truth, connection: Connection, zone_slug: str) -> Check:
    """Compare every full minute from the first reports to the last."""
    start = Instant(truth.plan.span.start + SETTLING + 2 * MINUTE)
    end = Instant(truth.plan.span.end - _REPORTS_AROUND)
    minutes = [Instant(moment) for moment in range(-(-start // MINUTE) * MINUTE, end, MINUTE)]
    zone_id = connection.execute(
        select(zones.c.id).where(zones.c.tenant_id == truth.town.tenant, zones.c.slug == zone_slug)
    ).scalar_one_or_none()
    if zone_id is None:
        return check(
            "occupancy holds the truth every minute",
            expected=len(minutes),
            found=0,
            problems=[f"the registry has no zone {zone_slug}"],
        )
    history = occupancy_history(connection, zone_id, start, end)
    return _compare(truth, minutes, history)


def _compare(truth: Truth, minutes: Sequence[Instant], history: Sequence[ZoneSample]) -> Check:
    by_minute = {sample.event_time: sample for sample in history}
    problems = []
    errors, widths = [0], [0]
    for minute in minutes:
        sample = by_minute.get(minute)
        if sample is None:
            problems.append(f"{for_people(minute)}: no value")
            continue
        true = truth.occupancy(minute)
        errors.append(abs(sample.occupancy - true))
        widths.append(sample.high - sample.low)
        said = f"{for_people(minute)}: {sample.occupancy} in [{sample.low}, {sample.high}]"
        if not sample.low <= true <= sample.high:
            problems.append(f"{said}, in truth {true}")
        if sample.high - sample.low > widest(truth, minute):
            problems.append(f"{said} is wider than {widest(truth, minute)}")
        if sample.degraded:
            problems.append(f"{said} is called uncertain, though every report has arrived")
    return check(
        "occupancy holds the truth every minute",
        expected=len(minutes),
        found=sum(minute in by_minute for minute in minutes),
        problems=problems,
        numbers={"largest error": max(errors), "widest interval": max(widths)},
    )


def widest(truth: Truth, minute: Instant) -> int:
    """The widest interval that is accepted, in persons.

    Twice the counting error of all passages so far (the stated share, or twice the scatter
    where that is more), and everybody who passed a gate around that minute.
    """
    zone = truth.town.zones[0]
    inwards, outwards = truth.visitors.counted_passages(minute)
    expected = zone.error_in * inwards + zone.error_out * outwards
    margin = max(expected, 2 * math.sqrt(expected))
    before = sum(truth.visitors.counted_passages(Instant(minute - _REPORTS_AROUND)))
    after = sum(truth.visitors.counted_passages(Instant(minute + _REPORTS_AROUND)))
    return math.ceil(2 * margin) + (after - before) + _ROOM

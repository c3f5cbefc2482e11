"""Counters are replaced at a gate: nobody is invented, and nobody whom a device counted is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fake_market import NORTH, OPENING, SOUTH, Market, counter
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.counting import Flag
from stadtsinn.cloud.domains.crowd.gate_repository import IN, points_from
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change, create_device
from stadtsinn.cloud.town.stations import service as stations
from stadtsinn.cloud.town.stations.model import Deployment
from stadtsinn.cloud.town.stations.repository import deployments_page
from stadtsinn.cloud.town.stations.service import Editor

pytestmark = pytest.mark.slow

NEW = "70b3d5e75e0000ff"
NOON = 30
"""Minutes after opening at which the north gate's counter is replaced."""


def at(minute: float) -> Instant:
    return Instant(OPENING + round(minute * MINUTE))


def swap(market: Market, minute: float = NOON, *, swapped: bool = False) -> None:
    """The north gate's counter is replaced; the new one may be mounted back to front."""
    editor = Editor(Scope(market.tenant, Role.ADMIN, 0), at(minute), "Bauhof")
    with change(market.database) as connection:
        create_device(connection, editor.scope, counter(NEW), at(0))
        stations.free_from(connection, editor, NEW, at(0))
        (made,) = stations.swap_device(connection, editor, NORTH, NEW, at(minute))
        if swapped:
            fields = {name: getattr(made, name) for name in Deployment.model_fields}
            mounted = Deployment(**fields | {"swapped": True})
            stations.replace_deployment(connection, editor, made.id, mounted)
    market.restart()


def morning(market: Market) -> list[LoggedUplink]:
    """The old counter, far up in its totals: two come and one goes each minute."""
    return [
        market.uplink(NORTH, minute, 1_000_000 + 2 * minute, 900_000 + minute)
        for minute in range(NOON)
    ]


def afternoon(market: Market, *, swapped: bool = False) -> list[LoggedUplink]:
    """The new counter, fresh from its box."""
    uplinks = []
    for minute in range(NOON, 2 * NOON):
        came, left = 2 * (minute - NOON), minute - NOON
        if swapped:
            came, left = left, came
        uplinks.append(market.uplink(NEW, minute, came, left))
    return uplinks


def south(market: Market) -> list[LoggedUplink]:
    """Nobody passes the south gate."""
    return [market.uplink(SOUTH, minute, 5, 5) for minute in range(2 * NOON)]


def in_order(*days: list[LoggedUplink]) -> list[LoggedUplink]:
    return sorted((one for day in days for one in day), key=lambda one: one.event_time)


# 29 counted by the old device; 29 by the new one; between the two reports nobody counted.
INSIDE_AT_NOON, INSIDE_AT_LAST = 29, 58


def test_a_swap_makes_no_jump(market: Market) -> None:
    market.apply_each(morning(market))
    swap(market)
    market.apply_each(afternoon(market))
    numbers = [sample.occupancy for sample in market.samples()]
    assert numbers[NOON - 1 : NOON + 2] == [INSIDE_AT_NOON, INSIDE_AT_NOON, INSIDE_AT_NOON + 1]
    assert market.latest().occupancy == INSIDE_AT_LAST
    assert all(abs(later - earlier) <= 1 for earlier, later in pairwise(numbers))
    with market.database.read() as connection:
        zones = DirectoryCache(market.database).part(read_zones)
        gate = zones.by_id[market.zone_id].gates[0]
        points = points_from(connection, (gate.id, IN), OPENING)
    assert [(point.time, point.delta) for point in points if point.flag is Flag.START] == [
        (at(0), 0),
        (at(NOON), 0),
    ]
    assert {point.report.dev_eui for point in points} == {NORTH, NEW}


def test_persons_whom_nobody_counted_at_the_swap_widen_the_interval(market: Market) -> None:
    market.apply_each(morning(market))
    before = market.latest()
    swap(market)
    market.apply_each(afternoon(market))
    after = next(one for one in market.samples() if one.event_time == at(NOON))
    # Two came each minute; that they did so between the two devices too must be possible.
    assert after.low <= after.occupancy + 1 <= after.high
    assert after.high - after.low >= before.high - before.low + 2


@pytest.mark.parametrize("held_back", [range(10, 20), range(NOON - 3, NOON), range(NOON)])
def test_late_uplinks_of_the_old_device_count_where_they_belong(
    market: Market, held_back: range
) -> None:
    """They arrive when the new device has long been counting."""
    old, new, still = morning(market), afternoon(market), south(market)
    late = [old[minute] for minute in held_back]
    market.apply_each([one for one in old if one not in late])
    swap(market)
    market.apply_each(in_order(new, still))
    market.apply(*late)
    shuffled = market.history(0, 2 * NOON)
    assert market.latest().occupancy == INSIDE_AT_LAST
    market.rebuild()
    market.apply_each(in_order(old, new, still))
    assert market.history(0, 2 * NOON) == shuffled
    assert {minute: number for minute, number, *_ in shuffled}[NOON + 10] == INSIDE_AT_NOON + 10


def test_what_the_old_device_sends_after_the_swap_counts_nowhere(market: Market) -> None:
    """It lies in the workshop, and somebody waves at it."""
    market.apply_each(morning(market))
    swap(market)
    workshop = [
        market.uplink(NORTH, minute + 0.5, 1_000_500 + 9 * minute, 900_500)
        for minute in range(NOON, 2 * NOON)
    ]
    market.apply_each(in_order(afternoon(market), workshop))
    assert market.latest().occupancy == INSIDE_AT_LAST


def test_what_the_new_device_sent_before_the_swap_counts_nowhere(market: Market) -> None:
    market.apply_each(morning(market))
    swap(market)
    unpacked = [market.uplink(NEW, minute, 70 * minute, 0) for minute in range(NOON - 5, NOON)]
    market.apply_each([*unpacked, *afternoon(market)])
    assert market.latest().occupancy == INSIDE_AT_LAST


def test_a_new_device_that_is_mounted_back_to_front_goes_on_counting(market: Market) -> None:
    market.apply_each(morning(market))
    swap(market, swapped=True)
    market.apply_each(afternoon(market, swapped=True))
    assert market.latest().occupancy == INSIDE_AT_LAST


def test_a_line_and_a_device_that_are_both_swapped_count_as_they_are(market: Market) -> None:
    """The south gate leads out where its station calls it in; its device is turned round too."""
    editor = Editor(Scope(market.tenant, Role.ADMIN, 0), at(0), "Bauhof")
    with change(market.database) as connection:
        (place,) = deployments_page(connection, editor.scope, None, None, dev_eui=SOUTH)
        fields = {name: getattr(place, name) for name in Deployment.model_fields}
        turned = Deployment(**fields | {"swapped": True})
        stations.replace_deployment(connection, editor, place.id, turned)
    market.restart()
    # `market.uplink` writes what comes in at the south gate as the device's out.
    market.apply(market.uplink(SOUTH, 0, 0, 0), market.uplink(SOUTH, 1, 2, 20))
    assert market.latest().occupancy == 18


def test_a_swap_that_is_only_known_afterwards_is_put_right_by_a_rebuild(market: Market) -> None:
    uplinks = in_order(morning(market), afternoon(market))
    market.apply_each(uplinks)
    assert market.latest().occupancy == INSIDE_AT_NOON
    swap(market)
    market.rebuild()
    market.apply_each(uplinks)
    assert market.latest().occupancy == INSIDE_AT_LAST

"""A zone with market days, permits that change while it counts, outages, and learned ratios: on a
small database, through the live follower."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import update

from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import DAY, MINUTE, Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.domains.crowd import service
from stadtsinn.cloud.domains.crowd.drift import ClosedDay, learned
from stadtsinn.cloud.domains.crowd.present import State
from stadtsinn.cloud.domains.crowd.zones.permit_service import set_permit
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.audit.repository import lines_page
from stadtsinn.cloud.town.repository import bump_revision

SCOPE = Scope("musterstadt", Role.ADMIN, 0)
MARKET_DAY = {"slug": "markt", "name": "Markt", "days": ["sat"], "start": "08:00", "end": "13:00"}


def settings(market: Market, **values: Any) -> None:
    with market.database.write() as connection:
        connection.execute(update(zones).values(values))
        bump_revision(connection)


def minutes(market: Market, of: Iterable[int], came: int = 5, left: int = 0) -> None:
    """Both gates report each of these minutes; `came` and `left` pass at each in each."""
    for minute in of:
        for dev_eui in (NORTH, SOUTH):
            market.apply(market.uplink(dev_eui, minute, 1_000 + came * minute, left * minute))


def at(minute: float) -> Instant:
    return Instant(OPENING + round(minute * MINUTE))


def present(market: Market, minute: float) -> Any:
    with market.database.read() as connection:
        return service.current(connection, SCOPE, "marktplatz", at(minute))


def test_outside_of_events_nobody_is_judged_and_the_page_says_closed(market: Market) -> None:
    settings(market, events=[MARKET_DAY | {"permitted": 300}])
    minutes(market, range(-5, 3))
    assert {sample.event_time for sample in market.samples()} == {at(0), at(1), at(2)}
    assert market.samples()[0].occupancy == 0, "counting begins with the event"
    assert market.latest().permitted == 300
    assert present(market, 2).permitted == 300
    minutes(market, (299, 300, 301))
    assert market.latest().event_time == at(299)
    closed = present(market, 301)
    assert closed.state is State.CLOSED
    assert closed.shown is None
    assert closed.opens_at == at(7 * 24 * 60)
    assert closed.permitted == 1000
    assert [row[0] for row in market.history(-10, 310)][-1] == 299


def test_a_permit_changes_at_once_or_from_a_time_on(market: Market) -> None:
    minutes(market, range(2))
    market.tick(at(1))

    def permit(number: int | None, since: float | None = None) -> None:
        moment = None if since is None else at(since)
        now = market.clock.now()
        reason = {"name": "K. Muster", "reason": "Bühne steht im Weg"}
        set_permit(market.database, SCOPE, "marktplatz", number, since=moment, now=now, **reason)

    permit(800)
    market.tick(at(1.1))
    assert market.latest().permitted == 800, "without waiting for a report"
    permit(600, since=3)
    minutes(market, (2,))
    assert market.latest().permitted == 800
    market.tick(at(3))
    assert market.latest().permitted == 600
    minutes(market, (3,))
    assert present(market, 3).permitted == 600
    with pytest.raises(Invalid, match="in the past"):
        permit(900, since=1)
    with pytest.raises(Invalid, match="more than a year"):
        permit(900, since=500 * 24 * 60)
    with market.database.read() as connection:
        said = [one.line.detail for one in lines_page(connection, SCOPE, None, 50)]
    assert "permitted: 1000 → 800; name: K. Muster; reason: Bühne steht im Weg" in said
    assert any(" → 600 from " in line for line in said)


def test_after_an_outage_the_upper_bound_alone_begins_no_alarm(market: Market) -> None:
    """Decision 28: the first gate is back, the other one is not yet."""
    minutes(market, range(10))
    before = market.latest()
    market.apply(market.uplink(NORTH, 40, 1_200, 0))
    back = market.latest()
    assert back.high > before.high + 100, "who may have passed at the other gate"
    assert back.to_judge == max(back.occupancy, before.to_judge)
    market.apply(market.uplink(SOUTH, 40.5, 1_060, 0))
    both = market.latest()
    assert both.to_judge == both.high < back.high


def test_a_true_crossing_after_an_outage_is_judged(market: Market) -> None:
    minutes(market, range(10))
    market.apply(market.uplink(NORTH, 40, 2_900, 0))
    assert market.latest().to_judge >= market.latest().occupancy > 1_800


def test_a_gate_that_stays_silent_is_judged_by_the_upper_bound(market: Market) -> None:
    minutes(market, range(10))
    for minute in range(40, 46):
        market.apply(market.uplink(NORTH, minute, 1_200 + minute, 0))
    assert market.latest().judged is None
    assert market.latest().degraded


def test_a_corrected_number_may_be_so_many_more_or_fewer(market: Market) -> None:
    minutes(market, range(11))
    market.tick(at(10))

    def enter(value: int | None = None, change: int = 0) -> int | None:
        now, who = market.clock.now(), {"name": "K. Muster", "reason": "Zählung"}
        return service.enter_number(
            market.database, SCOPE, "marktplatz", value=value, change=change, at=now, now=now, **who
        ).value

    assert enter(change=-20) == 80
    assert enter(change=-20) == 60, "two at once, before the follower saw the first"
    market.tick()
    assert market.latest().occupancy == 60
    with pytest.raises(Invalid, match="60 were counted then: 61 fewer"):
        enter(change=-61)
    assert enter(value=5) == 5
    assert enter(value=7) == 7, "the one entered last counts"
    market.tick()
    assert market.latest().occupancy == 7


def test_days_that_end_empty_teach_the_ratio(market: Market) -> None:
    """WatershedArts/Footfall issue 30: out is always counted 5 % more than in."""
    settings(market, learn_ratio=True, interval_s=6 * 3_600)
    six_hourly = [
        market.uplink(dev_eui, step * 360 + 1, step * 360, step * 378)
        for step in range(4 * 4)
        for dev_eui in (NORTH, SOUTH)
    ]
    market.apply(*six_hourly)
    with market.database.read() as connection:
        found = service.ratio(connection, SCOPE, "marktplatz", Instant(OPENING + 5 * DAY))
        days = service.days(connection, SCOPE, "marktplatz", Instant(OPENING + 5 * DAY))
    assert found.days == 3
    assert found.ratio == pytest.approx(1 / 1.05, abs=0.002)
    assert days[-1].until - days[-1].since == DAY
    settings(market, learn_ratio=False)
    with market.database.read() as connection:
        assert service.ratio(connection, SCOPE, "marktplatz", Instant(OPENING + 5 * DAY)).ratio == 1


def closed(day: int, came: int, left: int) -> ClosedDay:
    return ClosedDay(Instant(day * DAY), Instant((day + 1) * DAY), came, left)


def test_the_ratio_is_bounded_and_broken_days_teach_nothing() -> None:
    assert learned([]).ratio == 1
    assert learned([closed(1, 1_000, 900), closed(2, 1_000, 900)]).ratio == 1, "too few days"
    usual = [closed(day, 1_000, 950) for day in range(3)]
    assert learned(usual).ratio == pytest.approx(1_000 / 950)
    assert learned([*usual, closed(4, 1_000, 100), closed(5, 100, 90)]) == learned(usual)
    drifting = learned([closed(day, 1_200, 1_000) for day in range(20)])
    assert (drifting.ratio, drifting.days, drifting.is_at_bound) == (1.1, 14, True)

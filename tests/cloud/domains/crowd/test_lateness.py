"""One uplink from years ago costs little: the transaction that counts it is short.

Statements and computed minutes are counted, no time is measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event

from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import DAY, MINUTE, parse
from stadtsinn.cloud.domains.crowd.occupancy import ZoneTally

pytestmark = pytest.mark.slow

YEARS_AGO = (parse("2020-01-15T12:00:00+01:00") - OPENING) / MINUTE
A_DAY = DAY // MINUTE


class Cost:
    statements = 0
    minutes = 0


@contextmanager
def counted(market: Market, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cost]:
    cost = Cost()
    flow = ZoneTally._flow

    def counting_flow(tally: ZoneTally, moment: int) -> object:
        cost.minutes += 1
        return flow(tally, moment)

    def statement(*_: object) -> None:
        cost.statements += 1

    monkeypatch.setattr(ZoneTally, "_flow", counting_flow)
    event.listen(market.database.engine, "before_cursor_execute", statement)
    yield cost
    event.remove(market.database.engine, "before_cursor_execute", statement)
    monkeypatch.setattr(ZoneTally, "_flow", flow)


def a_week(market: Market, days: int = 12) -> None:
    for day in range(-days, 1):
        market.apply(
            market.uplink(NORTH, day * A_DAY, 1000 + day, 500),
            market.uplink(SOUTH, day * A_DAY, 1000 + day, 500),
        )


@pytest.mark.parametrize("minute", [YEARS_AGO, -400 * A_DAY, -8 * A_DAY])
def test_a_report_from_long_ago_is_not_counted_and_changes_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch, minute: float
) -> None:
    a_week(market)
    before, numbers = market.samples(), market.corrections("reset")
    with counted(market, monkeypatch) as cost:
        market.apply(market.uplink(NORTH, minute, 7, 7))
    assert cost.statements < 50
    assert cost.minutes == 0
    assert market.samples() == before
    assert market.corrections("reset") == numbers


def test_the_first_report_of_a_new_gate_from_years_ago_computes_a_week_at_most(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(-3, 1):
        market.apply(market.uplink(NORTH, day * A_DAY, 1000 + day, 500))
    with counted(market, monkeypatch) as cost:
        market.apply(market.uplink(SOUTH, YEARS_AGO, 7, 7))
    assert cost.statements < 200
    assert cost.minutes < 10 * A_DAY
    market.apply(market.uplink(NORTH, 1, 1010, 500), market.uplink(SOUTH, 1, 8, 7))
    assert market.latest().event_time == OPENING + MINUTE


def test_the_first_report_of_a_zone_from_years_ago_and_the_next_of_today(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.apply(market.uplink(NORTH, YEARS_AGO, 7, 7))
    with counted(market, monkeypatch) as cost:
        market.apply(market.uplink(NORTH, 0, 100, 50))
    assert cost.statements < 60
    assert cost.minutes < 10 * A_DAY
    assert len(market.corrections("reset")) > 2_000, "every night since is a known number"


def test_a_backlog_in_the_order_of_its_line_is_counted_however_old(market: Market) -> None:
    for day in range(-25, -15):
        market.apply(market.uplink(NORTH, day * A_DAY, 1000, 500))
    market.apply(market.uplink(SOUTH, 0, 10, 5))
    for day in range(-15, 1):
        market.apply(market.uplink(NORTH, day * A_DAY, 1000 + 10 * (day + 15), 500))
    market.apply(market.uplink(NORTH, 1, 1155, 500), market.uplink(SOUTH, 1, 10, 5))
    assert market.history(-10 * A_DAY, -9 * A_DAY), "the days of the backlog are in the history"
    assert market.latest().occupancy >= 5

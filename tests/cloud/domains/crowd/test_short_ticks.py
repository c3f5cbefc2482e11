"""A tick leads a thousand zones on, a few in each transaction; one that fails stops no other."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from counted import Transaction, write_transactions
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant
from stadtsinn.cloud.domains.crowd import follower as module
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.domains.crowd.schedule import resets_between
from stadtsinn.cloud.domains.crowd.tables import (
    gate_counts,
    zone_corrections,
    zone_samples,
    zone_states,
)
from stadtsinn.cloud.domains.crowd.zone_live import ZoneLive
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_gate, insert_zone
from stadtsinn.cloud.log.cursors.repository import read_part
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.town.service import change

pytestmark = pytest.mark.slow

ZONES = 9


@pytest.fixture
def zones(market: Market, monkeypatch: pytest.MonkeyPatch) -> Market:
    """More zones at the same two stations; two of them fit into a transaction."""
    monkeypatch.setattr(module, "WORK", 2 * module.CHANGED - 1)
    scope = Scope(market.tenant, Role.ADMIN, 0)
    with change(market.database) as connection:
        for number in range(ZONES - 1):
            zone = Zone(slug=f"platz-{number}", name=f"Platz {number}", permitted=1000)
            insert_zone(connection, scope, zone)
            for slug in ("nord", "sued"):
                gate = Gate(slug=slug, name=slug, station=slug, channel="line_1")
                insert_gate(connection, scope, zone.slug, gate)
    both = market.uplink(NORTH, 0, 100, 50), market.uplink(SOUTH, 0, 100, 50)
    market.apply(*both)
    loop_of(market).tick()
    return market


def loop_of(market: Market) -> FollowerLoop:
    return FollowerLoop(market.database, market.follower, market.clock)


def ticked(market: Market, minutes: float) -> list[Transaction]:
    market.clock.set(Instant(OPENING + round(minutes * MINUTE)))
    with write_transactions(market.database) as found:
        loop_of(market).tick()
    return found


def resets(market: Market) -> dict[int, int]:
    query = select(zone_corrections.c.zone_id, func.count()).where(
        zone_corrections.c.kind == "reset"
    )
    with market.database.read() as connection:
        rows = connection.execute(query.group_by(zone_corrections.c.zone_id)).all()
    return {row[0]: row[1] for row in rows}


def test_the_nightly_reset_of_many_zones_is_done_a_few_at_a_time(zones: Market) -> None:
    before = resets(zones)
    found = ticked(zones, DAY / MINUTE)
    assert len(found) == 5  # nine zones, two at a time
    assert max(one.statements for one in found) < 30
    assert resets(zones) == {zone: count + 1 for zone, count in before.items()}
    assert len(ticked(zones, DAY / MINUTE + 1)) == 1


def test_a_process_that_starts_between_two_transactions_resets_the_others_only(
    zones: Market,
) -> None:
    before, tomorrow = resets(zones), Instant(OPENING + DAY)
    zones.clock.set(tomorrow)
    with zones.database.write() as connection:
        assert zones.follower.tick(connection, tomorrow)
    done = [zone for zone, count in resets(zones).items() if count > before[zone]]
    assert len(done) == 2
    zones.restart()
    ticked(zones, DAY / MINUTE)
    assert resets(zones) == {zone: count + 1 for zone, count in before.items()}


def test_zones_are_read_a_few_at_a_time_after_a_start(
    zones: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORK", 2 * module.LOADED - 1)
    zones.restart()
    assert len(ticked(zones, 1)) == 5
    assert len(ticked(zones, 2)) == 1


def test_late_reports_are_counted_again_a_few_lines_at_a_time(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WORK", 2 * module.COUNTED_AGAIN + 10)
    for minute in range(5):
        market.apply(
            market.uplink(NORTH, minute, 100 + minute, 50), market.uplink(SOUTH, minute, 9, 5)
        )
    late = [market.uplink(dev_eui, 0.5, 100, 50) for dev_eui in (NORTH, NORTH, SOUTH, SOUTH)]
    with write_transactions(market.database) as found:
        market.apply(*late)
    assert len(found) == 2  # a counter has two lines


def test_one_uplink_that_many_zones_count_is_counted_in_parts_each_once(zones: Market) -> None:
    with zones.database.read() as connection:
        before = counted(connection)
    zones.restart()
    report, done = zones.uplink(NORTH, 1, 101, 50), 0
    with write_transactions(zones.database) as found:
        while not done:
            with zones.database.write() as connection:
                done = zones.follower.apply(connection, [report])
    assert len(found) == ZONES  # each of them has to be read, which weighs too much for two
    with zones.database.read() as connection:
        assert counted(connection) == before + 2 * ZONES
        assert read_part(connection, "live") == 0


def counted(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(gate_counts)) or 0


def test_old_samples_are_deleted_some_at_a_time(
    zones: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PRUNED_AT_ONCE", 5)
    with zones.database.write() as connection:
        row = dict(connection.execute(select(zone_samples).limit(1)).mappings().one())
        del row["position"]
        old = [{**row, "event_time": OPENING - 9 * DAY + number} for number in range(12)]
        connection.execute(insert(zone_samples), old)
    kept = len(zones.samples()) - 12
    found = ticked(zones, 11)
    assert len(found) == 4
    assert len(zones.samples()) == kept


def test_a_zone_whose_time_cannot_pass_is_left_out_and_the_others_go_on(
    zones: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, pass_time = resets(zones), ZoneLive.pass_time
    broken = sorted(before)[3]

    def failing(live: ZoneLive, now: Instant) -> None:
        if live.zone.id == broken:
            raise OverflowError("date value out of range")
        pass_time(live, now)

    monkeypatch.setattr(ZoneLive, "pass_time", failing)
    loop = loop_of(zones)
    zones.clock.set(Instant(OPENING + DAY))
    loop.tick()
    done = resets(zones)
    assert {zone for zone, count in done.items() if count == before[zone]} == {broken}
    said = loop.check()
    assert said.ok
    assert f"zone {broken}: OverflowError" in said.detail
    monkeypatch.setattr(ZoneLive, "pass_time", pass_time)
    zones.restart()  # what is left out is tried again by a process that starts
    loop = loop_of(zones)
    loop.tick()
    assert resets(zones)[broken] == before[broken] + 1
    assert "left out" not in loop.check().detail


@pytest.mark.parametrize("seed", range(3))
def test_what_is_rolled_back_skips_no_reset_of_any_zone(
    zones: Market, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The database goes away in the middle of a tick, or when it is committed."""
    chance, finish, tick = random.Random(seed), ZoneLive.finish, LiveFollower.tick

    def shaken(live: ZoneLive) -> None:
        finish(live)
        if chance.random() < 0.2:
            raise ConnectionError

    def not_committed(follower: LiveFollower, connection: Connection, now: Instant) -> bool:
        more = tick(follower, connection, now)
        if chance.random() < 0.3:
            raise ConnectionError
        return more

    monkeypatch.setattr(ZoneLive, "finish", shaken)
    monkeypatch.setattr(LiveFollower, "tick", not_committed)
    before = resets(zones)
    loop = loop_of(zones)
    for hours in range(5, 100, 5):
        zones.clock.set(Instant(OPENING + hours * HOUR))
        done = False
        while not done:
            with suppress(ConnectionError):
                loop.tick()
                done = True
    monkeypatch.undo()
    loop.tick()  # a zone whose transaction was not committed may come in the next round
    due = len(resets_between(OPENING, OPENING + 95 * HOUR, "04:00"))
    assert resets(zones) == {zone: count + due for zone, count in before.items()}


def test_nothing_is_read_from_the_log_inside_the_transaction(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deployment put right concerns is read before: it may lie in the archive."""
    inside: list[bool] = []
    read = LiveFollower._read_waiting

    def noting(follower: LiveFollower, connection: Any, *rest: Any) -> Any:
        inside.append(connection.get_execution_options().get("stadtsinn_access") == "write")
        return read(follower, connection, *rest)

    monkeypatch.setattr(LiveFollower, "_read_waiting", noting)
    market.apply(market.uplink(NORTH, 0, 100, 50))
    from stadtsinn.cloud.town.stations.tables import series_corrections

    with market.database.write() as connection:
        values = {
            "tenant_id": market.tenant,
            "station": "nord",
            "start": 0,
            "end": OPENING,
            "requested_at": 0,
            "requested_by": "test",
        }
        connection.execute(insert(series_corrections).values(**values))
    loop_of(market).tick()
    assert inside
    assert not any(inside)
    with market.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(zone_states)) == 1
        assert connection.scalar(select(series_corrections.c.counted_at)) is not None

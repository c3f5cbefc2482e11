"""A rebuild of the counts gives what was there, whatever the zone's settings are by then."""

from __future__ import annotations

import random
from typing import Any

import pytest

from by_night import others_by_night
from counted import write_transactions
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import DAY, HOUR, MINUTE, Instant
from stadtsinn.cloud.domains.crowd import follower, permit_repository
from stadtsinn.cloud.domains.crowd.follower import SAMPLES_KEPT
from stadtsinn.cloud.domains.crowd.permit_repository import Permit
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zone_repository import CorrectionKind, insert_correction
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.repository import update_zone
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.service import change

pytestmark = pytest.mark.slow


def settings(market: Market, **changed: Any) -> None:
    with change(market.database) as connection:
        zone = Zone(slug="marktplatz", name="Marktplatz", public=True, **changed)
        update_zone(connection, Scope(market.tenant, Role.ADMIN, 0), zone)


def without_position(samples: list[ZoneSample]) -> list[tuple[Any, ...]]:
    return [(s.event_time, s.occupancy, s.low, s.high, s.degraded, s.permitted) for s in samples]


def resets(market: Market) -> list[Instant]:
    return [one.event_time for one in market.corrections("reset")]


def days(market: Market, count: int, seed: int = 1) -> list[LoggedUplink]:
    """Some days of reports, some minutes apart, from both gates."""
    chance, came, left, made = random.Random(seed), 100, 50, []
    for minutes in range(0, count * 24 * 60, 150):
        came += chance.randrange(60)
        left += chance.randrange(60)
        for dev_eui, phase in ((NORTH, 0), (SOUTH, 1)):
            made.append(market.uplink(dev_eui, minutes + phase, came, left))
    return made


HOURS = [("04:00", "03:00"), ("04:00", "23:30", "05:15"), ("12:00",)]


@pytest.mark.parametrize("hours", others_by_night(HOURS, HOURS[:1]))
def test_resets_happened_when_they_did(market: Market, hours: tuple[str, ...]) -> None:
    """The hour was changed in between, and once more before everything was made again."""
    log = days(market, 2 * len(hours))
    share = -(-len(log) // len(hours))
    for number, reset_at in enumerate(hours):
        settings(market, reset_at=reset_at, permitted=1000)
        market.apply_each(log[number * share : (number + 1) * share])
    history = market.history(0, 2 * 24 * 60 * len(hours))
    before = without_position(market.samples()), resets(market), market.corrections("clamp")
    settings(market, reset_at="18:45", permitted=1000)
    for _ in range(2):
        market.rebuild()
        market.apply_each(log)
        assert resets(market) == before[1]
        assert without_position(market.samples()) == before[0]
        assert [(c.event_time, c.amount) for c in market.corrections("clamp")] == [
            (c.event_time, c.amount) for c in before[2]
        ]
        assert market.history(0, 2 * 24 * 60 * len(hours)) == history


def test_the_next_reset_is_due_by_the_hour_of_now(market: Market) -> None:
    log = days(market, 2)
    market.apply_each(log)
    settings(market, reset_at="18:45", permitted=1000)
    market.rebuild()
    market.apply_each(log)
    known = resets(market)
    market.tick(Instant(OPENING + 2 * DAY + 12 * HOUR))
    assert [(r - known[-1]) // MINUTE for r in resets(market)[len(known) :]] == [
        # from 4 o'clock to 18:45
        885
    ]


def test_samples_keep_the_permit_of_their_time(market: Market) -> None:
    log = days(market, 1)
    for number, one in enumerate(log):
        if number % 5 == 0:
            settings(market, permitted=(1000, 1200, None)[number // 5 % 3])
        market.apply(one)
    before = without_position(market.samples())
    assert {row[-1] for row in before} == {1000, 1200, None}
    settings(market, permitted=700)
    market.rebuild()
    market.apply_each(log)
    assert without_position(market.samples()) == before
    market.apply(market.uplink(NORTH, 24 * 60, 5_000, 5_000))
    assert market.latest().permitted == 700


def permits(market: Market) -> list[Permit]:
    with market.database.read() as connection:
        return permit_repository.permits(connection, market.zone_id)


def test_a_permit_that_is_changed_all_the_time(market: Market) -> None:
    log = [market.uplink(NORTH, minute, 3 * minute, minute) for minute in range(100)]
    for number, one in enumerate(log):
        settings(market, permitted=1_000 + number)
        market.clock.set(one.event_time)
        market.apply(one)
        market.tick()
    before = [row for row in without_position(market.samples()) if row[-1] is not None]
    assert len({row[-1] for row in before}) == len(permits(market)) == 100
    market.rebuild()
    market.apply_each(log)
    market.tick()
    assert without_position(market.samples())[-1] == before[-1]
    assert {row[:-1] for row in without_position(market.samples())} == {row[:-1] for row in before}
    assert len(permits(market)) == 100
    market.tick(Instant(OPENING + SAMPLES_KEPT + 50 * MINUTE))
    assert permits(market)[0].permitted == 1_050
    market.tick(Instant(OPENING + SAMPLES_KEPT + 500 * MINUTE))
    assert [one.permitted for one in permits(market)] == [1_099]


def test_a_number_of_staff_and_a_reset_at_one_moment_keep_their_order(market: Market) -> None:
    log = days(market, 1)
    market.apply_each(log)
    (_, reset) = resets(market)
    with market.database.write() as connection:
        insert_correction(
            connection,
            market.tenant,
            market.zone_id,
            CorrectionKind.MANUAL,
            reset,
            reset,
            value=42,
            name="x",
            reason="y",
        )
    history = market.history(20 * 60, 22 * 60)
    market.rebuild()
    market.apply_each(log)
    assert market.history(20 * 60, 22 * 60) == history


def test_another_hour_resets_nothing_in_the_past(market: Market) -> None:
    """At ten the hour is set to nine: nobody has left the place because of that."""
    market.apply_each([market.uplink(NORTH, 0, 0, 0), market.uplink(NORTH, 90, 400, 10)])
    market.tick(Instant(OPENING + 2 * HOUR))
    known = resets(market)
    settings(market, reset_at="09:00", permitted=1000)
    market.tick()
    market.restart()
    market.tick(Instant(OPENING + 3 * HOUR))
    assert resets(market) == known
    assert market.latest().occupancy == 390
    market.tick(Instant(OPENING + 26 * HOUR))
    assert [(r - OPENING) / HOUR for r in resets(market)[len(known) :]] == [25]


def tick_and_lose_the_database(market: Market, now: Instant) -> None:
    with market.database.write() as connection:
        market.follower.tick(connection, now)
        raise ConnectionError


def test_a_reset_that_was_rolled_back_is_due_again(market: Market) -> None:
    """What memory knows of it was never committed."""
    market.apply_each([market.uplink(NORTH, 0, 0, 0), market.uplink(NORTH, 90, 400, 10)])
    market.tick(Instant(OPENING + 2 * HOUR))
    known = resets(market)
    with pytest.raises(ConnectionError):
        tick_and_lose_the_database(market, Instant(OPENING + 21 * HOUR))
    assert resets(market) == known
    market.tick(Instant(OPENING + 21 * HOUR))
    assert [(r - OPENING) / HOUR for r in resets(market)[len(known) :]] == [20]
    assert market.latest().occupancy == 0


def test_it_is_forgotten_a_few_rows_at_a_time(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = days(market, 2)
    market.apply_each(log)
    before = without_position(market.samples())
    monkeypatch.setattr(follower, "PRUNED_AT_ONCE", 50)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    with write_transactions(market.database) as found:
        market.rebuild()
    assert len(found) > 2
    assert max(one.changes for one in found) < 10
    assert market.samples() == []
    market.apply_each(log)
    assert without_position(market.samples()) == before

"""The live follower: samples as gates report, the same history in whatever order they do."""

from __future__ import annotations

import itertools
import random

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, parse
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.domains.crowd.tables import gate_counts, zone_samples
from stadtsinn.cloud.domains.crowd.zone_repository import (
    CorrectionKind,
    insert_correction,
    touch_state,
)
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.decoders.reading import Decoded

pytestmark = pytest.mark.slow


def an_hour(market: Market, minutes: int = 60, seed: int = 7) -> list[LoggedUplink]:
    """Reports of both gates each minute, half a minute apart, in order."""
    chance = random.Random(seed)
    came = {NORTH: 40_000, SOUTH: 3}
    left = {NORTH: 39_000, SOUTH: 8}
    uplinks = []
    for minute in range(minutes):
        for dev_eui, phase in ((NORTH, 0.2), (SOUTH, 0.7)):
            if minute:
                came[dev_eui] += chance.randrange(12)
                left[dev_eui] += chance.randrange(6)
            uplinks.append(market.uplink(dev_eui, minute + phase, came[dev_eui], left[dev_eui]))
    return uplinks


def test_each_report_gives_a_sample_of_its_event_time(market: Market) -> None:
    market.apply_each(
        [
            market.uplink(NORTH, 0, 100, 50),
            market.uplink(SOUTH, 0.5, 900, 700),
            market.uplink(NORTH, 1, 120, 55),
            market.uplink(SOUTH, 1.5, 903, 710),
        ]
    )
    times = [(s.event_time - OPENING) / MINUTE for s in market.samples()]
    assert times == [0, 0.5, 1, 1.5]
    assert [s.occupancy for s in market.samples()] == [0, 0, 15, 8]
    assert market.latest().low <= 8 <= market.latest().high
    assert not market.latest().degraded


def test_a_batch_gives_the_samples_that_single_uplinks_give(market: Market) -> None:
    market.apply(*an_hour(market))
    at_once = [(s.event_time, s.occupancy, s.low, s.high) for s in market.samples()]
    market.rebuild()
    market.apply_each(an_hour(market))
    assert [(s.event_time, s.occupancy, s.low, s.high) for s in market.samples()] == at_once


def test_a_restart_between_any_two_uplinks_changes_nothing(market: Market) -> None:
    market.apply_each(an_hour(market, 12))
    expected = [(s.event_time, s.occupancy, s.low, s.high) for s in market.samples()]
    market.rebuild()
    for uplink in an_hour(market, 12):
        market.apply(uplink)
        market.restart()
    assert [(s.event_time, s.occupancy, s.low, s.high) for s in market.samples()] == expected


def test_a_transaction_that_did_not_commit_leaves_nothing_behind(market: Market) -> None:
    uplinks = an_hour(market, 4)
    market.apply(*uplinks[:4])
    with pytest.raises(ConnectionError):
        apply_and_lose_the_database(market, uplinks[4:6])
    market.apply(*uplinks[4:])
    once = market.samples()
    market.rebuild()
    market.apply(*uplinks)
    assert [s.occupancy for s in market.samples()] == [s.occupancy for s in once]
    assert len(once) == 8


def apply_and_lose_the_database(market: Market, uplinks: list[LoggedUplink]) -> None:
    with market.database.write() as connection:
        market.follower.apply(connection, uplinks)
        raise ConnectionError


@pytest.mark.parametrize("seed", range(3))
def test_history_does_not_depend_on_the_order_of_arrival(market: Market, seed: int) -> None:
    uplinks = an_hour(market)
    market.apply(*uplinks)
    in_order, number = market.history(0, 60), market.latest().occupancy
    assert len(in_order) == 59
    market.rebuild()
    shuffled = uplinks[:]
    random.Random(seed).shuffle(shuffled)
    for start in range(0, len(shuffled), 7):
        market.apply(*shuffled[start : start + 7])
    assert market.history(0, 60) == in_order
    assert market.latest().occupancy == number


def test_an_outage_of_one_gate_that_is_delivered_later_leaves_no_trace(market: Market) -> None:
    uplinks = an_hour(market)
    market.apply(*uplinks)
    without, clamps = market.history(0, 60), market.corrections("clamp")
    market.rebuild()
    market.apply_each(u for u in uplinks if u.dev_eui == NORTH or u.event_time < OPENING + HOUR / 6)
    assert market.latest().degraded
    newest = market.latest().event_time
    count = len(market.samples())
    market.apply(*[u for u in uplinks if u.dev_eui == SOUTH and u.event_time >= OPENING + HOUR / 6])
    assert market.history(0, 60) == without
    added = market.samples()[count:]
    assert all(sample.event_time >= newest for sample in added), "no sample is about the past"
    assert [(c.event_time, c.amount) for c in market.corrections("clamp")] == [
        (c.event_time, c.amount) for c in clamps
    ]


def test_a_late_uplink_of_another_line_emits_no_sample_of_the_past_but_counts(
    market: Market,
) -> None:
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0))
    late = market.uplink(SOUTH, 0.5, 30, 0)
    market.apply(market.uplink(NORTH, 2, 5, 0))
    market.apply(late)
    assert [(s.event_time - OPENING) / MINUTE for s in market.samples()] == [0, 2, 2]
    assert market.latest().occupancy == 35


def test_a_silent_gate_degrades_at_the_tick_when_another_still_reports(market: Market) -> None:
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 2, 0, 0))
    market.tick(Instant(OPENING + 2 * MINUTE + 30 * SECOND))
    assert not market.latest().degraded
    market.tick(Instant(OPENING + 3 * MINUTE + SECOND))
    assert market.latest().degraded
    count = len(market.samples())
    market.tick(Instant(OPENING + 4 * MINUTE))
    assert len(market.samples()) == count, "said once"


def test_when_all_gates_are_silent_no_sample_claims_to_know(market: Market) -> None:
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0))
    count = len(market.samples())
    market.tick(Instant(OPENING + HOUR))
    assert len(market.samples()) == count


def test_the_area_is_empty_at_the_reset(market: Market) -> None:
    evening = 16 * 60
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0))
    market.apply(market.uplink(NORTH, evening, 900, 860), market.uplink(SOUTH, evening, 0, 0))
    assert market.latest().occupancy == 40
    market.tick(parse("2026-09-27T03:59:00+02:00"))
    assert market.latest().occupancy == 40
    market.tick(parse("2026-09-27T04:00:01+02:00"))
    assert market.latest().occupancy == 0
    assert market.latest().event_time == parse("2026-09-27T04:00:00+02:00")
    market.apply(market.uplink(NORTH, DAY / MINUTE, 906, 861))
    assert 0 < market.latest().occupancy <= 5


def test_resets_without_a_tick_are_the_same(market: Market) -> None:
    """A rebuild reads days in seconds: the nights are found in the uplinks' times."""
    uplinks = [market.uplink(NORTH, 60 * hour, 40 * hour, 39 * hour) for hour in range(60)]
    market.apply(*uplinks)
    resets = [correction.event_time for correction in market.corrections("reset")]
    assert resets == [
        parse(f"2026-09-{day}T04:00:00+02:00") for day in (26, 27, 28)
    ]  # the first is where counting begins
    assert market.latest().occupancy == 15


def test_late_uplinks_from_before_a_recorded_reset_change_only_their_day(market: Market) -> None:
    first = [market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0)]
    evening = market.uplink(NORTH, 12 * 60, 500, 480)
    morning = market.uplink(NORTH, 26 * 60, 510, 481)
    market.apply(*first)
    market.tick(parse("2026-09-27T05:00:00+02:00"))
    market.apply(morning)
    market.apply(evening)
    assert market.history(12 * 60, 12 * 60 + 1)[0][1] == 20
    assert market.latest().event_time == OPENING + 26 * HOUR
    with_evening = market.latest().occupancy
    market.rebuild()
    market.apply(*first, evening, morning)
    assert market.latest().occupancy == with_evening


def test_more_leavers_than_comers_are_recorded_as_corrections(market: Market) -> None:
    reports = [(0, 0, 0), (1, 0, 5), (2, 0, 5), (3, 4, 5), (4, 4, 5)]
    for minute, came, left in reports:
        market.apply(market.uplink(NORTH, minute, came, left), market.uplink(SOUTH, minute, 0, 0))
    clamps = market.corrections("clamp")
    assert sum(clamp.amount or 0 for clamp in clamps) == pytest.approx(5)
    assert market.latest().occupancy == 4


def test_a_number_that_staff_entered_counts_from_its_moment(market: Market) -> None:
    uplinks = an_hour(market)
    market.apply(*uplinks[:60])
    enter(market, 30.1, 640)
    market.tick(Instant(OPENING + 30 * MINUTE + 20 * SECOND))
    assert market.latest().occupancy == 640
    assert market.latest().event_time == OPENING + round(30.1 * MINUTE)
    market.apply(*uplinks[60:])
    number, history = market.latest().occupancy, market.history(0, 60)
    assert number > 640
    market.rebuild()
    market.apply(*uplinks)
    assert market.corrections("manual")[0].name == "Ordnungsamt"
    assert (market.latest().occupancy, market.history(0, 60)) == (number, history)


def test_a_number_entered_about_the_past_corrects_the_present(market: Market) -> None:
    market.apply(*an_hour(market))
    before, moment = market.latest().occupancy, 20
    past = market.history(moment, moment + 1)[0][1]
    enter(market, moment, past + 100)
    market.tick(Instant(OPENING + HOUR))
    assert abs(market.latest().occupancy - before - 100) <= 1


def enter(market: Market, minute: float, value: int) -> None:
    with market.database.write() as connection:
        insert_correction(
            connection,
            market.tenant,
            market.zone_id,
            CorrectionKind.MANUAL,
            Instant(OPENING + round(minute * MINUTE)),
            market.clock.now(),
            value=value,
            name="Ordnungsamt",
            reason="gezählt",
        )
        touch_state(connection, market.zone_id)


def test_interval_counters_are_counted_too(market: Market) -> None:
    market.apply(*[market.uplink(NORTH, m, 5, 2, totals=False) for m in range(4)])
    assert market.latest().occupancy == 12


def test_uplinks_of_other_devices_and_other_towns_change_nothing(market: Market) -> None:
    foreign = replace(market.uplink(NORTH, 0, 1, 0), tenant_id="nebenan")
    other = replace(market.uplink(NORTH, 1, 1, 0), dev_eui="70b3d5e75e0000aa")
    market.apply(foreign, other)
    assert market.samples() == []
    with market.database.read() as connection:
        assert connection.execute(gate_counts.select()).all() == []


def test_positions_are_never_used_again_after_a_rebuild(market: Market) -> None:
    """The alerts' cursor stands on them."""
    market.apply(*an_hour(market, 3))
    before = market.samples()[-1].position
    market.rebuild()
    market.apply(*an_hour(market, 3))
    assert market.samples()[0].position > before


def test_old_samples_go_the_history_stays(market: Market) -> None:
    market.apply(*an_hour(market))
    history = market.history(0, 60)
    market.tick(Instant(OPENING + 8 * DAY))
    with market.database.read() as connection:
        left = connection.execute(zone_samples.select()).all()
    assert all(row.event_time > OPENING + HOUR for row in left)
    assert market.history(0, 60) == history


def test_a_gate_found_to_be_mounted_back_to_front_corrects_past_and_present(
    market: Market,
) -> None:
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0))
    market.apply(market.uplink(NORTH, 1, 50, 0), market.uplink(SOUTH, 1, 10, 40))
    assert market.latest().occupancy == 20
    with market.database.write() as connection:
        connection.execute(update(gates).where(gates.c.slug == "sued").values(swapped=False))
        bump_revision(connection)
    market.follower = LiveFollower(
        DirectoryCache(market.database, monotonic=itertools.count().__next__), market.clock
    )
    market.apply(market.uplink(NORTH, 2, 50, 0))
    assert market.latest().occupancy == 80
    assert market.history(1, 2)[0][1] == 80


def test_records_that_a_device_had_stored_are_counted_at_their_own_time(market: Market) -> None:
    stored = market.uplink(NORTH, 5, 30, 0)
    decoded = stored.outcome
    assert isinstance(decoded, Decoded)
    past = tuple(
        replace(reading, value=value, event_time=Instant(OPENING + 2 * MINUTE))
        for reading, value in zip(decoded.readings, (12, 0), strict=True)
    )
    uplink = replace(stored, outcome=replace(decoded, readings=(*decoded.readings, *past)))
    market.apply(market.uplink(NORTH, 0, 0, 0), market.uplink(SOUTH, 0, 0, 0))
    market.apply(uplink, market.uplink(SOUTH, 5, 0, 0))
    assert [number for _, number, *_ in market.history(0, 6)] == [0, 6, 12, 18, 24, 30]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_changed_permit_gives_a_sample_at_once(market: Market, restarted: bool) -> None:
    """Rules in per cent of the permit need not wait for the next report."""
    market.apply_each([market.uplink(NORTH, 0, 100, 50), market.uplink(NORTH, 1, 600, 55)])
    market.tick(Instant(OPENING + MINUTE))
    before = market.samples()
    assert {sample.permitted for sample in before} == {1000}
    if restarted:
        market.restart()
    with market.database.write() as connection:
        connection.execute(update(zones).values(permitted=400))
        bump_revision(connection)
    market.tick()
    (new,) = market.samples()[len(before) :]
    assert (new.permitted, new.event_time) == (400, before[-1].event_time)
    market.tick()
    assert market.samples()[-1] == new

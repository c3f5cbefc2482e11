"""A tick leads thousands of states on, a few in each transaction; one that fails stops no other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select, update

from counted import write_transactions
from fake_alert_town import AlertTown, minute, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.alarms.alerts import follower as module
from stadtsinn.cloud.alarms.alerts import service, slices
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.alerts.tables import rule_states
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import create_recipient
from stadtsinn.cloud.log.cursors.repository import ensure_cursor
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town import quiet
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.tables import stations
from stadtsinn.decoders.reading import Reading
from stadtsinn.rules import machine

pytestmark = pytest.mark.slow

AT_ONCE = 4


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICKED_AT_ONCE", AT_ONCE)


@pytest.fixture
def loop(town: AlertTown) -> FollowerLoop:
    return FollowerLoop(town.database, town.follower, town.clock, pace=Pace())


def dry(number: int = 1, minutes: float = 0) -> LoggedUplink:
    return uplink(number, minutes, Reading("soil_moisture", 3.0))


def many_rules(town: AlertTown, count: int, **other: Any) -> None:
    for number in range(count):
        town.station_rule(slug=f"regel-{number:02}", **other)


def test_timers_run_a_few_at_a_time_each_once(town: AlertTown, loop: FollowerLoop) -> None:
    many_rules(town, 10, for_s=3600, stale_after_s=7200)
    town.apply(dry())
    town.now(62)
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 3
    assert len(town.incidents()) == len(town.messages()) == 10
    assert [row.rule_id for row in town.incidents()] == sorted(
        row.rule_id for row in town.incidents()
    )
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 1


def test_one_tick_costs_no_more_with_twice_as_many_rules(
    town: AlertTown, loop: FollowerLoop
) -> None:
    longest = []
    for first, moment in ((0, 0), (10, 100)):
        for number in range(first, 2 * first + 10):
            town.station_rule(slug=f"regel-{number}", for_s=3600, stale_after_s=7200)
        town.soil(moment, 3.0)
        town.now(moment + 62)
        with write_transactions(town.database) as found:
            loop.tick()
        longest.append(max(one.statements for one in found))
    assert longest[1] <= longest[0]


def test_a_state_that_is_due_later_than_was_thought_is_looked_at_once(
    town: AlertTown, loop: FollowerLoop
) -> None:
    """Its time is computed anew, so that it is not in the way for ever."""
    many_rules(town, 10)
    town.soil(0, 30.0)
    with town.database.write() as connection:
        connection.execute(update(rule_states).values(due_at=1))
    loop.tick()
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 1
    with town.database.read() as connection:
        assert connection.scalar(select(func.count()).where(rule_states.c.due_at == 1)) == 0


def test_recipients_count_as_well(
    town: AlertTown, loop: FollowerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few rules that fire write much where each has many recipients."""
    monkeypatch.setattr(module, "WRITTEN_AT_ONCE", 20)
    monkeypatch.setattr(slices, "WRITTEN_AT_ONCE", 20)
    people = [f"person-{number}" for number in range(10)]
    with change(town.database) as connection:
        for number, slug in enumerate(people):
            body = Recipient(slug=slug, name=slug, address=f"+49170111{number:04}")
            create_recipient(connection, town.scope, body)
    many_rules(town, 6, recipients=tuple(people), for_s=3600, stale_after_s=7200)
    town.apply(dry())
    town.now(62)
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 3
    assert len(town.messages()) == 60


def test_effects_of_one_uplink_are_written_in_parts_too(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "WRITTEN_AT_ONCE", 4)
    many_rules(town, 6)
    with town.database.write() as connection:
        ensure_cursor(connection, "alerts", minute(0))
    with write_transactions(town.database) as found:
        done = 0
        while not done:
            with town.database.write() as connection:
                done = town.follower.apply(connection, [dry(), dry(2, 1)])
    assert len(found) > 1
    assert len(town.messages()) == 6


def test_zone_samples_are_judged_a_few_at_a_time(
    town: AlertTown, loop: FollowerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "JUDGED_AT_ONCE", AT_ONCE)
    for number in range(6):
        town.zone_rule(slug=f"voll-{number}")
    for moment in range(4):
        town.crowd(moment, 1000 if moment == 3 else 100)
    town.now(4)
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 6  # 4 samples x 6 rules, 4 at a time
    assert len(town.incidents()) == 6
    with town.database.read() as connection:
        seen = connection.execute(select(rule_states.c.last_event)).scalars().all()
    assert seen == [minute(3)] * 6


def test_a_process_that_starts_between_two_parts_judges_a_zone_sample_once_by_each_rule(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "JUDGED_AT_ONCE", 2)
    for number in range(5):
        town.zone_rule(slug=f"voll-{number}", min_samples=2)
    town.crowd(0, 1000)
    town.now(0)
    with town.database.write() as connection:
        assert town.follower.tick(connection, minute(0))
    town.restart()
    town.tick()
    assert town.incidents() == []  # no rule took the one sample for two
    town.crowds((1, 1000))
    assert len(town.incidents()) == 5


def trees(town: AlertTown, count: int) -> None:
    """A rule for all trees, and an alarm at so many of them."""
    with change(town.database) as connection:
        for number in range(count):
            station = town.station(connection, f"baum-{number}", f"Baum {number}")
            town.device(connection, f"70b3d57ed001{number:04}")
            town.deploy(connection, f"70b3d57ed001{number:04}", station)
    known = town.station_rule(slug="weg").model_dump()
    town.rule(**{**known, "slug": "gruppe", "station": None, "group": {"kind": "tree"}})
    with change(town.database) as connection:
        assert service.delete_rule(connection, town.scope, "weg", minute(0))
    reading = Reading("soil_moisture", 3.0)
    for number in range(count):
        town.apply(uplink(number + 1, 0, reading, dev_eui=f"70b3d57ed001{number:04}"))
    assert len(town.incidents()) == count


def test_stations_that_left_a_group_are_ended_a_few_at_a_time(
    town: AlertTown, loop: FollowerLoop
) -> None:
    trees(town, 9)
    with change(town.database) as connection:
        connection.execute(
            update(stations).where(stations.c.slug.like("baum-%")).values(kind="other")
        )
    with write_transactions(town.database) as found:
        loop.tick()
    assert len(found) == 3
    assert {row.close_reason for row in town.incidents()} == {"station_left"}


def test_a_rule_with_many_alarms_is_deleted_in_parts_and_everybody_is_told(
    town: AlertTown, loop: FollowerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WRITTEN_AT_ONCE", 8)
    trees(town, 9)
    with write_transactions(town.database) as found:
        gone = False
        while not gone:
            with change(town.database) as connection:
                gone = service.delete_rule(connection, town.scope, "gruppe", minute(1))
            town.apply(dry(20, 1))  # what comes in between opens nothing
            loop.tick()
    assert len(found) > 6
    assert {row.close_reason for row in town.incidents()} == {"rule_deleted"}
    assert town.kinds().count("ENDED") + town.kinds().count("ALARM") == len(town.messages())
    with town.database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(rule_states)) == 0


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[float]:
    """Thresholds of the rules whose judging raises."""
    on: set[float] = set()

    def failing(whole: Any) -> Any:
        def judged(terms: Any, *rest: Any) -> Any:
            if terms.kind.on in on:
                raise ZeroDivisionError("division by zero")
            return whole(terms, *rest)

        return judged

    for name in ("sample", "tick"):
        monkeypatch.setattr(machine, name, failing(getattr(machine, name)))
    return on


def test_a_rule_whose_timer_raises_is_left_out_and_the_others_go_on(
    town: AlertTown, loop: FollowerLoop, broken: set[float]
) -> None:
    many_rules(town, 6, for_s=3600, stale_after_s=7200)
    town.station_rule(slug="kaputt", on=14, for_s=3600, stale_after_s=7200)
    town.apply(dry())
    town.now(62)
    broken.add(14)
    loop.tick()
    assert len(town.incidents()) == 6
    said = loop.check()
    assert said.ok
    assert "rule (7, 0): ZeroDivisionError" in said.detail
    loop.tick()
    assert len(town.incidents()) == 6


def test_an_edited_rule_is_tried_at_once_and_a_deleted_one_forgotten(
    town: AlertTown, loop: FollowerLoop, broken: set[float]
) -> None:
    rule = town.zone_rule(slug="kaputt", on=901)
    town.crowd(0, 1000)
    broken.add(901)
    loop.tick()
    assert "left out" in loop.check().detail
    town.edit(rule, on=950)
    town.crowd(1, 1000)
    town.now(1)
    loop.tick()
    assert "left out" not in loop.check().detail
    assert len(town.incidents()) == 1


def test_a_rule_that_fails_on_zone_samples_is_left_out_and_the_others_judge_them(
    town: AlertTown, loop: FollowerLoop, broken: set[float]
) -> None:
    town.zone_rule(slug="kaputt", on=901)
    town.zone_rule(slug="heil", on=900)
    town.crowd(0, 1000)
    broken.add(901)
    loop.tick()
    (incident,) = town.incidents()
    assert incident.rule_name == "Wochenmarkt"
    broken.clear()
    town.restart()  # what is left out is tried again by a process that starts
    town.crowds((1, 1000))
    assert len(town.incidents()) == 2


def test_an_outage_leaves_no_rule_out(
    town: AlertTown, loop: FollowerLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.zone_rule()
    town.crowd(0, 1000)

    def away(*_: Any) -> Any:
        raise OSError("disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(machine, "sample", away)
        for _ in range(3):
            with pytest.raises(OSError, match="gone"):
                loop.tick()
    loop.tick()
    assert len(town.incidents()) == 1


def test_rules_that_change_all_the_time_stop_no_tick(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking and the transaction the registry may change again and again, also where
    the quiet moment is too short."""
    monkeypatch.setattr(quiet, "LONGEST_S", 0)
    town.zone_rule()
    town.crowd(0, 1000)

    class Restless(AlertsFollower):
        def look_ahead(self, now: Any) -> None:
            super().look_ahead(now)
            with change(town.database):
                pass

    follower = Restless(DirectoryCache(town.database), ManualClock(minute(0)))
    with write_transactions(town.database) as found:
        FollowerLoop(town.database, follower, town.clock).tick()
    assert len(found) == 9  # the change and the attempt, four times; and a quiet moment asked for
    assert len(town.incidents()) == 1

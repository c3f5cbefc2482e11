"""A rebuild makes what was there, byte for byte: also whether and when people were told."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from counted import write_transactions
from databases import fresh_database
from fake_alert_course import Course, incidents, messages, states
from fake_alert_town import STATION, AlertTown
from stadtsinn.cloud.alarms.alerts import rebuilding
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow


def differences(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> list[object]:
    pairs = (one.items() ^ other.items() for one, other in zip(some, others, strict=True))
    return [sorted(pair, key=str) for pair in pairs if pair]


@dataclass(frozen=True)
class Sample:
    """A value of the soil or of the crowd, measured at `minutes` and judged at `now`."""

    of_crowd: bool
    minutes: float
    value: float
    now: float

    def __call__(self, course: Course) -> None:
        take = course.crowd if self.of_crowd else course.soil
        take(self.minutes, round(self.value, 0 if self.of_crowd else 1), self.now)


def acts(seed: int, *, late: bool) -> list[Callable[[Course], object]]:
    """What a day brings: samples as they come, some of them hours late, and permits.

    Where they come late nothing has to hold: what time alone decided before a sample came is no
    part of the log.
    """
    chance = random.Random(seed)
    waits = {} if late else {"for_s": 120, "min_samples": 2, "keep_firing_s": 180}
    made: list[Callable[[Course], object]] = [
        lambda course: course.town.permit(1_000),
        lambda course: _rules(course.town, waits),
    ]
    minutes = behind = now = 0.0
    soil, crowd = 18.0, 700.0
    for number in range(60):
        minutes += chance.choice((0.5, 1, 1, 2, 7 if late else 1))
        behind = chance.choice((0, 0, 20, 200)) if late and chance.random() < 0.2 else behind
        now = max(now, minutes + behind)
        soil = min(40.0, max(2.0, soil + chance.uniform(-6, 6)))
        crowd = min(1_300.0, max(0.0, crowd + chance.uniform(-200, 210)))
        of_crowd = chance.random() < 0.5
        made.append(Sample(of_crowd, minutes, crowd if of_crowd else soil, now))
        if number % 20 == 19:
            made.append(partial(_permit, chance.choice((900, 1_000, 1_100))))
    return made


def _permit(persons: int, course: Course) -> None:
    course.town.permit(persons)


def _rules(town: AlertTown, waits: dict[str, int]) -> None:
    town.station_rule(**waits)
    town.station_rule(slug="alle", station=None, group={"kind": "tree"}, recipients=(), **waits)
    town.zone_rule(**waits)
    values = {"slug": "zulassung", "name": "Zulassung", "zone": "wochenmarkt", "kind": "permit"}
    town.rule(**values, **waits, recipients=("ordnungsamt", "bauhof"))


def play(
    course: Course,
    day: Sequence[Callable[[Course], object]],
    moments: frozenset[int],
    *,
    rebuilt: bool,
) -> None:
    """At each of the `moments` time passes, and everything is judged again or not."""
    for number, act in enumerate(day):
        act(course)
        if number not in moments:
            continue
        course.town.tick()
        if rebuilt:
            before = incidents(course.town), states(course.town)
            course.rebuild()
            assert incidents(course.town) == before[0]
            assert differences(states(course.town), before[1]) == []


@pytest.mark.sweep
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_town_that_was_rebuilt_is_the_town_that_was_not(
    tmp_path: Path, seed: int, *, late: bool
) -> None:
    day = acts(seed, late=late)
    chance = random.Random(seed)
    moments = frozenset(chance.sample(range(2, len(day)), 3))
    calm = Course(AlertTown(fresh_database(tmp_path / "calm")))
    rebuilt = Course(AlertTown(fresh_database(tmp_path / "rebuilt")))
    play(calm, day, moments, rebuilt=False)
    play(rebuilt, day, moments, rebuilt=True)
    assert incidents(rebuilt.town) == incidents(calm.town)
    assert messages(rebuilt.town) == messages(calm.town)


def test_on_both_databases(town: AlertTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members in each transaction."""
    monkeypatch.setattr(rebuilding, "AT_ONCE", 2)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    day = acts(3, late=True)
    play(Course(town), day, frozenset({10, 30, len(day) - 1}), rebuilt=True)


def test_each_member_may_be_begun_anew_by_another_process(
    town: AlertTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one before was killed between two transactions."""
    monkeypatch.setattr(rebuilding, "AT_ONCE", 1)
    rounds: list[int] = []

    def forget(course: Course) -> None:
        more = True
        while more:
            with course.town.database.write() as connection:
                more = course.town.follower.reset(connection)
            course.town.restart()
            rounds.append(len(rounds))

    monkeypatch.setattr(Course, "forget", forget)
    day = acts(2, late=False)
    play(Course(town), day, frozenset({20, len(day) - 1}), rebuilt=True)
    assert len(rounds) == 10, "four members, and the end, twice"


def test_nobody_waits_while_the_samples_of_all_zones_are_looked_through(
    town: AlertTown,
) -> None:
    town.permit(1_000)
    _rules(town, {})
    course = Course(town)
    for minutes, high in ((0, 500), (1, 920), (2, 500)):
        course.crowd(minutes, high, minutes)
    before = incidents(town)
    with write_transactions(town.database) as found:
        rebuild(town.database, town.follower, town.clock)
    assert found
    assert not any("min(zone_samples" in text for one in found for text in one.texts)
    town.tick()
    assert incidents(town) == before


def test_names_stay_as_people_read_them(town: AlertTown) -> None:
    """Rule and station were called otherwise when it happened."""
    rule = town.station_rule()
    course = Course(town)
    for minutes, value in ((0, 30), (1, 10), (2, 30)):
        course.soil(minutes, value, minutes)
    before = incidents(town)
    town.edit(rule, name="Linde, neu")
    course.rebuild()
    assert incidents(town) == before
    assert before[0]["rule_name"] == "Linde am Markt"
    assert before[0]["station"] == STATION


def test_a_second_alarm_that_waits_is_sent_after_a_rebuild(town: AlertTown) -> None:
    """The provider is away; judged again the level is reached again, and nobody writes anew."""
    town.permit(1_000)
    _rules(town, {})
    course = Course(town)
    for minutes, high in ((0, 500), (1, 920), (2, 1_010)):
        course.crowd(minutes, high, minutes)
    waiting = [row.status for row in town.messages()]
    assert Status.READY in waiting
    course.rebuild()
    assert [row.status for row in town.messages()] == waiting
    course.crowd(3, 1_020, 3)
    assert len(town.messages()) == len(waiting)


def test_what_a_change_ended_stays_ended(town: AlertTown) -> None:
    """The log does not know that the station left its group for a while."""
    town.station_rule(station=None, group={"kind": "tree"})
    course = Course(town)
    course.soil(0, 30, 0)
    course.soil(1, 10, 1)
    town.now(2)
    town.kind_of_station("well")
    town.tick()
    town.kind_of_station("tree")
    course.soil(5, 10, 5)
    course.soil(6, 30, 6)
    before = incidents(town)
    assert [row["close_reason"] for row in before] == ["station_left", "recovered"]
    course.rebuild()
    assert incidents(town) == before

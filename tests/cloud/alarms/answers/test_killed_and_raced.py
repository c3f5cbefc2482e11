"""Killed at each commit point, two at once, and any course of events against an obvious model."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from answered_town import AnsweredTown
from at_once import at_once
from databases import database, fresh_database
from killing import killed_at
from stadtsinn.cloud.alarms.alerts import incident_repository
from stadtsinn.cloud.alarms.answers import acknowledging
from stadtsinn.cloud.alarms.answers.worker import AttentionWorker
from stadtsinn.cloud.platform.database.engine import Database

__all__ = ["database"]


@pytest.fixture
def town(database: Database) -> AnsweredTown:
    """On both databases each time: what two do at once is decided by their locks."""
    return AnsweredTown(database)


@pytest.mark.parametrize("point", ["answers.reminding", "answers.reminded"])
def test_a_killed_worker_has_reminded_once_or_does_it_afterwards(
    town: AnsweredTown, point: str
) -> None:
    escalation = [{"after_s": 600, "to": ["leitung"]}]
    town.fire(recipients=["bauhof"], repeat_s=600, escalation=escalation)
    town.pass_to(0)
    killed_at(point, lambda: town.pass_to(10, away=True), town.database)
    town.restart()
    town.pass_to(10)
    town.restart()
    town.pass_to(11)
    assert town.count("REPEAT") == {"bauhof": 1}
    assert town.count("ESCALATION") == {"leitung": 1}


def test_a_killed_acknowledgement_is_whole_or_was_not(town: AnsweredTown) -> None:
    incident = town.fire(repeat_s=600)
    killed_at("answers.acknowledging", lambda: town.acknowledge(incident, "bauhof"), town.database)
    assert town.count("ACKNOWLEDGED") == {}
    assert town.acknowledge(incident, "ordnungsamt").first
    assert town.count("ACKNOWLEDGED") == {"bauhof": 1}


def test_two_acknowledge_at_once_and_one_is_first(town: AnsweredTown) -> None:
    incident = town.fire()
    done = []
    at_once(
        lambda: done.append(town.acknowledge(incident, "bauhof")),
        lambda: done.append(town.acknowledge(incident, "ordnungsamt")),
    )
    first, second = sorted(done, key=lambda one: not one.first)
    assert (first.first, second.first, second.by) == (True, False, first.by)
    assert sum(town.count("ACKNOWLEDGED").values()) == 1


def test_nobody_tells_a_higher_level_while_somebody_acknowledges(
    town: AnsweredTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the level rose would be written over it: nobody would be told again."""
    locks: list[str] = []
    incident = town.fire()
    read = incident_repository.incident

    def incident_of(*given: Any) -> Any:
        assert locks == ["rules"], "read before"
        return read(*given)

    monkeypatch.setattr(acknowledging, "serialize", lambda _, name: locks.append(name))
    monkeypatch.setattr(incident_repository, "incident", incident_of)
    assert town.acknowledge(incident).first
    assert locks == ["rules"]


def test_two_workers_at_once_say_it_once(town: AnsweredTown) -> None:
    town.fire(recipients=["bauhof"], repeat_s=600)
    town.pass_to(0)
    town.now(10)
    town.wall.set(town.clock.now())
    workers = [AttentionWorker(town.database, town.clock, wall=town.wall) for _ in range(2)]
    at_once(*(one.run_once for one in workers))
    assert town.count("REPEAT") == {"bauhof": 1}


# --- any course of events ----------------------------------------------------------------

REPEAT, STEPS = 4, (7, 12)


@dataclass
class Model:
    """Minute by minute, in plain words. Level 0: no alarm."""

    said: Counter[str] = field(default_factory=Counter)
    level: int = 0
    acknowledged: int = 0
    muted_until: int = -1
    known: bool = False
    """Somebody could have read the alarm of this level."""
    last_said: int | None = None
    last_step: int | None = None
    steps: int = 0

    def crowd(self, now: int, level: int) -> None:
        if level == 0:
            self.level = self.acknowledged = 0
        elif level > self.level:
            self.level, self.steps = level, 0
            self.last_said = self.last_step = None
            self.known = now >= self.muted_until

    def acknowledge(self) -> None:
        self.acknowledged = self.level

    def minute(self, now: int) -> None:
        muted = now < self.muted_until
        if self.level == 0 or self.acknowledged == self.level:
            self.known = self.known or (self.level > 0 and not muted)
            return
        self.known = self.known or not muted
        if not self.known:
            return
        if self.last_said is None or self.last_step is None:
            self.last_said = self.last_step = now
        if muted:
            return
        if self.steps < len(STEPS):
            waits = STEPS[self.steps] - (STEPS[self.steps - 1] if self.steps else 0)
            if now - self.last_step >= waits:
                self.steps, self.last_step = self.steps + 1, now
                self.said["leitung" if self.steps == 1 else "nacht"] += 1
        if now - self.last_said >= REPEAT:
            self.last_said = now
            self.said["repeat"] += 1


_EVENTS = st.one_of(
    st.tuples(st.just("crowd"), st.sampled_from([0, 1, 2])),
    st.tuples(st.just("pass"), st.integers(1, 6)),
    st.tuples(st.just("ack"), st.just(0)),
    st.tuples(st.just("mute"), st.integers(1, 9)),
    st.tuples(st.just("unmute"), st.just(0)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("rebuild"), st.just(0)),
)


@pytest.mark.slow
@settings(max_examples=5, deadline=None)  # 150 found nothing
@given(st.lists(_EVENTS, min_size=4, max_size=14))
def test_any_course_of_events_is_told_as_an_obvious_model_says(
    events: list[tuple[str, int]],
) -> None:
    folder = Path(tempfile.mkdtemp())
    town = AnsweredTown(fresh_database(folder))
    town.permit(1_000)
    escalation = [
        {"after_s": STEPS[0] * 60, "to": ["leitung"]},
        {"after_s": STEPS[1] * 60, "to": ["nacht"]},
    ]
    values = {"slug": "markt", "name": "Markt", "zone": "wochenmarkt", "kind": "permit"}
    town.rule(
        **values,
        recipients=["bauhof"],
        repeat_s=REPEAT * 60,
        escalation=escalation,
        stale_after_s=86_400,
    )
    model, now, mutes = Model(), 0, []
    for what, number in [("crowd", 1), ("pass", 3), *events, ("pass", 6)]:
        if what == "crowd":
            now += 1
            model.minute(now)
            town.pass_to(now)
            town.crowds((now, (100, 950, 1_050)[number]))
            town.sent()
            model.crowd(now, number)
        elif what == "pass":
            for _ in range(number):
                now += 1
                model.minute(now)
                town.pass_to(now)
        elif what == "ack" and model.level:
            town.acknowledge(town.open_incident(), "bauhof")
            model.acknowledge()
        elif what == "mute":
            mutes.append(town.mute(now + number, zone="wochenmarkt"))
            model.muted_until = max(model.muted_until, now + number)
        elif what == "unmute":
            for one in mutes:
                if one.end > town.clock.now():
                    town.unmute(one.id)
            mutes, model.muted_until = [], min(model.muted_until, now)
        elif what == "restart":
            town.restart()
        elif what == "rebuild":
            town.rebuild()
        told = town.count("REPEAT")
        escalated = town.count("ESCALATION")
        assert told["bauhof"] == model.said["repeat"]
        assert escalated == {
            name: model.said[name] for name in ("leitung", "nacht") if model.said[name]
        }
    town.database.dispose()
    shutil.rmtree(folder)

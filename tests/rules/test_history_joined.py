"""A history of several datastreams judged in strides and in parts is what the engine says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.active import Active, Recurring
from stadtsinn.base.calendar import EVERY_DAY, Hours
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.rules import machine
from stadtsinn.rules.history.column import Column
from stadtsinn.rules.history.course import Course, Happened, Section
from stadtsinn.rules.history.joined import Joined
from stadtsinn.rules.joining import VALUES, Joining
from stadtsinn.rules.kind import OWN, Stream
from stadtsinn.rules.kinds.both import Also, Both
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.kinds.difference import Difference
from stadtsinn.rules.kinds.registry import KINDS
from stadtsinn.rules.kinds.share import Share
from stadtsinn.rules.kinds.threshold import Direction
from stadtsinn.rules.state import RuleState
from stadtsinn.rules.terms import Terms

START = 500_000 * HOUR
LENGTH = 60
MORNINGS = Active([Recurring(Hours(EVERY_DAY, "06:00", "11:00"))])
OTHER = Stream(station="b")
STATIONS = 5
JOINING: list[Joining] = [
    Difference(on=4, off=1, minus=OTHER, fresh_s=1_800),
    Difference(on=-3, off=0.3, direction=Direction.BELOW, minus=OTHER, fresh_s=600),
    Both(on=6, off=4, fresh_s=1_800, also=(Also(quantity="b", on=5, off=3, fresh_s=900),)),
    Both(
        on=3,
        off=5,
        direction=Direction.BELOW,
        also=(
            Also(quantity="b", on=5, off=3),
            Also(quantity="c", on=8, off=9, direction=Direction.BELOW),
        ),
    ),
    Count(on=3, off=1, each_on=6, each_off=3, fresh_s=1_800),
    Count(on=2, off=0, each=Direction.BELOW, each_on=3, each_off=7, fresh_s=3_600),
    Share(on=40, off=20, each_on=6, each_off=3, fresh_s=1_800),
]


def streams(seed: int, kind: Joining) -> dict[int, Column]:
    """Values that come now together, now one by one, and of one stream not for long."""
    chance = np.random.default_rng(seed)
    numbers = range(10, 10 + STATIONS - 1) if kind.of_group else range(len(kind.others) + 1)
    steps = chance.choice([SECOND, MINUTE, 10 * MINUTE, 11 * MINUTE], LENGTH)
    steps[chance.random(LENGTH) < 0.05] = 3 * HOUR
    times = START + np.cumsum(steps)
    found = {}
    for number in numbers:
        there = chance.random(LENGTH) < chance.choice([0.2, 0.6, 1.0])
        values = np.round(chance.integers(0, 100, LENGTH) / 10, 1)
        calm = np.round(5 + np.cumsum(chance.choice([-0.1, 0, 0.1], LENGTH)), 1)
        found[number] = Column(times, np.where(chance.random(LENGTH) < 0.3, values, calm)).where(
            there
        )
    return found


def terms(kind: Joining, chance: st.DataObject) -> Terms:
    def one(*values: int) -> int:
        return chance.draw(st.sampled_from(values))

    return Terms(
        kind,
        hold=one(0, 0, 5, 30) * MINUTE,
        min_samples=one(1, 1, 3),
        keep_firing=one(0, 0, 20) * MINUTE,
        stale_after=kind.silence_s * SECOND,
        alert_on_stale=bool(one(0, 1)),
        active=MORNINGS if one(0, 0, 1) else None,
        patience=MINUTE,
    )


def engine(
    sections: Sequence[Section], columns: dict[int, Column], stations: int | None, end: Instant
) -> tuple[list[Happened], RuleState, int]:
    """Judged moment by moment, with nothing but the state machine."""
    state, found, judged = RuleState(), [], 0
    moments = sorted({int(at) for column in columns.values() for at in column.times})
    for number, section in enumerate(sections):
        until = sections[number + 1].start if number + 1 < len(sections) else end
        inside = [at for at in moments if section.start <= at < until]
        for at in [*inside, None]:
            stop = until if at is None else at
            while (due := machine.next_due(section.terms, state)) is not None and due < stop:
                before = state
                state, effects = machine.tick(section.terms, state, due)
                found += [Happened(due, one, before, state.notes) for one in effects]
                if state == before:
                    break
            if at is None:
                continue
            measured = {
                one: float(column.values[column.first_at(at)])
                for one, column in columns.items()
                if at in column.times
            }
            before, judged = state, judged + 1
            state, effects = machine.sample(
                section.terms, state, Instant(at), 0.0, Instant(at), stations, "", measured
            )
            found += [Happened(Instant(at), one, before, state.notes, stations) for one in effects]
    return found, state, judged


def assert_strides_lead_as_the_engine(
    columns: dict[int, Column],
    stations: int | None,
    sections: Sequence[Section],
    cut: Instant,
    end: Instant,
) -> None:
    """Gone through in two parts, before and behind `cut`."""
    said, state, count = engine(sections, columns, stations, end)
    kind = sections[0].terms.kind
    assert isinstance(kind, Joining)
    state_now, judged = RuleState(), 0
    strides: list[Happened] = []
    for since, until in ((Instant(0), cut), (cut, end)):
        part = {
            one: column.where(slice(column.first_at(since), column.first_at(until)))
            for one, column in columns.items()
        }
        joined = Joined(part, state_now.notes.get(VALUES, {}), stations)
        course = Course(joined.column, joined.scan(kind))
        course.state = state_now
        strides += course.run(cut_to(sections, since, until), until)
        state_now, judged = course.state, judged + course.judged
    assert strides == said
    assert state_now == state
    assert judged <= count


@pytest.mark.parametrize("kind", JOINING, ids=lambda kind: kind.kind_name)
def test_the_strides_lead_where_the_engine_leads(kind: Joining) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32), st.data())
    def holds(seed: int, chance: st.DataObject) -> None:
        columns = streams(seed, kind)
        stations = STATIONS if kind.of_group else None
        end = Instant(max(int(one.times[-1]) for one in columns.values() if len(one)) + 5 * HOUR)
        middle = Instant((START + end) // 2)
        sections = [Section(Instant(0), terms(kind, chance)), Section(middle, terms(kind, chance))]
        cut = Instant(chance.draw(st.integers(START, end)))
        assert_strides_lead_as_the_engine(columns, stations, sections, cut, end)

    holds()


def minutes(*values: tuple[int, float]) -> Column:
    times = START + np.array([at for at, _ in values], np.int64) * MINUTE
    return Column(times, np.array([value for _, value in values]))


def test_the_first_value_of_a_part_may_end_an_alarm() -> None:
    kind = Both(on=6, off=4, also=(Also(quantity="b", on=5, off=3),))
    columns = {
        0: minutes((0, 7), (10, 7), (20, 2), (30, 7), (200, 7)),
        1: minutes((0, 6), (10, 6), (20, 6), (30, 6), (200, 6)),
    }
    section = Section(Instant(0), Terms(kind, stale_after=HOUR))
    cut, end = Instant(START + 15 * MINUTE), Instant(START + 300 * MINUTE)
    assert_strides_lead_as_the_engine(columns, None, [section], cut, end)


def test_a_station_that_says_nothing_in_a_part_does_not_disorder_the_others() -> None:
    kind = Count(on=2, off=1, each_on=6, each_off=3)
    columns = {
        10: minutes((90, 7)),
        11: minutes((0, 7), (10, 5), (20, 5), (100, 5)),
        12: minutes((0, 1), (10, 1), (20, 7), (100, 7)),
    }
    section = Section(Instant(0), Terms(kind, stale_after=HOUR))
    end = Instant(START + 300 * MINUTE)
    for cut in range(0, 120, 5):
        assert_strides_lead_as_the_engine(columns, 3, [section], Instant(START + cut * MINUTE), end)


def cut_to(sections: Sequence[Section], since: Instant, until: Instant) -> list[Section]:
    begun = [one for one in sections if one.start <= since]
    later = [one for one in sections if since < one.start < until]
    return [Section(since, begun[-1].terms), *later]


def test_every_kind_that_joins_is_compared() -> None:
    assert {type(kind) for kind in JOINING} == {kind for kind in KINDS.values() if kind.joins}


def test_what_cannot_change_anything_is_passed_over() -> None:
    """Twenty spaces over months, taken all at once for a day."""
    times = START + np.arange(20_000) * 10 * MINUTE
    taken = np.zeros(len(times))
    taken[9_000:9_144] = 1
    columns = {OWN + n: Column(times + n * SECOND, taken) for n in range(1, 21)}
    kind = Count(on=18, off=15, each_on=1, each_off=0)
    joined = Joined(columns, {}, 20)
    course = Course(joined.column, joined.scan(kind))
    section = Section(Instant(0), Terms(kind, stale_after=HOUR))
    found = list(course.run([section], Instant(int(times[-1]))))
    assert [type(one.effect).__name__ for one in found] == ["Opened", "Announced", "Closed"]
    assert course.judged < 50

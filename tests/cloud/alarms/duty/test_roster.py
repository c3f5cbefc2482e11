"""Who is on duty: against a slow model that asks for every quarter of an hour."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base import berlin
from stadtsinn.base.calendar import EVERY_DAY, Day, Hours, Span
from stadtsinn.base.instant import HOUR, MINUTE, Instant, parse
from stadtsinn.cloud.alarms.duty.roster import Overlap, Planned, Roster, StandIn, Turn, Weekly

START = parse("2026-10-24T00:00:00Z")
QUARTER = 15 * MINUTE
WHOLE = Span(START, Instant(START + 200 * QUARTER))
PEOPLE = ("a", "b", "c")


def _span(first: int, length: int) -> Span:
    return Span(Instant(START + first * QUARTER), Instant(START + (first + length) * QUARTER))


spans = st.builds(_span, st.integers(-20, 210), st.integers(1, 60))
people = st.sampled_from(PEOPLE)
times = st.sampled_from(["00:00", "02:00", "02:30", "03:00", "08:00", "20:00"])
rosters = st.builds(
    Roster,
    st.lists(
        st.builds(
            Weekly,
            people,
            st.builds(
                Hours,
                st.lists(st.sampled_from(EVERY_DAY), min_size=1, unique=True).map(tuple),
                times,
                times,
            ),
        ),
        max_size=3,
    ).map(tuple),
    st.lists(st.builds(Planned, spans, people), max_size=5).map(tuple),
    st.lists(st.builds(StandIn, spans, people, people), max_size=3).map(tuple),
    st.just(lambda day: day == date(2026, 10, 26)),
)


def _slow(roster: Roster, at: Instant) -> set[str]:
    """Everybody whose shift holds the moment, or who stands in then."""
    found = set()
    near = Span(Instant(at - 48 * HOUR), Instant(at + 48 * HOUR))
    for shift in roster.shifts(near):
        if not shift.span.start <= at < shift.span.end:
            continue
        person, seen = shift.person, [shift.person]
        while True:
            taken = [
                one.stand_in
                for one in roster.stand_ins
                if one.absent == person and one.span.start <= at < one.span.end
            ]
            if not taken:
                break
            if taken[0] in seen:
                person = shift.person
                break
            person = taken[0]
            seen.append(person)
        found.add(person)
    return found


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(rosters)
def test_every_quarter_of_an_hour_is_as_the_slow_model_says(roster: Roster) -> None:
    turns, gaps, overlaps = roster.turns(WHOLE), roster.gaps(WHOLE), roster.overlaps(WHOLE)
    for number in range(0, 200, 3):
        at = Instant(START + number * QUARTER)
        expected = _slow(roster, at)
        assert {one.person for one in turns if one.span.start <= at < one.span.end} == expected
        assert {one.person for one in roster.on_duty(at)} == expected
        assert any(gap.start <= at < gap.end for gap in gaps) == (not expected)
        several = [one.people for one in overlaps if one.span.start <= at < one.span.end]
        assert several == ([tuple(sorted(expected))] if len(expected) > 1 else [])


def _noon(day: int) -> Instant:
    return berlin.at(date(2026, 6, day), "12:00")


def test_a_stand_in_takes_the_shift_from_to_and_a_stand_in_of_theirs_takes_it_then() -> None:
    always = Roster(
        weekly=(Weekly("meier", Hours(EVERY_DAY, "00:00", "00:00")),),
        stand_ins=(
            StandIn(Span(_noon(2), _noon(5)), "meier", "schulze"),
            StandIn(Span(_noon(3), _noon(4)), "schulze", "yilmaz"),
        ),
    )
    assert always.turns(Span(_noon(1), _noon(6))) == [
        Turn(Span(_noon(1), _noon(2)), "meier"),
        Turn(Span(_noon(2), _noon(3)), "schulze", "meier"),
        Turn(Span(_noon(3), _noon(4)), "yilmaz", "meier"),
        Turn(Span(_noon(4), _noon(5)), "schulze", "meier"),
        Turn(Span(_noon(5), _noon(6)), "meier"),
    ]


def test_two_who_stand_in_for_each_other_are_on_duty_themselves() -> None:
    ring = Roster(
        weekly=(Weekly("meier", Hours(EVERY_DAY, "00:00", "00:00")),),
        stand_ins=(
            StandIn(Span(_noon(1), _noon(9)), "meier", "schulze"),
            StandIn(Span(_noon(1), _noon(9)), "schulze", "meier"),
        ),
    )
    assert [one.person for one in ring.on_duty(_noon(2))] == ["meier"]


def test_the_hour_that_comes_twice_belongs_to_both() -> None:
    early, late = Hours(EVERY_DAY, "14:30", "02:30"), Hours(EVERY_DAY, "02:30", "14:30")
    roster = Roster(weekly=(Weekly("a", early), Weekly("b", late)))
    day = Span(berlin.at(date(2026, 10, 25)), berlin.at(date(2026, 10, 26)))
    assert roster.gaps(day) == []
    twice = Span(parse("2026-10-25T02:30:00+02:00"), parse("2026-10-25T02:30:00+01:00"))
    assert roster.overlaps(day) == [Overlap(twice, ("a", "b"))]
    spring = Span(berlin.at(date(2026, 3, 29)), berlin.at(date(2026, 3, 30)))
    assert roster.gaps(spring) == []
    assert roster.overlaps(spring) == []
    assert {one.person for one in roster.skipped(spring)} == {"a", "b"}


def test_a_year_of_shifts_has_exactly_the_gap_that_a_holiday_leaves() -> None:
    """No uncovered minute in a year, but for a holiday that nobody thought of."""
    ascension = date(2026, 5, 14)
    roster = Roster(
        weekly=(Weekly("a", Hours(tuple(Day)[:7], "07:00", "07:00")),),
        is_holiday=lambda day: day == ascension,
    )
    year = Span(berlin.at(date(2026, 1, 1)), berlin.at(date(2027, 1, 1)))
    assert roster.gaps(year) == [
        Span(berlin.at(ascension, "07:00"), berlin.at(date(2026, 5, 15), "07:00"))
    ]


def test_nobody_with_a_shift_is_a_list() -> None:
    assert Roster().is_list
    assert not Roster(planned=(Planned(WHOLE, "a"),)).is_list

"""A space against a model that asks of every second what was said until then."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.parking.spaces import (
    NEVER,
    Doubt,
    Report,
    Space,
    SpaceState,
    silent_after,
    space_of,
    without_stuck,
)

START = 1_000 * HOUR
SILENT = silent_after(40)
"""100 s: short, so that the course of a test may be."""
NO_SILENCE = 1_000 * HOUR


def report(second: float, taken: bool, *, doubted: bool = False) -> Report:
    return Report(Instant(START + round(second * SECOND)), taken, doubted)


def at(second: float) -> Instant:
    return Instant(START + round(second * SECOND))


def plainly(reports: Sequence[Report], now: int) -> tuple[SpaceState, int | None]:
    """Second by second: what is shown, and since when, if nothing is in doubt."""
    shown: bool | None = None
    since: int | None = None
    for second in range(now + 1):
        seen = [one for one in reports if one.time <= at(second)]
        if not seen:
            continue
        if shown is None:
            shown, since = seen[-1].taken, second
            continue
        same_for = 0
        for past in range(second, -1, -1):
            then = [one for one in reports if one.time <= at(past)]
            if not then or then[-1].taken == shown:
                break
            same_for = second - past
        else:
            continue
        wait = 30 if shown else 15
        if seen[-1].taken != shown and same_for >= wait:
            shown, since = not shown, second - same_for
    if not any(one.time <= at(now) for one in reports):
        return SpaceState.UNKNOWN, None
    last = max(one.time for one in reports if one.time <= at(now))
    if at(now) - last > SILENT:
        return SpaceState.UNKNOWN, None
    return (SpaceState.OCCUPIED if shown else SpaceState.FREE), since


COURSES = st.dictionaries(st.integers(0, 110), st.booleans(), max_size=10)


@settings(max_examples=60, deadline=None)
@given(COURSES, st.integers(0, 160))
def test_a_space_is_what_the_plain_model_says(course: dict[int, bool], now: int) -> None:
    reports = [report(second, taken) for second, taken in sorted(course.items())]
    found = space_of(reports, at(now), SILENT)
    state, since = plainly(reports, now)
    assert found.state is state
    if since is not None:
        assert found.since == at(since)


@settings(max_examples=60, deadline=None)
@given(COURSES, st.integers(0, 60))
def test_what_comes_later_changes_nothing_before(course: dict[int, bool], now: int) -> None:
    reports = [report(second, taken) for second, taken in sorted(course.items())]
    until_then = [one for one in reports if one.time <= at(now)]
    assert space_of(reports, at(now), SILENT) == space_of(until_then, at(now), SILENT)


def test_a_space_that_never_reported_is_unknown() -> None:
    assert space_of([], at(0), SILENT) == NEVER


def test_taken_at_its_start_is_not_believed_until_free_was_seen() -> None:
    """The sensor starts, says taken in doubt, and says so again a minute later."""
    started = [report(0, True, doubted=True), report(60, True)]
    found = space_of(started, at(90), NO_SILENCE)
    assert (found.state, found.doubt) == (SpaceState.UNKNOWN, Doubt.AFTER_START)
    free = space_of([*started, report(120, False)], at(121), NO_SILENCE)
    assert (free.state, free.doubt) == (SpaceState.FREE, None)
    later = space_of([*started, report(900, True)], at(901), NO_SILENCE)
    assert (later.state, later.since) == (SpaceState.OCCUPIED, at(900))


def test_a_restart_while_a_car_stands_there_makes_it_unknown() -> None:
    found = space_of([report(0, True), report(900, True, doubted=True)], at(901), NO_SILENCE)
    assert found.doubt is Doubt.AFTER_START


def _space(hours_ago: float | None, *, doubt: Doubt | None = None) -> Space:
    now = START + 200 * HOUR
    changed = None if hours_ago is None else Instant(now - round(hours_ago * HOUR))
    state = SpaceState.UNKNOWN if doubt else SpaceState.OCCUPIED
    return Space(state, changed, Instant(now), doubt, changed, Instant(START))


NOW = Instant(START + 200 * HOUR)


def test_a_space_that_stands_still_while_its_neighbours_change_is_stuck() -> None:
    found = without_stuck([_space(80), _space(2), _space(5)], NOW)
    assert [one.doubt for one in found] == [Doubt.STUCK, None, None]
    assert found[0].state is SpaceState.UNKNOWN


def test_a_sensor_that_never_saw_a_change_is_stuck_as_well() -> None:
    found = without_stuck([_space(None), _space(2), _space(5)], NOW)
    assert found[0].doubt is Doubt.STUCK


def test_a_quiet_street_is_not_stuck() -> None:
    quiet = [_space(80), _space(90), _space(100), _space(2)]
    assert all(one.doubt is None for one in without_stuck(quiet, NOW))
    assert without_stuck([_space(80), _space(2)], NOW)[0].doubt is None


def test_a_lot_may_be_very_large() -> None:
    """One by one each would look at all others, a hundred million times."""
    found = without_stuck([_space(80)] * 4_000 + [_space(2)] * 6_000, NOW)
    assert sum(one.doubt is Doubt.STUCK for one in found) == 4_000
    assert all(one.doubt is None for one in without_stuck([_space(80)] * 10_000, NOW))


def test_a_silent_neighbour_says_nothing_about_a_space() -> None:
    spaces = [_space(80), _space(2), _space(3), _space(None, doubt=Doubt.SILENT)]
    assert next(one.doubt for one in without_stuck(spaces, NOW)) is Doubt.STUCK


def test_another_sensor_has_to_stand_still_as_long_again() -> None:
    hours = [Report(Instant(START + hour * HOUR), True, source="a") for hour in range(0, 80, 4)]
    swapped = [Report(Instant(START + 81 * HOUR), True, source="b")]
    now = Instant(START + 82 * HOUR)
    neighbours = [Space(SpaceState.FREE, now, now, None, now, Instant(START))] * 2
    before = space_of(hours, now, NO_SILENCE)
    after = space_of([*hours, *swapped], now, NO_SILENCE)
    assert without_stuck([before, *neighbours], now)[0].doubt is Doubt.STUCK
    assert without_stuck([after, *neighbours], now)[0].doubt is None


def test_silence_is_two_and_a_half_heartbeats() -> None:
    heard = [report(0, False)]
    assert space_of(heard, at(150), silent_after(60)).state is SpaceState.FREE
    silent = space_of(heard, at(151), silent_after(60))
    assert (silent.state, silent.doubt) == (SpaceState.UNKNOWN, Doubt.SILENT)
    assert silent_after(60) == 150 * SECOND
    assert MINUTE == 60 * SECOND

"""Lots in numbers: of single spaces, and counted in and out."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.cloud.domains.parking.lots import (
    Counted,
    LotState,
    Passage,
    count,
    counted_lot,
    lot_of,
)
from stadtsinn.cloud.domains.parking.spaces import Doubt, SpaceState

FREE, TAKEN, UNKNOWN = SpaceState.FREE, SpaceState.OCCUPIED, SpaceState.UNKNOWN


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(list(SpaceState)), max_size=40))
def test_numbers_add_up_and_the_estimate_promises_no_space_too_many(
    states: list[SpaceState],
) -> None:
    found = lot_of(states)
    assert found.free + found.occupied + found.unknown == found.capacity == len(states)
    known = found.free + found.occupied
    if not known or 5 * found.unknown > found.capacity:
        assert (found.state, found.free_estimate) == (LotState.NODATA, None)
        return
    exact = found.free + Fraction(found.unknown * found.free, known)
    assert found.free_estimate is not None
    assert found.free <= found.free_estimate <= exact < found.free_estimate + 1


def test_a_fifth_unknown_is_still_a_number() -> None:
    assert lot_of([UNKNOWN, FREE, TAKEN, TAKEN, TAKEN]).state is LotState.OPEN
    assert lot_of([UNKNOWN, UNKNOWN, FREE, TAKEN, TAKEN]).state is LotState.NODATA
    assert lot_of([]).state is LotState.NODATA


def hour(number: float) -> Instant:
    return Instant(round(number * HOUR))


PASSAGES = st.lists(
    st.tuples(st.integers(0, 48), st.integers(0, 6), st.integers(0, 6)), max_size=20
)


@settings(max_examples=80, deadline=None)
@given(PASSAGES, st.integers(1, 10), st.integers(0, 3))
def test_counting_is_hour_by_hour(
    course: list[tuple[int, int, int]], capacity: int, staying: int
) -> None:
    passages = [Passage(hour(when), a, b) for when, a, b in sorted(course)]
    found = count(passages, capacity, [hour(4), hour(28)], staying)
    standing, left = float(staying), None
    for now in range(49):
        if now in (4, 28):
            left, standing = standing - staying, float(staying)
        for one in passages:
            if one.time == hour(now):
                standing = min(max(standing + one.entered - one.left, 0), capacity)
    assert found == Counted(standing, left)
    assert 0 <= found.occupied <= max(capacity, staying)


def test_a_missed_exit_is_gone_after_the_night() -> None:
    day = [Passage(hour(10), entered=5), Passage(hour(20), left=4)]
    found = count(day, 50, [hour(4), hour(28)], 0)
    assert found == Counted(0, 1)


@pytest.mark.parametrize(
    ("counted", "capacity", "silent", "doubt"),
    [
        (Counted(10, 2), 50, False, None),
        (Counted(10, 2), 50, True, Doubt.SILENT),
        (Counted(10, 9), 50, False, Doubt.COUNTER),
        (Counted(10, -9), 50, False, Doubt.COUNTER),
        (Counted(10, None), 0, False, Doubt.NO_CAPACITY),
    ],
)
def test_what_a_counted_lot_cannot_say(
    counted: Counted, capacity: int, silent: bool, doubt: Doubt | None
) -> None:
    found = counted_lot(counted, capacity, silent=silent)
    assert found.doubt is doubt
    assert found.free + found.occupied + found.unknown == capacity
    assert (found.state is LotState.NODATA) == (doubt is not None)

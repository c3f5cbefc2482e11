"""From counter reports to persons: the delta rule, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd.counting import (
    STORED_RECORD,
    CountPoint,
    CountRule,
    Flag,
    Report,
    fold,
    merge,
)

RULE16 = CountRule(modulus=2**16, max_rate=120, interval=MINUTE)
RULE32 = CountRule(modulus=2**32, max_rate=120, interval=MINUTE)


def report(
    seconds: float,
    total: int | None = None,
    count: int | None = None,
    *,
    f_cnt: int | None = None,
    dev_addr: str = "01020304",
    generation: int = 0,
    dev_eui: str = "70b3d5e75e000001",
) -> Report:
    return Report(
        time=Instant(round(seconds * SECOND)),
        dev_eui=dev_eui,
        dev_addr=dev_addr,
        generation=generation,
        f_cnt=round(seconds / 60) if f_cnt is None else f_cnt,
        total=total,
        count=count,
    )


def fold_all(reports: Sequence[Report], rule: CountRule = RULE16) -> list[CountPoint]:
    points: list[CountPoint] = []
    for item in reports:
        point = fold(points[-6:], item, rule)
        if point is not None:
            points.append(point)
    return points


def last(reports: Sequence[Report], rule: CountRule = RULE16) -> CountPoint:
    return fold_all(reports, rule)[-1]


def test_the_first_total_is_a_base_and_counts_nobody() -> None:
    point = last([report(0, total=4711)])
    assert (point.delta, point.counted, point.flag) == (0, 0, Flag.START)


def test_totals_count_their_growth() -> None:
    point = last([report(0, 100), report(60, 107), report(120, 107), report(180, 112)])
    assert (point.delta, point.counted, point.doubt, point.flag) == (5, 12, 0, Flag.NONE)


def test_a_total_heals_lost_frames() -> None:
    point = last([report(0, 100), report(600, 190, f_cnt=10)])
    assert (point.delta, point.doubt) == (90, 0)


def test_a_total_is_preferred_to_the_interval_count_beside_it() -> None:
    point = last([report(0, 100, count=9), report(180, 130, count=9)])
    assert point.delta == 30


def test_interval_counts_of_a_counter_with_totals_are_not_added() -> None:
    points = fold_all([report(0, 100), report(30, count=7, f_cnt=1), report(60, 107, f_cnt=2)])
    assert [point.counted for point in points] == [0, 7]


@pytest.mark.parametrize(
    ("before", "after", "seconds", "rule", "delta", "flag", "doubted"),
    [
        pytest.param(65530, 4, 60, RULE16, 10, Flag.WRAP, False, id="wrap at 16 bits"),
        pytest.param(2**32 - 3, 5, 60, RULE32, 8, Flag.WRAP, False, id="wrap at 32 bits"),
        pytest.param(30000, 4, 60, RULE16, 4, Flag.RESET, True, id="reset in mid range"),
        pytest.param(5000, 0, 60, RULE16, 0, Flag.RESET, True, id="reset, nobody since"),
        pytest.param(65530, 400, 60, RULE16, 0, Flag.JUMP, True, id="too far for a wrap"),
        pytest.param(65530, 400, 600, RULE16, 406, Flag.WRAP, False, id="wrap in ten minutes"),
        pytest.param(900, 700, 60, RULE16, 0, Flag.JUMP, True, id="back for no reason"),
        pytest.param(900, 1200, 60, RULE16, 300, Flag.FAST, True, id="faster than a gate lets in"),
        pytest.param(900, 1020, 60, RULE16, 120, Flag.NONE, False, id="as fast as a gate lets in"),
        pytest.param(
            70_000, 3, 60, CountRule(None, 120, MINUTE), 3, Flag.RESET, True, id="unknown width"
        ),
    ],
)
def test_a_counter_that_goes_back(
    before: int, after: int, seconds: int, rule: CountRule, delta: int, flag: Flag, doubted: bool
) -> None:
    point = last([report(0, before), report(seconds, after)], rule)
    assert (point.delta, point.flag, point.doubt > 0) == (delta, flag, doubted)


def test_a_join_makes_a_reset_of_what_would_be_a_wrap() -> None:
    point = last([report(0, 65530), report(60, 4, f_cnt=0, dev_addr="0a0b0c0d")])
    assert (point.delta, point.flag) == (4, Flag.RESET)


def test_a_join_does_not_disturb_a_total_that_goes_on() -> None:
    point = last([report(0, 100), report(60, 109, f_cnt=0, dev_addr="0a0b0c0d")])
    assert (point.delta, point.flag) == (9, Flag.NONE)


def test_restarted_frame_counters_are_a_restart_not_an_old_frame() -> None:
    point = last([report(0, 5000, f_cnt=90), report(60, 3, f_cnt=0, generation=1)])
    assert (point.delta, point.flag) == (3, Flag.RESET)


def test_an_older_frame_with_a_wrong_clock_counts_nobody() -> None:
    """A frame that was stamped with its arrival does not look like a reset to zero."""
    points = fold_all([report(0, 90, f_cnt=0), report(60, 100, f_cnt=2), report(90, 95, f_cnt=1)])
    assert [point.counted for point in points] == [0, 10]


def test_a_replaced_device_is_a_new_base() -> None:
    point = last([report(0, 100), report(60, 110), report(120, 7, dev_eui="70b3d5e75e0000ff")])
    assert (point.delta, point.counted, point.flag) == (0, 10, Flag.START)


def test_the_unknown_around_a_reset_follows_the_pace_before_it() -> None:
    point = last([report(0, 1000), report(60, 1030), report(120, 2)])
    assert point.flag is Flag.RESET
    assert 30 <= point.doubt <= 32


def test_interval_counts_are_summed() -> None:
    point = last([report(0, count=3), report(60, count=5), report(120, count=0)])
    assert (point.counted, point.doubt) == (8, 0)


def test_lost_interval_counts_are_estimated_from_their_neighbours_and_scatter() -> None:
    point = last([report(0, count=4), report(240, count=6, f_cnt=4)])
    assert (point.flag, point.delta, point.doubt) == (Flag.GAP, 6 + 15, 0)
    # 3 lost of 5 each: 15 by chance, 9 x 2.5 for a mean of two counts, 3 for good measure
    assert point.variance == 3 + 38


def test_lost_counts_between_unlike_neighbours_scatter_more() -> None:
    alike = last([report(0, count=20), report(120, count=20, f_cnt=2)])
    unlike = last([report(0, count=0), report(120, count=40, f_cnt=2)])
    assert alike.delta - 20 == unlike.delta - 40
    assert unlike.variance > 10 * alike.variance


def test_frame_counters_used_by_other_frames_are_no_lost_interval() -> None:
    """A status frame between two reports takes a counter, but no minute."""
    point = last([report(0, count=4, f_cnt=0), report(60, count=6, f_cnt=3)])
    assert (point.flag, point.delta) == (Flag.NONE, 6)


def test_a_counter_that_begins_to_send_totals_goes_on_from_what_was_counted() -> None:
    points = fold_all([report(0, count=4), report(60, total=900, count=2), report(120, 905)])
    assert [point.counted for point in points] == [4, 6, 11]


def test_the_same_moment_twice_is_one_report() -> None:
    one, two = report(60, 10, 2, f_cnt=1), report(60, 12, 3, f_cnt=2)
    assert merge(two, one) == merge(one, two)
    assert (merge(one, two).total, merge(one, two).count) == (12, 5)
    assert merge(one, one) == one


def test_a_stored_record_of_a_known_moment_adds_nothing() -> None:
    live, stored = report(60, 10, f_cnt=1), report(60, 10, f_cnt=STORED_RECORD)
    assert merge(live, stored) == live
    assert merge(stored, live) == live


def test_a_stored_record_sent_later_is_not_an_older_frame() -> None:
    points = fold_all(
        [report(0, 90, f_cnt=5), report(60, 95, f_cnt=STORED_RECORD), report(120, 99, f_cnt=6)]
    )
    assert [point.counted for point in points] == [0, 5, 9]


@given(
    persons=st.lists(st.integers(0, 110), min_size=1, max_size=60),
    start=st.integers(0, 65535),
    lost=st.sets(st.integers(0, 58)),
)
def test_nobody_is_lost_through_wraps_and_lost_frames(
    persons: list[int], start: int, lost: set[int]
) -> None:
    """As long as the gate's rate is kept, totals give every person back but the first base."""
    total, reports = start, [report(0, start)]
    for minute, passed in enumerate(persons, 1):
        total += passed
        if minute == len(persons) or minute not in lost:
            reports.append(report(60 * minute, total % 65536))
    points = fold_all(reports)
    flags = {point.flag for point in points[1:]}
    missing = sum(persons) - points[-1].counted
    # A wrap to a low value after a long gap may look like a reset; then the doubt is stated.
    assert missing == 0 or (Flag.RESET in flags and points[-1].doubt > 0)


@given(st.lists(st.tuples(st.integers(0, 2**16 - 1), st.integers(1, 9)), max_size=40))
def test_counted_and_doubt_never_fall(steps: list[tuple[int, int]]) -> None:
    """Whatever bytes a broken counter sends."""
    seconds, reports = 0, []
    for total, minutes in steps:
        seconds += 60 * minutes
        reports.append(report(seconds, total))
    points = fold_all(reports)
    for earlier, later in pairwise(points):
        assert later.counted >= earlier.counted
        assert later.doubt >= earlier.doubt
        assert later.delta == later.counted - earlier.counted

"""What people reported of their counters in public, and what comes of it here.

Only facts were taken: the kind of report and what went wrong. Sources stand at each case.
"""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.counting import (
    STORED_RECORD,
    CountKind,
    CountPoint,
    CountRule,
    Flag,
    Report,
    fold,
)
from stadtsinn.cloud.domains.crowd.occupancy import GateLines, Line, ZoneTally

U16 = 65_536
NOON = Instant(1_790_000_000_000_000 // MINUTE * MINUTE)


def rule(kind: CountKind = CountKind.AUTO) -> CountRule:
    return CountRule(U16, 120, MINUTE, kind)


def said(
    minute: int,
    total: int | None = None,
    count: int | None = None,
    *,
    f_cnt: int | None = None,
    session: int = 0,
) -> Report:
    number = minute if f_cnt is None else f_cnt
    at = Instant(NOON + minute * MINUTE)
    return Report(at, "24e124000000abcd", f"0000000{session}", 0, number, total, count)


def counted(reports: Sequence[Report], kind: CountKind = CountKind.AUTO) -> list[CountPoint]:
    points: list[CountPoint] = []
    for report in reports:
        point = fold(points, report, rule(kind))
        if point is not None:
            points.append(point)
    return points


def zone(*gates: tuple[Sequence[int], Sequence[int]], base: int = 0) -> ZoneTally:
    """Gates with their totals in and out, minute by minute."""
    found = []
    for index, directions in enumerate(gates):
        lines = [
            Line(rule(), counted([said(m, total) for m, total in enumerate(totals)]))
            for totals in directions
        ]
        found.append(GateLines(index, *lines))
    return ZoneTally(found, 0.0, 0.0, NOON, base)


def test_totals_that_are_zero_after_a_restart() -> None:
    """dragino/SN50v3 issue 4: both counters begin at zero again when the device is reset."""
    points = counted([said(0, 4_100), said(1, 4_110), said(2, 3, session=1), said(3, 9, session=1)])
    assert [point.counted for point in points] == [0, 10, 13, 19]
    assert points[2].flag is Flag.RESET
    assert points[2].doubt > 0, "who passed during the restart is not known"


def test_totals_that_a_schedule_sets_to_zero_without_a_new_session() -> None:
    """Milesight VS133, user guide V1.2: a schedule for resetting the cumulative count."""
    points = counted([said(0, 812), said(1, 815), said(2, 1), said(3, 4)])
    assert [point.counted for point in points] == [0, 3, 4, 7]
    assert points[2].flag is Flag.RESET


def test_totals_of_two_bytes_run_over() -> None:
    """Milesight VS121, uplink data: accumulated line crossing counts have two bytes."""
    points = counted([said(0, 65_530), said(1, 65_534), said(2, 4)])
    assert [point.counted for point in points] == [0, 4, 10]
    assert points[2].flag is Flag.WRAP


def test_a_device_that_sends_interval_counts_and_totals_is_counted_once() -> None:
    """SensationalSystems/IMBuildings_People_Counter: `counter_a` and `total_counter_a` in one
    payload. Totals count, so a lost uplink loses nobody."""
    points = counted([said(0, 100, 5), said(1, 107, 7), said(3, 120, 6)])
    assert points[-1].counted == 20


def test_the_same_device_where_only_its_interval_counts_can_be_relied_on() -> None:
    reports = [said(0, 100, 5), said(1, 107, 7), said(2, 0, 6)]
    points = counted(reports, CountKind.INTERVAL)
    assert [point.counted for point in points] == [5, 12, 18]
    assert all(point.flag in {Flag.START, Flag.NONE} for point in points)


def test_counts_since_the_last_transmission_lose_what_is_lost_and_say_how_much() -> None:
    """Asked for in dragino/SN50v3 issue 4: counts that begin at zero with each transmission."""
    points = counted([said(0, count=10), said(1, count=10), said(4, count=10)], CountKind.INTERVAL)
    assert points[-1].flag is Flag.GAP
    assert points[-1].counted == 50
    assert points[-1].variance >= 20, "two of ten each were made up"


def test_a_board_that_browns_out_shows_zero_again_and_again() -> None:
    """cyberman54/ESP32-Paxcounter issue 714: zeros that were resets of the board."""
    totals = [(0, 50, 0), (1, 60, 0), (2, 0, 1), (3, 0, 2), (4, 2, 2)]
    points = counted([said(minute, total, session=one) for minute, total, one in totals])
    assert [point.counted for point in points] == [0, 10, 10, 10, 12]
    assert all(point.delta >= 0 for point in points)


def test_who_enters_here_and_leaves_there_does_not_make_one_door_stop_at_zero() -> None:
    """Lyr3x/Roode issue 133: a counter that never goes below zero is wrong with two doors."""
    here, there = ([0, 5, 5], [0, 0, 0]), ([0, 0, 0], [0, 0, 5])
    assert zone(here, there).estimate(NOON + MINUTE).occupancy == 5
    assert zone(here, there).estimate(NOON + 2 * MINUTE).occupancy == 0


def test_more_left_than_were_counted_in_were_there_before() -> None:
    """conveyal/transit-wand issue 18: below zero the earlier number was too low, not this one."""
    tally = zone(([0, 2, 2, 6], [0, 0, 5, 5]))
    assert [clamp.amount for clamp in tally.settle(NOON + 3 * MINUTE)] == [3]
    assert tally.estimate(NOON + 3 * MINUTE).occupancy == 4


def test_errors_that_pile_up_widen_the_interval_they_do_not_hide() -> None:
    """WatershedArts/Footfall issue 40: uncounted people stack up as long as nothing is reset."""
    busy = [0, 100, 200, 300, 400, 500]
    lines = [Line(rule(), counted([said(m, t) for m, t in enumerate(busy)])) for _ in "io"]
    tally = ZoneTally([GateLines(0, *lines)], 0.07, 0.07, NOON, 50)
    first, last = tally.estimate(NOON + MINUTE), tally.estimate(NOON + 5 * MINUTE)
    assert first.occupancy == last.occupancy == 50
    assert last.high - last.occupancy == 70, "7 % of a thousand who passed"
    assert first.high - first.occupancy < 20


def test_a_line_that_faces_the_wrong_way_is_put_right_for_its_past() -> None:
    """opendatacam/opendatacam issue 501: passages counted in the wrong direction."""
    lines = [Line(rule(), counted([said(0, 0), said(1, total)])) for total in (2, 30)]
    right, wrong = GateLines(0, lines[1], lines[0]), GateLines(0, *lines)
    assert ZoneTally([right], 0, 0, NOON, 0).estimate(NOON + MINUTE).occupancy == 28
    assert ZoneTally([wrong], 0, 0, NOON, 0).estimate(NOON + MINUTE).occupancy == 0


def test_a_hand_counter_that_nobody_presses_loses_nothing() -> None:
    """smartcity-zwoenitz.de, 2020: stewards with click counters at five gates."""
    points = counted(
        [
            said(0, count=1, f_cnt=0),
            said(25, count=4, f_cnt=1),
            said(26, count=2, f_cnt=2),
            said(40, count=3, f_cnt=4),
        ],
        CountKind.CLICKER,
    )
    assert [point.flag for point in points[1:3]] == [Flag.NONE, Flag.NONE]
    assert points[2].counted == 7
    assert points[3].flag is Flag.GAP
    assert points[3].delta in {5, 6}, "one frame is missing: taken to be like its neighbours"


def test_what_a_device_stored_has_no_number_of_its_own() -> None:
    """Milesight VS350: history records come with their own time in a later frame."""
    stored = said(1, count=4, f_cnt=STORED_RECORD)
    points = counted([said(0, count=4), stored, said(2, count=4)], CountKind.INTERVAL)
    assert [point.counted for point in points] == [4, 8, 12]

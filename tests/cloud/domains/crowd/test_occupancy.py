"""From counts of gates to persons in a zone: bounds that hold the truth, clamps, silence."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd.counting import CountRule, Report, fold
from stadtsinn.cloud.domains.crowd.occupancy import GateLines, Line, ZoneTally, counting_error

START = Instant(1_790_000_000 * SECOND // MINUTE * MINUTE)


@dataclass
class Gate:
    """Makes the two lines of a gate from totals reported at given seconds after START."""

    inward: list[tuple[float, int]]
    outward: list[tuple[float, int]]

    def lines(self, gate_id: int) -> GateLines:
        return GateLines(gate_id, _line(self.inward), _line(self.outward))


def _line(totals: list[tuple[float, int]]) -> Line:
    line = Line(CountRule(32, 9_999, MINUTE))
    for index, (seconds, total) in enumerate(totals):
        time = Instant(START + round(seconds * SECOND))
        item = Report(time, "70b3d5e75e000001", "01020304", 0, index, total, None)
        point = fold(line.points, item, line.rule)
        assert point is not None
        line.append(point)
    return line


def tally(*gates: Gate, base: int = 0, error: float = 0.0) -> ZoneTally:
    return ZoneTally(
        [gate.lines(index) for index, gate in enumerate(gates)], error, error, START, base
    )


def test_persons_are_those_who_came_less_those_who_left_over_all_gates() -> None:
    zone = tally(
        Gate([(0, 100), (60, 130)], [(0, 7), (60, 12)]),
        Gate([(0, 0), (60, 4)], [(0, 0), (60, 1)]),
    )
    now = zone.estimate(START + MINUTE)
    assert (now.occupancy, now.low, now.high, now.degraded) == (28, 28, 28, False)


def test_two_percent_of_3100_passages_are_62_persons() -> None:
    """The error grows with the persons who passed, not with those inside."""
    zone = tally(Gate([(0, 0), (60, 2000)], [(0, 0), (60, 1100)]), error=0.02)
    now = zone.estimate(START + MINUTE)
    assert (now.occupancy, now.low, now.high) == (900, 838, 962)


def test_few_persons_scatter_more_than_the_stated_share() -> None:
    assert counting_error(0) == 0
    assert counting_error(0.02 * 25) > 1, "one of 25 may be missed although 2 % are half a person"
    assert counting_error(62) == 62


def test_between_two_reports_the_bounds_take_the_whole_interval() -> None:
    zone = tally(Gate([(0, 0), (60, 30)], [(0, 0), (60, 10)]))
    half = zone.estimate(START + MINUTE // 2)
    assert (half.occupancy, half.low, half.high) == (10, 0, 30)


def test_after_the_last_report_the_upper_bound_grows_at_the_recent_pace() -> None:
    zone = tally(Gate([(0, 0), (60, 30)], [(0, 0), (60, 0)]))
    later = zone.estimate(START + 2 * MINUTE)
    assert (later.occupancy, later.low, later.high) == (30, 29, 60)


def test_a_silent_gate_makes_the_number_uncertain_and_says_so() -> None:
    alive = Gate([(60 * m, m) for m in range(11)], [(0, 0)])
    dead = Gate([(0, 0), (60, 40)], [(0, 0), (60, 0)])
    zone = tally(alive, dead)
    assert not zone.estimate(START + 4 * MINUTE).degraded
    after = zone.estimate(START + 10 * MINUTE)
    assert after.degraded
    assert after.occupancy == 50
    assert after.high >= 50 + 9 * 40


def test_a_gate_that_never_reported_degrades_the_zone() -> None:
    zone = tally(Gate([(0, 0), (60, 1)], [(0, 0), (60, 0)]), Gate([], []))
    assert zone.estimate(START + 10 * MINUTE).degraded


def test_the_gap_of_a_gate_is_degraded_in_the_history_as_well() -> None:
    zone = tally(Gate([(0, 0), (60, 1), (1200, 5)], [(0, 0), (60, 0), (1200, 2)]))
    assert [zone.estimate(START + m * MINUTE).degraded for m in (1, 2, 10, 20)] == [
        True,  # what follows that moment is unknown
        True,
        True,
        False,
    ]


def test_more_leavers_than_comers_raise_the_baseline_for_good() -> None:
    """Five who were missed at the entrance leave; the next three must not count from -5."""
    leaving = [(0.0, 0), (60.0, 5), (120.0, 5), (180.0, 5)]
    coming = [(0.0, 0), (60.0, 0), (120.0, 0), (180.0, 3)]
    zone = tally(Gate(coming, leaving))
    clamps = zone.settle(START + 3 * MINUTE)
    assert [(clamp.time, clamp.amount) for clamp in clamps] == [(START + MINUTE, 5.0)]
    assert zone.estimate(START + 3 * MINUTE).occupancy == 3


def test_a_gate_that_reports_later_is_no_reason_to_clamp() -> None:
    """A person who came through one gate and left through another counts as zero."""
    entrance = Gate([(0, 0), (50, 0), (110, 20)], [(0, 0), (50, 0), (110, 0)])
    leaving = Gate([(0, 0), (60, 0), (118, 15)], [(0, 0), (60, 0), (118, 15)])
    zone = tally(entrance, leaving)
    moment = START + 118 * SECOND
    horizon = zone.horizon(moment)
    assert horizon == START + 110 * SECOND
    zone.settle(horizon)
    assert zone.clamps == []


def test_settled_minutes_open_again_when_a_silent_gate_reports() -> None:
    entrance = Gate([(0, 0), (60, 0)], [(0, 0), (60, 0)])
    leaving = Gate([(60 * m, 0) for m in range(21)], [(60 * m, max(0, m - 1)) for m in range(21)])
    zone = tally(entrance, leaving)
    zone.settle(zone.horizon(START + 20 * MINUTE) or 0)
    assert sum(clamp.amount for clamp in zone.clamps) == pytest.approx(19)
    line = zone.gates[0].inward
    late = Report(Instant(START + 21 * MINUTE), "70b3d5e75e000001", "01020304", 0, 9, 42, None)
    point = fold(line.points, late, line.rule)
    assert point is not None
    line.append(point)
    assert zone.note_new_point(line)
    assert zone.clamps == []
    zone.settle(zone.horizon(START + 21 * MINUTE) or 0)
    assert zone.clamps == [], "42 had come meanwhile: nobody was missing"


def test_a_known_number_is_where_counting_starts() -> None:
    zone = tally(Gate([(0, 50), (60, 57)], [(0, 10), (60, 12)]), base=640)
    assert zone.estimate(START).occupancy == 640
    assert zone.estimate(START + MINUTE).occupancy == 645


passages = st.lists(st.tuples(st.integers(1, 3600), st.integers(0, 3), st.booleans()), max_size=250)


@given(events=passages, phases=st.tuples(*[st.integers(0, 59)] * 4))
def test_the_truth_lies_within_the_interval_every_minute(
    events: list[tuple[int, int, bool]], phases: tuple[int, ...]
) -> None:
    """Four gates that report in their own rhythm, persons who really come and go."""
    inside = 0
    true: list[tuple[int, int]] = []
    walked: list[tuple[int, int, int]] = []
    for seconds, gate, enters in sorted(events):
        if enters or inside > 0:
            inside += 1 if enters else -1
            walked.append((seconds, gate, 1 if enters else -1))
            true.append((seconds, inside))
    gates = []
    for index, phase in enumerate(phases):
        moments = [0.0, *(float(phase + 60 * m) for m in range(1, 61))]
        mine = [(s, d) for s, g, d in walked if g == index]
        gates.append(
            Gate(
                [(t, sum(d == 1 for s, d in mine if s <= t)) for t in moments],
                [(t, sum(d == -1 for s, d in mine if s <= t)) for t in moments],
            )
        )
    zone = tally(*gates)
    horizon = zone.horizon(zone.newest or 0) or 0
    for minute in range(1, 60):
        moment = START + minute * MINUTE
        zone.settle(min(moment, horizon))
        expected = next((n for s, n in reversed(true) if s <= minute * 60), 0)
        got = zone.estimate(moment)
        assert got.low <= expected <= got.high
        assert got.low <= got.occupancy <= got.high
    assert zone.estimate(START + HOUR).time == START + HOUR

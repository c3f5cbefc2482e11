"""What the ingest notices about edges: copied cards, cards from the past, wrong clocks."""

from __future__ import annotations

import math

import pytest
from prometheus_client import REGISTRY

from stadtsinn.base.instant import DAY
from stadtsinn.cloud.intake.edge_watch import EdgeWatch
from stadtsinn.cloud.intake.streams import Answer


def speak(watch: EdgeWatch, *runs: str, edge: str = "rathaus") -> str:
    """Batches of these runs, in turn; what is shown then."""
    for run in runs:
        watch.note_answer(Answer(edge, "stream", run, 1, begin_anew=False))
    return " | ".join(watch.check().warnings)


def test_one_run_after_another_is_a_restart() -> None:
    assert speak(EdgeWatch(), *"aaabbbccc") == ""


def test_batches_of_the_run_before_that_come_late_are_no_second_agent() -> None:
    assert speak(EdgeWatch(), *"aaabab") == ""


def test_runs_that_speak_in_turn_are_two_agents() -> None:
    assert "two agents deliver as edge rathaus" in speak(EdgeWatch(), *"ababa")


def test_edges_are_not_confused() -> None:
    watch = EdgeWatch()
    for _ in range(5):
        speak(watch, "a", edge="one")
        speak(watch, "b", edge="two")
    assert watch.check().warnings == ()


def test_restarts_over_days_are_no_second_agent() -> None:
    time = [0.0]
    watch = EdgeWatch(lambda: time[0])
    for run in "abababab":
        time[0] += 7200
        speak(watch, run)
    assert watch.check().warnings == ()


def test_card_from_the_past_is_named_with_its_edge() -> None:
    watch = EdgeWatch()
    watch.note_answer(Answer("rathaus", "stream", "a", 1, begin_anew=True))
    assert "edge rathaus came with a spool from the past" in watch.check().warnings[0]


def test_clock_is_named_until_it_is_right() -> None:
    watch = EdgeWatch()
    watch.note_clock("rathaus", -2 * DAY)
    assert "clock of edge rathaus is 2.0 days behind" in watch.check().warnings[0]
    assert watch.check().ok, "the data arrive"
    watch.note_clock("rathaus", 0)
    assert watch.check().warnings == ()


CENTURY = 100 * 365 * DAY


@pytest.mark.parametrize("ahead", [2**64 - 1, -(2**63), CENTURY + 1, -CENTURY - 1])
def test_time_that_no_clock_has_is_not_called_a_clock_to_set(ahead: int) -> None:
    watch = EdgeWatch()
    watch.note_clock("rathaus", ahead)
    (warning,) = watch.check().warnings
    assert "edge rathaus claims a time that is impossible: over 100 years" in warning
    assert ("ahead" in warning) == (ahead > 0)
    assert "timedatectl" not in warning
    name = "stadtsinn_ingest_edge_clock_ahead_seconds"
    shown = REGISTRY.get_sample_value(name, {"source": "edge:rathaus"})
    assert shown is not None
    assert math.isnan(shown)
    watch.note_clock("rathaus", 2 * DAY)
    (warning,) = watch.check().warnings
    assert "clock of edge rathaus is 2.0 days ahead" in warning
    watch.note_clock("rathaus", ahead)
    watch.note_clock("rathaus", 0)
    assert watch.check().warnings == ()


def test_clock_that_begins_in_1970_is_one_to_set() -> None:
    watch = EdgeWatch()
    watch.note_clock("rathaus", -57 * 365 * DAY)
    (warning,) = watch.check().warnings
    assert "timedatectl" in warning


def test_edge_that_begins_streams_without_end_is_named() -> None:
    watch = EdgeWatch()
    watch.note_unanswered({})
    assert watch.check().warnings == ()
    watch.note_unanswered({"rathaus": 7})
    (warning,) = watch.check().warnings
    assert "edge rathaus begins streams without end: 7 batches were not answered" in warning

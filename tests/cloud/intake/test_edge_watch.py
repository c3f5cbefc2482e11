"""What the ingest notices about edges: copied cards, cards from the past, wrong clocks."""

from __future__ import annotations

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

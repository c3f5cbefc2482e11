"""What may be acknowledged to an edge: never more than arrived, and never stuck for good."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import Progress
from stadtsinn.cloud.intake.streams import (
    PROOFS,
    Answer,
    StreamState,
    advance,
    advance_run,
    answered,
)
from stadtsinn.edge.messages.delivery import Sender


def after(*batches: tuple[int, int, int], start: StreamState | None = None) -> StreamState:
    """The state after batches of (first, last, sent at)."""
    state = start or StreamState()
    for first, last, sent_at in batches:
        state = advance(state, first, last, Instant(sent_at))
    return state


def test_batches_in_order_move_the_position() -> None:
    assert after((1, 10, 1), (11, 30, 2)).position == 30


def test_a_resend_changes_nothing() -> None:
    state = after((1, 10, 1), (11, 30, 2))
    assert after((1, 10, 3), (5, 12, 4), start=state) == state


def test_a_batch_beyond_a_gap_is_not_acknowledged_until_the_gap_closes() -> None:
    state = after((1, 10, 1), (21, 30, 2), (41, 50, 3))
    assert state.position == 10
    assert after((11, 20, 4), start=state).position == 30
    assert after((11, 20, 4), (31, 40, 5), start=state).position == 50


def test_the_first_batch_of_a_stream_may_have_been_lost() -> None:
    """Beginning above 1 is a gap like any other: the lost batch can still come."""
    state = after((11, 20, 1), (21, 30, 2))
    assert state.position == 0
    assert after((1, 1, 3), (2, 10, 4), start=state).position == 30


def test_an_edge_that_keeps_beginning_above_the_gap_no_longer_has_what_is_below() -> None:
    """Restored database: the cloud knows position 10, the edge was acknowledged up to 50."""
    state = after((1, 10, 1))
    for attempt in range(PROOFS):
        assert state.position == 10
        state = after((51, 51, 100 + attempt), start=state)
    assert state.position == 51
    assert state.skipped == 40


def test_a_jump_takes_along_what_was_committed_ahead() -> None:
    state = after((51, 60, 1), (61, 70, 2), (51, 51, 3), (51, 51, 4))
    assert state.position == 70
    assert state.ahead == ()


def test_the_broker_repeating_a_batch_proves_nothing() -> None:
    """The same sending again and again (same time of sending) is no resend of the edge."""
    assert after((1, 10, 1), *[(51, 60, 7)] * 10).position == 10


def test_beginning_lower_starts_the_proof_anew() -> None:
    state = after((1, 10, 1), (51, 60, 2), (51, 51, 3), (31, 31, 4), (31, 31, 5))
    assert state.position == 10
    assert after((31, 31, 6), start=state).position == 31


def test_ranges_ahead_are_bounded_and_the_lowest_are_kept() -> None:
    state = after(*[(n * 10, n * 10 + 1, n) for n in range(2, 2000)])
    assert len(state.ahead) <= 256
    assert state.ahead[0] == (20, 21)


@given(
    st.permutations(range(12)).flatmap(
        lambda order: st.tuples(
            st.just(order), st.lists(st.integers(0, 11), max_size=8), st.booleans()
        )
    )
)
def test_any_order_ends_at_the_last_item_and_never_runs_ahead(
    drawn: tuple[list[int], list[int], bool],
) -> None:
    """Batches of five, permuted and repeated by the broker (so with their old sending times)."""
    order, repeated, repeats_first = drawn
    sequence = [*repeated, *order] if repeats_first else [*order, *repeated]
    state = StreamState()
    arrived: set[int] = set()
    for n in sequence:
        state = advance(state, n * 5 + 1, n * 5 + 5, Instant(1000))
        arrived.update(range(n * 5 + 1, n * 5 + 6))
        assert set(range(1, state.position + 1)) <= arrived
    assert state.position == 60
    assert state.skipped == 0


# --- runs of agents that name themselves -----------------------------------------------


def sender(name: str, opened: int = 0, acknowledged: int = 0, begins: int = 0) -> Sender:
    return Sender(name, begins=begins, opened=opened, acknowledged=acknowledged)


def test_a_run_is_told_only_what_it_has_sent_itself() -> None:
    """Two agents with one card: the positions of the one are not those of the other."""
    state, run, _ = advance_run(StreamState(), sender("a"), 1, 50, Instant(1))
    assert run.position == 50
    state, run, past = advance_run(state, sender("b"), 1, 10, Instant(2))
    assert (run.position, past) == (10, True)
    state, run, past = advance_run(state, sender("b"), 11, 20, Instant(3))
    assert (run.position, past) == (20, False), "said once"
    state, run, _ = advance_run(state, sender("a"), 51, 60, Instant(4))
    assert run.position == 60


def test_a_batch_that_another_agent_covers_is_not_taken_for_the_lost_one() -> None:
    """11..20 of b never came; that a's 11..20 did is no reason to tell b so."""
    state, _, _ = advance_run(StreamState(), sender("a"), 1, 20, Instant(1))
    state, _, _ = advance_run(state, sender("b", opened=20), 1, 10, Instant(2))
    state, run, _ = advance_run(state, sender("b", opened=20), 21, 30, Instant(3))
    assert run.position == 10


def test_a_restart_is_no_spool_from_the_past() -> None:
    state, _, _ = advance_run(StreamState(), sender("a"), 1, 20, Instant(1))
    state, run, past = advance_run(state, sender("b", opened=25), 1, 25, Instant(2))
    assert (run.position, past) == (25, False)


def test_a_stream_that_begins_anew_has_no_gap_below_its_beginning() -> None:
    begun = sender("a", opened=60, acknowledged=18, begins=18)
    state, run, past = advance_run(StreamState(), begun, 19, 30, Instant(1))
    assert (run.position, past, state.skipped) == (30, False, 0)


def test_what_the_edge_no_longer_holds_is_given_up_at_once() -> None:
    state, _, _ = advance_run(StreamState(), sender("a"), 1, 10, Instant(1))
    state, run, _ = advance_run(state, sender("a", acknowledged=50), 51, 60, Instant(2))
    assert (run.position, state.position, state.skipped) == (60, 60, 40)


def holding(name: str, holds: int, acknowledged: int, **more: Any) -> Sender:
    """An agent that holds what is acknowledged behind a position."""
    values = {"begins": 0, "opened": 0, **more}
    return Sender(name, acknowledged=acknowledged, holds=holds, **values)


def told(state: StreamState, sender: Sender, first: int, last: int) -> tuple[StreamState, Answer]:
    return answered(state, Progress("rathaus", "s", first, last, Instant(first), sender), sender)


def test_a_restored_cloud_asks_for_what_the_edge_holds_until_it_comes() -> None:
    state, _ = told(StreamState(), holding("a", 0, 0), 1, 10)
    for first in (51, 61, 71, 81, 91):  # as often as one answer after another is lost
        state, answer = told(state, holding("a", 0, 50), first, first + 9)
        assert (answer.again, state.position, state.skipped) == (10, 10, 0)
    state, answer = told(state, holding("b", 0, 10, again=True), 11, 30)
    assert (answer.again, answer.position, answer.begin_anew) == (None, 30, False)
    state, answer = told(state, holding("b", 0, 30, again=True), 31, 50)
    assert (answer.position, state.position, state.skipped) == (50, 100, 0)


def test_of_what_is_missing_only_what_nobody_holds_is_given_up() -> None:
    state, _ = told(StreamState(), holding("a", 0, 0), 1, 10)
    state, answer = told(state, holding("a", 30, 50), 51, 60)
    assert (answer.again, state.skipped) == (30, 20)


def test_a_cloud_that_does_not_know_the_stream_asks_for_all_that_is_held() -> None:
    """Also for what was of a stream before it."""
    state, answer = told(StreamState(), holding("a", 5, 40, begins=20), 41, 50)
    assert (answer.again, state.skipped) == (5, 0)


def test_who_lacks_nothing_asks_for_nothing() -> None:
    state = StreamState()
    for first in range(1, 60, 10):
        state, answer = told(state, holding("a", 0, first - 1), first, first + 9)
        assert (answer.again, answer.position) == (None, first + 9)


def test_a_run_that_went_back_is_no_spool_from_the_past() -> None:
    """Its process opened the spool long before the backup was made."""
    state, _ = told(StreamState(), holding("a", 0, 0), 1, 90)
    _, answer = told(state, holding("b", 0, 80, opened=3, again=True), 81, 85)
    assert not answer.begin_anew


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 60), st.integers(1, 9))
def test_whatever_was_lost_comes_again_or_is_given_up(
    backed_up: int, holds: int, newest: int, step: int
) -> None:
    """An edge that keeps the protocol ends with all acknowledged, and nothing twice given up."""
    state, backed_up = StreamState(), min(backed_up, newest)
    if backed_up:
        state, _ = told(state, holding("a", 0, 0), 1, backed_up)
    acknowledged, run, arrived = newest - 1, 0, set(range(1, backed_up + 1))  # it greets
    holds = min(holds, acknowledged)
    for _ in range(200):
        first, last = acknowledged + 1, min(acknowledged + step, newest)
        if first > last:
            break
        sender = holding(str(run), holds, acknowledged, again=run > 0, opened=newest)
        state, answer = told(state, sender, first, last)
        arrived |= set(range(first, last + 1))
        if answer.again is not None and answer.again < acknowledged:
            acknowledged, run = max(answer.again, holds), run + 1
        else:
            acknowledged = max(acknowledged, answer.position)
    assert acknowledged == newest
    assert arrived >= set(range(holds + 1, newest + 1))
    assert state.skipped == max(0, holds - backed_up)


def test_batches_of_a_run_may_arrive_in_any_order() -> None:
    state, run, _ = advance_run(StreamState(), sender("a", opened=30), 11, 20, Instant(1))
    assert run.position == 0
    state, run, _ = advance_run(state, sender("a", opened=30), 21, 30, Instant(2))
    state, run, _ = advance_run(state, sender("a", opened=30), 1, 10, Instant(3))
    assert (run.position, state.position) == (30, 30)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 30), st.integers(0, 5)), max_size=40)
)
def test_no_run_is_ever_told_a_position_that_it_did_not_send(
    batches: list[tuple[str, int, int]],
) -> None:
    state, sent = StreamState(), {"a": set[int](), "b": set[int]()}
    for number, (name, first, more) in enumerate(batches):
        sent[name] |= set(range(first, first + more + 1))
        state, run, _ = advance_run(state, sender(name), first, first + more, Instant(number))
        assert set(range(1, run.position + 1)) <= sent[name]


def test_a_clock_that_was_set_back_does_not_stop_the_proofs() -> None:
    """An edge of the first version that restarts in 1970 still begins anew above the gap."""
    state = after((1, 10, 10**15))
    for attempt in range(PROOFS):
        state = after((51, 51, 1000 - attempt), start=state)
    assert state.position == 51

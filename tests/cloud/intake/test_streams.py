"""What may be acknowledged to an edge: never more than arrived, and never stuck for good."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.streams import PROOFS, StreamState, advance


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

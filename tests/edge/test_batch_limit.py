"""The size of batches against a broker's limit, told or found out."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from stadtsinn.edge.agent.batch_limit import BatchLimit
from stadtsinn.edge.agent.too_large import Suspect

CONFIGURED = 200_000


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def sizes_sent(limit: BatchLimit, taken: Callable[[int], bool], batches: int) -> list[int]:
    """What a backlog without end sends: always as much as allowed."""
    sent = []
    for _ in range(batches):
        size = limit.allowed
        sent.append(size)
        if taken(size):
            limit.went_through(size)
        else:
            limit.cut(size, "it ended the connection")
    return sent


def test_without_a_limit_batches_have_the_configured_size() -> None:
    limit = BatchLimit(CONFIGURED)
    assert sizes_sent(limit, lambda _: True, 5) == [CONFIGURED] * 5
    assert limit.text == ""


def test_the_brokers_word_holds_at_once_and_ends_with_the_connection() -> None:
    limit = BatchLimit(CONFIGURED)
    limit.broker_says(4_000)
    assert limit.allowed == 4_000
    assert "4000 bytes" in limit.text
    limit.broker_says(None)
    assert limit.allowed == CONFIGURED


@given(st.integers(20_000, CONFIGURED - 1))
def test_a_limit_that_only_shows_is_found_with_few_losses(largest: int) -> None:
    limit = BatchLimit(CONFIGURED)
    sent = sizes_sent(limit, lambda size: size <= largest, 100)
    assert sum(size > largest for size in sent) <= 6
    assert min(size for size in sent[20:]) >= largest // 4


def test_one_cut_may_be_the_lines_fault() -> None:
    limit = BatchLimit(CONFIGURED)
    limit.cut(CONFIGURED, "it ended the connection")
    assert limit.allowed == CONFIGURED // 2
    sizes_sent(limit, lambda _: True, 3)
    assert limit.allowed == CONFIGURED
    assert limit.text == ""


def test_what_was_found_out_is_tried_again_after_an_hour() -> None:
    time = Time()
    limit = BatchLimit(CONFIGURED, time)
    limit.refused(CONFIGURED, "too large")
    sizes_sent(limit, lambda _: True, 5)
    assert limit.allowed == CONFIGURED // 2
    time.now = 3601
    sizes_sent(limit, lambda _: True, 3)
    assert limit.allowed == CONFIGURED


def test_item_is_convicted_by_the_brokers_word_or_after_five_cuts_in_a_row() -> None:
    suspect = Suspect()
    suspect.lost(7, True, "too large")
    assert suspect.convicted() == (7, "too large")
    assert suspect.convicted() is None
    for _ in range(4):
        suspect.lost(8, False, "cut")
        assert suspect.convicted() is None
    suspect.lost(9, False, "cut")
    assert suspect.convicted() is None, "another item: it counts from one"
    for _ in range(4):
        suspect.lost(9, False, "cut")
    assert suspect.convicted() == (9, "cut")

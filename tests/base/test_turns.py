"""Who has much to do keeps nobody else waiting."""

from __future__ import annotations

from stadtsinn.base.turns import Turns


def test_whoever_waited_longest_is_next() -> None:
    turns = Turns()
    assert [turns.next(["a", "b"]) for _ in range(4)] == ["a", "b", "a", "b"]
    assert turns.next(["a", "b", "new"]) == "new"
    assert turns.next(["b"]) == "b"


def test_first_ones_come_before_second_ones() -> None:
    turns = Turns()
    turns.took("a")
    found = list(turns.one_of_each({"a": [1, 2, 3], "b": [], "c": [4, 5]}))
    assert found == [("c", 4), ("a", 1), ("c", 5), ("a", 2), ("a", 3)]

"""Write transactions of SQLite come in the order in which they were asked for."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from databases import fresh_database
from stadtsinn.cloud.platform.database.turn import Turn


def _wait_for(turn: Turn, waiting: int) -> None:
    while len(turn._waiting) < waiting:  # nothing says so when a thread begins to wait
        threading.Event().wait(0.001)


def test_who_asked_first_comes_first_and_who_asks_again_comes_last() -> None:
    turn, order = Turn(), []

    def take(name: str) -> None:
        with turn.held():
            order.append(name)

    threads = [threading.Thread(target=take, args=(name,)) for name in "abc"]
    with turn.held():
        for number, thread in enumerate(threads, 1):
            thread.start()
            _wait_for(turn, number)
    take("again")
    for thread in threads:
        thread.join()
    assert order == ["a", "b", "c", "again"]


def test_who_goes_ahead_lets_one_of_the_others_in_between() -> None:
    turn, order = Turn(), []

    def take(name: str) -> None:
        with turn.held():
            order.append(name)
            if name == "a":
                _wait_for(turn, 2)  # b, and who goes ahead once more

    def take_ahead() -> None:
        for number in range(2):
            with turn.held(ahead=True):
                order.append(f"ahead {number}")

    threads = [threading.Thread(target=take, args=(name,)) for name in "ab"]
    threads.append(threading.Thread(target=take_ahead))
    with turn.held():
        for number, thread in enumerate(threads, 1):
            thread.start()
            _wait_for(turn, number)
    for thread in threads:
        thread.join()
    assert order == ["ahead 0", "a", "ahead 1", "b"]


def test_many_short_transactions_let_everybody_in_between(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    done: list[str] = []

    def other() -> None:
        with database.write():
            done.append("other")

    thread = threading.Thread(target=other)
    assert database._turn is not None
    with database.write():
        thread.start()
        _wait_for(database._turn, 1)
        done.append("slice")
    for _ in range(5):
        with database.write():
            done.append("slice")
    thread.join()
    assert done.index("other") == 1
    database.dispose()


@pytest.mark.parametrize("handed_on", [False, True])
def test_who_is_interrupted_while_waiting_blocks_nobody(handed_on: bool) -> None:
    turn, mine = Turn(), threading.Lock()
    mine.acquire()
    with turn.held():
        turn._waiting.append(mine)
        if not handed_on:
            turn._give_up(mine)
    if handed_on:
        turn._give_up(mine)
    assert not turn._taken

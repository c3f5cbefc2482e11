"""Several things in threads of their own, begun at the same moment."""

from __future__ import annotations

from threading import Barrier, Thread


def at_once(*actions: object) -> None:
    barrier = Barrier(len(actions))

    def run(action: object) -> None:
        barrier.wait()
        assert callable(action)
        action()

    threads = [Thread(target=run, args=(one,)) for one in actions]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

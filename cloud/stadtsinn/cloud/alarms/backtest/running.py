"""Judges many stations in several processes: each reads and judges one after the other."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from stadtsinn.cloud.alarms.backtest.tasks import Outcome, Task, run
from stadtsinn.cloud.series.stores.store import SeriesReader

WORTH_PROCESSES = 8
"""Tasks; fewer are judged before another process is there."""

Opening = Callable[[], SeriesReader]
"""Opens the series, in whatever process; it has to be picklable."""

_readers: list[SeriesReader] = []
"""Of a worker: the one that it opened."""


def judged(tasks: Sequence[Task], opening: Opening, processes: int) -> Iterator[Outcome]:
    """The outcomes in the order of the tasks."""
    if processes < 2 or len(tasks) < WORTH_PROCESSES:
        reader = opening()
        for task in tasks:
            yield run(task, reader)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _start, (opening,)) as pool:
        yield from pool.map(_run, tasks)


def _start(opening: Opening) -> None:
    _readers.append(opening())


def _run(task: Task) -> Outcome:
    return run(task, _readers[0])

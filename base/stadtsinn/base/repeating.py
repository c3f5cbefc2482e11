"""Work that a thread of its own does again and again until it is stopped."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.health import Check
from stadtsinn.base.logs import one_line
from stadtsinn.base.threads import ended_early

log = structlog.get_logger()

_One = TypeVar("_One")


class Repeating(ABC):
    """Calls `step` until it is stopped. One that fails is tried again with growing pauses.

    A failure is logged as the event `failed`, once for as long as it stays the same, and is the
    `trouble` until a step succeeds. The exceptions of `hindered` only mean to wait: they are
    neither.
    """

    def __init__(
        self,
        name: str,
        backoff: Backoff,
        *,
        failed: str,
        remedy: str,
        hindered: type[Exception] | tuple[type[Exception], ...] = (),
    ) -> None:
        self._failed = failed
        self._remedy = remedy
        self._hindered = hindered
        self._retries = Retries(backoff)
        self.stopping = threading.Event()
        self.trouble: str | None = None
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def step(self) -> float:
        """Do what there is to do; seconds until the next time."""

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End after the step under way."""
        self.stopping.set()
        if self.thread.ident is not None:
            self.thread.join(timeout=60)

    def ended(self) -> str | None:
        return ended_early(self.thread, stopped=self.stopping.is_set())

    def untroubled(self, well: str, otherwise: str) -> Check:
        """For the health page: `well`, or in trouble what does not happen meanwhile, and why."""
        if self.trouble is None:
            return Check(ok=True, detail=well)
        return Check(ok=False, detail=f"{otherwise}: {self.trouble}")

    def for_each(self, some: Iterable[_One], work: Callable[[_One], None]) -> None:
        """Work on each of them until it is stopped. One that fails stops no other: the first error
        is raised when all had their turn."""
        failed: Exception | None = None
        for one in some:
            if self.stopping.is_set():
                break
            try:
                work(one)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _run(self) -> None:
        while not self.stopping.is_set():
            self.stopping.wait(self._attempt())

    def _attempt(self) -> float:
        try:
            pause = self.step()
        except self._hindered:
            return self._retries.failed()
        except Exception as error:
            trouble = one_line(error)
            if trouble != self.trouble:
                self.trouble = trouble
                log.exception(self._failed, remedy=self._remedy)
            return self._retries.failed()
        self.trouble = None
        self._retries.worked()
        return pause

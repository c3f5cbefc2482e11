"""Public answers are computed once per change and served from memory.

A viewer's request then costs no thread and no query. Two things are looked at instead. After each
transaction of this process, and at most 0.2 s after the last look (another process may have
written), one query tells whether registry or zone changed. And an answer holds until its words
could be others: the next full minute, or the end of the number's validity.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.publish.api.middleware import observe
from stadtsinn.cloud.publish.web.answer import Answer
from stadtsinn.cloud.publish.web.repository import mark_of
from stadtsinn.cloud.publish.web.variant import ROUTES, Variant, variant_of

_LOOK_EVERY_S = 0.2
CAPACITY = 1_000
"""Answers kept at most, those asked for last. They have about 20 KB each."""
_TURNS = 64

Make = Callable[[Connection, Variant, Instant], Answer | None]
"""Computes an answer; None where there is nothing public of that name."""


@dataclass
class _Kept:
    """An answer, and what is known of its being right."""

    answer: Answer
    written: int
    looked_at: float


class Memory:
    """The answers of one application. All methods but `renew` run on its event loop.

    Each town takes its own turn: whatever another town's zones cost, one computation of theirs
    runs at a time. `monotonic` is replaced in tests.
    """

    def __init__(
        self,
        services: Services,
        *,
        capacity: int = CAPACITY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self.capacity = capacity
        self._monotonic = monotonic
        self._kept: OrderedDict[Variant, _Kept] = OrderedDict()
        self._turns: dict[int, asyncio.Lock] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def fresh(self, variant: Variant) -> Answer | None:
        """The answer in memory, if it is right without looking. It costs nothing."""
        kept = self._kept.get(variant)
        if (
            kept is None
            or kept.written != self._services.database.written
            or self._monotonic() - kept.looked_at >= _LOOK_EVERY_S
            or not kept.answer.holds_at(self._services.clock.now())
        ):
            return None
        self._kept.move_to_end(variant)
        return kept.answer

    async def answer(self, variant: Variant, make: Make) -> Answer | None:
        """The right answer, from memory or computed. Many who ask at once cost one computation."""
        async with self._turn(variant.tenant):
            if found := self.fresh(variant):
                return found
            known = self._kept.pop(variant, None)
            before = None if known is None else known.answer
            kept = await run_in_threadpool(self.renew, variant, before, make)
            if kept is None:
                return None
            self._kept[variant] = kept
            while len(self._kept) > self.capacity:
                self._kept.popitem(last=False)
            return kept.answer

    def renew(self, variant: Variant, known: Answer | None, make: Make) -> _Kept | None:
        """Look whether a known answer is still right, else compute it anew."""
        services = self._services
        # Both are taken before the database is read: what changes meanwhile causes another look.
        written, looked_at = services.database.written, self._monotonic()
        now = services.clock.now()
        with services.database.read() as connection:
            if known is None or not known.holds_at(now) or known.mark != _mark(connection, known):
                known = make(connection, variant, now)
        return None if known is None else _Kept(known, written, looked_at)

    def _turn(self, tenant: str) -> asyncio.Lock:
        # A fixed number of turns: the names come from addresses, which anybody can invent.
        return self._turns.setdefault(zlib.crc32(tenant.encode()) % _TURNS, asyncio.Lock())


def _mark(connection: Connection, answer: Answer) -> tuple[int, ...]:
    return mark_of(connection, answer.zone_id)


class FromMemory:
    """The outermost middleware: answers from memory what is fresh there, without the
    application and without a line in the log. All else goes on to the endpoints."""

    def __init__(self, app: ASGIApp, services: Services, memory: Memory) -> None:
        self._app = app
        self._services = services
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (variant := variant_of(scope)):
            started = time.perf_counter()
            if answer := self._memory.fresh(variant):
                response = answer.response(_if_none_match(scope), self._services.clock.now())
                await response(scope, receive, send)
                seconds = time.perf_counter() - started
                observe("GET", ROUTES[variant.kind], response.status_code, seconds)
                return
        await self._app(scope, receive, send)


def _if_none_match(scope: Scope) -> str:
    given = (value for name, value in scope["headers"] if name == b"if-none-match")
    return ",".join(value.decode("latin-1") for value in given)

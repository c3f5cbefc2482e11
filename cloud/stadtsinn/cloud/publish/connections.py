"""HTTP connections that nobody can hold for ever: uvicorn's, with deadlines and a limit.

uvicorn itself ends connections that wait for their next request, refuses heads of more than 16 KB
and answers 503 to more requests at once than it was told. It waits for ever for the first byte,
the rest of a head, the rest of a body, and a client that does not read.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

_SPARE = 64


@dataclass(frozen=True)
class Limits:
    """How long a client may take, and how many connections there are."""

    head_s: float = 10.0
    """From the connection, or the first byte of a further request, to the end of its head."""
    body_s: float = 30.0
    """From the end of the head to the end of the body, at most 1 MB."""
    unread_s: float = 30.0
    """Without reading anything of an answer that waits."""
    connections: int = 512
    """Of one process. Systemd gives it 1,024 open files, which databases need as well."""

    @property
    def requests(self) -> int:
        """For uvicorn, which counts a connection until it is closed."""
        return self.connections + _SPARE


class BoundedProtocol(H11Protocol):
    """One connection. The deadlines are of a whole head or body: a client that sends a byte
    now and then does not extend them."""

    def __init__(self, *given: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits = limits
        self._awaited: tuple[str, object] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._last_heard = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._last_heard = self.loop.time()
        if len(self.connections) > self._limits.connections:
            self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._last_heard = self.loop.time()
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        self._end_unread()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._end_unread()
        self._unread = self.loop.call_later(self._limits.unread_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_unread()

    @property
    def is_waiting(self) -> bool:
        """No request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """End the connection that has been waiting longest: who has something to say says it
        at once, and who only holds connections loses them first."""
        waiting = [
            one for one in self.connections if isinstance(one, BoundedProtocol) and one.is_waiting
        ]
        longest = min(waiting, key=lambda one: one._last_heard)  # noqa: SLF001 (our own class)
        longest.transport.abort()
        self.connections.discard(longest)

    def _watch(self) -> None:
        """Start a deadline when the client begins to owe something, end it when it came."""
        if self.conn.their_state is h11.SEND_BODY:
            self._expect("body")
        elif self.conn.their_state is h11.IDLE and (self.cycle is None or self._has_begun):
            self._expect("head")
        else:
            self._expect(None)

    @property
    def _has_begun(self) -> bool:
        """A part of a further request's head is here."""
        return bool(self.conn.trailing_data[0])

    def _expect(self, part: str | None) -> None:
        awaited = None if part is None else (part, self.cycle)
        if awaited == self._awaited:
            return
        self._awaited = awaited
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if part == "head":
            self._deadline = self.loop.call_later(self._limits.head_s, self._refuse_head)
        elif part == "body":
            self._deadline = self.loop.call_later(self._limits.body_s, self.transport.abort)

    def _refuse_head(self) -> None:
        with contextlib.suppress(h11.LocalProtocolError):
            headers = [("connection", "close"), ("content-length", "0")]
            answer = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
            self.transport.write(self.conn.send(answer) or b"")
        self.transport.close()

    def _end_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

"""HTTP connections that nobody can hold for ever or take away from others.

uvicorn itself ends connections that wait for their next request, and answers 503 to more requests
at once than it was told. It waits for ever for the first byte, the rest of a head, the rest of a
body, and a client that does not read; it takes a head of any size.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stadtsinn.cloud.publish.clients import Proxies, client_of

_SPARE = 64
_HEAD_BYTES = 16_384
_BODY_BYTES = 1_048_576
"""More than this does not lengthen the time for a body: no endpoint takes more."""


@dataclass(frozen=True)
class Limits:
    """How long a client may take, and how many connections there are."""

    head_s: float = 10.0
    """From the connection, or the first byte of a further request, to the end of its head."""
    body_s: float = 30.0
    """From the end of the head to the end of the body, and a second more per `rate` bytes."""
    unread_s: float = 30.0
    """That answers may wait for their reader, in sum, and a second more per `rate` bytes read."""
    rate: int = 8_192
    """Bytes a second, with which nobody is too slow."""
    connections: int = 512
    """Of one process. Systemd gives it 1,024 open files, which databases need as well."""
    per_client: int = 64
    """Connections of one address (IPv6: of one /64 network) that is no proxy of ours."""

    @property
    def requests(self) -> int:
        """For uvicorn, which counts a connection until it is closed."""
        return self.connections + _SPARE


_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Owed(Enum):
    """What the client has to send next."""

    HEAD = "head"
    BODY = "body"
    NOTHING = "nothing"


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `look` is called some times a second and ends it when it is overdue."""

    def __init__(
        self, *given: Any, limits: Limits, proxies: Proxies, now: Callable[[], float], **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self._limits = limits
        self._proxies = proxies
        self._now = now
        self.of: str | None = None
        """Whose connection it is; None for a proxy's, which are many people's."""
        self.heard_at = 0.0
        self._owed = _Owed.HEAD
        self._owed_since = 0.0
        self._received = 0
        self._reading = _Reading()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.heard_at = self._now()
        self._owe(_Owed.HEAD)
        host = self.client[0] if self.client else ""
        self.of = None if host in self._proxies else client_of(host)
        others = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        if self.of is not None:
            own = [one for one in others if one.of == self.of]
            if len(own) > self._limits.per_client:
                _make_room(own)
        if len(self.connections) > self._limits.connections:
            _make_room(others)

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._now()
        if self._owed is _Owed.NOTHING:  # even if it is only an empty line
            self._owe(_Owed.HEAD)
        self._received += len(data)
        super().data_received(data)
        if self._owed is _Owed.HEAD and self._received > _HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._owed is _Owed.NOTHING:
            self._owe(_Owed.HEAD)

    def on_headers_complete(self) -> None:
        lines = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        if len(self.url) + lines > _HEAD_BYTES:
            raise ValueError("the head is too long")  # uvicorn answers 400
        self._owe(_Owed.BODY)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._owe(_Owed.NOTHING)
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading.begin(self._now(), self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._reading.end(self._now(), self.transport.get_write_buffer_size())

    @property
    def is_waiting(self) -> bool:
        """No request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def look(self) -> None:
        """End the connection if its client takes too long."""
        now = self._now()
        if self._does_not_read(now):
            self.transport.abort()
        elif self.transport.is_closing():
            return
        elif self._owed is _Owed.HEAD and now - self._owed_since > self._limits.head_s:
            self._refuse_head()
        elif self._owed is _Owed.BODY and self.flow.read_paused:
            self._owed_since = now  # it is we who do not read
        elif self._owed is _Owed.BODY and now - self._owed_since > self._body_s():
            self.transport.abort()

    def _body_s(self) -> float:
        return self._limits.body_s + min(self._received, _BODY_BYTES) / self._limits.rate

    def _does_not_read(self, now: float) -> bool:
        waiting = self.transport.get_write_buffer_size()
        if waiting and self.transport.is_closing():
            self._reading.begin(now, waiting)
        seconds, taken = self._reading.so_far(now, waiting)
        return seconds > self._limits.unread_s + taken / self._limits.rate

    def _owe(self, owed: _Owed) -> None:
        if owed is not _Owed.BODY:
            self._received = 0
        self._owed = owed
        self._owed_since = self._now()

    def _refuse_head(self) -> None:
        if self.is_waiting:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


class _Reading:
    """For how long answers waited for their reader, and how much of them was read meanwhile."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._taken = 0
        self._begun: tuple[float, int] | None = None

    def begin(self, now: float, waiting: int) -> None:
        if self._begun is None:
            self._begun = now, waiting

    def end(self, now: float, waiting: int) -> None:
        self._seconds, self._taken = self.so_far(now, waiting)
        self._begun = None

    def so_far(self, now: float, waiting: int) -> tuple[float, int]:
        """Nothing is added to what waits: the application waits as well, or the end has come."""
        if self._begun is None:
            return self._seconds, self._taken
        since, before = self._begun
        return self._seconds + now - since, self._taken + max(0, before - waiting)


def _make_room(among: Iterable[BoundedProtocol]) -> None:
    """End the connection that has been waiting longest: who has something to say says it at
    once, and who only holds connections loses them first. The newest one is among those waiting."""
    longest = min((one for one in among if one.is_waiting), key=lambda one: one.heard_at)
    longest.transport.abort()
    longest.connections.discard(longest)

"""Calls of ChirpStack's gRPC API: with the key, with patience, and with errors that people read.

ChirpStack has few codes: what is there already is INTERNAL with the text of its database, and what
a key may not see is UNAUTHENTICATED, whether it is there or not.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import stamina

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.bounded_files import read_whole
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Explained, Sentence

T = TypeVar("T")
Method = Callable[..., Awaitable[Any]]

_WAITS = Backoff(first=0.2, longest=5.0, jitter=0.2)
_MESSAGE_BYTES = 64_000_000
_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
    }
)
_BUSY = re.compile(
    r"timed? ?out|database is locked|RST_STREAM|Stream removed|connection", re.IGNORECASE
)
"""INTERNAL texts of a server that has too much to do, or of a connection that broke."""
_DUPLICATE = re.compile(r"duplicate key value|UNIQUE constraint failed", re.IGNORECASE)
_KEY = re.compile(r"[0-9A-Fa-f]{32}")


class Refused(Explained):
    """The server says no; the same call would be refused again."""

    def __init__(self, code: grpc.StatusCode, details: str, said: Sentence) -> None:
        super().__init__(said.english, said.german)
        self.code = code
        self.details = details

    @property
    def is_duplicate(self) -> bool:
        return self.code is grpc.StatusCode.INTERNAL and bool(_DUPLICATE.search(self.details))

    @property
    def is_hidden(self) -> bool:
        """It is not there, or the key may not see it."""
        return self.code in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAUTHENTICATED}


class ServerAway(Explained):
    """The server did not answer for as long as it was tried."""


class _Passing(Exception):
    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class Connection:
    """A channel to one server with one key. Use it inside `connected`."""

    def __init__(
        self, channel: grpc.aio.Channel, address: str, key: str, timeout_s: float, patience_s: float
    ) -> None:
        self.channel = channel
        self._address = address
        self._headers = (("authorization", f"Bearer {key}"),)
        self._timeout_s = timeout_s
        self._patience_s = patience_s

    async def call(self, method: Method, request: Any) -> Any:
        """The answer. For calls that may be repeated. Raises Refused, ServerAway."""
        return await self.repeated(lambda _broken: self.once(method, request))

    async def repeated(self, attempt: Callable[[bool], Awaitable[T]]) -> T:
        """What `attempt` gives; it is told whether one before it broke, so that what was done
        may be looked for. Raises Refused, ServerAway."""
        broken = False
        try:
            async for trying in self._attempts():
                with trying:
                    after, broken = broken, True
                    return await attempt(after)
        except _Passing as passing:
            raise self._away(passing) from None
        raise AssertionError("attempts end with an answer or an error")

    async def once(self, method: Method, request: Any) -> Any:
        """For use in `repeated`."""
        try:
            return await method(request, metadata=self._headers, timeout=self._timeout_s)
        except grpc.aio.AioRpcError as error:
            code, details = error.code(), error.details() or ""
        if code in _PASSING or (
            code in {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}
            and _BUSY.search(details)
            and not _DUPLICATE.search(details)
        ):
            raise _Passing(code, details)
        raise Refused(code, details, explained(code, details))

    def _attempts(self) -> AsyncIterator[stamina.Attempt]:
        attempts: Any = _WAITS.attempts(_Passing, timeout=self._patience_s)
        return aiter(attempts)

    def _away(self, passing: _Passing) -> ServerAway:
        shown = _shown(passing.details) or passing.code.name
        return ServerAway(
            f"ChirpStack does not answer at {self._address} ({shown}): is it running, is the "
            "address right, does it speak TLS ([provisioning] address, tls)? What was done stays; "
            "call it again",
            f"ChirpStack antwortet nicht unter {self._address} ({shown}): läuft es, stimmt die "
            "Adresse, spricht es TLS ([provisioning] address, tls)? Was geschehen ist, bleibt; "
            "noch einmal aufrufen",
        )


@asynccontextmanager
async def connected(
    address: str,
    key: str,
    *,
    tls: bool,
    ca: Path | None,
    timeout_s: float,
    patience_s: float,
) -> AsyncIterator[Connection]:
    """A connection to a server. Raises OSError for an authority that cannot be read."""
    options = [("grpc.max_receive_message_length", _MESSAGE_BYTES)]
    if tls:
        roots = read_whole(ca) if ca is not None else None
        credentials = grpc.ssl_channel_credentials(root_certificates=roots)
        channel = grpc.aio.secure_channel(address, credentials, options=options)
    else:
        channel = grpc.aio.insecure_channel(address, options=options)
    async with channel:
        yield Connection(channel, address, key, timeout_s, patience_s)


async def concurrently(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], at_once: int
) -> None:
    """Work on the items, so many at once. The first error ends it and is raised."""
    import asyncio

    waiting = iter(items)

    async def worker() -> None:
        for one in waiting:
            await work(one)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(worker())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


def explained(code: grpc.StatusCode, details: str) -> Sentence:
    """Cause and remedy of what ChirpStack refused."""
    shown = _shown(details)
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return Sentence(
            "ChirpStack's API key may not do that, or does not exist: make one in ChirpStack "
            "(Network Server or Tenant, API keys) and write it into the file of [provisioning] "
            "api_key_file; with the key of a tenant also give tenant_id",
            "der API-Schlüssel darf das bei ChirpStack nicht, oder es gibt ihn nicht: in "
            "ChirpStack einen anlegen (API keys des Servers oder der Stadt) und in die Datei von "
            "[provisioning] api_key_file schreiben; zum Schlüssel einer Stadt gehört auch "
            "tenant_id",
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return Sentence(
            "this is no ChirpStack v4: [provisioning] address names its gRPC API, e.g. "
            "chirpstack.example:8080",
            "das ist kein ChirpStack v4: [provisioning] address nennt dessen gRPC-API, z. B. "
            "chirpstack.example:8080",
        )
    if code is grpc.StatusCode.INVALID_ARGUMENT and "Max number of devices" in details:
        return Sentence(
            "the tenant has as many devices at ChirpStack as it may have: raise 'Max. device "
            "count' of the tenant there",
            "die Stadt hat bei ChirpStack so viele Geräte, wie sie haben darf: dort 'Max. device "
            "count' ihres tenant erhöhen",
        )
    if _DUPLICATE.search(details):
        return Sentence("is at ChirpStack already", "gibt es bei ChirpStack schon")
    return Sentence(
        f"ChirpStack refuses it: {shown or code.name}", f"ChirpStack lehnt ab: {shown or code.name}"
    )


def _shown(details: str) -> str:
    return _KEY.sub("…", visible(details))[:200]

"""A public answer as bytes, and how long they are right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from starlette.responses import Response

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import Instant

SERVER_CLOCK = "X-Server-Clock"
"""The server's time in every answer, because viewers' clocks may be wrong."""
_CLOCK = SERVER_CLOCK.lower().encode()
CLOCK_MARK = "@server-clock@"
"""Stands in a page where the time of its sending belongs."""

Mark = tuple[int, ...]
"""What an answer was made from: the registry's revision, the zone's newest sample."""


@dataclass(frozen=True)
class Answer:
    """An answer that many requests get. `body` was parted where the server's time belongs."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: tuple[bytes, ...]
    tag: str
    zone_id: int | None
    mark: Mark
    since: Instant
    until: Instant
    """From then on other words may be right."""

    def holds_at(self, now: int) -> bool:
        return self.since <= now < self.until

    def response(self, if_none_match: str, now: Instant) -> Response:
        """For one request. 304 without a body where the caller has these bytes."""
        clock = isoformat(now).encode()
        if self.tag and if_none_match and _has(if_none_match, self.tag):
            return _Ready(304, [*self._unchanged, (_CLOCK, clock)], b"")
        body = clock.join(self.body)
        length = str(len(body)).encode()
        return _Ready(self.status, [*self._raw, (_CLOCK, clock), (b"content-length", length)], body)

    @cached_property
    def _raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that every request gets, as they are sent."""
        named = dict(self.headers) | ({"ETag": self.tag} if self.tag else {})
        return tuple((name.lower().encode(), value.encode()) for name, value in named.items())

    @cached_property
    def _unchanged(self) -> tuple[tuple[bytes, bytes], ...]:
        return tuple(header for header in self._raw if header[0] != b"content-type")


class _Ready(Response):
    """A response whose headers are encoded already: making them anew for each viewer costs as
    much as all the rest of an answer from memory."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status_code = status
        self.raw_headers = headers
        self.body = body
        self.background = None


def parted(text: str) -> tuple[bytes, ...]:
    """A body, cut at each place for the server's time."""
    return tuple(part.encode() for part in text.split(CLOCK_MARK))


def tag_of(body: tuple[bytes, ...], *, minute: int | None = None) -> str:
    """The entity tag. With a minute it is a weak one: but for the clock the bytes are equal.

    A browser that is told that its page is still right goes on with the clock in it. So a
    page's tag lasts for a minute at most.
    """
    parts = body if minute is None else (*body, str(minute).encode())
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:20]
    return f'"{digest}"' if minute is None else f'W/"{digest}"'


def _has(if_none_match: str, tag: str) -> bool:
    tags = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag.removeprefix("W/") in tags or "*" in tags

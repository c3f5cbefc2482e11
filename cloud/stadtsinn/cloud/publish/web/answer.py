"""A public answer as bytes, and how long they are right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.responses import Response

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import Instant

SERVER_CLOCK = "X-Server-Clock"
"""The server's time in every answer, because viewers' clocks may be wrong."""
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
        clock = isoformat(now)
        headers = {**dict(self.headers), SERVER_CLOCK: clock}
        if self.tag:
            headers["ETag"] = self.tag
            if if_none_match and _has(if_none_match, self.tag):
                headers.pop("Content-Type", None)
                return Response(status_code=304, headers=headers)
        return Response(clock.encode().join(self.body), self.status, headers)


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

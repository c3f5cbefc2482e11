"""Computes the public answers: the number as JSON, the counter page, the list of counters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

from sqlalchemy import Connection

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.publish.api.middleware import SECURITY_HEADERS
from stadtsinn.cloud.publish.web import pages
from stadtsinn.cloud.publish.web.answer import CLOCK_MARK, SERVER_CLOCK, Answer, parted, tag_of
from stadtsinn.cloud.publish.web.half_hours import HalfHours
from stadtsinn.cloud.publish.web.public import PublicCount, count_of, encode
from stadtsinn.cloud.publish.web.repository import mark_of, public_zone, public_zones
from stadtsinn.cloud.publish.web.settings import WebSettings
from stadtsinn.cloud.publish.web.variant import Kind, Variant

CACHING = "public, max-age=10, stale-while-revalidate=30"
_INDEX_FOR = 10 * SECOND
"""The list of all counters is the one answer that every zone is in: as old as caches may be."""

_OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{SERVER_CLOCK}, Age",
}


class Answers:
    """Makes each variant from the database."""

    def __init__(self, settings: Callable[[], WebSettings]) -> None:
        self._settings = settings
        self._half_hours = HalfHours()

    def of(self, connection: Connection, variant: Variant, now: Instant) -> Answer | None:
        """The answer as of now; None where there is no such public zone."""
        # Read first: a change in between then causes one more computation, never an old answer.
        revision = mark_of(connection, None)
        if variant.kind is Kind.INDEX:
            return self._index(connection, variant, revision, now)
        zone = public_zone(connection, variant.tenant, variant.zone)
        if zone is None:
            return None
        count = count_of(connection, zone, now)
        sample = count.present.sample
        parts: tuple[bytes, ...]
        mark = (*revision, sample.position if sample else 0)
        if variant.kind is Kind.DATA:
            parts = (encode(count.document()),)
            tag, headers = tag_of(parts), _OPEN_TO_ALL | _headers("application/json")
        else:
            slots = self._half_hours.today(connection, zone, now)
            parts = parted(
                pages.counter_page(
                    self._context(variant),
                    count,
                    slots,
                    clock=CLOCK_MARK,
                    pause=variant.pause,
                    embedded=variant.embedded,
                )
            )
            tag, headers = tag_of(parts, minute=now // MINUTE), self._page_headers()
        until = _other_words_at(count)
        return Answer(200, tuple(headers.items()), parts, tag, zone.id, mark, now, until)

    def _index(
        self, connection: Connection, variant: Variant, revision: tuple[int, ...], now: Instant
    ) -> Answer:
        counts = [count_of(connection, zone, now) for zone in public_zones(connection)]
        towns = [
            (name, list(group)) for name, group in groupby(counts, key=lambda c: c.zone.tenant_name)
        ]
        parts = parted(pages.index_page(self._context(variant), towns))
        headers = tuple(self._page_headers().items())
        until = Instant(now + _INDEX_FOR)
        return Answer(200, headers, parts, tag_of(parts), None, revision, now, until)

    def _context(self, variant: Variant) -> pages.Context:
        return pages.Context(variant.language, variant.root, self._settings())

    def _page_headers(self) -> dict[str, str]:
        return {
            **_headers("text/html; charset=utf-8"),
            "Vary": "Accept-Language",
            "Content-Security-Policy": self._settings().content_security_policy,
        }


def _headers(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, "Cache-Control": CACHING, **SECURITY_HEADERS}


def _other_words_at(count: PublicCount) -> Instant:
    """When the words may change though no report comes: times of day and the course of the day
    do so on full minutes, and the number is gone when its validity ends."""
    minute = (count.now // MINUTE + 1) * MINUTE
    valid_until = count.present.valid_until
    if valid_until is None or valid_until <= count.now:
        return Instant(minute)
    return Instant(min(minute, valid_until))

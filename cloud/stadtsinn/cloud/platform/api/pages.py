"""Lists come in pages: `?limit=` at most, and `next` is the `?cursor=` of the following page.

A cursor names the last row of a page, so rows that come or go meanwhile neither shift nor
double the ones after it. It is opaque: only this module reads it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from stadtsinn.base.problems import Invalid

MAX_LIMIT = 1_000

T = TypeVar("T")
R = TypeVar("R")


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None = Field(
        description="Pass it as `cursor` for the following page; null on the last one."
    )


@dataclass(frozen=True)
class PageRequest:
    """Which page is wanted. Ask the database for `fetch` rows after `after_text/number`."""

    limit: int
    after: str | int | None

    @property
    def fetch(self) -> int:
        """One row more than the page holds, which shows whether there is another page."""
        return self.limit + 1

    @property
    def after_text(self) -> str | None:
        if isinstance(self.after, int):
            raise foreign_cursor()
        return self.after

    @property
    def after_number(self) -> int | None:
        if isinstance(self.after, str):
            raise foreign_cursor()
        return self.after


def page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items per page.")] = 100,
    cursor: Annotated[
        str | None, Query(max_length=400, description="`next` of the page before.")
    ] = None,
) -> PageRequest:
    return PageRequest(limit, _read_cursor(cursor) if cursor else None)


PageDep = Annotated[PageRequest, Depends(page_request)]


def page_of(
    rows: Sequence[R],
    request: PageRequest,
    key: Callable[[R], str | int],
    view: Callable[[R], T],
) -> Page[T]:
    """A page from up to `request.fetch` rows; `key` is what the rows are ordered by."""
    shown = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(
        items=[view(row) for row in shown],
        next=_write_cursor(key(shown[-1])) if more else None,
    )


def unchanged(row: R) -> R:
    """The view of rows that the API shows as they are."""
    return row


def _write_cursor(key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> str | int:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise foreign_cursor() from None
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise foreign_cursor()
    if isinstance(key, int) and not 0 <= key < 2**63:
        raise foreign_cursor()
    if isinstance(key, str) and not key.isprintable():
        raise foreign_cursor()
    return key


def foreign_cursor() -> Invalid:
    """For a cursor that this list did not give."""
    return Invalid(
        "This is not a cursor of this list. Use `next` of the page before, or none.",
        "Das ist keine Marke dieser Liste. `next` der Seite davor nehmen, oder keine.",
    )

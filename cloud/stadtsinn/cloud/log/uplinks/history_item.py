"""An uplink as its owner reads it back, and how many of them are one answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from stadtsinn.cloud.log.uplinks.rows import radio_of, uplink_of
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink, Radio

PAGE_BYTES = 2 * 1024 * 1024
"""After so many stored bytes of outcomes and radio facts a page ends; 1,000 common uplinks have
1 MiB."""


class HistoryItem(msgspec.Struct, frozen=True, gc=False):
    """An uplink with the radio facts that followers have no use for. `size`: its stored bytes."""

    uplink: LoggedUplink
    radio: Radio
    size: int


def item_of(row: Sequence[Any]) -> HistoryItem:
    """From a row with the columns READ and radio, None where that is too long to be read."""
    *columns, radio = row
    return HistoryItem(uplink_of(columns), radio_of(radio), len(columns[-1]) + len(radio or b""))


def page_length(items: Iterable[HistoryItem]) -> int:
    """How many of the items one answer shows: all up to the one with which it is full."""
    size = length = 0
    for item in items:
        if size >= PAGE_BYTES:
            break
        size += item.size
        length += 1
    return length


def first_of(items: Iterable[HistoryItem], limit: int) -> list[HistoryItem]:
    """The first `limit` items, or as many as one answer shows and one more, which proves that
    there are more. No further ones are read."""
    found: list[HistoryItem] = []
    size = 0
    for item in items:
        found.append(item)
        if len(found) == limit or size >= PAGE_BYTES:
            break
        size += item.size
    return found

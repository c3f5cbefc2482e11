"""Rows of the spool: items in MessagePack, packed, with their position."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
import structlog

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import Instant
from stadtsinn.edge.agent.packing import unpack
from stadtsinn.edge.messages.delivery import Item, RawItem, UplinkItem

log = structlog.get_logger()

_item_decoder = msgspec.msgpack.Decoder(Item)

ROW_OVERHEAD = 24
"""Bytes that a row occupies beyond its body (header, key, share of the page)."""


class Row(NamedTuple):
    """One encoded item, not packed."""

    position: int
    received_at: Instant
    body: bytes


def device_of(body: bytes) -> str:
    """Whose uplink a packed item is; empty where it is none, or damaged."""
    try:
        item = _item_decoder.decode(unpack(body))
    except (ValueError, *UNREADABLE):
        return ""
    return item.uplink.dev_eui if isinstance(item, UplinkItem) else ""


def moved_row(body: bytes, position: int, moved: Callable[[bytes, int], bytes]) -> bytes:
    """A packed item at another position, not packed; a raw item of its bytes if it is damaged."""
    row = Row(position, Instant(0), body)
    return moved(unpacked(row), position)


def unpacked_size(body: bytes) -> int:
    try:
        return len(unpack(body))
    except ValueError:
        return len(body)


def unpacked(row: Row) -> bytes:
    try:
        return unpack(row.body)
    except ValueError as error:
        log.error(  # noqa: TRY400 (the traceback adds no information)
            "spool_row_damaged",
            position=row.position,
            reason=str(error),
            remedy="its bytes go to the ingest's quarantine; replace the SD card",
        )
        return msgspec.msgpack.encode(
            RawItem(row.position, "", row.body, "damaged_in_spool", row.received_at)
        )

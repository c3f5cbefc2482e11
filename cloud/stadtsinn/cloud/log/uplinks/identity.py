"""Is this uplink new, or another copy of one that the log holds? Decision record 0005.

An uplink is known by device, session (`dev_addr`) and frame counter. Equal ones are copies of
one frame (second network server, resend of a spool) unless the device restarted its counters
meanwhile; then the frame is new and gets the next generation. Nothing here asks a database.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.decoders.uplink import TimeSource

SWAP = 10 * SECOND
"""Closer than this two equal frames are one: no device restarts and sends again that fast,
and network servers may publish two quick events in the wrong order."""

WINDOW = 10 * MINUTE
"""How far the clocks of two gateways may differ about one frame."""

TRUSTED = frozenset({TimeSource.GPS, TimeSource.GATEWAY})
"""Time sources that state when a frame was received even if it was delivered late."""


class Copy(msgspec.Struct, frozen=True, gc=False):
    """What identity needs to know of an uplink. `generation` is None while it is not logged."""

    dev_eui: str
    dev_addr: str
    f_cnt: int
    generation: int | None
    f_port: int
    payload: bytes
    event_time: Instant
    time_source: TimeSource
    source: str
    deduplication_id: str

    @property
    def key(self) -> tuple[str, str, int]:
        return self.dev_eui, self.dev_addr, self.f_cnt


class SessionHistory(Protocol):
    """What the log knows of a session (`dev_eui`, `dev_addr`) beside the copies passed in."""

    def source_was_ahead(self, frame: Copy, after: Instant, before: Instant) -> bool:
        """Did `frame.source` deliver a higher counter with `after` < event time < `before`?"""
        ...

    def restarted(self, frame: Copy, generation: int, after: Instant, before: Instant) -> bool:
        """Is there a counter <= `frame`'s of a later generation with event time in between?"""
        ...

    def counted_lower(self, frame: Copy, after: Instant, before: Instant) -> bool:
        """Is there a counter < `frame`'s with a trusted event time in between?"""
        ...


def is_copy(logged: Sequence[Copy], new: Copy, history: SessionHistory) -> bool:
    """True when `new` is a copy of one of `logged`, which all have its key."""
    return any(_same_frame(first, new, history) for first in logged)


def _same_frame(first: Copy, new: Copy, history: SessionHistory) -> bool:
    if first.payload != new.payload or first.f_port != new.f_port:
        return False
    if new.deduplication_id and first.deduplication_id == new.deduplication_id:
        return True
    earlier, later = (first, new) if first.event_time <= new.event_time else (new, first)
    apart = later.event_time - earlier.event_time
    if apart <= SWAP:
        return True
    if apart > WINDOW and not _may_be_late(first, new):
        return False
    return not _went_back(earlier, later, apart, history)


def _may_be_late(first: Copy, new: Copy) -> bool:
    """Can the distance in time come from a frame that was stamped at its late arrival?"""
    if first.time_source in TRUSTED and new.time_source in TRUSTED:
        return False
    # A network server accepts a counter once. Two different events of one server with the
    # same counter are two frames, whatever its clock says.
    accepted_twice = first.source == new.source and bool(
        first.deduplication_id and new.deduplication_id
    )
    return not accepted_twice


def _went_back(earlier: Copy, later: Copy, apart: int, history: SessionHistory) -> bool:
    """Is there evidence that the device restarted its counters between the two?"""
    before = Instant(later.event_time - SWAP)
    # Counters of one server only grow: it was ahead already, so this is a second run.
    if history.source_was_ahead(later, earlier.event_time, before):
        return True
    if earlier.generation is not None and history.restarted(
        earlier, earlier.generation, earlier.event_time, before
    ):
        return True
    # Lower counters after the earlier one, by more than gateways' clocks differ.
    return apart > WINDOW and history.counted_lower(
        earlier, Instant(earlier.event_time + WINDOW), before
    )

"""How far the spool of an edge is committed without a gap: what an acknowledgement may say.

An edge deletes everything up to the acknowledged position, so that may never pass an item that
did not arrive. Batches come in order, but a broker may lose one and several ingests may share
the work, so later ones are remembered as `ahead` until the gap closes.

A gap that never closes is real, too: this cloud was restored from a backup, or the edge's
earlier items went to another cloud. The edge always resends from its oldest unacknowledged
item on; when it has begun `PROOFS` times (each sent later than the last) above the gap, the
items below no longer exist there, and waiting for them would stop the edge for ever.
"""

from __future__ import annotations

import msgspec

from stadtsinn.base.instant import Instant

FIRST_POSITION = 1
"""Where the spool of a new stream begins."""

PROOFS = 3
_RANGES_KEPT = 256


class StreamState(msgspec.Struct, frozen=True):
    """What is committed of one stream. `ahead` holds (first, last) ranges above a gap."""

    position: int = FIRST_POSITION - 1
    ahead: tuple[tuple[int, int], ...] = ()
    begun: int = 0
    """How often the edge began to send above the gap; `begun_at`: its clock when it last did."""
    begun_at: Instant = Instant(0)
    skipped: int = 0
    """Positions given up, over the life of the stream."""


def advance(state: StreamState, first: int, last: int, sent_at: Instant) -> StreamState:
    """The state after items `first`..`last` were committed."""
    if first <= state.position + 1:
        return _close(state, max(state.position, last))
    begins = not state.ahead or first <= state.ahead[0][0]
    begun, begun_at = state.begun, state.begun_at
    if begins and (begun == 0 or first < state.ahead[0][0]):
        begun, begun_at = 1, sent_at
    elif begins and sent_at > begun_at:
        begun, begun_at = begun + 1, sent_at
    if begun >= PROOFS and begins:
        skipped = state.skipped + first - state.position - 1
        return _close(msgspec.structs.replace(state, skipped=skipped), last)
    ranges = _merged([*state.ahead, (first, last)])[:_RANGES_KEPT]
    return msgspec.structs.replace(state, ahead=ranges, begun=begun, begun_at=begun_at)


def _close(state: StreamState, position: int) -> StreamState:
    """Move on to `position` and over the ranges that now follow without a gap."""
    remaining = list(state.ahead)
    while remaining and remaining[0][0] <= position + 1:
        position = max(position, remaining.pop(0)[1])
    return StreamState(position, tuple(remaining), skipped=state.skipped)


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)

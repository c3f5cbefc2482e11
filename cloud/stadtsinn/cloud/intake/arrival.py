"""What arrives at the ingest, from the raw message to candidates for the log and rejections."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.messages.delivery import ClaimedItem, Sender

STORED_BYTES = 64 * 1024
"""Of a larger message only this much is kept in memory and quarantine."""


_encode = msgspec.msgpack.Encoder().encode


class Kind(StrEnum):
    """What a payload is, so that a replay knows how to read it."""

    EVENT = "event"
    """A network server's event as it came."""
    ITEM = "item"
    """One uplink item of an edge's batch, MessagePack."""
    BATCH = "batch"
    """A whole batch of an edge, MessagePack."""


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Who delivers. `tenant_id` is whose data it may carry; None: whoever owns the device."""

    source: str
    tenant_id: str | None


class Original(msgspec.Struct, frozen=True, gc=False):
    """What came, as the quarantine keeps it. `size` counts the bytes that came, kept or not.

    `format` names the network server's format of an event; None for what an edge made itself.
    """

    kind: Kind
    origin: Origin
    topic: str
    payload: bytes
    size: int
    received_at: Instant
    format: str | None = None

    @property
    def cut(self) -> bool:
        """Whether only its beginning was kept."""
        return self.size > len(self.payload)

    def digest(self) -> str:
        """Names these bytes from this source, so that a resend is recognised.

        Not the format: where it was set wrong, the corrected one takes the row's place.
        """
        text = "\0".join((self.kind, self.origin.source, self.topic, str(self.size), ""))
        return hashlib.sha256(text.encode("utf-8", "replace") + self.payload).hexdigest()


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """Something that does not go into the log, with its reason and the remedy."""

    original: Original
    reason: Reason
    detail: str
    dev_eui: str | None = None


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A readable uplink. `claim` is what an edge says that it decodes to, in MessagePack."""

    received: Original
    """The event it was read from, or the batch it came in."""
    uplink: Uplink
    claim: msgspec.Raw | None = None
    position: int = 0
    """In the stream of its edge."""

    @property
    def original(self) -> Original:
        """What to keep of it when it is rejected: its event, or its item alone."""
        if self.claim is None:
            return self.received
        # Without its position: an edge that keeps it sends it again at another one.
        payload = _encode(ClaimedItem(0, self.uplink, self.claim))
        return Original(
            Kind.ITEM,
            self.received.origin,
            self.received.topic,
            payload[:STORED_BYTES],
            len(payload),
            self.uplink.received_at,
        )

    def rejected(self, reason: Reason, detail: str) -> Rejection:
        return Rejection(self.original, reason, detail, self.uplink.dev_eui)


class Progress(msgspec.Struct, frozen=True, gc=False):
    """Items `first`..`last` of an edge's stream are in this arrival."""

    edge_id: str
    stream: str
    first: int
    last: int
    sent_at: Instant
    sender: Sender | None = None
    clock_ahead: int = 0
    """µs that the edge's clock is ahead of ours; 0 where it is right."""
    kept: tuple[int, ...] = ()
    """Positions of items that its edge is to keep."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """All that one message brought. `progress` is None where no edge waits for an answer."""

    candidates: Sequence[Candidate] = ()
    rejections: Sequence[Rejection] = ()
    progress: Progress | None = None
    other: str | None = None
    """Kind of a readable event that is no uplink."""

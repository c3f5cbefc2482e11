"""Reads messages into arrivals. Whatever comes, the answer is an `Arrival`, never an exception."""

from __future__ import annotations

import msgspec
import structlog
from msgspec.structs import replace

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake.arrival import (
    STORED_BYTES,
    Arrival,
    Candidate,
    Kind,
    Origin,
    Original,
    Progress,
    Rejection,
)
from stadtsinn.cloud.intake.edge_clocks import EdgeClock, dated_alone
from stadtsinn.cloud.intake.reasons import Reason, of_edge, of_event
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.decoders.uplink_bounds import fitted
from stadtsinn.edge.messages.delivery import (
    TOPIC_ROOT,
    VERSION,
    ClaimedBatch,
    ClaimedItem,
    RawItem,
    Sender,
    decode_claimed_batch,
)
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import (
    UP,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, UnknownFormat, format_named

log = structlog.get_logger()

MAX_BATCH = 4 * 1024 * 1024
"""Largest batch in bytes; agents send some 200 KiB."""

MAX_ITEMS = 5_000
"""Most uplinks of a batch: no agent can be set to send more (`batch_items`)."""

_MAX_POSITION = 2**62
_MAX_CLOCK_STEPS = 64
_item_decoder = msgspec.msgpack.Decoder(ClaimedItem | RawItem)


def read_server_event(
    server: NetworkServerFormat, original: Original, clocks: GatewayClocks | None = None
) -> Arrival:
    """The arrival of one event of a network server."""
    if original.cut:
        kind = server.kind_of(original.topic)
        if kind is not None and kind != UP:
            return Arrival(other=kind)
        return _rejected(original, Reason.TOO_LARGE, _too_large(original.size, STORED_BYTES))
    try:
        event = server.read(original.topic, original.payload, original.received_at, clocks)
    except UnreadableEvent as error:
        return _rejected(original, of_event(error.reason), str(error))
    except Exception as error:  # a bug in the reader must not stop the next message
        log.exception("event_reader_failed", topic=original.topic[:200], format=server.name)
        return _rejected(original, Reason.INTERNAL_ERROR, type(error).__name__)
    if isinstance(event, OtherEvent):
        return Arrival(other=event.kind)
    return Arrival(candidates=[Candidate(original, event)])


def edge_of_topic(topic: str) -> str | None:
    """The edge id in ``stadtsinn/edge/{id}/batch``."""
    parts = topic.split("/")
    root = TOPIC_ROOT.split("/")
    if len(parts) == len(root) + 2 and parts[: len(root)] == root and parts[-1] == "batch":
        return parts[-2]
    return None


def original_batch(topic: str, payload: bytes, size: int, received_at: Instant) -> Original:
    """A batch as it came, before anybody looked whose the edge is."""
    origin = Origin(f"edge:{(edge_of_topic(topic) or '')[:80]}", None)
    return Original(Kind.BATCH, origin, topic, payload, size, received_at)


def read_edge_batch(original: Original, directory: Directory, *, live: bool = False) -> Arrival:
    """The arrival of one batch. The topic says which edge it is: the broker vouches for it.

    `live`: the broker is known not to have held it, so a late one comes from a wrong clock.
    """
    edge_id = edge_of_topic(original.topic) or ""
    tenant_id = directory.edges.get(edge_id)
    original = replace(original, origin=Origin(original.origin.source, tenant_id))
    if tenant_id is None:
        return _unknown_edge(edge_id, original)
    if original.cut:
        return _rejected(original, Reason.TOO_LARGE, _too_large(original.size, MAX_BATCH))
    try:
        batch = decode_claimed_batch(original.payload)
    except UNREADABLE as error:
        return _rejected(original, Reason.MALFORMED_BATCH, f"{error}: no batch of version 1")
    if batch.version != VERSION:
        return _rejected(
            original,
            Reason.UNSUPPORTED_VERSION,
            f"batch of version {batch.version}, this ingest reads {VERSION}: update the cloud",
        )
    if batch.edge_id != edge_id or not _well_formed(batch):
        return _rejected(
            original,
            Reason.MALFORMED_BATCH,
            "edge id differs from the topic's, or positions do not count up by one",
        )
    if len(batch.items) > MAX_ITEMS:
        detail = f"{len(batch.items)} items, at most {MAX_ITEMS} are read: set batch_items there"
        return _rejected(original, Reason.TOO_LARGE, detail)
    return _batch_arrival(batch, original, EdgeClock.of(batch, original.received_at, live=live))


def _batch_arrival(batch: ClaimedBatch, received: Original, clock: EdgeClock) -> Arrival:
    candidates: list[Candidate] = []
    rejections: list[Rejection] = []
    for item in batch.items:
        if isinstance(item, ClaimedItem):
            uplink = clock.dated(fitted(item.uplink), item.position, batch)
            candidates.append(Candidate(received, uplink, item.outcome, item.position))
        else:
            rejections.append(_raw(item, received.origin))
    first, last = batch.items[0].position, batch.items[-1].position
    progress = Progress(
        batch.edge_id, batch.stream, first, last, batch.sent_at, batch.sender, clock.ahead
    )
    return Arrival(candidates, rejections, progress)


def _well_formed(batch: ClaimedBatch) -> bool:
    if not batch.items or not 0 < len(batch.stream) <= 64 or "\0" in batch.stream:
        return False
    if batch.sender is not None and not _well_formed_sender(batch.sender):
        return False
    first = batch.items[0].position
    return 1 <= first < _MAX_POSITION and all(
        item.position == first + n for n, item in enumerate(batch.items)
    )


def _well_formed_sender(sender: Sender) -> bool:
    positions = (sender.begins, sender.opened, sender.acknowledged)
    if len(sender.clock_steps) > _MAX_CLOCK_STEPS:
        return False
    return 0 < len(sender.id) <= 64 and all(0 <= one < _MAX_POSITION for one in positions)


def _raw(item: RawItem, origin: Origin) -> Rejection:
    payload = item.payload[:STORED_BYTES]
    original = Original(
        Kind.EVENT, origin, item.topic, payload, len(item.payload), item.received_at, item.format
    )
    return Rejection(original, of_edge(item.reason), "the edge agent could not read this event")


def _unknown_edge(edge_id: str, original: Original) -> Arrival:
    """One row per unknown edge, without its data: see decision record 0005, "Strangers".

    It gets no acknowledgement, so its spool keeps everything until the edge is registered.
    """
    detail = (
        f"no edge '{edge_id}' is registered: add it to the town's file ('stadtsinn registry "
        "apply'); until then its spool keeps the data and sends it again"
    )
    return _rejected(replace(original, payload=b"", size=0), Reason.UNKNOWN_EDGE, detail)


def _rejected(original: Original, reason: Reason, detail: str) -> Arrival:
    return Arrival(rejections=[Rejection(original, reason, detail)])


def _too_large(size: int, limit: int) -> str:
    return f"{size} bytes, at most {limit} are read: look for a foreign publisher on this topic"


# --- items in quarantine ---------------------------------------------------------------


def read_original(original: Original, directory: Directory) -> Arrival:
    """Read again what lies in quarantine, as if it came now but with its own arrival time.

    The row of an unknown edge holds no data. Once the edge is registered there is nothing to
    take: it was never acknowledged, so it sends everything again.
    """
    if original.kind is Kind.BATCH:
        if original.size == 0 and edge_of_topic(original.topic) in directory.edges:
            return Arrival()
        return read_edge_batch(original, directory)
    if original.kind is Kind.EVENT:
        return _read_event_again(original)
    try:
        item = _item_decoder.decode(original.payload)
    except UNREADABLE as error:
        return _rejected(original, Reason.MALFORMED_BATCH, str(error))
    if not isinstance(item, ClaimedItem):
        return _rejected(original, Reason.MALFORMED_BATCH, "no uplink item")
    uplink = dated_alone(fitted(item.uplink), original.received_at)
    return Arrival([Candidate(original, uplink, item.outcome, item.position)])


def _read_event_again(original: Original) -> Arrival:
    try:
        server = format_named(original.format or DEFAULT_FORMAT)
    except UnknownFormat as error:  # of a later edge, or of a version that was taken back
        detail = f"{error}: update this cloud, then replay"
        return _rejected(original, Reason.UNKNOWN_FORMAT, detail)
    return read_server_event(server, original)

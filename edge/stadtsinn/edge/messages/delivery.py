"""Delivery between an edge agent and the ingest: batches up, acknowledgements down.

Topics on the cloud's broker (QoS 1, MessagePack unless said otherwise)::

    stadtsinn/edge/{edge_id}/batch    edge → ingest   Batch
    stadtsinn/edge/{edge_id}/ack      ingest → edge   Ack, or a Refusal
    stadtsinn/edge/{edge_id}/status   edge → anybody  JSON, retained, last will "offline"
    stadtsinn/edge/{edge_id}/config   cloud → edge    JSON, retained: device type mapping
    stadtsinn/edge/{edge_id}/check    edge itself     the probe of ``check --connect``
    stadtsinn/check                   ingest itself   the same

The client certificate's common name is the edge id, so that the broker's access list goes by it
(docs/broker.md). The edge deletes from its spool only up to the
position of an `Ack` of the same `stream`; a PUBACK only means that the broker has the batch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.decoders.reading import Outcome
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT

VERSION = 1
TOPIC_ROOT = "stadtsinn/edge"
CHECK_TOPIC = "stadtsinn/check"
"""Where the cloud tries a broker out, and an edge agent its local one."""


class UplinkItem(msgspec.Struct, frozen=True, tag="uplink", gc=False):
    """An uplink in the spool, with the result of the edge's decoder."""

    position: int
    uplink: Uplink
    outcome: Outcome


class RawItem(msgspec.Struct, frozen=True, tag="raw", gc=False):
    """An event that the edge could not read, forwarded unchanged with the reason.

    `format` names the network server's format; agents of the first version do not state it.
    """

    position: int
    topic: str
    payload: bytes
    reason: str
    received_at: Instant
    format: str = DEFAULT_FORMAT


Item = UplinkItem | RawItem


class ClockStep(msgspec.Struct, frozen=True):
    """The edge's clock was set `by` µs forward (negative: back) when `position` was its newest."""

    position: int
    by: int


class Sender(msgspec.Struct, frozen=True):
    """What an agent says about its run and its spool; agents of the first version say nothing.

    With it the cloud tells a copied card, or one from the past, from a resend (decision 4), and a
    wrong clock from a long way (decision 3).
    """

    id: str
    """Drawn at every start, so that two agents with one card are told apart."""
    begins: int
    """The position before the stream's first one."""
    opened: int
    """The newest position when this run opened the spool."""
    acknowledged: int
    """The edge holds nothing up to this position any more."""
    clock_ahead: int | None = None
    """µs that the edge's clock is ahead of the cloud's; None where it was not measured."""
    clock_steps: tuple[ClockStep, ...] = ()
    """How the clock was set in this run, oldest first."""
    keeps: bool = False
    """This agent keeps the items that an Ack names in `kept`."""
    holds: int | None = None
    """The edge holds everything behind this position, also what is acknowledged, and sends it again
    when an Ack asks for it with `again`. None: it holds nothing that is acknowledged."""
    again: bool = False
    """This run began when the cloud had asked so."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Consecutive spool items. `stream` identifies one life of a spool file: positions mean
    nothing in another."""

    version: int = VERSION
    edge_id: str
    stream: str
    sent_at: Instant
    items: tuple[Item, ...]
    sender: Sender | None = None


class ClaimedItem(msgspec.Struct, frozen=True, tag="uplink", gc=False):
    """An `UplinkItem` as the cloud reads it: the edge's outcome is not trusted and not decoded."""

    position: int
    uplink: Uplink
    outcome: msgspec.Raw


class ClaimedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A `Batch` as the cloud reads it."""

    version: int = VERSION
    edge_id: str
    stream: str
    sent_at: Instant
    items: tuple[ClaimedItem | RawItem, ...]
    sender: Sender | None = None


_BOUNDS = msgspec.Meta(ge=0, lt=2**62)
"""What a spool's file and a clock can hold; the next batch tells the cloud how clocks differ."""
_Bounded = Annotated[int, _BOUNDS]


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Every item of `stream` up to and including `position` is committed in the cloud.

    `sender` is the run whose batch is answered: the position counts only what it has sent itself.
    Clouds of the first version leave it empty and count the stream. `begin_anew`: the stream was
    further on than this spool ever was, so it has to go on as another stream. `at` is the cloud's
    clock, 0 where it says nothing. `kept`: ranges (first, last) of items that the cloud does not
    take as long as their devices are not registered with the edge's town. They are the edge's to
    keep, and to send again now and then (decision 21). `again`: the cloud has nothing behind this
    position of what it once acknowledged, for its database was restored; the edge is to send that
    once more (decision 23).
    """

    version: int = VERSION
    stream: str
    position: _Bounded
    sender: str = ""
    begin_anew: bool = False
    at: Annotated[Instant, _BOUNDS] = Instant(0)
    kept: tuple[tuple[_Bounded, _Bounded], ...] = ()
    again: _Bounded | None = None


class Refused(StrEnum):
    """Why the cloud takes nothing of an edge."""

    UNKNOWN_EDGE = "unknown_edge"
    UNREADABLE = "unreadable"
    OTHER_VERSION = "other_version"
    TOO_LARGE = "too_large"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a batch that is not taken; its items stay in the spool.

    No `Ack`, and without its fields: an agent that does not know this message passes it over.
    """

    version: int = VERSION
    refused: str
    """A `Refused`, or the word of a later version."""


class EdgeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud may push to an edge agent: device types by device, tag or profile name."""

    version: int = VERSION
    device_types: dict[str, str] = {}
    """dev_eui (16 lower-case hex digits) or device profile name → catalogue id."""


def batch_topic(edge_id: str) -> str:
    return f"{TOPIC_ROOT}/{edge_id}/batch"


def ack_topic(edge_id: str) -> str:
    return f"{TOPIC_ROOT}/{edge_id}/ack"


def status_topic(edge_id: str) -> str:
    return f"{TOPIC_ROOT}/{edge_id}/status"


def config_topic(edge_id: str) -> str:
    return f"{TOPIC_ROOT}/{edge_id}/config"


def check_topic(edge_id: str) -> str:
    """Where an edge agent tries the cloud's broker out."""
    return f"{TOPIC_ROOT}/{edge_id}/check"


_encoder = msgspec.msgpack.Encoder()
_batch_decoder = msgspec.msgpack.Decoder(Batch)
_claimed_batch_decoder = msgspec.msgpack.Decoder(ClaimedBatch)
_ack_decoder = msgspec.msgpack.Decoder(Ack)
_refusal_decoder = msgspec.msgpack.Decoder(Refusal)


def encode(message: Batch | Ack | Refusal) -> bytes:
    return _encoder.encode(message)


def decode_batch(payload: bytes) -> Batch:
    """Raises msgspec.DecodeError or msgspec.ValidationError for anything but a Batch."""
    return _batch_decoder.decode(payload)


def decode_claimed_batch(payload: bytes) -> ClaimedBatch:
    """Raises like `decode_batch`, but does not check the edge's outcomes."""
    return _claimed_batch_decoder.decode(payload)


def decode_ack(payload: bytes) -> Ack:
    """Raises msgspec.DecodeError or msgspec.ValidationError for anything but an Ack."""
    return _ack_decoder.decode(payload)


def decode_answer(payload: bytes) -> Ack | Refusal:
    """Raises like `decode_ack` for anything but one of the two."""
    try:
        return decode_ack(payload)
    except msgspec.ValidationError as no_ack:
        try:
            return _refusal_decoder.decode(payload)
        except msgspec.ValidationError:
            raise no_ack from None

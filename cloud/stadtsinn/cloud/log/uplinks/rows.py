"""Uplinks as rows of the log and back: plain tuples, because this is the hot path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.identity import Copy
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink, Radio
from stadtsinn.decoders.reading import Outcome
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.decoders.uplink_bounds import (
    fitted_data_rate,
    fitted_frequency,
    fitted_receptions,
)

_encode = msgspec.msgpack.Encoder().encode
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
_decode_radio = msgspec.msgpack.Decoder(Radio).decode
_NO_RADIO = Radio(0, 0, ())
EMPTY_RADIO = _encode(_NO_RADIO)
_TIME_SOURCES = {source.value: source for source in TimeSource}

INSERTED = (
    "tenant_id",
    "dev_eui",
    "dev_addr",
    "generation",
    "f_cnt",
    "f_port",
    "payload",
    "event_time",
    "time_source",
    "received_at",
    "committed_at",
    "source",
    "deduplication_id",
    "device_type",
    "outcome",
    "radio",
)
"""Columns in the order of `row_of`."""

READ = (
    "position, tenant_id, dev_eui, dev_addr, generation, f_cnt, f_port, payload, event_time, "
    "time_source, received_at, committed_at, source, device_type, outcome"
)
"""Columns in the order that `uplink_of` expects."""

COPIED = (
    "dev_eui, dev_addr, f_cnt, generation, f_port, payload, event_time, time_source, source, "
    "deduplication_id"
)
"""Columns in the order that `copy_of_row` expects."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An uplink to be logged. `source` is ``edge:<edge id>`` or ``<format>:<network server>``."""

    tenant_id: str
    source: str
    device_type: str
    uplink: Uplink
    outcome: bytes
    """MessagePack of decoders' Outcome: what is stored, and sooner written than made of objects."""


def row_of(entry: Entry, generation: int, committed_at: Instant) -> tuple[Any, ...]:
    uplink = entry.uplink
    return (
        entry.tenant_id,
        uplink.dev_eui,
        uplink.dev_addr,
        generation,
        uplink.f_cnt,
        uplink.f_port,
        uplink.payload,
        uplink.event_time,
        uplink.time_source.value,
        uplink.received_at,
        committed_at,
        entry.source,
        uplink.deduplication_id,
        entry.device_type,
        entry.outcome,
        _encode(Radio(uplink.data_rate, uplink.frequency, uplink.receptions)),
    )


def uplink_of(row: Sequence[Any]) -> LoggedUplink:
    return LoggedUplink(
        position=row[0],
        tenant_id=row[1],
        dev_eui=row[2],
        dev_addr=row[3],
        generation=row[4],
        f_cnt=row[5],
        f_port=row[6],
        payload=bytes(row[7]),
        event_time=row[8],
        time_source=_TIME_SOURCES[row[9]],
        received_at=row[10],
        committed_at=row[11],
        source=row[12],
        device_type=row[13],
        outcome=_decode_outcome(row[14]),
    )


MAX_RADIO = 16 * 1024
"""Bytes of radio facts that are read: an uplink within its bounds has less. Older versions stored
whatever came; a longer row of theirs is shown without radio facts."""


def radio_of(encoded: bytes | None) -> Radio:
    """Radio facts within today's bounds, also of a row that an older version stored."""
    if encoded is None or len(encoded) > MAX_RADIO:
        return _NO_RADIO
    radio = _decode_radio(encoded)
    return Radio(
        fitted_data_rate(radio.data_rate),
        fitted_frequency(radio.frequency),
        fitted_receptions(radio.receptions),
    )


def copy_of_entry(entry: Entry, generation: int | None = None) -> Copy:
    uplink = entry.uplink
    return Copy(
        uplink.dev_eui,
        uplink.dev_addr,
        uplink.f_cnt,
        generation,
        uplink.f_port,
        uplink.payload,
        uplink.event_time,
        uplink.time_source,
        entry.source,
        uplink.deduplication_id,
    )


def copy_of_row(row: Sequence[Any]) -> Copy:
    return Copy(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        bytes(row[5]),
        row[6],
        _TIME_SOURCES[row[7]],
        row[8],
        row[9],
    )

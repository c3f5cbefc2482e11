"""Recorded ChirpStack events: one JSON object per line, as an MQTT client can write them down.

``{"topic": …, "payload": "<text>"}`` for the JSON marshaler; ``"payload_base64"`` or
``"payload_hex"`` in place of ``"payload"`` for protobuf. Other keys are ignored. These are what
``mosquitto_sub -F %j`` and ``mosquitto_sub -F '{"topic":"%t","payload_hex":"%x"}'`` print.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town_file.model import DeviceSpec, EdgeSpec, Town
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.messages.chirpstack import UnreadableEvent, read_event

TENANT = "replay"
DEVICE_TAG = "stadtsinn_device"


class _Line(msgspec.Struct):
    topic: str
    payload: str | None = None
    payload_base64: str | None = None
    payload_hex: str | None = None

    def content(self) -> bytes:
        if self.payload is not None:
            return self.payload.encode()
        if self.payload_base64 is not None:
            return base64.b64decode(self.payload_base64, validate=True)
        if self.payload_hex is not None:
            return bytes.fromhex(self.payload_hex)
        raise ValueError("no 'payload', 'payload_base64' or 'payload_hex'")


@dataclass(frozen=True)
class Recorded:
    """One message of a recording; `uplink` where it is one that can be read."""

    topic: str
    payload: bytes
    uplink: Uplink | None

    @property
    def is_up(self) -> bool:
        return self.topic.endswith("/event/up")


@dataclass(frozen=True)
class Recording:
    """All messages in the order of the file; `faults` tells lines that are no messages."""

    messages: tuple[Recorded, ...]
    faults: tuple[str, ...]


def read_recording(path: Path, now: Instant) -> Recording:
    """Read a recording; `now` stands in for the moment of arrival. Raises OSError."""
    decoder = msgspec.json.Decoder(_Line)
    messages, faults = [], []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = decoder.decode(line)
            payload = entry.content()
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            faults.append(f"line {number}: {error}")
            continue
        messages.append(Recorded(entry.topic, payload, _uplink(entry.topic, payload, now)))
    return Recording(tuple(messages), tuple(faults))


def _uplink(topic: str, payload: bytes, now: Instant) -> Uplink | None:
    try:
        event = read_event(topic, payload, now)
    except UnreadableEvent:
        return None
    return event if isinstance(event, Uplink) else None


def town_of(messages: Iterable[Recorded], catalogue: Catalogue, edge_id: str) -> Town:
    """A town that knows the recording's devices whose type can be told.

    The type is the tag ``stadtsinn_device`` or the device profile's name. Devices without a
    known type stay unregistered, so their uplinks end in quarantine with that reason.
    """
    devices: dict[str, DeviceSpec] = {}
    for message in messages:
        uplink = message.uplink
        if uplink is None or uplink.dev_eui in devices:
            continue
        for named in (uplink.tags.get(DEVICE_TAG), uplink.device_profile):
            if named is not None and named in catalogue:
                name = uplink.device_name or uplink.dev_eui
                devices[uplink.dev_eui] = DeviceSpec(dev_eui=uplink.dev_eui, type=named, name=name)
                break
    return Town(
        tenant=TENANT,
        name="Replay",
        edges=(EdgeSpec(id=edge_id, name="Replay"),),
        devices=tuple(devices.values()),
    )

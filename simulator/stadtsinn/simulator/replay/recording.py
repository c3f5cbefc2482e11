"""Recorded events of a network server: one JSON object per line, as an MQTT client writes them.

``{"topic": …, "payload": "<text>"}`` for the JSON marshaler; ``"payload_base64"`` or
``"payload_hex"`` in place of ``"payload"`` for protobuf. Other keys are ignored. These are what
``mosquitto_sub -F %j`` and ``mosquitto_sub -F '{"topic":"%t","payload_hex":"%x"}'`` print.

A recording is of one network server; its format is recognised by the topics.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town.model import Edge
from stadtsinn.cloud.town_file.model import DeviceSection, Town
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.format import (
    UP,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, format_named, format_of_topic

TENANT = "replay"


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
    """One message of a recording; `uplink` where it is one that can be read.

    `is_up`: the cloud gets it, as an uplink or as an event that nobody can read.
    """

    topic: str
    payload: bytes
    uplink: Uplink | None
    is_up: bool


@dataclass(frozen=True)
class Recording:
    """All messages in the order of the file; `faults` lists lines that are no messages."""

    server: NetworkServerFormat
    messages: tuple[Recorded, ...]
    faults: tuple[str, ...]


def read_recording(path: Path, now: Instant, format_name: str | None = None) -> Recording:
    """Read a recording; `now` stands in for the moment of arrival.

    Without `format_name` the first topic that belongs to a format decides. Raises OSError, and
    UnknownFormat for a name that is none.
    """
    decoder = msgspec.json.Decoder(_Line)
    entries: list[tuple[str, bytes]] = []
    faults = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = decoder.decode(line)
            payload = entry.content()
        except (msgspec.DecodeError, binascii.Error, ValueError) as error:
            faults.append(f"line {number}: {error}")
            continue
        entries.append((entry.topic, payload))
    server = format_named(format_name) if format_name else _recognised(entries)
    messages = [_recorded(server, topic, payload, now) for topic, payload in entries]
    return Recording(server, tuple(messages), tuple(faults))


def _recognised(entries: Iterable[tuple[str, bytes]]) -> NetworkServerFormat:
    known = (format_of_topic(topic) for topic, _ in entries)
    return next((one for one in known if one is not None), format_named(DEFAULT_FORMAT))


def _recorded(server: NetworkServerFormat, topic: str, payload: bytes, now: Instant) -> Recorded:
    is_up = server.kind_of(topic) == UP
    try:
        event = server.read(topic, payload, now)
    except UnreadableEvent:
        return Recorded(topic, payload, None, is_up)
    if isinstance(event, OtherEvent):
        return Recorded(topic, payload, None, False)
    return Recorded(topic, payload, event, is_up)


def town_of(messages: Iterable[Recorded], catalogue: Catalogue, edge_id: str) -> Town:
    """A town with the recording's devices whose type is known.

    The type is what the server's attributes of the device say, or its profile's name. Devices
    without a known type stay unregistered, so their uplinks end in quarantine with that reason.
    """
    devices: dict[str, DeviceSection] = {}
    for message in messages:
        uplink = message.uplink
        if uplink is None or uplink.dev_eui in devices:
            continue
        for named in (uplink.device_type, uplink.device_profile):
            if named is not None and named in catalogue:
                name = uplink.device_name or uplink.dev_eui
                devices[uplink.dev_eui] = DeviceSection(
                    dev_eui=uplink.dev_eui, device_type=named, name=name
                )
                break
    return Town(
        tenant=TENANT,
        name="Replay",
        edges=(Edge(id=edge_id, name="Replay"),),
        devices=tuple(devices.values()),
    )

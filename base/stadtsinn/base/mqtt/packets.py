"""MQTT packets in a buffer: where one ends, and what a PUBLISH holds (OASIS MQTT 3.1.1 and 5).

paho parses packets byte by byte; a process that takes thousands of messages a second spends most
of its time there. Only the packet that carries messages is read here, all others are paho's.
"""

from __future__ import annotations

from typing import NamedTuple

_LONGEST_LENGTH = 4
"""Bytes of a remaining length at most."""


class MalformedPacket(ValueError):
    """Bytes that are not MQTT; the connection has to be closed."""


class Packet(NamedTuple):
    """A complete packet: its first byte, and the position of its body in the buffer."""

    command: int
    start: int
    end: int


class Publish(NamedTuple):
    """What a PUBLISH holds; `packet_id` is 0 for QoS 0."""

    topic: str
    payload: bytes
    retained: bool
    packet_id: int
    qos: int


def next_packet(buffer: memoryview, at: int) -> Packet | None:
    """The packet that begins there; None while it is not complete. Raises MalformedPacket."""
    size = len(buffer)
    if size - at < 2:
        return None
    length = buffer[at + 1]
    start = at + 2
    if length > 127:
        found = _variable(buffer, at + 1, size)
        if found is None:
            return None
        length, start = found
    end = start + length
    return Packet(buffer[at], start, end) if end <= size else None


def read_publish(buffer: memoryview, packet: Packet, *, version_5: bool) -> Publish:
    """The message of a PUBLISH. Raises MalformedPacket.

    Properties of MQTT 5 are passed over: a topic alias, the only one that would change a
    message's meaning, needs a client that allows it.
    """
    command, start, end = packet
    if end - start < 2:
        raise MalformedPacket("a PUBLISH without a topic")
    at = start + 2 + (buffer[start] << 8 | buffer[start + 1])
    qos = command >> 1 & 3
    topic_end = at
    packet_id = 0
    if qos:
        if at + 2 > end:
            raise MalformedPacket("a PUBLISH that ends before its packet id")
        packet_id = buffer[at] << 8 | buffer[at + 1]
        at += 2
    if version_5:
        if at >= end:
            raise MalformedPacket("a PUBLISH that ends before its properties")
        length = buffer[at]
        at += 1
        if length > 127:
            found = _variable(buffer, at - 1, end)
            if found is None:
                raise MalformedPacket("a PUBLISH that ends before its properties")
            length, at = found
        at += length
    if at > end:
        raise MalformedPacket("a PUBLISH whose parts are longer than itself")
    return Publish(
        # A broker must not pass on a topic that is no UTF-8; if one does, we go on.
        str(buffer[start + 2 : topic_end], "utf-8", "replace"),
        buffer[at:end].tobytes(),
        bool(command & 1),
        packet_id,
        qos,
    )


def _variable(buffer: memoryview, at: int, end: int) -> tuple[int, int] | None:
    """A variable byte integer and where it ends; None while it is not complete."""
    value = 0
    for number in range(_LONGEST_LENGTH):
        if at + number >= end:
            return None
        byte = buffer[at + number]
        value |= (byte & 127) << 7 * number
        if byte < 128:
            return value, at + number + 1
    raise MalformedPacket("a length of more than four bytes")

"""Packets found in a buffer are those that paho would have read, in whatever pieces they arrive."""

from __future__ import annotations

import struct

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from stadtsinn.base.mqtt.client import MqttClient
from stadtsinn.base.mqtt.packets import MalformedPacket, Publish, next_packet, read_publish


def variable(value: int) -> bytes:
    encoded = bytearray()
    while True:
        value, rest = divmod(value, 128)
        encoded.append(rest | (128 if value else 0))
        if not value:
            return bytes(encoded)


def packet(
    message: Publish, *, version_5: bool, properties: bytes = b"", dup: bool = False
) -> bytes:
    topic = message.topic.encode()
    body = struct.pack("!H", len(topic)) + topic
    if message.qos:
        body += struct.pack("!H", message.packet_id)
    if version_5:
        body += variable(len(properties)) + properties
    body += message.payload
    command = paho.PUBLISH | dup << 3 | message.qos << 1 | message.retained
    return bytes([command]) + variable(len(body)) + body


messages = st.builds(
    lambda topic, payload, retained, packet_id, qos: Publish(
        topic, payload, retained, packet_id if qos else 0, qos
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1),
    st.one_of(st.binary(max_size=20), st.binary(min_size=100, max_size=20_000)),
    st.booleans(),
    st.integers(1, 65_535),
    st.sampled_from([0, 1]),
)
# User properties (0x26) of any length: what a bridge or another publisher may have added.
properties = st.lists(st.binary(max_size=60)).map(
    lambda values: b"".join(b"\x26\0\1k" + struct.pack("!H", len(v)) + v for v in values)
)


def client(version: MQTTProtocolVersion) -> tuple[MqttClient, list[Publish]]:
    tested = MqttClient("c", session_expiry=1, receive_maximum=1, longest_pause=1)
    tested.use_protocol(version)
    taken: list[Publish] = []
    tested.on_publishes = taken.extend
    return tested, taken


@given(
    st.lists(st.tuples(messages, properties, st.booleans()), max_size=8),
    st.booleans(),
    st.lists(st.integers(1, 400), min_size=1),
)
def test_messages_are_the_same_however_their_bytes_are_cut(
    sent: list[tuple[Publish, bytes, bool]], version_5: bool, cuts: list[int]
) -> None:
    version = MQTTProtocolVersion.MQTTv5 if version_5 else MQTTProtocolVersion.MQTTv311
    tested, taken = client(version)
    stream = b"".join(
        packet(message, version_5=version_5, properties=extra, dup=dup)
        for message, extra, dup in sent
    )
    number = 0
    while stream:
        size = cuts[number % len(cuts)]
        number += 1
        tested._received += stream[:size]
        stream = stream[size:]
        assert tested._handle_received() == 0
    assert taken == [message for message, _, _ in sent]
    assert tested._received == b""


def test_other_packets_are_handled_by_paho_in_their_place() -> None:
    tested, taken = client(MQTTProtocolVersion.MQTTv311)
    order: list[object] = []
    tested.on_publishes = order.extend
    tested.on_subscribe = lambda _client, _data, number, _reasons, _properties: order.append(number)
    first, second = (Publish("t", payload, False, 7, 1) for payload in (b"1", b"2"))
    suback = bytes([paho.SUBACK, 3]) + struct.pack("!HB", 42, 1)
    tested._received += packet(first, version_5=False) + suback + packet(second, version_5=False)
    assert tested._handle_received() == 0
    assert order == [first, 42, second]
    assert taken == []


def test_the_messages_are_those_that_paho_reads() -> None:
    """The same bytes through paho's own reader."""
    seen: list[Publish] = []
    theirs = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    theirs.on_message = lambda _client, _data, m: seen.append(
        Publish(m.topic, bytes(m.payload), m.retain, m.mid, m.qos)
    )
    message = Publish("stadt/größe", bytes(range(256)), True, 513, 1)
    raw = packet(message, version_5=True, properties=b"\x26\0\1k\0\1v")
    body = raw[3:]
    theirs._in_packet["command"], theirs._in_packet["packet"] = raw[0], bytearray(body)
    theirs._handle_publish()
    found = next_packet(memoryview(raw), 0)
    assert found is not None
    assert [read_publish(memoryview(raw), found, version_5=True)] == seen == [message]


@pytest.mark.parametrize(
    "raw",
    [
        b"\x32\xff\xff\xff\xff\x01",
        b"\x32\x01\x00",
        b"\x32\x03\x00\x09t",
        b"\x32\x03\x00\x01t",
        b"\x32\x05\x00\x01t\x00\x01",
        b"\x32\x06\x00\x01t\x00\x01\x09",
        b"\x32\x06\x00\x01t\x00\x01\xff",
    ],
    ids=lambda raw: raw.hex(),
)
def test_what_is_no_mqtt_ends_the_connection(raw: bytes) -> None:
    tested, taken = client(MQTTProtocolVersion.MQTTv5)
    tested._received += raw
    with pytest.raises(MalformedPacket):
        tested._handle_received()
    assert taken == []

"""Looks for events in what a text holds, whatever holds them: arrays, envelopes, logs, tables."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stadtsinn.base.sentence import Sentence
from stadtsinn.edge.network_servers.format import NetworkServerFormat
from stadtsinn.simulator.replay import foreign
from stadtsinn.simulator.replay.dating import recorded_at, recorded_in, stamped
from stadtsinn.simulator.replay.documents import Piece, Row, pieces
from stadtsinn.simulator.replay.events import (
    Event,
    as_it_came,
    event_in,
    event_in_protobuf,
    is_gateway_topic,
    server_of_topic,
)
from stadtsinn.simulator.replay.shapes import foreign_in

_DEEPEST = 8
_TOPICS = ("topic", "Topic", "mqtt_topic", "mqttTopic", "_topic", "routing_key")
_PAYLOADS = (
    *("payload", "payload_base64", "payload_hex", "payloadBase64", "payloadHex", "Payload"),
    *("message", "msg", "data", "body", "value", "content", "event", "log", "raw"),
)
_FORWARDED = "as.up.data.forward"
"""Of the events in The Things Stack's console the one that has what applications get."""

_TOKEN = re.compile(r"[^\s\"'`,;=<>()\[\]{}|]+")
_SIZE = re.compile(r"\(\d+ bytes\)")
"""``mosquitto_sub -d`` announces a message with its topic and size."""
_HEX = re.compile(r"(?:0x)?(?:[0-9A-Fa-f]{2}[\s:.-]?){8,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")


@dataclass(frozen=True)
class Found:
    """What was found at a line: an event, or a sentence that says what stands there instead."""

    line: int
    what: Event | Sentence


OTHER = Sentence("an event that is no uplink", "ein Ereignis, das kein Uplink ist")


def found_in(text: str) -> Iterator[Found]:
    """All events of a text in order, and what is said of everything else.

    A text without any may be one payload in hex or base64, in several lines.
    """
    found = [*_in_pieces(text)]
    if all(one.what == foreign.NO_EVENT for one in found):
        found = [Found(1, what) for what in _in_string("".join(text.split()), None, 1)] or found
    yield from found


def _in_pieces(text: str) -> Iterator[Found]:
    waiting: str | None = None
    for piece in pieces(text):
        topic, rest = _topic_of(piece.lead)
        announced = not rest or _SIZE.search(rest) is not None
        if piece.value is None and not piece.broken and topic is not None and announced:
            waiting = topic  # its payload stands in the next line
            continue
        for what in stamped(_in_piece(piece, topic or waiting, rest), recorded_in(piece.lead)):
            yield Found(piece.line, what)
        waiting = None


def _in_piece(piece: Piece, topic: str | None, rest: str) -> Iterator[Event | Sentence]:
    if piece.broken:
        yield foreign.BROKEN
    elif piece.value is None:
        yield from _in_line(rest if topic is not None else piece.lead, topic)
    else:
        yield from _told(piece.value, _in_value(piece.value, topic, _DEEPEST))


def _told(value: object, found: Iterator[Event | Sentence]) -> Iterator[Event | Sentence]:
    """What was found; of a value in which nothing was, one sentence."""
    nothing = True
    for one in found:
        nothing = False
        yield one
    if not nothing:
        return
    if isinstance(value, Row):
        yield foreign.unknown_table(value)
    elif isinstance(value, bytes):
        yield foreign.NO_EVENT
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        yield foreign.unknown_table(())
    elif not isinstance(value, list) or any(isinstance(one, Mapping | list) for one in value):
        yield foreign.unknown_json(value)


# --- values ----------------------------------------------------------------------------


def _in_value(value: Any, topic: str | None, depth: int) -> Iterator[Event | Sentence]:
    if depth == 0:
        return
    if isinstance(value, Mapping):
        yield from stamped(_in_object(value, topic, depth), recorded_at(value))
    elif isinstance(value, str):
        yield from _in_string(value, topic, depth)
    elif isinstance(value, bytes):
        yield from _in_bytes(value, topic, depth)
    elif isinstance(value, list):
        if topic is None:  # a row of a table without heads
            topic = next((one for one in value if isinstance(one, str) and _is_topic(one)), None)
        for one in value:
            if one is not topic:
                yield from _in_value(one, topic, depth - 1)


def _in_object(
    document: Mapping[str, Any], topic: str | None, depth: int
) -> Iterator[Event | Sentence]:
    stated = next((document[key] for key in _TOPICS if isinstance(document.get(key), str)), None)
    topic = stated or topic
    if _is_console_event(document):
        if document["name"] != _FORWARDED:
            yield OTHER
            return
    elif (event := event_in(document, topic)) is not None:
        yield event
        return
    elif stated is None and (sentence := foreign_in(document)) is not None:
        yield sentence
        return
    if stated is not None:
        yield from _in_envelope(document, stated, depth)
        return
    if _is_buffer(document):
        yield from _in_bytes(bytes(document["data"]), topic, depth)
        return
    for key, inner in document.items():
        if isinstance(inner, Mapping | list) or (
            isinstance(inner, str)
            and (key in _PAYLOADS or isinstance(document, Row) or "{" in inner)
        ):
            yield from _in_value(inner, topic, depth - 1)


def _in_envelope(document: Mapping[str, Any], topic: str, depth: int) -> Iterator[Event | Sentence]:
    """A message with its topic. One of a network server's is taken as it is, readable or not."""
    key = next((key for key in _PAYLOADS if document.get(key) is not None), None)
    if key is None:
        yield foreign.WITHOUT_PAYLOAD
        return
    payload = document[key]
    if _is_buffer(payload):
        payload = bytes(payload["data"])
    elif isinstance(payload, list) and payload and all(_is_octet(one) for one in payload):
        payload = bytes(payload)
    server = server_of_topic(topic)
    if payload in ("", b"") and document.get("payloadlen"):
        yield foreign.EMPTY
    elif isinstance(payload, str):
        yield from _in_payload(payload, key, topic, server, depth)
    elif isinstance(payload, bytes):
        yield from _in_bytes(payload, topic, depth)
    else:
        yield from _told(payload, _in_value(payload, topic, depth - 1))


def _in_payload(
    payload: str, key: str, topic: str, server: NetworkServerFormat | None, depth: int
) -> Iterator[Event | Sentence]:
    encoded = key.lower().endswith(("hex", "base64"))
    plain = (
        _bytes_of(payload, key) if encoded or not payload.lstrip().startswith(("{", "[")) else None
    )
    if plain is not None:
        yield from _in_bytes(plain, topic, depth)
    elif encoded:
        yield foreign.WRONG_PAYLOAD
    elif server is None:
        yield from _told({}, _in_string(payload, topic, depth))
    else:
        sentence = next(
            (one for one in _in_string(payload, topic, depth) if isinstance(one, Sentence)), None
        )
        yield sentence or as_it_came(server, topic, payload.encode("utf-8", "replace"))


# --- text and bytes --------------------------------------------------------------------


def _in_string(text: str, topic: str | None, depth: int) -> Iterator[Event | Sentence]:
    if "{" in text or "[" in text:
        for piece in pieces(text):
            if piece.value is not None and not isinstance(piece.value, bytes):
                stated, _ = _topic_of(piece.lead)
                yield from _in_value(piece.value, stated or topic, depth - 1)
    elif (content := _bytes_of(text)) is not None:
        yield from _in_bytes(content, topic, depth)


def _in_line(text: str, topic: str | None) -> Iterator[Event | Sentence]:
    """A line without JSON: a payload in hex or base64, or no event."""
    content = _bytes_of(text)
    if content is None:
        server = server_of_topic(topic) if topic is not None else None
        yield foreign.WRONG_PAYLOAD if server is not None and text else foreign.NO_EVENT
        return
    yield from _told(b"", _in_bytes(content, topic, _DEEPEST))


def _in_bytes(content: bytes, topic: str | None, depth: int) -> Iterator[Event | Sentence]:
    server = server_of_topic(topic) if topic is not None else None
    if content.lstrip()[:1] in (b"{", b"["):
        text = content.decode("utf-8", "replace")
        found = [*_in_string(text, topic, depth - 1)]
        if found or server is None:
            yield from found
            return
    if topic is not None and server is not None:
        yield as_it_came(server, topic, content)
    elif topic is not None and is_gateway_topic(topic):
        yield foreign.ENCRYPTED
    elif (event := event_in_protobuf(content)) is not None:
        yield event


def _bytes_of(text: str, key: str = "") -> bytes | None:
    """The bytes that a text writes in hex or base64; `key` may say which. None for other text."""
    stripped = text.strip().strip("\"'")
    try:
        if not key.lower().endswith("base64") and (
            _HEX.fullmatch(stripped) or key.lower().endswith("hex")
        ):
            return bytes.fromhex(re.sub(r"[\s:.-]|^0x", "", stripped))
        if _BASE64.fullmatch(stripped) or key.lower().endswith("base64"):
            standard = stripped.replace("-", "+").replace("_", "/").rstrip("=")
            return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None
    return None


def _topic_of(lead: str) -> tuple[str | None, str]:
    """The topic in a line's text, and what stands behind it."""
    for token in _TOKEN.finditer(lead):
        topic = token[0].rstrip(":")
        if "/" in topic and _is_topic(topic):
            return topic, lead[token.end() :].strip(" \t:=>\"'`,")
    return None, lead


def _is_topic(text: str) -> bool:
    return len(text) < 500 and (server_of_topic(text) is not None or _is_gateways(text))


def _is_gateways(text: str) -> bool:
    return is_gateway_topic(text) and "://" not in text and "/event/" in text


def _is_console_event(document: Mapping[str, Any]) -> bool:
    return isinstance(document.get("name"), str) and "identifiers" in document


def _is_buffer(value: object) -> bool:
    """Bytes as Node.js prints them."""
    return (
        isinstance(value, Mapping)
        and value.get("type") == "Buffer"
        and isinstance(value.get("data"), list)
        and all(_is_octet(one) for one in value["data"])
    )


def _is_octet(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 256

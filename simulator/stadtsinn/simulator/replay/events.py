"""Recognises events of the network servers that can be read, whatever topic they came with.

Each gets the topic that its server publishes it on, because that is what agents subscribe to: a
prefix for the region and a template of one's own are cut off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stadtsinn.base.instant import Instant
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import UP, NetworkServerFormat
from stadtsinn.edge.network_servers.formats import format_named, format_of_topic
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack

_EUI = re.compile(r"[0-9A-Fa-f]{16}")
_APPLICATION = re.compile(r"application/([^/+#]+)/")
_THE_THINGS = re.compile(
    r"(?:^|/)(v3/[^/]+/(?:devices/[^/]+/)?(?:up|join|down|location|service)\b)"
)
_SNAKE = re.compile(r"_([a-z0-9])")

_NOBODYS = "replay"
"""The application where neither topic nor event names one."""

_CHIRPSTACK_KINDS = (
    ("up", ("data", "rxInfo", "fPort", "fCnt")),
    ("txack", ("downlinkId", "gatewayId")),
    ("ack", ("acknowledged", "queueItemId")),
    ("log", ("level", "code")),
    ("status", ("margin", "batteryLevel")),
    ("location", ("location",)),
    ("integration", ("integrationName",)),
    ("join", ("devAddr",)),
)
"""What tells the kind of an event without a topic, in this order."""

_THINGS_KINDS = {
    "uplink_message": "up",
    "uplink_normalized": "up/normalized",
    "join_accept": "join",
    "location_solved": "location/solved",
    "service_data": "service/data",
}
_THINGS_DOWN = "downlink_"


@dataclass(frozen=True)
class Event:
    """One event of a network server, with the topic that its agents subscribe to.

    `recorded`: when a recorder took it; None where nothing says that.
    """

    server: NetworkServerFormat
    topic: str
    payload: bytes
    recorded: Instant | None = None


def server_of_topic(topic: str) -> NetworkServerFormat | None:
    """The network server whose applications' events have such a topic; a gateway's frames, whose
    topics end alike, have none."""
    return None if is_gateway_topic(topic) else format_of_topic(topic)


def is_gateway_topic(topic: str) -> bool:
    return "/gateway/" in f"/{topic}"


def as_it_came(server: NetworkServerFormat, topic: str, payload: bytes) -> Event:
    """A message on one of the server's topics."""
    return Event(server, _subscribed(server, topic), payload)


def event_in(document: Mapping[str, Any], topic: str | None) -> Event | None:
    """The event that a JSON object is; None for any other object."""
    info = document.get("deviceInfo")
    if isinstance(info, Mapping) and "devEui" in info:
        return _chirpstack(document, info, topic)
    if isinstance(snake := document.get("device_info"), Mapping) and "dev_eui" in snake:
        camel = _camel(document)
        return _chirpstack(camel, camel["deviceInfo"], topic)
    ids = document.get("end_device_ids")
    if isinstance(ids, Mapping):
        return _the_things(document, ids, topic)
    return None


def event_in_protobuf(payload: bytes) -> Event | None:
    """An uplink of ChirpStack in protobuf, without its topic; None for any other bytes."""
    from chirpstack_api import integration
    from google.protobuf.message import DecodeError

    try:
        event = integration.UplinkEvent.FromString(payload)
    except DecodeError:
        return None
    info = event.device_info
    if not _EUI.fullmatch(info.dev_eui) or not event.rx_info:
        return None
    topic = _chirpstack_topic(info.application_id, info.dev_eui, UP)
    return Event(format_named(ChirpStack.name), topic, payload)


# --- ChirpStack ------------------------------------------------------------------------


def _chirpstack(
    document: Mapping[str, Any], info: Mapping[str, Any], topic: str | None
) -> Event | None:
    server = format_named(ChirpStack.name)
    payload = json.dumps(document).encode()
    if topic is not None and server_of_topic(topic) is server:
        return as_it_came(server, topic, payload)
    word = next((word for word, keys in _CHIRPSTACK_KINDS if document.keys() & {*keys}), None)
    if word is None:
        return None
    return Event(
        server, _chirpstack_topic(info.get("applicationId"), info.get("devEui"), word), payload
    )


def _chirpstack_topic(application: object, dev_eui: object, word: str) -> str:
    return f"application/{_level(application)}/device/{_level(dev_eui)}/event/{word}"


def _camel(value: Any) -> Any:
    """Names as ChirpStack's JSON has them, where a program wrote those of the protobuf schema."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        _SNAKE.sub(lambda found: found[1].upper(), name): (
            inner if name in {"object", "tags", "metadata"} else _camel(inner)
        )
        for name, inner in value.items()
    }


# --- The Things Stack ------------------------------------------------------------------


def _the_things(
    document: Mapping[str, Any], ids: Mapping[str, Any], topic: str | None
) -> Event | None:
    server = format_named(TheThingsStack.name)
    payload = json.dumps(document).encode()
    if topic is not None and server_of_topic(topic) is server:
        return as_it_came(server, topic, payload)
    word = next((word for key, word in _THINGS_KINDS.items() if key in document), None)
    if word is None and any(key.startswith(_THINGS_DOWN) for key in document):
        word = "down/sent"
    if word is None:
        return None
    applications = ids.get("application_ids")
    application = applications.get("application_id") if isinstance(applications, Mapping) else None
    device = ids.get("device_id")
    return Event(server, f"v3/{_level(application)}/devices/{_level(device)}/{word}", payload)


# --- topics ----------------------------------------------------------------------------


def _subscribed(server: NetworkServerFormat, topic: str) -> str:
    """The topic as agents subscribe to it."""
    if server.name == ChirpStack.name and (found := server.topic_end.search(topic)) is not None:
        application = _APPLICATION.search(topic)
        stated = application[1] if application is not None else None
        return _chirpstack_topic(stated, found["device"], found["kind"])
    if server.name == TheThingsStack.name and (cut := _THE_THINGS.search(topic)) is not None:
        return topic[cut.start(1) :]
    return topic


def _level(text: object) -> str:
    """One level of a topic; some signs are none."""
    plain = re.sub(r"[/+#\x00-\x1f]", "-", text) if isinstance(text, str) else ""
    return plain or _NOBODYS

"""Gives a recorded event the time of its network server, where it states none that agents read.

In service such an event is dated by its arrival, which in a replay is today. What was recorded
says more: a time in another notation, the recorder's own clock, the clocks of the gateways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from stadtsinn.base.instant import SECOND, Instant, from_datetime, isoformat
from stadtsinn.base.sentence import Sentence
from stadtsinn.decoders.uplink import TimeSource, Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.event_time import EARLIEST, FUTURE_TOLERANCE, gps_to_instant
from stadtsinn.edge.network_servers.the_things_stack import TheThingsStack
from stadtsinn.simulator.replay.events import Event

UNDATED = Sentence(
    "an uplink without a time that can be used (none, before 2020, or in the future): it counts as "
    "of now; write its time as in 2026-09-26T08:00:00Z",
    "ein Uplink ohne brauchbare Zeit (keine, vor 2020 oder in der Zukunft): er zählt als jetzt "
    "empfangen; seine Zeit wie in 2026-09-26T08:00:00Z schreiben",
)

_RECORDERS = ("tst", "timestamp", "@timestamp", "ts", "time", "date", "created_at", "createAt")
"""What recorders call the moment when a message came."""
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?")
_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?")
_GPS = re.compile(r"(\d{1,12})(?:\.\d{1,9})?s")
_UNITS = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""From this number on it counts nanoseconds, micro-, milliseconds, seconds: in µs each."""


def moment_in(value: object) -> Instant | None:
    """A moment in any notation of programs; without an offset it is UTC, as servers write it."""
    if isinstance(value, Mapping):  # a protobuf Timestamp as JavaScript shows it
        return moment_in(value.get("seconds"))
    if isinstance(value, str) and (found := _ISO.match(value.strip())) is not None:
        return _of_text(found[0])
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e19:
        return None
    return Instant(int(value * next(unit for least, unit in _UNITS if value >= least)))


def _of_text(text: str) -> Instant | None:
    try:
        stated = datetime.fromisoformat(text)
        return from_datetime(stated if stated.tzinfo else stated.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def recorded_at(envelope: Mapping[str, Any]) -> Instant | None:
    """When a recorder took the message that such an object holds."""
    moments = (moment_in(envelope.get(name)) for name in _RECORDERS)
    return next((moment for moment in moments if moment is not None), None)


def recorded_in(line: str) -> Instant | None:
    """The same of the text before a message in its line."""
    found = _ISO.search(line)
    return None if found is None else _of_text(found[0])


def stamped(
    found: Iterator[Event | Sentence], moment: Instant | None
) -> Iterator[Event | Sentence]:
    """What was found; events that know no recorder's time get this one."""
    for one in found:
        if isinstance(one, Event) and one.recorded is None and moment is not None:
            yield replace(one, recorded=moment)
        else:
            yield one


def dated(event: Event, read: Uplink, now: Instant) -> Event | None:
    """The event with a time that agents believe; None where nothing tells one.

    `read`: the uplink that it is as it was recorded.
    """
    if read.time_source is not TimeSource.ARRIVAL:
        return event
    document, place = _document(event.payload), _PLACES[event.server.name]
    gateways = [*_gateways(_at(document, place.receptions), now)]
    stated = moment_in(_at(document, place.time))
    for moment in (stated, event.recorded, max(gateways, default=None)):
        if moment is not None and _can_be(moment, now):
            return replace(event, payload=_with_time(event.payload, place.time, moment))
    return None


@dataclass(frozen=True)
class _Place:
    """Where an event of a network server has its own time, and its receptions."""

    time: tuple[str, ...]
    receptions: tuple[str, ...]


_PLACES = {
    ChirpStack.name: _Place(("time",), ("rxInfo",)),
    TheThingsStack.name: _Place(
        ("uplink_message", "received_at"), ("uplink_message", "rx_metadata")
    ),
}
_OF_GATEWAYS = ("gwTime", "time", "gps_time", "nsTime", "received_at")


def _gateways(receptions: object, now: Instant) -> Iterator[Instant]:
    """The times of an event's receptions that can be."""
    for reception in receptions if isinstance(receptions, list) else []:
        if not isinstance(reception, Mapping):
            continue
        moments = [moment_in(reception.get(name)) for name in _OF_GATEWAYS]
        if gps := _GPS.fullmatch(str(reception.get("timeSinceGpsEpoch"))):
            moments.append(gps_to_instant(int(gps[1]) * SECOND))
        yield from (one for one in moments if one is not None and _can_be(one, now))


def _can_be(moment: Instant, now: Instant) -> bool:
    return EARLIEST <= moment <= now + FUTURE_TOLERANCE


def _at(document: object, path: Sequence[str]) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _is_json(payload: bytes) -> bool:
    return payload.lstrip()[:1] == b"{"


def _document(payload: bytes) -> Any:
    """An event as JSON has it, whichever way it was written."""
    if _is_json(payload):
        return json.loads(payload.decode("utf-8", "replace"))
    from chirpstack_api import integration
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(integration.UplinkEvent.FromString(payload))


def _with_time(payload: bytes, path: Sequence[str], moment: Instant) -> bytes:
    """The event with this as its network server's time."""
    if _is_json(payload):
        inner = document = _document(payload)
        for name in path[:-1]:
            inner = inner[name]
        inner[path[-1]] = isoformat(moment)
        return json.dumps(document).encode()
    from chirpstack_api import integration

    event = integration.UplinkEvent.FromString(payload)
    event.time.FromMicroseconds(moment)
    return bytes(event.SerializeToString())

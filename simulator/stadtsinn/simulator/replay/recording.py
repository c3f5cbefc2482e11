"""A recording of a network server's events, as people have them (docs/simulator.md).

JSON lines of an MQTT client (``mosquitto_sub -F %j``), topics before JSON, arrays, the console's
downloads, protobuf in hex or base64, packed or not, in any encoding of Windows. What is no event
is named, with what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Sentence
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
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, format_named
from stadtsinn.simulator.replay.dating import UNDATED, dated
from stadtsinn.simulator.replay.events import Event
from stadtsinn.simulator.replay.finding import OTHER, Found, found_in
from stadtsinn.simulator.replay.foreign import foreign_text
from stadtsinn.simulator.replay.packing import text_of
from stadtsinn.simulator.replay.refusal import NotARecording

TENANT = "replay"


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
    """All messages, oldest first; `faults` says what else stood in the file, and where."""

    server: NetworkServerFormat
    messages: tuple[Recorded, ...]
    faults: tuple[Sentence, ...]
    others: int = 0
    """Events that are no uplinks, and were left out."""

    def require_uplinks(self) -> None:
        """Raises NotARecording, saying all that is known, where no uplink can be read."""
        if any(message.uplink is not None for message in self.messages):
            return
        count = len(self.messages) + self.others
        nothing = Sentence(
            f"no uplink can be read (events: {count})" if count else "no event was found",
            f"kein Uplink ist lesbar (Ereignisse: {count})" if count else "kein Ereignis gefunden",
        )
        told = (nothing, *self.faults)
        raise NotARecording.of(Sentence.joined(told, "\n"))


def read_recording(path: Path, now: Instant, format_name: str | None = None) -> Recording:
    """Read a recording; `now` stands in for the moment of arrival.

    It is of one network server: of `format_name`, else of the one that most events are of. Raises
    OSError, NotARecording for a file that is none, and UnknownFormat for a name that is none.
    """
    text = text_of(path)
    if (sentence := foreign_text(text)) is not None:
        raise NotARecording.of(sentence)
    found = [*found_in(text)]
    server = format_named(format_name) if format_name else _recognised(found)
    messages: list[Recorded] = []
    faults = _Faults()
    for one in found:
        if isinstance(one.what, Sentence):
            faults.note(one.line, one.what)
        elif one.what.server is not server:
            faults.note(one.line, _of_another(one.what.server, server))
        else:
            message, unreadable = _recorded(one.what, now)
            messages.append(message)
            if unreadable is not None:
                faults.note(one.line, unreadable)
    others = sum(one.what == OTHER for one in found)
    return Recording(server, tuple(_oldest_first(messages)), faults.told(), others)


class _Faults:
    """What is said of a file: the same only once, with the first line and how often."""

    def __init__(self) -> None:
        self._lines: dict[Sentence, list[int]] = {}

    def note(self, line: int, sentence: Sentence) -> None:
        if sentence != OTHER:
            self._lines.setdefault(sentence, []).append(line)

    def told(self) -> tuple[Sentence, ...]:
        return tuple(_placed(sentence, lines) for sentence, lines in self._lines.items())


def _placed(sentence: Sentence, lines: Sequence[int]) -> Sentence:
    others = len(lines) - 1
    english = f" and {others} more" if others else ""
    german = f" und {others} weitere" if others else ""
    return Sentence(
        f"line {lines[0]}{english}: {sentence.english}",
        f"Zeile {lines[0]}{german}: {sentence.german}",
    )


def _recognised(found: Iterable[Found]) -> NetworkServerFormat:
    servers = Counter(one.what.server.name for one in found if isinstance(one.what, Event))
    return format_named(servers.most_common(1)[0][0] if servers else DEFAULT_FORMAT)


def _of_another(server: NetworkServerFormat, recorded: NetworkServerFormat) -> Sentence:
    return Sentence(
        f"an event of {server.title}, not of {recorded.title}: replay it alone, with --format "
        f"{server.name}",
        f"ein Ereignis von {server.title}, nicht von {recorded.title}: allein abspielen, mit "
        f"--format {server.name}",
    )


def _recorded(event: Event, now: Instant) -> tuple[Recorded, Sentence | None]:
    """The message of an event, and what is said of an uplink that cannot be read."""
    is_up = event.server.kind_of(event.topic) == UP
    try:
        read = event.server.read(event.topic, event.payload, now)
    except UnreadableEvent as error:
        said = Sentence(
            f"an uplink that cannot be read: {error}", f"ein Uplink, der nicht lesbar ist: {error}"
        )
        return Recorded(event.topic, event.payload, None, is_up), said
    if isinstance(read, OtherEvent):
        return Recorded(event.topic, event.payload, None, False), None
    if (with_time := dated(event, read, now)) is None:
        return Recorded(event.topic, event.payload, read, is_up), UNDATED
    if with_time is not event:
        return _recorded(with_time, now)
    return Recorded(event.topic, event.payload, read, is_up), None


def _oldest_first(messages: Sequence[Recorded]) -> Sequence[Recorded]:
    """Consoles list the newest event first: then all are turned around."""
    times = [message.uplink.event_time for message in messages if message.uplink is not None]
    newest_first = len(times) > 1 and times[0] > times[-1]
    if newest_first and all(a >= b for a, b in pairwise(times)):
        return messages[::-1]
    return messages


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

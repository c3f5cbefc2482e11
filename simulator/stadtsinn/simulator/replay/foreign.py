"""Says what people feed in that is no event of a network server that can be read.

What has no entry here or in `shapes` is described by its keys; no value is ever repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Sentence

_MOST_KEYS = 6
_LONGEST_KEY = 24
_DEEPEST = 4


def foreign_text(text: str) -> Sentence | None:
    """What a whole text is, where it holds no JSON by its kind."""
    beginning = text.lstrip()[:2000]
    return next(
        (sentence for pattern, sentence in _TEXTS if pattern.match(beginning)),
        None,
    )


def unknown_json(document: object) -> Sentence:
    """What is said of JSON in which no event was found."""
    keys = _keys(document)
    if any(_plain(key) in _DEVICE_KEYS for key in _all_keys(document, _DEEPEST)):
        return Sentence(
            f"an event of a network server that is not known here (keys: {keys}): stadtsinn reads "
            "ChirpStack 4 and The Things Stack 3; connect the gateways to one of them, or convert "
            "it to ChirpStack's JSON",
            f"ein Ereignis eines Netzwerkservers, der hier nicht bekannt ist (Schlüssel: {keys}): "
            "stadtsinn liest ChirpStack 4 und The Things Stack 3; die Gateways an einen davon "
            "anschließen oder nach ChirpStacks JSON umwandeln",
        )
    return Sentence(
        f"JSON without an event of a network server (keys: {keys}): {_RECORD.english}",
        f"JSON ohne Ereignis eines Netzwerkservers (Schlüssel: {keys}): {_RECORD.german}",
    )


def unknown_table(heads: Iterable[str]) -> Sentence:
    """What is said of a table in which no event was found. Without heads its first row has values,
    so none are shown where they name no device."""
    named = [*heads]
    if any(_plain(head) in _DEVICE_KEYS for head in named):
        columns = _list(named)
        return Sentence(
            f"a table (CSV) with devices (columns: {columns}): a list of devices is for 'stadtsinn "
            "registry import-devices'; a recording has the network server's events as JSON",
            f"eine Tabelle (CSV) mit Geräten (Spalten: {columns}): eine Geräteliste ist für "
            "'stadtsinn registry import-devices'; eine Aufzeichnung hat die Ereignisse des "
            "Netzwerkservers als JSON",
        )
    return Sentence(
        f"a table (CSV) without events of a network server: {_RECORD.english}",
        f"eine Tabelle (CSV) ohne Ereignisse eines Netzwerkservers: {_RECORD.german}",
    )


_RECORD = Sentence(
    "record them with mosquitto_sub -F %j",
    "mit mosquitto_sub -F %j aufzeichnen",
)
_HEX = re.compile(r"[0-9A-Fa-f:\s.-]{12,}")
_DEVICE_KEYS = frozenset(
    {"deveui", "devuid", "deviceeui", "eui", "deveuiuplink", "hardwareserial", "devaddr"}
)

CONNECT = Sentence(
    "connect its gateways to ChirpStack 4 or The Things Stack 3 and record there",
    "die Gateways an ChirpStack 4 oder The Things Stack 3 anschließen und dort aufzeichnen",
)
DECODED = Sentence(
    "values that somebody decoded, without the bytes of the sensor: record the network server's "
    "events ('mosquitto_sub -F %j')",
    "schon dekodierte Werte ohne die Bytes des Sensors: die Ereignisse des Netzwerkservers "
    "aufzeichnen ('mosquitto_sub -F %j')",
)

ENCRYPTED = Sentence(
    "a LoRaWAN frame as gateways send it, which is still encrypted: record the application's "
    "events (MQTT topic application/#, or the tab 'Events' of the device), not its frames",
    "ein LoRaWAN-Frame, wie Gateways ihn senden, noch verschlüsselt: die Ereignisse der Anwendung "
    "aufzeichnen (MQTT-Topic application/#, oder der Reiter 'Events' des Geräts), nicht die Frames",
)
EMPTY = Sentence(
    "the payload is missing: 'mosquitto_sub -F %j' leaves binary payloads (protobuf) out; record "
    'with -F \'{"topic":"%t","payload_hex":"%x"}\'',
    "die Nutzdaten fehlen: 'mosquitto_sub -F %j' lässt binäre (Protobuf) weg; aufzeichnen mit "
    '-F \'{"topic":"%t","payload_hex":"%x"}\'',
)
WITHOUT_PAYLOAD = Sentence(
    "a topic without 'payload', 'payload_base64' or 'payload_hex'",
    "ein Topic ohne 'payload', 'payload_base64' oder 'payload_hex'",
)
WRONG_PAYLOAD = Sentence(
    "the payload is neither JSON nor hex nor base64: record protobuf events with "
    'mosquitto_sub -F \'{"topic":"%t","payload_hex":"%x"}\'',
    "die Nutzdaten sind weder JSON noch hexadezimal noch Base64: Protobuf-Ereignisse aufzeichnen "
    'mit mosquitto_sub -F \'{"topic":"%t","payload_hex":"%x"}\'',
)
BROKEN = Sentence(
    "JSON that cannot be read: was it cut off while it was written or copied?",
    "nicht lesbares JSON: wurde es beim Schreiben oder Kopieren abgeschnitten?",
)
NO_EVENT = Sentence("no event, but other text", "kein Ereignis, sondern anderer Text")


# --- whole texts -----------------------------------------------------------------------

_TEXTS: tuple[tuple[re.Pattern[str], Sentence], ...] = (
    (
        re.compile(r"<(?:!doctype html|html|head|body)", re.IGNORECASE),
        Sentence(
            "a web page (HTML), perhaps a login: download the events themselves",
            "eine Webseite (HTML), vielleicht die Anmeldung: die Ereignisse selbst herunterladen",
        ),
    ),
    (
        re.compile(r"<(?:\?xml|[A-Za-z][\w:-]*[\s>])"),
        Sentence(
            f"XML (of Actility ThingPark?): {CONNECT.english}",
            f"XML (von Actility ThingPark?): {CONNECT.german}",
        ),
    ),
    (
        re.compile(r"(?:# DDL|# DML|#group,|#datatype,|name: \w|name,(?:tags,)?time,)"),
        Sentence(
            f"a dump of InfluxDB: {DECODED.english}", f"ein Dump von InfluxDB: {DECODED.german}"
        ),
    ),
    (
        re.compile(
            r"[^\s,=#{\[]+(?:,[^\s,=]+=(?:[^\s,\\]|\\.)+)+ [^\s=,]+=\S.*?(?: \d{10,19})?(?:\n|$)"
        ),
        Sentence(
            f"InfluxDB's line protocol: {DECODED.english}",
            f"Zeilenprotokoll von InfluxDB: {DECODED.german}",
        ),
    ),
    (
        re.compile(r"(?:\[\[?\w+\]\]?|tenant\s*=\s*\")"),
        Sentence(
            "a configuration or a town file (TOML): a town file is for 'stadtsinn registry apply', "
            "or for --town",
            "eine Konfiguration oder Stadtdatei (TOML): eine Stadtdatei ist für 'stadtsinn "
            "registry apply' oder für --town",
        ),
    ),
)


def _keys(document: object) -> str:
    if isinstance(document, list):
        document = next((one for one in document if isinstance(one, Mapping)), {})
    return _list(document) if isinstance(document, Mapping) else "–"


def _list(names: Iterable[object]) -> str:
    shown = [_shown(str(name)) for name in names]
    more = ", …" if len(shown) > _MOST_KEYS else ""
    return ", ".join(shown[:_MOST_KEYS]) + more or "–"


def _shown(name: str) -> str:
    """A key, or the head of a column. In a table without heads there stands a value, which may be
    a key of a device."""
    return "…" if _HEX.fullmatch(name.strip()) else visible(name)[:_LONGEST_KEY]


def _all_keys(value: object, depth: int) -> Iterable[str]:
    if depth == 0:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _all_keys(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value[:20]:
            yield from _all_keys(inner, depth - 1)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())

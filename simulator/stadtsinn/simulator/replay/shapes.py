"""The shapes of JSON of other products, each with what it is and what to do.

The first that fits counts: what is special stands before what is general.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stadtsinn.base.sentence import Sentence
from stadtsinn.simulator.replay.foreign import CONNECT, DECODED, ENCRYPTED

_Document = Mapping[str, Any]


@dataclass(frozen=True)
class _Shape:
    sentence: Sentence
    fits: Callable[[_Document], bool]


def foreign_in(document: _Document) -> Sentence | None:
    """What a JSON object is, where its shape is one of another product."""
    return next((shape.sentence for shape in _SHAPES if shape.fits(document)), None)


def _at(document: object, path: str) -> object:
    """What lies at ``a.b``; of a list the first."""
    for name in path.split("."):
        if isinstance(document, list):
            document = document[0] if document else None
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _has(*paths: str) -> Callable[[_Document], bool]:
    return lambda document: all(_at(document, path) is not None for path in paths)


def _either(*fits: Callable[[_Document], bool]) -> Callable[[_Document], bool]:
    return lambda document: any(one(document) for one in fits)


def _server(
    english: str, fits: Callable[[_Document], bool], remedy: Sentence, german: str
) -> _Shape:
    return _Shape(Sentence(f"{english}: {remedy.english}", f"{german}: {remedy.german}"), fits)


_OWN_SERVER = Sentence(
    "switch the gateway from its own network server to packet forwarding (Basics Station, or "
    "Semtech UDP) to a ChirpStack 4 and record there",
    "das Gateway vom eigenen Netzwerkserver auf Weiterleiten (Basics Station oder Semtech UDP) an "
    "ein ChirpStack 4 umstellen und dort aufzeichnen",
)
_UPGRADE = Sentence(
    "stadtsinn reads version 4 (its event has 'deviceInfo'); upgrade, or record at a ChirpStack 4",
    "stadtsinn liest Version 4 (deren Ereignis hat 'deviceInfo'); aktualisieren oder an einem "
    "ChirpStack 4 aufzeichnen",
)
_SHAPES: tuple[_Shape, ...] = (
    _Shape(ENCRYPTED, _either(_has("phyPayload"), _has("phy_payload"), _has("phyPayload.mhdr"))),
    _server(
        "data of the Semtech UDP packet forwarder, still encrypted",
        _either(_has("rxpk"), _has("txpk"), _has("txpk_ack"), _has("stat.rxnb"), _has("stat.rxok")),
        Sentence("record behind the network server", "hinter dem Netzwerkserver aufzeichnen"),
        "Daten des Semtech UDP Packet Forwarder, noch verschlüsselt",
    ),
    _server(
        "a message of LoRa Basics Station, still encrypted",
        lambda document: isinstance(document.get("msgtype"), str),
        Sentence("record behind the network server", "hinter dem Netzwerkserver aufzeichnen"),
        "eine Nachricht von LoRa Basics Station, noch verschlüsselt",
    ),
    _server(
        "an event of a gateway's own network server (as Milesight's), or of LoRa Server 1 or 2",
        _either(
            _has("devEUI", "rxInfo.mac"),
            _has("devEUI", "txInfo.dataRate.spreadFactor"),
            _has("devEUI", "gatewaySN"),
        ),
        _OWN_SERVER,
        "ein Ereignis des eigenen Netzwerkservers eines Gateways (etwa Milesight) oder von LoRa "
        "Server 1 oder 2",
    ),
    _server(
        "an event of a gateway's own network server (as RAKwireless')",
        _either(_has("devEUI", "data_encode"), _has("devEUI", "dataEncode")),
        _OWN_SERVER,
        "ein Ereignis des eigenen Netzwerkservers eines Gateways (etwa RAKwireless)",
    ),
    _server(
        "an event of a gateway's own network server (as MultiTech's)",
        _either(_has("deveui", "tmst"), _has("deveui", "datr"), _has("deveui", "appeui", "gweui")),
        _OWN_SERVER,
        "ein Ereignis des eigenen Netzwerkservers eines Gateways (etwa MultiTech)",
    ),
    _server(
        "an event of ChirpStack 3",
        _either(
            *(
                _has("devEUI", other)
                for other in (
                    *("applicationID", "rxInfo", "txInfo", "objectJSON", "publishedAt"),
                    *("deviceProfileID", "applicationName", "confirmedUplink"),
                )
            )
        ),
        _UPGRADE,
        "ein Ereignis von ChirpStack 3",
    ),
    _server(
        "an event of The Things Network's Stack 2, which was switched off in 2021",
        _either(_has("app_id", "dev_id"), _has("payload_raw", "metadata"), _has("hardware_serial")),
        Sentence(
            "it lacks the session; record at The Things Stack 3 (v3/…/up) or ChirpStack 4",
            "ihm fehlt die Sitzung; an The Things Stack 3 (v3/…/up) oder ChirpStack 4 aufzeichnen",
        ),
        "ein Ereignis von The Things Network (Stack 2, 2021 abgeschaltet)",
    ),
    _server(
        "an event of Helium's former console",
        _either(
            _has("dev_eui", "hotspots"),
            _has("dev_eui", "downlink_url"),
            _has("app_eui", "dev_eui", "fcnt"),
        ),
        Sentence(
            "Helium's console is a ChirpStack 4 today: record its events there",
            "Heliums Konsole ist heute ein ChirpStack 4: die Ereignisse dort aufzeichnen",
        ),
        "ein Ereignis der früheren Helium-Konsole",
    ),
    _server(
        "a message of LORIOT",
        lambda document: isinstance(document.get("cmd"), str) and "EUI" in document,
        CONNECT,
        "eine Nachricht von LORIOT",
    ),
    _server(
        "an event of Actility ThingPark",
        lambda document: any(key.startswith("DevEUI_") for key in document),
        CONNECT,
        "ein Ereignis von Actility ThingPark",
    ),
    _server(
        "an event of AWS IoT Core for LoRaWAN",
        _either(_has("WirelessDeviceId"), _has("WirelessMetadata")),
        CONNECT,
        "ein Ereignis von AWS IoT Core für LoRaWAN",
    ),
    _server(
        "a message of Everynet",
        _either(_has("meta.device", "params"), _has("meta.packet_id")),
        CONNECT,
        "eine Nachricht von Everynet",
    ),
    _server(
        "a message of Kerlink Wanesy",
        _has("endDevice.devEui"),
        CONNECT,
        "eine Nachricht von Kerlink Wanesy",
    ),
    _server(
        "an event of Tektelic's network server",
        _has("payloadMetaData"),
        CONNECT,
        "ein Ereignis des Netzwerkservers von Tektelic",
    ),
    _server(
        "a message of Sigfox",
        _has("device", "seqNumber"),
        Sentence(
            "stadtsinn reads LoRaWAN only",
            "stadtsinn liest nur LoRaWAN",
        ),
        "eine Nachricht von Sigfox",
    ),
    _server(
        "rows of ChirpStack's PostgreSQL integration",
        _either(_has("dev_eui", "f_cnt", "deduplication_id"), _has("dev_eui", "rx_info")),
        Sentence(
            "record its MQTT events, which have every field",
            "die MQTT-Ereignisse aufzeichnen, die alle Angaben haben",
        ),
        "Zeilen aus ChirpStacks PostgreSQL-Integration",
    ),
    _server(
        "a description of devices",
        _either(
            _has("ids.dev_eui"),
            _has("deviceProfileId", "devEui"),
            _has("device.devEui"),
            _has("dev_eui", "device_type"),
            _has("dev_eui", "app_key"),
        ),
        Sentence(
            "'stadtsinn registry import-devices' takes lists of devices as CSV",
            "'stadtsinn registry import-devices' nimmt Gerätelisten als CSV",
        ),
        "eine Beschreibung von Geräten",
    ),
    _server(
        "an answer of InfluxDB",
        _either(
            _has("results.series"), _has("results.statement_id"), _has("measurement", "fields")
        ),
        DECODED,
        "eine Antwort von InfluxDB",
    ),
    _server(
        "measurements of a data platform (SensorThings, NGSI or GeoJSON)",
        _either(
            _has("@iot.id"), _has("value.@iot.id"), _has("type", "features"), _has("id", "@context")
        ),
        DECODED,
        "Messwerte einer Datenplattform (SensorThings, NGSI oder GeoJSON)",
    ),
    _server(
        "an answer of stadtsinn's API",
        _has("items.event_time"),
        Sentence(
            "what it holds is in the log already",
            "was sie enthält, liegt schon im Log",
        ),
        "eine Antwort der API von stadtsinn",
    ),
)

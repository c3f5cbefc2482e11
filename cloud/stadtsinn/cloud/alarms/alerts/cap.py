"""An incident as a CAP 1.2 document (OASIS Common Alerting Protocol), in German and English. Pure.

It is meant for the offices of a town, not for the public: its scope is Restricted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from xml.etree.ElementTree import Element, SubElement, tostring

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.language import Language

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE = "application/cap+xml"
_RADIUS_KM = "0.1"
_NOT_IN_XML = {0xFFFE: "\ufffd", 0xFFFF: "\ufffd"}
"""Of what names may have no reader of XML takes these two."""


class Category(StrEnum):
    """What it is about, in CAP's words."""

    MET = "Met"
    """Weather, and floods."""
    ENV = "Env"
    TRANSPORT = "Transport"
    SAFETY = "Safety"
    OTHER = "Other"


class CapSeverity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


@dataclass(frozen=True)
class Info:
    """What is said in one language."""

    language: Language
    event: str
    headline: str
    description: str
    instruction: str = ""


@dataclass(frozen=True)
class CapAlert:
    """An incident. `announced_at`: when its newest alarm was; `closed_at`: None while it is open.

    `values` are names and values of what was measured, `position` latitude and longitude.
    """

    town: str
    town_name: str
    incident: str
    level: int
    opened_at: Instant
    announced_at: Instant | None
    closed_at: Instant | None
    category: Category
    severity: CapSeverity
    area: str
    infos: Sequence[Info]
    values: Sequence[tuple[str, str]] = ()
    position: tuple[float, float] | None = None

    @property
    def sender(self) -> str:
        return f"stadtsinn.{self.town}"


_RESTRICTION = "Nur für Stellen der Stadt. For offices of the town only."
_LANGUAGES = {Language.DE: "de-DE", Language.EN: "en-GB"}


def cap_document(alert: CapAlert) -> bytes:
    """The document; the same incident in the same state is the same document."""
    raised_at = alert.opened_at if alert.announced_at is None else alert.announced_at
    name, sent = f"{alert.incident}.{alert.level}", raised_at
    over = alert.closed_at is not None
    root = Element("alert", {"xmlns": NAMESPACE})
    if alert.closed_at is not None:
        name, sent = f"{alert.incident}.end", Instant(max(alert.closed_at, raised_at))
    _add(root, "identifier", name)
    _add(root, "sender", alert.sender)
    _add(root, "sent", _time(sent))
    _add(root, "status", "Actual")
    _add(root, "msgType", "Cancel" if over else "Alert")
    _add(root, "scope", "Restricted")
    _add(root, "restriction", _RESTRICTION)
    if over:
        former = f"{alert.incident}.{alert.level}"
        _add(root, "references", f"{alert.sender},{former},{_time(raised_at)}")
    _add(root, "incidents", alert.incident)
    for info in alert.infos:
        _info(root, alert, info)
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def _info(root: Element, alert: CapAlert, info: Info) -> None:
    """Elements in the order that the schema asks for."""
    over = alert.closed_at is not None
    node = SubElement(root, "info")
    _add(node, "language", _LANGUAGES[info.language])
    _add(node, "category", alert.category)
    _add(node, "event", info.event)
    _add(node, "responseType", _response(info, over=over))
    _add(node, "urgency", "Past" if over else "Immediate")
    _add(node, "severity", alert.severity)
    _add(node, "certainty", "Observed")
    _add(node, "onset", _time(alert.opened_at))
    if alert.closed_at is not None:
        _add(node, "expires", _time(alert.closed_at))
    _add(node, "senderName", alert.town_name)
    _add(node, "headline", info.headline)
    _add(node, "description", info.description)
    if info.instruction and not over:
        _add(node, "instruction", info.instruction)
    for name, value in alert.values:
        parameter = SubElement(node, "parameter")
        _add(parameter, "valueName", name)
        _add(parameter, "value", value)
    area = SubElement(node, "area")
    _add(area, "areaDesc", alert.area)
    if alert.position is not None:
        latitude, longitude = alert.position
        _add(area, "circle", f"{latitude:.6f},{longitude:.6f} {_RADIUS_KM}")


def _response(info: Info, *, over: bool) -> str:
    if over:
        return "AllClear"
    return "Execute" if info.instruction else "Monitor"


def _add(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text.translate(_NOT_IN_XML)


def _time(moment: Instant) -> str:
    """To the second and with the offset, as CAP asks for."""
    return isoformat(Instant(moment // SECOND * SECOND))

"""CAP 1.2 documents: what the OASIS schema asks for, checked element by element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fake_alert_town import STATION, AlertTown, minute, uplink
from stadtsinn.base.foreign_text import FORBIDDEN
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.language import Language
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.alarms.alerts.cap import (
    NAMESPACE,
    CapAlert,
    CapSeverity,
    Category,
    Info,
    cap_document,
)
from stadtsinn.cloud.alarms.alerts.cap_service import cap_of
from stadtsinn.cloud.alarms.alerts.service import delete_rule
from stadtsinn.cloud.town.service import change
from stadtsinn.decoders.reading import Reading

# Order, whether it has to be there, and whether it may come again, by the standard, section 3.2.
_ALERT = [
    *(("identifier", "1"), ("sender", "1"), ("sent", "1"), ("status", "1"), ("msgType", "1")),
    *(("source", "?"), ("scope", "1"), ("restriction", "?"), ("addresses", "?"), ("code", "*")),
    *(("note", "?"), ("references", "?"), ("incidents", "?"), ("info", "*")),
]
_INFO = [
    *(("language", "?"), ("category", "+"), ("event", "1"), ("responseType", "*")),
    *(("urgency", "1"), ("severity", "1"), ("certainty", "1"), ("audience", "?")),
    *(("eventCode", "*"), ("effective", "?"), ("onset", "?"), ("expires", "?")),
    *(("senderName", "?"), ("headline", "?"), ("description", "?"), ("instruction", "?")),
    *(("web", "?"), ("contact", "?"), ("parameter", "*"), ("resource", "*"), ("area", "*")),
]
_AREA = [
    *(("areaDesc", "1"), ("polygon", "*"), ("circle", "*"), ("geocode", "*")),
    *(("altitude", "?"), ("ceiling", "?")),
]
_PARAMETER = [("valueName", "1"), ("value", "1")]
_INSIDE = {"alert": _ALERT, "info": _INFO, "area": _AREA, "parameter": _PARAMETER}
_WORDS = {
    "status": "Actual Exercise System Test Draft",
    "msgType": "Alert Update Cancel Ack Error",
    "scope": "Public Restricted Private",
    "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
    "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
    "urgency": "Immediate Expected Future Past Unknown",
    "severity": "Extreme Severe Moderate Minor Unknown",
    "certainty": "Observed Likely Possible Unlikely Unknown",
}
_TIMES = {"sent", "effective", "onset", "expires"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d\Z")
_NAME = re.compile(r"[^\s,<&]+\Z")
_CIRCLE = re.compile(r"-?\d+\.\d+,-?\d+\.\d+ \d+(\.\d+)?\Z")
_REPEATED = {"1": (1, 1), "?": (0, 1), "*": (0, 99), "+": (1, 99)}


def faults(document: bytes) -> list[str]:
    """What is not as the standard has it."""
    root = ElementTree.fromstring(document)
    assert root.tag == f"{{{NAMESPACE}}}alert"
    return [*_faults(root), *_of_dependencies(root)]


def _faults(node: Element) -> Iterator[str]:
    name = _plain(node)
    inside = _INSIDE.get(name)
    if inside is None:
        yield from _of_text(name, node.text or "")
        return
    names = [_plain(child) for child in node]
    order = [one for one, _ in inside]
    if not set(names) <= set(order):
        yield f"{name} holds {set(names) - set(order)}"
    if names != sorted(names, key=order.index):
        yield f"{name} is out of order: {names}"
    for one, often in inside:
        low, high = _REPEATED[often]
        if not low <= names.count(one) <= high:
            yield f"{name} has {names.count(one)} {one}"
    for child in node:
        yield from _faults(child)


def _of_text(name: str, text: str) -> Iterator[str]:
    if not text:
        yield f"{name} is empty"
    if name in _WORDS and text not in _WORDS[name].split():
        yield f"{name} is {text}"
    if name in _TIMES and not _TIME.match(text):
        yield f"{name} is {text}"
    if name in {"identifier", "sender"} and not _NAME.match(text):
        yield f"{name} is {text}"
    if name == "circle" and not _CIRCLE.match(text):
        yield f"circle is {text}"


def _of_dependencies(root: Element) -> Iterator[str]:
    said = {_plain(child): child.text or "" for child in root}
    if said["scope"] == "Restricted" and "restriction" not in said:
        yield "no restriction"
    if said["msgType"] in {"Update", "Cancel"}:
        for one in said.get("references", "").split():
            if len(one.split(",")) != 3 or not _TIME.match(one.split(",")[2]):
                yield f"references are {one}"
        if not said.get("references"):
            yield "no references"


def _plain(node: Element) -> str:
    return node.tag.removeprefix(f"{{{NAMESPACE}}}")


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    lambda name: not re.search(f"[{FORBIDDEN}]", name)
)


@settings(max_examples=60, deadline=None)
@example("A\ufffeB\uffff", 1, None, "", None, CapSeverity.MINOR, Category.MET)
@given(
    name=NAMES,
    level=st.integers(1, 3),
    closed=st.none() | st.integers(0, 50),
    measures=st.sampled_from(["", "Sandsäcke <jetzt> & sofort"]),
    position=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    severity=st.sampled_from(list(CapSeverity)),
    category=st.sampled_from(list(Category)),
)
def test_each_document_is_as_the_standard_has_it(
    name: str,
    level: int,
    closed: int | None,
    measures: str,
    position: tuple[float, float] | None,
    severity: CapSeverity,
    category: Category,
) -> None:
    opened = Instant(1_000_000 * HOUR // 2 + 17)
    alert = CapAlert(
        town="musterstadt",
        town_name=name,
        incident="1-2-3",
        level=level,
        opened_at=opened,
        announced_at=None if level == 1 else Instant(opened + HOUR),
        closed_at=None if closed is None else Instant(opened + closed * HOUR),
        category=category,
        severity=severity,
        area=name,
        infos=[Info(language, name, name, name, measures) for language in Language],
        values=[("level", str(level))],
        position=position,
    )
    document = cap_document(alert)
    assert faults(document) == []
    assert cap_document(alert) == document


def test_the_check_finds_what_is_wrong() -> None:
    """It can fail: a validator that accepts anything proves nothing."""
    wrong = f'<alert xmlns="{NAMESPACE}"><identifier>a b</identifier><status>Real</status></alert>'
    found = faults_of_children(wrong)
    assert "identifier is a b" in found
    assert "status is Real" in found
    assert "alert has 0 sent" in found


def faults_of_children(document: str) -> list[str]:
    return list(_faults(ElementTree.fromstring(document)))


def _levels(town: AlertTown) -> str:
    town.rule(
        slug="x",
        name="Mühlbach",
        station=STATION,
        quantity="water_level",
        kind="levels",
        levels=[{"on": 1.2}, {"on": 1.6, "measures": "Unterführung sperren."}],
        margin=0.1,
        recipients=("bauhof",),
    )
    town.now(0)
    town.apply(uplink(1, 0, Reading("water_level", 1.7)))
    return str(town.incidents()[0].id)


def _text(document: bytes, path: str) -> list[str | None]:
    root = ElementTree.fromstring(document)
    return [node.text for node in root.findall(path, {"": NAMESPACE})]


def test_an_incident_becomes_an_alert_and_then_a_cancel(town: AlertTown) -> None:
    key = _levels(town)
    with town.database.read() as connection:
        document = cap_of(connection, town.scope, key)
    assert faults(document) == []
    assert _text(document, "msgType") == ["Alert"]
    assert _text(document, "info/language") == ["de-DE", "en-GB"]
    assert _text(document, "info/severity") == ["Severe", "Severe"]
    assert _text(document, "info/category") == ["Met", "Met"]
    assert _text(document, "info/instruction") == ["Unterführung sperren."] * 2
    german, english = _text(document, "info/description")
    assert german is not None
    assert german.startswith("Wasserstand 1,70 m. Seit 10:00 Uhr.")
    assert "keine amtliche Warnung" in german
    assert english is not None
    assert english.startswith("Water level 1.70 m. Since 10:00.")
    (raised,) = _text(document, "identifier")
    town.now(30)
    town.apply(uplink(2, 30, Reading("water_level", 0.4)))
    with town.database.read() as connection:
        over = cap_of(connection, town.scope, key)
    assert faults(over) == []
    assert _text(over, "msgType") == ["Cancel"]
    (reference,) = _text(over, "references")
    assert reference is not None
    assert reference.split(",")[1] == raised
    assert _text(over, "info/responseType") == ["AllClear", "AllClear"]


def test_an_incident_of_a_deleted_rule_still_has_a_document(town: AlertTown) -> None:
    key = _levels(town)
    with change(town.database) as connection:
        assert delete_rule(connection, town.scope, "x", minute(5))
    with town.database.read() as connection:
        document = cap_of(connection, town.scope, key)
        with pytest.raises(NotFound):
            cap_of(connection, town.scope, "9-9")
    assert faults(document) == []
    assert _text(document, "info/severity") == ["Unknown", "Unknown"]

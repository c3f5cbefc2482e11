"""Makes the CAP document of an incident from what is on record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from stadtsinn.base.language import Language
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.alarms.alerts import incident_repository, repository
from stadtsinn.cloud.alarms.alerts.cap import (
    CapAlert,
    CapSeverity,
    Category,
    Info,
    cap_document,
)
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.wording import About, clock, measured_value
from stadtsinn.cloud.alarms.notify.message import Severity
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.tenants.repository import require_tenant
from stadtsinn.cloud.town.stations import repository as stations

_CATEGORIES = {
    "precipitation": Category.MET,
    "water_level": Category.MET,
    "distance": Category.MET,
    "wind": Category.MET,
    "occupied": Category.TRANSPORT,
    "vehicles": Category.TRANSPORT,
    "soil": Category.ENV,
    "dissolved_oxygen": Category.ENV,
    "oxygen_saturation": Category.ENV,
    "water_temperature": Category.ENV,
}
"""By what the name of a quantity begins with."""
_OF_LEVELS = {1: CapSeverity.MODERATE, 2: CapSeverity.SEVERE, 3: CapSeverity.EXTREME}
_OF_RULES = {
    Severity.INFO: CapSeverity.MINOR,
    Severity.WARNING: CapSeverity.MODERATE,
    Severity.CRITICAL: CapSeverity.SEVERE,
}
_NO_OFFICIAL = {
    Language.DE: "Messwert der Stadt, ungeprüfte Rohdaten; keine amtliche Warnung.",
    Language.EN: "Measured by the town, raw data that nobody has checked; no official warning.",
}
_SINCE = {Language.DE: "Seit", Language.EN: "Since"}
_UNTIL = {Language.DE: "bis", Language.EN: "until"}


def cap_of(connection: Connection, scope: Scope, key: str) -> bytes:
    """The document of an incident of the caller's town; raises NotFound."""
    row = incident_repository.incident(connection, scope, key)
    rule = None
    if row.rule is not None:
        rule = repository.rule(connection, scope, row.rule).rule
    town = require_tenant(connection, scope.tenant_id)
    alert = CapAlert(
        town=scope.tenant_id,
        town_name=town.name,
        incident=row.id,
        level=row.level,
        opened_at=row.opened_at,
        announced_at=row.announced_at,
        closed_at=row.closed_at,
        category=_category(rule),
        severity=_severity(rule, row.level),
        area=row.station_name or row.rule_name,
        infos=[_info(row, rule, language) for language in Language],
        values=_values(row, rule),
        position=_position(connection, scope, row.station),
    )
    return cap_document(alert)


def _category(rule: Rule | None) -> Category:
    if rule is None:
        return Category.OTHER
    if rule.zone is not None:
        return Category.SAFETY
    found = (one for start, one in _CATEGORIES.items() if rule.quantity.startswith(start))
    return next(found, Category.OTHER)


def _severity(rule: Rule | None, level: int) -> CapSeverity:
    """Of a gauge its level says it, of other rules what the town has said."""
    if rule is None:
        return CapSeverity.UNKNOWN
    if rule.kind == "levels":
        return _OF_LEVELS[min(level, 3)]
    return _OF_RULES[rule.severity]


def _info(row: Row[Any], rule: Rule | None, language: Language) -> Info:
    now = row.opened_at if row.closed_at is None else row.closed_at
    said = [f"{_SINCE[language]} {clock(row.opened_at, now, language)}"]
    if row.closed_at is not None:
        said.append(f"{_UNTIL[language]} {clock(row.closed_at, now, language)}")
    times = " ".join(said) + "."
    place = row.station_name or ""
    headline = f"{place}, {row.rule_name}" if place else row.rule_name
    values = ""
    if rule is not None and row.opening_value is not None:
        about = About(rule, place, level=row.level, language=language)
        values = f"{measured_value(about, row.opening_value)}. "
    return Info(
        language,
        row.rule_name,
        headline,
        f"{values}{times} {_NO_OFFICIAL[language]}",
        "" if rule is None else rule.parameters.measures(row.level),
    )


def _values(row: Row[Any], rule: Rule | None) -> list[tuple[str, str]]:
    found = [("level", str(row.level))]
    if rule is not None and rule.quantity:
        found.append(("quantity", rule.quantity))
    for name, value in (("opening", row.opening_value), ("closing", row.closing_value)):
        if value is not None:
            found.append((f"{name}_value", f"{value:g}"))
    return found


def _position(connection: Connection, scope: Scope, slug: str | None) -> tuple[float, float] | None:
    if slug is None:
        return None
    try:
        station = stations.station(connection, scope, slug)
    except NotFound:
        return None  # it was deleted since
    if station.latitude is None or station.longitude is None:
        return None
    return station.latitude, station.longitude

"""What happened at a rule, as data for the outbox; `wording.py` says the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.incident_repository import Place
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import QUANTITIES


def happened(
    rule: Rule,
    place: Place | None,
    value: float | None,
    measured_at: Instant | None,
    since: Instant | None,
    ended_at: Instant | None = None,
) -> Facts:
    quantity = QUANTITIES.get(rule.quantity)
    return Facts(
        rule=rule.slug,
        rule_name=rule.name,
        kind=rule.kind,
        severity=rule.severity.value,
        station=place.slug if place else "",
        station_name=place.name if place else "",
        zone=rule.zone or "",
        quantity=rule.quantity,
        value=value,
        unit=unit_sign(quantity.unit) if quantity else "",
        bounds=bounds_of(rule),
        measured_at=measured_at,
        since=since,
        ended_at=ended_at,
    )


def bounds_of(rule: Rule) -> dict[str, float]:
    """The numbers that a value is compared with, by their names there."""
    return dict(_bounds(rule.parameters.model_dump(mode="json")))


def _bounds(parameters: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, float]]:
    """All numbers of a rule by their names; those of its second level as ``levels.2.on``."""
    for name, one in parameters.items():
        if type(one) in (int, float):
            yield f"{within}{name}", one
        elif isinstance(one, list):
            for place, part in enumerate(one, start=1):
                if isinstance(part, dict):
                    yield from _bounds(part, f"{within}{name}.{place}.")

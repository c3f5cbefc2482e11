"""What happened at a rule, as data for the outbox; `wording.py` says the same in words."""

from __future__ import annotations

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
    parameters = rule.parameters.model_dump(mode="json").items()
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
        bounds={name: one for name, one in parameters if type(one) in (int, float)},
        measured_at=measured_at,
        since=since,
        ended_at=ended_at,
    )

"""The SQL of rules and where they stand, as the evaluator needs it (the API's: service.py)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, or_, select, update

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.alarms.alerts.machine import Phase, RuleState, forget, next_due
from stadtsinn.cloud.alarms.alerts.rule import DeviceSubject, Thresholds, ZoneSubject
from stadtsinn.cloud.alarms.alerts.tables import (
    alert_inputs,
    incidents,
    rule_recipients,
    rule_states,
    rules,
)
from stadtsinn.cloud.alarms.notify.message import Recipient
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.domains.crowd.zones.directory import Zones
from stadtsinn.cloud.platform.database.upsert import insert_ignore
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town_file.model import Direction

_UNHEARD_INTERVAL_S = 3_600
"""For a subject that left the registry while its rule was being read."""
_PATIENCE_S = 60


@dataclass(frozen=True)
class Rule:
    """A rule as it stands in the table. Times in seconds; `stale_after_s` None: 3 intervals."""

    id: int
    tenant_id: str
    name: str
    subject: DeviceSubject | ZoneSubject
    direction: Direction
    on: float
    off: float
    for_s: int
    min_samples: int
    keep_firing_s: int
    stale_after_s: int | None
    max_age_s: int
    resolve_notice: bool
    alert_on_stale: bool
    enabled: bool
    revision: int
    valid_from: Instant

    def thresholds(self, directory: Directory, zones: Zones) -> Thresholds:
        """What the machine judges by, with the interval the subject has now."""
        interval_s = self._interval_s(directory, zones)
        stale_after_s = self.stale_after_s or 3 * interval_s
        return Thresholds(
            on=self.on,
            off=self.off,
            direction=self.direction,
            hold=self.for_s * SECOND,
            min_samples=self.min_samples,
            keep_firing=self.keep_firing_s * SECOND,
            stale_after=stale_after_s * SECOND,
            max_age=self.max_age_s * SECOND,
            alert_on_stale=self.alert_on_stale,
            patience=min(interval_s, _PATIENCE_S) * SECOND,
            valid_from=self.valid_from,
        )

    def _interval_s(self, directory: Directory, zones: Zones) -> int:
        if isinstance(self.subject, ZoneSubject):
            zone = zones.by_id.get(self.subject.zone_id)
            return zone.interval_s if zone else _UNHEARD_INTERVAL_S
        device = directory.devices.get(self.subject.dev_eui)
        return device.interval_s if device else _UNHEARD_INTERVAL_S


@dataclass(frozen=True)
class RuleBook:
    """All enabled rules, found by what they watch."""

    by_id: Mapping[int, Rule] = field(default_factory=dict)
    """Disabled ones too."""
    by_device: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    by_zone: Mapping[int, tuple[Rule, ...]] = field(default_factory=dict)


def read_rules(connection: Connection) -> RuleBook:
    """All rules of all tenants."""
    found = [rule_of(row) for row in connection.execute(select(rules).order_by(rules.c.id))]
    by_device: dict[str, tuple[Rule, ...]] = {}
    by_zone: dict[int, tuple[Rule, ...]] = {}
    for rule in found:
        if not rule.enabled:
            continue
        if isinstance(rule.subject, ZoneSubject):
            zone_id = rule.subject.zone_id
            by_zone[zone_id] = (*by_zone.get(zone_id, ()), rule)
        else:
            dev_eui = rule.subject.dev_eui
            by_device[dev_eui] = (*by_device.get(dev_eui, ()), rule)
    return RuleBook({rule.id: rule for rule in found}, by_device, by_zone)


def rule_of(row: Row[Any]) -> Rule:
    return Rule(
        id=row.id,
        tenant_id=row.tenant_id,
        name=row.name,
        subject=(
            ZoneSubject(row.zone_id)
            if row.zone_id is not None
            else DeviceSubject(row.dev_eui, row.quantity, row.channel)
        ),
        direction=Direction(row.direction),
        on=row.on_level,
        off=row.off_level,
        for_s=row.for_s,
        min_samples=row.min_samples,
        keep_firing_s=row.keep_firing_s,
        stale_after_s=row.stale_after_s,
        max_age_s=row.max_age_s,
        resolve_notice=row.resolve_notice,
        alert_on_stale=row.alert_on_stale,
        enabled=row.enabled,
        revision=row.revision,
        valid_from=Instant(row.valid_from),
    )


# --- states ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A rule's state, and the revision of the rule that led to it."""

    state: RuleState
    revision: int


def read_states(connection: Connection, rule_ids: Collection[int]) -> dict[int, Standing]:
    """The states of these rules; those that were never judged are absent."""
    query = select(rule_states).where(rule_states.c.rule_id.in_(list(rule_ids)))
    return {row.rule_id: _standing(row) for row in connection.execute(query)}


def due_or_edited(connection: Connection, now: Instant) -> list[int]:
    """Rules for which time has something to do, or which were edited since they were judged."""
    query = (
        select(rule_states.c.rule_id)
        .join(rules, rules.c.id == rule_states.c.rule_id)
        .where(
            or_(
                and_(rule_states.c.due_at <= now, rules.c.enabled),
                rule_states.c.rule_revision != rules.c.revision,
            )
        )
        .order_by(rule_states.c.rule_id)
    )
    return list(connection.scalars(query))


def _standing(row: Row[Any]) -> Standing:
    state = RuleState(
        phase=Phase(row.phase),
        level=row.level,
        since=row.since,
        samples=row.samples,
        stale=row.stale,
        last_event=row.last_event,
        last_value=row.last_value,
        opened_at=row.opened_at,
        announced=row.announced,
        silences=row.silences,
        quiet_until=row.quiet_until,
    )
    return Standing(state, row.rule_revision)


def write_state(
    connection: Connection, rule: Rule, thresholds: Thresholds, state: RuleState
) -> None:
    """Insert or replace where a rule stands."""
    values = _values(rule.revision, state, next_due(thresholds, state))
    changed = connection.execute(
        update(rule_states).where(rule_states.c.rule_id == rule.id).values(**values)
    )
    if changed.rowcount == 0:
        insert_ignore(connection, rule_states, [{"rule_id": rule.id, **values}])


def _values(revision: int, state: RuleState, due_at: Instant | None) -> dict[str, Any]:
    return {
        "rule_revision": revision,
        "phase": state.phase.value,
        "level": state.level,
        "since": state.since,
        "samples": state.samples,
        "stale": state.stale,
        "last_event": state.last_event,
        "last_value": state.last_value,
        "opened_at": state.opened_at,
        "announced": state.announced,
        "silences": state.silences,
        "quiet_until": state.quiet_until,
        "due_at": due_at,
    }


def forget_all(connection: Connection) -> None:
    """Before the history is judged again. What earlier versions of a rule found stays on record:
    the rule as it is now says nothing about the time before its last edit.
    """
    since_edit = (
        select(rules.c.id)
        .where(rules.c.id == incidents.c.rule_id, rules.c.valid_from <= incidents.c.opened_at)
        .exists()
    )
    connection.execute(delete(incidents).where(since_edit))
    for row in connection.execute(select(rule_states)).all():
        standing = _standing(row)
        connection.execute(
            update(rule_states)
            .where(rule_states.c.rule_id == row.rule_id)
            .values(**_values(standing.revision, forget(standing.state), None))
        )
    connection.execute(delete(alert_inputs))


# --- who is told -----------------------------------------------------------------------

ALARM, TECHNICAL = "alarm", "technical"


def recipients_of(connection: Connection, rule_id: int, purpose: str) -> list[Recipient]:
    """Who is told of a rule's alarms, or of its missing data."""
    query = (
        select(recipients)
        .join(rule_recipients, rule_recipients.c.recipient_id == recipients.c.id)
        .where(rule_recipients.c.rule_id == rule_id, rule_recipients.c.purpose == purpose)
        .order_by(recipients.c.id)
    )
    return [recipient_of(row) for row in connection.execute(query)]


def recipient_of(row: Row[Any]) -> Recipient:
    return Recipient(row.id, row.slug, row.name, row.channel, row.address)


def without_doubles(people: Iterable[Recipient]) -> list[Recipient]:
    return list({person.id: person for person in people}.values())


# --- inputs beside the uplink log ------------------------------------------------------


def input_position(connection: Connection, name: str) -> int:
    """How far an input was judged; 0 before its first sample."""
    query = select(alert_inputs.c.position).where(alert_inputs.c.name == name)
    return connection.scalar(query) or 0


def move_input(connection: Connection, name: str, position: int) -> None:
    changed = connection.execute(
        update(alert_inputs).where(alert_inputs.c.name == name).values(position=position)
    )
    if changed.rowcount == 0:
        insert_ignore(connection, alert_inputs, [{"name": name, "position": position}])

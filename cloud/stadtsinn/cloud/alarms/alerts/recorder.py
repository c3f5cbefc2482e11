"""Writes down what the state machine decided: incidents, and messages into the outbox.

Everything happens on the caller's connection, so that state, incident and messages commit
together or not at all. Nothing is sent from here.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection, update

from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.cloud.alarms.alerts import wording
from stadtsinn.cloud.alarms.alerts.machine import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    FellSilent,
    Opened,
    RuleState,
)
from stadtsinn.cloud.alarms.alerts.repository import (
    ALARM,
    TECHNICAL,
    Rule,
    recipients_of,
    without_doubles,
)
from stadtsinn.cloud.alarms.alerts.rule import ALARM_LEVEL
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.alarms.alerts.wording import Moment
from stadtsinn.cloud.alarms.notify import outbox
from stadtsinn.cloud.alarms.notify.message import Draft, Kind, Recipient
from stadtsinn.cloud.platform.database.upsert import insert_ignore

log = structlog.get_logger()

_opened = Counter("stadtsinn_incidents_opened_total", "Incidents opened", ["late"])

# How long a message that cannot be sent is worth trying, after it was written.
_ALARM_KEEPS = 6 * HOUR
_OTHERS_KEEP = 24 * HOUR


def incident_id(rule_id: int, opened_at: Instant) -> str:
    """Made from what happened, so that a rebuilt history names its incidents the same."""
    return f"{rule_id}-{opened_at}"


class Recorder:
    """Records one rule's effects. `state` is the rule's state before them."""

    def __init__(
        self,
        connection: Connection,
        rule: Rule,
        state: RuleState,
        now: Instant,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._connection = connection
        self._rule = rule
        self._before = state
        self._now = now
        self._notes = notes

    def record(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Opened):
                self._open(effect)
            elif isinstance(effect, Announced):
                self._announce(effect)
            elif isinstance(effect, Closed):
                self._close(effect)
            else:
                self._silence(effect)

    def _open(self, effect: Opened) -> None:
        row = {
            "id": incident_id(self._rule.id, effect.at),
            "tenant_id": self._rule.tenant_id,
            "rule_id": self._rule.id,
            "rule_name": self._rule.name,
            "level": ALARM_LEVEL,
            "opened_at": effect.at,
            "opening_value": effect.value,
            "late": effect.late,
        }
        insert_ignore(self._connection, incidents, [row])
        _opened.labels(str(effect.late).lower()).inc()
        log.info("incident_opened", incident=row["id"], rule=self._rule.id, late=effect.late)

    def _announce(self, effect: Announced) -> None:
        incident = incident_id(self._rule.id, effect.opened_at)
        self._connection.execute(
            update(incidents)
            .where(incidents.c.id == incident, incidents.c.announced_at.is_(None))
            .values(announced_at=effect.at)
        )
        moment = Moment(effect.value, effect.measured_at, self._now)
        if effect.measured_at != self._before.last_event:
            # Not a timer's: the sample under judgement itself, so its notes and trend belong here.
            moment = replace(moment, before=self._before.last_value, notes=self._notes)
        text = wording.alarm(self._rule, moment, effect.opened_at)
        people = recipients_of(self._connection, self._rule.id, ALARM)
        self._enqueue(incident, Kind.ALARM, effect.level, 0, text, effect.at, people)

    def _close(self, effect: Closed) -> None:
        incident = incident_id(self._rule.id, effect.opened_at)
        self._connection.execute(
            update(incidents)
            .where(incidents.c.id == incident, incidents.c.closed_at.is_(None))
            .values(
                closed_at=effect.at,
                close_reason=effect.reason.value,
                closing_value=effect.value,
            )
        )
        log.info("incident_closed", incident=incident, reason=effect.reason.value)
        if not effect.silent:
            self._tell_the_end(incident, effect)

    def _tell_the_end(self, incident: str, effect: Closed) -> None:
        """To those who heard of the alarm, and to no one else."""
        rule, now = self._rule, self._now
        ended = wording.ended_before_sent(rule, effect.opened_at, effect.at, now)
        outbox.reword_waiting_alarms(self._connection, incident, ended)
        people = outbox.alarmed_recipients(self._connection, incident)
        if effect.reason is not CloseReason.RECOVERED:
            text = wording.rule_ended(rule, effect.reason, effect.opened_at, now)
            self._enqueue(incident, Kind.ENDED, ALARM_LEVEL, 0, text, effect.at, people)
        elif rule.resolve_notice:
            value = effect.value if effect.value is not None else rule.off
            text = wording.all_clear(rule, value, effect.opened_at, effect.at, now)
            self._enqueue(incident, Kind.ALL_CLEAR, ALARM_LEVEL, 0, text, effect.at, people)

    def _silence(self, effect: FellSilent) -> None:
        rule = self._rule
        value = self._before.last_value if self._before.last_value is not None else rule.on
        technicians = recipients_of(self._connection, rule.id, TECHNICAL)
        if effect.opened_at is None:
            subject = incident_id(rule.id, effect.last_event)
            text = wording.near_alarm_missing(rule, value, effect.last_event, self._now)
            kind, people = Kind.TECHNICAL, technicians
        else:
            subject = incident_id(rule.id, effect.opened_at)
            text = wording.data_missing(rule, value, effect.last_event, self._now)
            told = outbox.alarmed_recipients(self._connection, subject)
            kind, people = Kind.STALE, without_doubles([*told, *technicians])
        self._enqueue(subject, kind, ALARM_LEVEL, effect.sequence, text, effect.last_event, people)

    def _enqueue(
        self,
        incident: str,
        kind: Kind,
        level: int,
        sequence: int,
        text: str,
        event_time: Instant,
        people: list[Recipient],
    ) -> None:
        keeps = _ALARM_KEEPS if kind is Kind.ALARM else _OTHERS_KEEP
        draft = Draft(
            tenant_id=self._rule.tenant_id,
            incident_id=incident,
            kind=kind,
            level=level,
            sequence=sequence,
            text=text,
            event_time=event_time,
            created_at=self._now,
            expires_at=Instant(self._now + keeps),
        )
        outbox.enqueue(self._connection, draft, people)

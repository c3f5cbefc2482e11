"""Compares messages: one alarm per incident and recipient, none late, none about the outage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from stadtsinn.base.berlin import for_people
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.tables import incidents, rules
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients, sandbox_messages
from stadtsinn.simulator.market_day.expected_incidents import Incident
from stadtsinn.simulator.market_day.truth import Truth
from stadtsinn.simulator.verification.report import Check, check

DELIVERY_BOUND = 3 * MINUTE
"""Simulated time from the moment a threshold is crossed for certain to the phone: reports come
every minute, and the rest is the way through the system."""

_TIME_TOLERANCE = MINUTE


@dataclass(frozen=True)
class _Alarm:
    """An alarm that arrived on the sandbox phone. Instants are simulated time."""

    rule: str
    recipient: str
    incident_id: str
    opened_at: Instant
    received_at: Instant
    text: str


def check_messages(truth: Truth, connection: Connection) -> Check:
    """Compare the messages on the sandbox phone with the incidents of the day."""
    alarms, strays = _alarms(truth, connection)
    problems = [*strays]
    expected = 0
    for rule in truth.town.rules:
        happened = truth.incidents(rule.slug)
        expected += sum(one.visible_live for one in happened) * len(rule.recipients)
        problems += _rule_problems(
            rule, happened, [alarm for alarm in alarms if alarm.rule == rule.slug]
        )
    kinds = Counter(connection.execute(select(outbox.c.kind)).scalars())
    return check(
        "everybody got one alarm per incident, in time",
        expected=expected,
        found=len(alarms),
        problems=problems,
        numbers={f"outbox {kind}": number for kind, number in sorted(kinds.items())},
    )


def _alarms(truth: Truth, connection: Connection) -> tuple[list[_Alarm], list[str]]:
    """The alarms that arrived, and what is wrong with messages in general."""
    query = (
        select(
            rules.c.slug.label("rule"),
            recipients.c.slug.label("recipient"),
            outbox.c.incident_id,
            incidents.c.opened_at,
            sandbox_messages.c.received_at,
            sandbox_messages.c.text,
            outbox.c.kind,
            outbox.c.uuid,
        )
        .select_from(sandbox_messages)
        .outerjoin(outbox, outbox.c.uuid == sandbox_messages.c.uuid)
        .outerjoin(recipients, recipients.c.id == outbox.c.recipient_id)
        .outerjoin(incidents, incidents.c.id == outbox.c.incident_id)
        .outerjoin(rules, rules.c.id == incidents.c.rule_id)
        .order_by(sandbox_messages.c.id)
    )
    alarms, strays = [], []
    arrived = set()
    for row in connection.execute(query):
        arrived.add(row.uuid)
        if row.kind == Kind.ANSWER:
            continue  # to somebody who wrote to us
        if row.uuid is None or row.rule is None:
            strays.append(f"a message at {for_people(row.received_at)} belongs to no incident")
        elif row.kind == Kind.ALARM:
            alarms.append(
                _Alarm(
                    rule=row.rule,
                    recipient=row.recipient,
                    incident_id=row.incident_id,
                    opened_at=Instant(row.opened_at),
                    received_at=Instant(row.received_at),
                    text=row.text,
                )
            )
    waiting = connection.execute(
        select(outbox.c.uuid, outbox.c.status, outbox.c.created_at).where(
            outbox.c.tenant_id == truth.town.tenant, outbox.c.kind == Kind.ALARM
        )
    )
    strays += [
        f"an alarm of {for_people(row.created_at)} never arrived, its status is {row.status}"
        for row in waiting
        if row.uuid not in arrived
    ]
    return alarms, strays


def _rule_problems(
    rule: Rule, happened: Sequence[Incident], alarms: Sequence[_Alarm]
) -> Iterator[str]:
    """Each visible incident needs one alarm per recipient; every other alarm is one too many."""
    unexplained = list(alarms)
    for incident in happened:
        if not incident.visible_live:
            continue
        # Longer incidents are found by when the message came, not only by when it began.
        mine = [alarm for alarm in unexplained if _belongs(alarm, incident)]
        unexplained = [alarm for alarm in unexplained if alarm not in mine]
        yield from _incident_problems(rule, incident, mine)
    for alarm in unexplained:
        yield (
            f"{rule.slug}: alarm to {alarm.recipient} at {for_people(alarm.received_at)} "
            f"about {for_people(alarm.opened_at)}, when there was no incident: {alarm.text}"
        )


def _belongs(alarm: _Alarm, incident: Incident) -> bool:
    earliest = incident.start - _TIME_TOLERANCE
    return earliest <= alarm.opened_at <= incident.end_latest


def _incident_problems(rule: Rule, incident: Incident, alarms: Sequence[_Alarm]) -> Iterator[str]:
    title = f"{rule.slug}, incident of {for_people(incident.start)}"
    got = Counter(alarm.recipient for alarm in alarms)
    for recipient in rule.recipients:
        if got[recipient] != 1:
            number = counted(got[recipient], "alarm", "alarms")
            yield f"{title}: {recipient} got {number} instead of 1"
    for recipient in got.keys() - set(rule.recipients):
        yield f"{title}: {recipient} got an alarm, but is no recipient of the rule"
    if len({alarm.incident_id for alarm in alarms}) > 1:
        yield f"{title}: was found as more than one incident"
    latest = incident.start_latest + DELIVERY_BOUND
    for alarm in alarms:
        if alarm.received_at > latest:
            late = counted(f"{(alarm.received_at - latest) / MINUTE:.1f}", "minute", "minutes")
            yield f"{title}: alarm to {alarm.recipient} came {late} too late"
        if alarm.received_at < incident.start - _TIME_TOLERANCE:
            yield f"{title}: alarm to {alarm.recipient} came before anything had happened"

"""Compares acknowledgements: each alarm about the market once, and the others learned of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import Connection, select

from stadtsinn.base.counted import counted
from stadtsinn.cloud.alarms.alerts.tables import acknowledgements, incidents, rules
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients, sandbox_messages
from stadtsinn.simulator.market_day.town import MARKET_RULE, OFFICER
from stadtsinn.simulator.market_day.truth import Truth
from stadtsinn.simulator.verification.report import Check, check


def check_acknowledged(truth: Truth, connection: Connection) -> Check:
    """The officer answers each alarm that reached the telephone; who else was told hears of it."""
    visible = sum(one.visible_live for one in truth.incidents(MARKET_RULE))
    query = (
        select(acknowledgements.c.incident_id)
        .join(incidents, incidents.c.id == acknowledgements.c.incident_id)
        .join(rules, rules.c.id == incidents.c.rule_id)
        .where(rules.c.slug == MARKET_RULE)
    )
    found = list(connection.execute(query).scalars())
    problems = [] if len(found) == visible else [f"{len(found)} acknowledged, not {visible}"]
    (rule,) = (one for one in truth.town.rules if one.slug == MARKET_RULE)
    others = set(rule.recipients) - {OFFICER}
    for incident in found:
        problems += _not_told(connection, incident, others)
    return check(
        "the officer acknowledged, and the others know",
        expected=visible,
        found=len(found),
        problems=problems,
    )


def _not_told(connection: Connection, incident: str, others: set[str]) -> Iterator[str]:
    query = (
        select(recipients.c.slug)
        .select_from(outbox)
        .join(sandbox_messages, sandbox_messages.c.uuid == outbox.c.uuid)
        .join(recipients, recipients.c.id == outbox.c.recipient_id)
        .where(outbox.c.incident_id == incident, outbox.c.kind == Kind.ACKNOWLEDGED)
    )
    got = Counter(connection.execute(query).scalars())
    for recipient in sorted(others | got.keys()):
        wanted = int(recipient in others)
        if got[recipient] != wanted:
            heard = counted(got[recipient], "time", "times")
            yield f"{recipient} heard {heard} of who has it, not {wanted}"

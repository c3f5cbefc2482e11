"""The duty officer of the demo: reads the alarm about the market on the telephone, and says OK."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.tables import acknowledgements, incidents, rules
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.service import take
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.tables import outbox, sandbox_messages
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.simulator.market_day.town import MARKET_RULE, OFFICER_NUMBER

READS_AFTER = 3 * MINUTE
"""It takes the officer so long to look at the telephone."""


def answer_alarm(database: Database, now: Instant) -> bool:
    """Answer "OK" by SMS to an alarm that nobody has acknowledged; whether there was one."""
    with database.read() as connection:
        waits = _has_read(connection, now)
    if not waits:
        return False
    take(database, Inbound(OFFICER_NUMBER, "OK", now), now)
    return True


def _has_read(connection: Connection, now: Instant) -> bool:
    """Is there an open alarm about the market on the telephone, long enough to have been read?"""
    query = (
        select(func.count())
        .select_from(incidents)
        .join(rules, rules.c.id == incidents.c.rule_id)
        .join(outbox, outbox.c.incident_id == incidents.c.id)
        .join(sandbox_messages, sandbox_messages.c.uuid == outbox.c.uuid)
        .outerjoin(acknowledgements, acknowledgements.c.incident_id == incidents.c.id)
        .where(
            rules.c.slug == MARKET_RULE,
            incidents.c.closed_at.is_(None),
            acknowledgements.c.incident_id.is_(None),
            outbox.c.kind == Kind.ALARM.value,
            sandbox_messages.c.address == OFFICER_NUMBER,
            sandbox_messages.c.received_at <= now - READS_AFTER,
        )
    )
    return bool(connection.execute(query).scalar())

"""The SQL of which groups get the watering list, and of which day they got it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, or_, select, update

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty.tables import duty_groups, duty_members
from stadtsinn.cloud.alarms.notify.channels.email import Email
from stadtsinn.cloud.alarms.notify.message import Addressee
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.alarms.notify.watched_repository import ways_in
from stadtsinn.cloud.platform.database.engine import serialize


def take_day(connection: Connection, group_id: int, day: date) -> bool:
    """Whether this transaction decides on the list of a day; False: another one did already."""
    serialize(connection, "watering lists")
    before = or_(duty_groups.c.watering_day.is_(None), duty_groups.c.watering_day < day.isoformat())
    taken = connection.execute(
        update(duty_groups)
        .where(duty_groups.c.id == group_id, before)
        .values(watering_day=day.isoformat())
    )
    return taken.rowcount == 1


def is_decided(connection: Connection, group_id: int, day: date) -> bool:
    query = select(duty_groups.c.watering_day).where(duty_groups.c.id == group_id)
    return (connection.scalar(query) or "") >= day.isoformat()


def mail_addressees(connection: Connection, group_id: int) -> list[Addressee]:
    """The members that have an e-mail address, whichever way they are told first; each address
    once."""
    query = (
        select(recipients)
        .join(duty_members, duty_members.c.recipient_id == recipients.c.id)
        .where(duty_members.c.group_id == group_id)
        .order_by(duty_members.c.id)
    )
    found: dict[str, Addressee] = {}
    for row in connection.execute(query):
        for channel, address in ways_in(row):
            if channel == Email.name and address not in found:
                language = Language(row.language)
                found[address] = Addressee(row.id, channel, address, language, group_id)
    return list(found.values())

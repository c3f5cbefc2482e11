"""Writes the mail with a day's watering list, and makes what it encloses when it is sent."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from stadtsinn.base.berlin import at, local
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.csv_text import Locale
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.enclosed import Enclosed, File
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind, Message
from stadtsinn.cloud.alarms.watering import repository
from stadtsinn.cloud.alarms.watering.words import said
from stadtsinn.cloud.domains.trees import day_repository
from stadtsinn.cloud.domains.trees import repository as trees
from stadtsinn.cloud.domains.trees.list_csv import list_csv
from stadtsinn.cloud.domains.trees.list_page import list_page
from stadtsinn.cloud.domains.trees.watering_list import WateringList
from stadtsinn.cloud.domains.trees.watering_service import watering_list
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.tenants.repository import require_tenant

_KEEPS = 12 * HOUR
"""A list that cannot be sent for longer is of no use any more."""
_NAMES = {Language.DE: "giessliste", Language.EN: "watering-list"}


def is_due(connection: Connection, stored: StoredGroup, now: Instant) -> bool:
    """Its hour has come, all of the town's trees were judged today, and nobody decided on it."""
    scope, today = operator_scope(stored.tenant_id), local(now).date()
    if now < at(today, trees.settings(connection, scope).list_at):
        return False
    if repository.is_decided(connection, stored.id, today):
        return False
    groups = set(trees.group_ids(connection, scope).values())
    return bool(groups) and groups <= day_repository.judged(connection, stored.tenant_id, today)


def write_list(database: Database, stored: StoredGroup, now: Instant) -> int | None:
    """To each member by e-mail; how many. None: nobody of them has an address, and nothing is
    decided. A list that is empty and not wanted then is decided, too."""
    scope, today = operator_scope(stored.tenant_id), local(now).date()
    with database.read() as connection:
        to = repository.mail_addressees(connection, stored.id)
        # Put together before the transaction that everybody waits for.
        made = watering_list(connection, scope, today, now) if to else None
    if made is None:
        return None
    wanted = bool(made.trees) or stored.group.watering_list.when_empty
    with database.write() as connection:
        if not repository.take_day(connection, stored.id, today):
            return 0
        written = _enqueue(connection, stored, made, to, now) if wanted else 0
        crash_point("watering.listed")
    crash_point("watering.written")
    return written


def _enqueue(
    connection: Connection,
    stored: StoredGroup,
    made: WateringList,
    to: list[Addressee],
    now: Instant,
) -> int:
    draft = Draft(
        tenant_id=stored.tenant_id,
        incident_id=name_of(made.day),
        kind=Kind.WATERING_LIST,
        level=0,
        sequence=0,
        said=said(made),
        event_time=now,
        created_at=now,
        expires_at=Instant(now + _KEEPS),
    )
    return outbox.enqueue(connection, draft, to)


def name_of(day: date) -> str:
    """Instead of an incident's: the same for all groups, so who is in two of them gets one."""
    return f"watering-{day:%Y%m%d}"


class WateringFiles:
    """What a mail with the list encloses: the page to print, and the table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, message: Message) -> Enclosed:
        # As it was when the mail was written: what was watered since is on it.
        written = Instant(message.created_at)
        scope, day = operator_scope(message.tenant_id), local(written).date()
        with self._database.read() as connection:
            made = watering_list(connection, scope, day, written)
            town = require_tenant(connection, message.tenant_id).name
        if not made.trees:
            return Enclosed()
        name = f"{_NAMES[message.language]}-{day.isoformat()}"
        page = list_page(made, town, message.language).encode()
        table = list_csv(made, Locale(message.language.value))
        to_print = File(f"{name}.html", "text/html; charset=utf-8", page)
        return Enclosed(files=(to_print, File(f"{name}.csv", CSV, table)))

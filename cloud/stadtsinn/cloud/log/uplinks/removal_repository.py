"""SQL that takes uplinks out of the log for good: of a town or device, or past their retention.

Positions must never be given twice: followers would not look at an uplink below their cursors.
SQLite counts on from the greatest row that is there, so the newest uplink of all is not deleted
but emptied: it stays as a number of nobody's, until another is newer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.uplinks.repository import count_revision, head
from stadtsinn.cloud.log.uplinks.rows import EMPTY_RADIO
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.decoders.reading import Undecoded, encode_outcome

NOBODY = ""
"""The tenant of an emptied row."""

Conditions = tuple[ColumnElement[bool], ...]


def of_tenant(tenant_id: str) -> Conditions:
    return (uplinks.c.tenant_id == tenant_id,)


def of_device(tenant_id: str, dev_eui: str) -> Conditions:
    return (uplinks.c.tenant_id == tenant_id, uplinks.c.dev_eui == dev_eui)


def older_than(moment: Instant, last_position: int) -> Conditions:
    """What was measured before a moment, as far as all followers have read."""
    return (uplinks.c.event_time < moment, uplinks.c.position <= last_position)


def devices_of(connection: Connection, tenant_id: str) -> Iterator[str]:
    """The devices of which a town has uplinks here."""
    return _each(connection, uplinks.c.dev_eui, uplinks.c.tenant_id == tenant_id)


def towns_of(connection: Connection) -> Iterator[str]:
    """The towns that have uplinks here."""
    return _each(connection, uplinks.c.tenant_id)


def _each(connection: Connection, column: Any, *which: ColumnElement[bool]) -> Iterator[str]:
    """Every value of a column; one look-up in the index for each, of millions of rows."""
    query = select(func.min(column)).where(*which)
    found = connection.execute(query).scalar_one()
    while found is not None:
        yield found
        found = connection.execute(query.where(column > found)).scalar_one()


def count(connection: Connection, which: Conditions) -> int:
    query = select(func.count()).select_from(uplinks).where(*which)
    return int(connection.execute(query).scalar_one())


def remove_some(connection: Connection, which: Conditions, limit: int) -> int:
    """Take `limit` uplinks out at most; how many."""
    newest = head(connection)
    connection.execute(
        delete(uplinks).where(uplinks.c.tenant_id == NOBODY, uplinks.c.position < newest)
    )
    some = select(uplinks.c.position).where(*which, uplinks.c.position != newest).limit(limit)
    gone = connection.execute(delete(uplinks).where(uplinks.c.position.in_(some))).rowcount
    if gone < limit:
        last = update(uplinks).where(*which, uplinks.c.position == newest)
        gone += connection.execute(last.values(_emptied(newest))).rowcount
    return gone


def forget_read(connection: Connection) -> None:
    """What processes have read of the log is old: it may hold what is gone."""
    count_revision(connection)


def _emptied(position: int) -> dict[str, Any]:
    return {
        "tenant_id": NOBODY,
        "dev_eui": "",
        "dev_addr": "",
        "generation": 0,
        "f_cnt": position,  # the key of a frame stays unique
        "f_port": 0,
        "payload": b"",
        "source": "",
        "deduplication_id": "",
        "device_type": None,
        "outcome": encode_outcome(_NOTHING),
        "radio": EMPTY_RADIO,
    }


_NOTHING = Undecoded("no_payload", "")

"""The SQL in gammu-smsd's tables. What it is given and answers are uuids of our own messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union_all,
    update,
)

from stadtsinn.cloud.alarms.notify.senders.gammu.tables import CREATOR, UNTOUCHED, Tables

_CODING = "Default_No_Compression"
"""The alphabet of GSM 03.38: all our texts are in it."""
WAITING = "Waiting"
_IN_ANY_ZONE = timedelta(hours=26)
"""Between two clocks without zone lies never more than this."""
_AT_ONCE = 200


@dataclass(frozen=True)
class Handing:
    """A row for the daemon. The repr shows nothing personal."""

    uuid: str
    number: str = field(repr=False)
    text: str = field(repr=False)
    validity: int
    report: bool
    phone: str


def put(connection: Connection, tables: Tables, one: Handing) -> int:
    """Its number there. All times lie in the past: our session may have another zone than the
    daemon's, and it would wait for hours."""
    row = {
        "CreatorID": CREATOR + one.uuid,
        "DestinationNumber": one.number,
        "TextDecoded": one.text,
        "Coding": _CODING,
        "DeliveryReport": "yes" if one.report else "no",
        "RelativeValidity": one.validity,
        "SenderID": one.phone or None,
        "SendingDateTime": UNTOUCHED,
        "SendingTimeOut": UNTOUCHED,
    }
    statement = insert(tables.outbox).values(row).returning(tables.outbox.c.ID)
    number: int = connection.execute(statement).scalar_one()
    return number


def number_of(connection: Connection, tables: Tables, uuid: str) -> int | None:
    """Its number there; None where there is no such message. One statement, so that it is seen
    also while the daemon moves it from one table to the other."""
    name = CREATOR + uuid
    waiting, sent = tables.outbox.c, tables.sentitems.c
    found = union_all(
        select(waiting.ID).where(waiting.CreatorID == name),
        select(sent.ID).where(sent.CreatorID == name),
    )
    return connection.scalars(found).first()


def waits_for(connection: Connection, tables: Tables, uuid: str, number: str) -> bool:
    """Another message of ours to this number has not left yet."""
    table = tables.outbox.c
    other = (
        table.DestinationNumber == number,
        table.CreatorID.startswith(CREATOR, autoescape=True),
        table.CreatorID != CREATOR + uuid,
    )
    return bool(connection.scalar(select(exists().where(*other))))


def states(
    connection: Connection, tables: Tables, uuids: Mapping[str, int | None]
) -> dict[str, str]:
    """What the daemon says of them, by uuid; `WAITING`: it has not sent it yet. What is missing is
    gone. One statement, as in `number_of`. Their numbers there are given where they are known: by
    them it finds them at once."""
    waiting, sent = tables.outbox.c, tables.sentitems.c
    names = [CREATOR + uuid for uuid in uuids]
    numbers = [number for number in uuids.values() if number is not None]
    is_sent = select(sent.CreatorID.label("name"), sent.Status.label("word")).where(
        sent.CreatorID.in_(names)
    )
    if len(numbers) == len(names):
        is_sent = is_sent.where(sent.ID.in_(numbers))
    waits = select(waiting.CreatorID, literal(WAITING)).where(waiting.CreatorID.in_(names))
    found: dict[str, str] = {}
    for name, word in connection.execute(union_all(is_sent, waits)):
        if word != WAITING or name not in found:  # a row of both is sent and not yet deleted
            found[name] = word
    return {name.removeprefix(CREATOR): word for name, word in found.items()}


def waiting(connection: Connection, tables: Tables) -> list[str]:
    """Ours that it has not sent yet, some of them."""
    table = tables.outbox.c
    ours = table.CreatorID.startswith(CREATOR, autoescape=True)
    query = select(table.CreatorID).where(ours).order_by(table.ID).limit(_AT_ONCE)
    return [name.removeprefix(CREATOR) for name in connection.scalars(query)]


def take_back(connection: Connection, tables: Tables, uuids: Collection[str]) -> set[str]:
    """Take those out of its outbox that it has not in its hands, or had it and left long ago.
    It takes a row by moving its `SendingTimeOut`: of two at once one finds nothing."""
    table = tables.outbox.c
    old = table.SendingTimeOut < _before(_IN_ANY_ZONE)
    statement = (
        delete(tables.outbox)
        .where(
            table.CreatorID.in_([CREATOR + uuid for uuid in uuids]),
            or_(table.SendingTimeOut == UNTOUCHED, old),
        )
        .returning(table.CreatorID)
    )
    return {name.removeprefix(CREATOR) for name in connection.scalars(statement)}


# --- what came in --------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A row of the inbox: a message, or a part of one. The repr shows nothing personal."""

    id: int
    sender: str = field(repr=False)
    units: str = field(repr=False)
    """Its text: UTF-16 in hexadecimal."""
    coding: str
    header: str
    """The UDH in hexadecimal; empty where there is none."""
    kind: int
    """The message's class; 127: an answer of the network."""
    received: datetime
    """By the clock of the daemon's machine, without zone."""


def unread(connection: Connection, tables: Tables, phone: str) -> list[Part]:
    table = tables.inbox.c
    query = select(
        table.ID,
        table.SenderNumber,
        table.Text,
        table.Coding,
        table.UDH,
        table.Class,
        table.ReceivingDateTime,
    ).where(table.Processed.is_(False))
    if phone:
        query = query.where(table.RecipientID == phone)
    rows = connection.execute(query.order_by(table.ID).limit(_AT_ONCE))
    return [Part(*row) for row in rows]


def mark_read(connection: Connection, tables: Tables, ids: Collection[int]) -> None:
    table = tables.inbox
    connection.execute(update(table).where(table.c.ID.in_(ids)).values(Processed=True))


def tidy(connection: Connection, tables: Tables, phone: str, days: int) -> None:
    """Delete numbers and texts that nobody needs there any more."""
    before = _before(timedelta(days=days))
    sent, came = tables.sentitems.c, tables.inbox.c
    ours = sent.CreatorID.startswith(CREATOR, autoescape=True)
    connection.execute(delete(tables.sentitems).where(ours, sent.SendingDateTime < before))
    read = [came.Processed.is_(True), came.ReceivingDateTime < before]
    if phone:
        read.append(came.RecipientID == phone)
    connection.execute(delete(tables.inbox).where(*read))


def _before(span: timedelta) -> ColumnElement[datetime]:
    moment: ColumnElement[datetime] = func.localtimestamp() - span
    return moment


# --- whether it lives ----------------------------------------------------------------------


@dataclass(frozen=True)
class Phone:
    """A modem, as its daemon last wrote it down. `signal` in per cent, -1: not known."""

    id: str
    heard: datetime
    """By the clock of the daemon's session, without zone."""
    signal: int
    sends: bool
    receives: bool


def phones(connection: Connection, tables: Tables, phone: str) -> list[Phone]:
    """The one of this PhoneID, or all; the one that was heard last first."""
    table = tables.phones.c
    query = select(table.ID, table.UpdatedInDB, table.Signal, table.Send, table.Receive)
    if phone:
        query = query.where(table.ID.in_([phone]))
    rows = connection.execute(query.order_by(table.UpdatedInDB.desc()))
    return [Phone(*row) for row in rows]


def version(connection: Connection, tables: Tables) -> int | None:
    return connection.scalar(select(tables.version.c.Version))


def now_without_zone(connection: Connection) -> datetime:
    """As this session would write it down."""
    moment: datetime = connection.execute(select(func.localtimestamp())).scalar_one()
    return moment


_RIGHTS = {
    "gammu": "SELECT",
    "outbox": "SELECT, INSERT, DELETE",
    "sentitems": "SELECT, DELETE",
    "inbox": "SELECT, UPDATE, DELETE",
    "phones": "SELECT",
}


def missing_tables(connection: Connection, schema: str) -> list[str]:
    """Those that are not there, or that we may not even look for."""
    found = func.to_regclass
    names = {name: f'{_quoted(schema)}."{name}"' for name in _RIGHTS}
    return [
        name for name, whole in names.items() if connection.scalar(select(found(whole))) is None
    ]


def missing_rights(connection: Connection, schema: str) -> dict[str, str]:
    """What we may not do, as GRANT has it: by table the rights that are needed."""
    lacking = {}
    for name, rights in _RIGHTS.items():
        whole = f'{_quoted(schema)}."{name}"'
        may = [
            connection.scalar(select(func.has_table_privilege(whole, one)))
            for one in rights.split(", ")
        ]
        if not all(may):
            lacking[name] = rights
    sequence = f'{_quoted(schema)}."outbox_ID_seq"'
    if not connection.scalar(select(func.has_sequence_privilege(sequence, "USAGE"))):
        lacking["outbox_ID_seq"] = "USAGE"
    return lacking


def may_enter(connection: Connection, schema: str) -> bool | None:
    """None where there is no such schema."""
    query = text(
        "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = :name"
    )
    may: bool | None = connection.scalar(query, {"name": schema})
    return may


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

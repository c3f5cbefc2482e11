"""The tables of gammu-smsd, as far as we use them (its manual: gammu-smsd-tables(7)).

They belong to gammu-smsd, which makes and reads them; the columns named here are the same in its
versions 17 (Debian 11 to 13) and 18. Times are without zone, in that of the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)

VERSIONS = (17, 18)
"""Of its tables, that we know."""

CREATOR = "stadtsinn-"
"""Our rows are named so, followed by the message's uuid: other programs may send there as well."""

UNTOUCHED = datetime(2000, 1, 1)  # noqa: DTZ001 (the column has no zone)
"""`SendingTimeOut` of a row that the daemon has not taken into its hands yet."""


@dataclass(frozen=True)
class Tables:
    """Those in one schema."""

    version: Table
    outbox: Table
    sentitems: Table
    inbox: Table
    phones: Table


def tables_in(schema: str) -> Tables:
    known = MetaData(schema=schema)
    return Tables(
        version=Table("gammu", known, Column("Version", SmallInteger, primary_key=True)),
        outbox=Table(
            "outbox",
            known,
            Column("ID", Integer, primary_key=True),
            Column("CreatorID", Text, nullable=False),
            Column("DestinationNumber", String(20), nullable=False),
            Column("TextDecoded", Text, nullable=False),
            Column("Coding", String(255), nullable=False),
            Column("DeliveryReport", String(10)),
            Column("RelativeValidity", Integer),
            Column("SenderID", String(255)),
            Column("SendingDateTime", DateTime, nullable=False),
            Column("SendingTimeOut", DateTime, nullable=False),
        ),
        sentitems=Table(
            "sentitems",
            known,
            Column("ID", Integer, primary_key=True),
            Column("SequencePosition", Integer, primary_key=True),
            Column("CreatorID", Text, nullable=False),
            Column("Status", String(255), nullable=False),
            Column("SendingDateTime", DateTime, nullable=False),
        ),
        inbox=Table(
            "inbox",
            known,
            Column("ID", Integer, primary_key=True),
            Column("SenderNumber", String(20), nullable=False),
            Column("Text", Text, nullable=False),
            Column("Coding", String(255), nullable=False),
            Column("UDH", Text, nullable=False),
            Column("Class", Integer, nullable=False),
            Column("ReceivingDateTime", DateTime, nullable=False),
            Column("RecipientID", Text, nullable=False),
            Column("Processed", Boolean, nullable=False),
        ),
        phones=Table(
            "phones",
            known,
            Column("ID", Text, nullable=False),
            Column("IMEI", String(35), primary_key=True),
            Column("UpdatedInDB", DateTime, nullable=False),
            Column("Send", Boolean, nullable=False),
            Column("Receive", Boolean, nullable=False),
            Column("Signal", Integer, nullable=False),
        ),
    )

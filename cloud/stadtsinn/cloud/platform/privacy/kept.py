"""The classes of data. Every table names its own with `info=kept(…)`, column by column.

Erasing, searching for a person and the page for the data protection officer go by nothing else, so
a table or column without a class fails tests/cloud/erasure/test_every_column.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Table, select


class Data(StrEnum):
    """What a column can hold."""

    KEY = "key"
    """Numbers, references and DevEUIs by which things are found."""
    NAME = "name"
    """Short names that people choose and that stand in addresses."""
    FACT = "fact"
    """Times, states and counts of this software."""
    SETTING = "setting"
    """What the town has set."""
    MEASURED = "measured"
    """What sensors measured, and how it was received."""
    PLACE = "place"
    """Where something stands."""
    TEXT = "text"
    """Names of things, remarks, reasons: people may be named in it."""
    PERSON = "person"
    """Names, telephone numbers and addresses of people."""
    DIGEST = "digest"
    """Digests and random tokens; nothing can be read from them."""
    FOREIGN = "foreign"
    """Bytes as somebody sent them: they may hold anything."""


SEARCHED = frozenset({Data.NAME, Data.TEXT, Data.PERSON, Data.FOREIGN})
"""Where a person may be named."""


class Until(StrEnum):
    """How long rows are kept. The first seven are settings of a town (platform.retention)."""

    LOG = "log"
    ARCHIVE = "archive"
    SERIES = "series"
    SAMPLES = "samples"
    OUTBOX = "outbox"
    """Rows stay on record; telephone number and text are emptied then."""
    AUDIT = "audit"
    QUARANTINE = "quarantine"
    DELETED = "deleted"
    """Until the town deletes or changes it."""
    RECORD = "record"
    """As a record, until device or town is erased."""
    RUNNING = "running"
    """While it is needed to run; numbers of the installation, nobody's data."""


@dataclass(frozen=True)
class Kept:
    """What a table holds. `owner` leads to the town of a row.

    `owner`: the row's own column with the town, or a column that refers to another table's key
    (``gate_id``, or ``edge_id=edges.id`` where no foreign key says so); empty: the installation's.
    """

    german: str
    english: str
    until: Until
    owner: str
    classes: Mapping[str, Data]

    def columns(self, *classes: Data) -> list[str]:
        """The columns of these classes, in the order in which they were named."""
        return [name for name, one in self.classes.items() if one in classes]


def kept(
    german: str, english: str, until: Until, *, owner: str = "tenant_id", **columns: str
) -> dict[str, Any]:
    """For `Table(info=…)`: what it is for, and which columns are of which class of data."""
    classes = {
        name: Data(one)
        for one, names in columns.items()
        for name in names.split()  # each once: tests/cloud/erasure/test_every_column.py
    }
    return {"kept": Kept(german, english, until, owner, classes)}


def kept_of(table: Table) -> Kept:
    """Raises KeyError for a table that does not say what it holds."""
    found = table.info["kept"]
    assert isinstance(found, Kept)
    return found


def is_owned(table: Table) -> bool:
    """Whether its rows belong to towns."""
    return bool(kept_of(table).owner)


def owner_of(table: Table) -> tuple[str, str] | None:
    """The column by which a row belongs to a row of another table, and that table's key
    (``table.column``); None where the row names its town itself."""
    column, _, key = kept_of(table).owner.partition("=")
    if key:
        return column, key
    referred = [one.target_fullname for one in table.c[column].foreign_keys]
    if not referred or referred == ["tenants.id"]:
        return None
    return column, referred[0]


def of_tenant(table: Table, tenant_id: str) -> ColumnElement[bool]:
    """The rows of a table that belong to a town."""
    if (owner := owner_of(table)) is None:
        return table.c[kept_of(table).owner] == tenant_id
    column, key = owner
    parent, _, name = key.partition(".")
    owners = table.metadata.tables[parent]
    return table.c[column].in_(select(owners.c[name]).where(of_tenant(owners, tenant_id)))

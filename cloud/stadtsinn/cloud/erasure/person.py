"""Finds where a person is named, and takes the name out: recipients, messages sent, remarks, keys.

Every column in which people may be named is looked through, as the tables say it. What is found is
told by its place, never by its words: they may name others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Table

from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients, sandbox_messages
from stadtsinn.cloud.erasure import person_repository as repository
from stadtsinn.cloud.erasure.searching import GONE, Wanted
from stadtsinn.cloud.erasure.slices import AT_ONCE, Slices, Storage, said
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.privacy.kept import SEARCHED, Data, is_owned, kept_of
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.town.repository import bump_revision

log = structlog.get_logger()

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Found:
    """A row that names the person: where it is, whose, and in which columns."""

    table: Table
    key: Key
    tenant_id: str | None
    columns: tuple[str, ...]

    @property
    def fixed(self) -> tuple[str, ...]:
        """Columns that others refer to: they cannot be changed here."""
        if self.table is recipients:
            return ()  # the row goes
        classes = kept_of(self.table).classes
        return tuple(name for name in self.columns if classes[name] is Data.NAME)


def find(database: Database, wanted: Wanted, tenant_id: str | None = None) -> Iterator[Found]:
    """Every row that names the person, of all towns or of one."""
    for table in _searched():
        names = kept_of(table).columns(*SEARCHED)
        for row in repository.rows(database, table, names, tenant_id):
            hit = tuple(name for name in names if wanted.is_in(row.values[name]))
            if hit:
                yield Found(table, row.key, row.tenant_id, hit)


def _searched() -> list[Table]:
    tables = sorted(metadata.tables.values(), key=lambda one: one.name)
    return [one for one in tables if is_owned(one) and kept_of(one).columns(*SEARCHED)]


@dataclass(frozen=True)
class Erased:
    """How many rows were changed or deleted, by table; `fixed` ones have it in a short name."""

    changed: Mapping[str, int]
    fixed: Sequence[Found]


def erase(slices: Slices, wanted: Wanted, tenant_id: str | None = None) -> Erased:
    """Take the person out of every row that names it. Run again, it finds nothing.

    Recipients are deleted with what still waits for them; rows of quarantine too. Messages sent
    keep that they were sent, to which recipient and when, without number and text.
    """
    database = slices.storage.database
    changed: Counter[str] = Counter()
    fixed: list[Found] = []
    some: list[Found] = []
    by_town: Counter[tuple[str | None, str]] = Counter()

    def change() -> None:
        _change(slices, wanted, some)
        changed.update(str(one.table.name) for one in some)
        by_town.update((one.tenant_id, str(one.table.name)) for one in some)
        some.clear()

    for found in find(database, wanted, tenant_id):
        if found.fixed:
            fixed.append(found)
        if len(found.fixed) < len(found.columns):
            some.append(found)
        if len(some) >= AT_ONCE:
            change()
    change()
    if changed:
        _note(slices.storage, by_town)
        log.info("person_erased", changed=said(changed))
    database.tidy()  # also for an earlier run that was ended before
    return Erased(dict(changed), fixed)


def _note(storage: Storage, by_town: Counter[tuple[str | None, str]]) -> None:
    """For the audit of each town, without any name."""
    now = storage.clock.now()
    with storage.database.write() as connection:
        bump_revision(connection)  # names of stations and zones are kept in memory
        for town in {town for town, _ in by_town if town is not None}:
            own = {table: count for (one, table), count in by_town.items() if one == town}
            line = Line(town, Action.DELETED, Kind.PERSON, "", f"erased; {said(own)}")
            record(connection, operator_scope(town), now, [line])


def _change(slices: Slices, wanted: Wanted, found: Sequence[Found]) -> None:
    if not found:
        return

    for one in found:
        if one.table is recipients:
            slices.run("", partial(_empty_messages, one.key[0]))

    def all_of_them(connection: Connection, _limit: int) -> int:
        for one in found:
            if one.table is recipients:
                repository.forget_recipient(connection, one.key)
            elif one.table is quarantine:
                repository.delete_row(connection, one.table, one.key)
            else:
                present = repository.read(connection, one.table, one.key, one.columns)
                if present is not None:  # else it has gone by itself meanwhile
                    repository.write(connection, one.table, one.key, _values(one, present, wanted))
        return 0

    slices.run("", all_of_them)


def _empty_messages(recipient_id: int, connection: Connection, limit: int) -> int:
    return repository.empty_messages(connection, recipient_id, limit)


def _values(found: Found, present: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """What the row says instead."""
    if found.table is outbox:
        ended = {} if present["settled"] else {"status": Status.EXPIRED.value, "settled": True}
        return {"address": "", "text": "", "facts": {}, "purged": True, **ended}
    if found.table is sandbox_messages:
        return {"address": "", "text": ""}
    classes = kept_of(found.table).classes
    values = {}
    for name in found.columns:
        if classes[name] is Data.PERSON:
            values[name] = GONE
        elif classes[name] is not Data.NAME:
            values[name] = wanted.without(present[name])
    return values

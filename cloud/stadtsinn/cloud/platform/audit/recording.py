"""Records what a transaction changes: each statement on a table that towns write leaves a line.

It looks at the statements themselves, so that no change can be forgotten. Lines are written with
the change or not at all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, Delete, Insert, Table, Update, event, select

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.base.logs import mask_text
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit import repository
from stadtsinn.cloud.platform.audit.line import Action, Line

log = structlog.get_logger()

_LONGEST_DETAIL = 1000
_LONGEST_VALUE = 200
_ONE_BY_ONE = 100
"""Of more lines of one kind in one transaction, such as an import, there is one that sums up."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Audited:
    """What a table's rows are called. The values of `hidden` columns are nobody's business:
    telephone numbers, names of persons."""

    kind: str
    name: tuple[str, ...] = ("slug",)
    hidden: frozenset[str] = frozenset()


_PERSONAL = frozenset({"name", "address"})

_AUDITED: Mapping[str, _Audited] = {
    "tenants": _Audited("tenant", ("id",)),
    "tenant_limits": _Audited("limit", ("name",)),
    "api_keys": _Audited("key", ("prefix",)),
    "sites": _Audited("site"),
    "devices": _Audited("device", ("dev_eui",)),
    "edges": _Audited("edge", ("id",)),
    "stations": _Audited("station"),
    "deployments": _Audited("deployment", ("dev_eui",), frozenset({"installed_by"})),
    "datastreams": _Audited("series", ("quantity", "channel")),
    "zones": _Audited("zone"),
    "gates": _Audited("gate"),
    "recipients": _Audited("recipient", hidden=_PERSONAL),
    "rules": _Audited("rule"),
    "rule_recipients": _Audited("recipient of a rule", ()),
}
_OURS = frozenset({"id", "tenant_id", "created_at", "revision", "valid_from", "digest"})
"""Columns that say nothing about what somebody wanted."""
_INSTANTS = frozenset({"start", "end", "revoked_at", "event_time", "at"})


@contextmanager
def recording(connection: Connection, scope: Scope, now: Instant) -> Iterator[None]:
    """Write a line for each thing that the block changes, in the same transaction."""
    recorder = _Recorder(connection, scope.tenant_id)
    for name, listener in recorder.listeners.items():
        event.listen(connection, name, listener)
    try:
        yield
    finally:
        for name, listener in recorder.listeners.items():
            event.remove(connection, name, listener)
    record(connection, scope, now, list(_summed_up(recorder.lines)))


def record(connection: Connection, scope: Scope, now: Instant, lines: Sequence[Line]) -> None:
    """Write lines of the caller; `key_id` 0 is the operator, whose commands say what they did."""
    if not lines:
        return
    repository.write(connection, lines, scope.key_id or None, now)
    for line in lines if scope.key_id else ():
        log.info(
            "audit",
            tenant=line.tenant_id,
            key_id=scope.key_id,
            action=line.action.value,
            thing=f"{line.kind} {line.name}",
        )


class _Recorder:
    """Turns the statements of one connection into lines."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self.lines: list[Line] = []
        self.listeners = {"before_execute": self._before, "after_execute": self._after}
        self._connection = connection
        self._tenant_id = tenant_id
        self._rows: list[Row] = []
        self._counts: Counter[tuple[Action, str]] = Counter()

    def _before(self, _: Connection, clause: Any, *__: Any) -> None:
        table = _audited_table(clause)
        if table is not None and isinstance(clause, Update | Delete):
            self._rows = self._found(table, clause.whereclause)

    def _after(self, _: Connection, clause: Any, *others: Any) -> None:
        table = _audited_table(clause)
        if table is None:
            return
        if isinstance(clause, Insert):
            result = others[-1]
            for values in result.context.compiled_parameters:
                self._note(Action.CREATED, table, {}, values)
        elif isinstance(clause, Delete):
            for row in self._rows:
                self._note(Action.DELETED, table, row, {})
        else:
            for row in self._rows:
                self._note_update(table, row, self._now(table, row))

    def _note_update(self, table: Table, before: Row, after: Row) -> None:
        """What changes its tenant is gone for one and new for the other: neither sees how it is
        or was with the other."""
        if before.get("tenant_id") == after.get("tenant_id"):
            self._note(Action.CHANGED, table, before, after)
            return
        self._note(Action.DELETED, table, before, {})
        self._note(Action.CREATED, table, {}, after)

    def _found(self, table: Table, where: Any) -> list[Row]:
        query = select(table) if where is None else select(table).where(where)
        return [dict(row) for row in self._connection.execute(query).mappings()]

    def _now(self, table: Table, row: Row) -> Row:
        """The same row after the update."""
        query = select(table)
        for column in table.primary_key:
            query = query.where(column == row[column.name])
        found = self._connection.execute(query).mappings().one_or_none()
        return dict(found) if found is not None else row

    def _note(self, action: Action, table: Table, before: Row, after: Row) -> None:
        audited = _AUDITED[table.name]
        self._counts[action, audited.kind] += 1
        many = self._counts[action, audited.kind] > _ONE_BY_ONE
        detail = "" if many else _difference(table, before, after)
        if action is Action.CHANGED and not detail and not many:
            return
        row = before or after
        tenant_id = row.get("tenant_id") or (row["id"] if table.name == "tenants" else None)
        name = " ".join(str(row.get(column, "")) for column in audited.name).strip()
        self.lines.append(
            Line(
                str(tenant_id or self._tenant_id),
                action,
                audited.kind,
                visible(name)[:_LONGEST_VALUE],
                detail,
            )
        )


def _audited_table(clause: Any) -> Table | None:
    """The table that a statement changes, where it is one that towns write."""
    table = clause.table if isinstance(clause, Insert | Update | Delete) else None
    return table if isinstance(table, Table) and table.name in _AUDITED else None


def _difference(table: Table, before: Row, after: Row) -> str:
    audited = _AUDITED[table.name]
    parts = []
    for column in table.columns:
        name = column.name
        if name in _OURS or name in audited.name:
            continue
        old, new = before.get(name), after.get(name)
        if _same(old, new):
            continue
        if name in audited.hidden:
            parts.append(f"{name}: not shown")
        elif before and after:
            parts.append(f"{name}: {_shown(name, old)} → {_shown(name, new)}")
        else:
            parts.append(f"{name}: {_shown(name, new if after else old)}")
    return "; ".join(parts)[:_LONGEST_DETAIL]


def _same(old: Any, new: Any) -> bool:
    return bool(old == new) or (_is_empty(old) and _is_empty(new))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _shown(name: str, value: Any) -> str:
    if name in _INSTANTS and isinstance(value, int):
        return isoformat(Instant(value))
    text = "–" if value is None or value == "" else str(value)
    return visible(mask_text(text))[:_LONGEST_VALUE]


def _summed_up(lines: Sequence[Line]) -> Iterator[Line]:
    groups: dict[tuple[str, Action, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.tenant_id, line.action, line.kind].append(line)
    for (tenant_id, action, kind), group in groups.items():
        if len(group) <= _ONE_BY_ONE:
            yield from group
        else:
            detail = f"{len(group)}: from {group[0].name} to {group[-1].name}"
            yield Line(tenant_id, action, kind, "", detail)

"""Records what a transaction changes: each statement on a table that towns write leaves a line.

It looks at the statements themselves, so that no change can be forgotten. Lines are written with
the change or not at all.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Column, Connection, Delete, Insert, Table, Update, event, select

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant, isoformat
from stadtsinn.base.logs import MASK, mask_text
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit import repository
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line

log = structlog.get_logger()

_LONGEST_DETAIL = 1000
_LONGEST_VALUE = 200
_SHORTER = (80, 40, 20)
"""So long are values at most where all of them are too long together."""
_NOTHING = "–"
_LIKE_OURS = re.compile(r'[;→"]')
_ONE_BY_ONE = 100
"""Of more lines of one kind in one transaction, such as an import, there is one that sums up."""

Row = Mapping[str, Any]
Change = tuple[Row, Row]
"""How a thing was, and how it is; empty where it was not there."""


@dataclass(frozen=True)
class _Audited:
    """What a table's rows are called. The values of `hidden` columns are nobody's business:
    telephone numbers, names of persons."""

    kind: Kind
    name: tuple[str, ...] = ("slug",)
    hidden: frozenset[str] = frozenset()


_PERSONAL = frozenset({"name", "address"})

_AUDITED: Mapping[str, _Audited] = {
    "tenants": _Audited(Kind.TENANT, ("id",)),
    "tenant_limits": _Audited(Kind.LIMIT, ("name",)),
    "tenant_retention": _Audited(Kind.RETENTION, ("name",)),
    "api_keys": _Audited(Kind.KEY, ("name", "prefix")),
    "sites": _Audited(Kind.SITE),
    "devices": _Audited(Kind.DEVICE, ("dev_eui",)),
    "edges": _Audited(Kind.EDGE, ("id",)),
    "stations": _Audited(Kind.STATION),
    "deployments": _Audited(
        Kind.DEPLOYMENT, ("dev_eui", "station_id"), frozenset({"installed_by"})
    ),
    "datastreams": _Audited(Kind.SERIES, ("station_id", "quantity", "channel")),
    "zones": _Audited(Kind.ZONE),
    "gates": _Audited(Kind.GATE, ("zone_id", "slug")),
    "tree_groups": _Audited(Kind.TREE_GROUP),
    "tree_settings": _Audited(Kind.TREE_SETTINGS, (), frozenset({"forecast"})),
    "recipients": _Audited(Kind.RECIPIENT, hidden=_PERSONAL),
    "rules": _Audited(Kind.RULE),
    "rule_recipients": _Audited(Kind.RULE_RECIPIENT, ("rule_id",)),
    "rule_groups": _Audited(Kind.RULE_RECIPIENT, ("rule_id",)),
    "duty_groups": _Audited(Kind.DUTY_GROUP),
    "duty_members": _Audited(Kind.DUTY_MEMBER, ("group_id",), frozenset({"known_as"})),
    "duty_weekly": _Audited(Kind.SHIFT, ("group_id",)),
    "duty_shifts": _Audited(Kind.SHIFT, ("group_id",)),
    "duty_substitutions": _Audited(Kind.SUBSTITUTION, ("group_id",)),
    "duty_pauses": _Audited(Kind.PAUSE, ("group_id",)),
    "alert_mutes": _Audited(Kind.MUTE, ("of", "value")),
    "acknowledgements": _Audited(Kind.ACKNOWLEDGEMENT, ("incident_id",), frozenset({"by"})),
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
    """Write lines of the caller. Those of keys are in the log as well; commands and claims say
    there by themselves what they did."""
    if not lines:
        return
    repository.write(connection, lines, scope.key_id or None, now)
    for line in lines if scope.key_id > 0 else ():
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
        self._slugs = _Slugs(connection)

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
            inserted = result.context.compiled_parameters
            self._note(Action.CREATED, table, [({}, values) for values in inserted])
        elif isinstance(clause, Delete):
            self._note(Action.DELETED, table, [(row, {}) for row in self._rows])
        else:
            self._note_update(table, [(row, self._now(table, row)) for row in self._rows])

    def _note_update(self, table: Table, changed: Sequence[Change]) -> None:
        """What changes its tenant is gone for one and new for the other: neither sees how it is
        or was with the other."""
        stays: list[Change] = []
        goes: list[Change] = []
        for before, after in changed:
            kept = before.get("tenant_id") == after.get("tenant_id")
            (stays if kept else goes).append((before, after))
        self._note(Action.CHANGED, table, stays)
        self._note(Action.GIVEN, table, [(before, {}) for before, _ in goes])
        self._note(Action.RECEIVED, table, [({}, after) for _, after in goes])

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

    def _note(self, action: Action, table: Table, changes: Sequence[Change]) -> None:
        audited = _AUDITED[table.name]
        room = max(_ONE_BY_ONE - self._counts[action, audited.kind], 0)
        self._counts[action, audited.kind] += len(changes)
        # Of many things only the first ones and the last are named.
        self._slugs.learn(table, [row for one in (*changes[:room], *changes[-1:]) for row in one])
        for at, (before, after) in enumerate(changes):
            many = at >= room
            detail = "" if many else _difference(table, before, after, self._slugs)
            if action is Action.CHANGED and not detail and not many:
                continue
            row = before or after
            tenant_id = row.get("tenant_id") or (row["id"] if table.name == "tenants" else None)
            parts = [(one, row[one]) for one in audited.name if row.get(one) not in (None, "")]
            name = " ".join(self._slugs.shown(table, *part) for part in parts)[:_LONGEST_VALUE]
            town = str(tenant_id or self._tenant_id)
            self.lines.append(Line(town, action, audited.kind, name, detail))


class _Slugs:
    """The short names of what rows refer to by number, which says nothing to people."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, int], str] = {}

    def learn(self, table: Table, rows: Sequence[Row]) -> None:
        """Ask for those that `rows` refer to, in one statement for each column."""
        for column in table.columns:
            target = _referred(column)
            if target is None:
                continue
            numbers = {row[column.name] for row in rows if row.get(column.name) is not None}
            missing = [one for one in numbers if (target.name, one) not in self._known]
            query = select(target.c.id, target.c.slug).where(target.c.id.in_(missing))
            for found in self._connection.execute(query) if missing else ():
                self._known[target.name, found.id] = found.slug

    def shown(self, table: Table, name: str, value: Any) -> str:
        """A column's value, by its short name where it refers to a thing that has one."""
        target = _referred(table.columns[name])
        known = None if target is None else self._known.get((target.name, value))
        return known or _shown(name, value)


def _referred(column: Column[Any]) -> Table | None:
    """The table that a column refers to by number, where its things have short names."""
    for key in column.foreign_keys:
        if "slug" in key.column.table.columns:
            return key.column.table
    return None


def _audited_table(clause: Any) -> Table | None:
    """The table that a statement changes, where it is one that towns write."""
    table = clause.table if isinstance(clause, Insert | Update | Delete) else None
    return table if isinstance(table, Table) and table.name in _AUDITED else None


def _difference(table: Table, before: Row, after: Row, slugs: _Slugs) -> str:
    """What changed, every column of it: long values are cut until all find room."""
    audited = _AUDITED[table.name]
    pairs: list[tuple[str, str, str]] = []
    for column in table.columns:
        name = column.name
        # What a thing is called says its line; that it is another one now is a change.
        if name in _OURS or (name in audited.name and not (before and after)):
            continue
        old, new = before.get(name), after.get(name)
        if _same(old, new):
            continue
        hidden = name in audited.hidden
        shown = (MASK, MASK) if hidden else (slugs.shown(table, name, one) for one in (old, new))
        pairs.append((name.removesuffix("_id"), *shown))
    changed = bool(before and after)
    for longest in (_LONGEST_VALUE, *_SHORTER):
        parts = [f"{name}: {_how(was, now, changed, longest)}" for name, was, now in pairs]
        if len(detail := "; ".join(parts)) <= _LONGEST_DETAIL:
            break
    return detail[:_LONGEST_DETAIL]


def _how(was: str, now: str, changed: bool, longest: int) -> str:
    if was == now == MASK:
        return MASK
    if not changed:
        return _quoted(_cut(now if was == _NOTHING else was, 0, longest))
    differ = next((at for at, (x, y) in enumerate(zip(was, now, strict=False)) if x != y), 0)
    return " → ".join(_quoted(_cut(one, differ, longest)) for one in (was, now))


def _cut(text: str, differ: int, longest: int) -> str:
    """The part of a long text that shows where it differs."""
    if len(text) <= longest:
        return text
    start = max(0, differ - longest // 4)
    end = start + longest
    return f"{'…' * (start > 0)}{text[start:end]}{'…' * (end < len(text))}"


def _quoted(text: str) -> str:
    """A value that reads like several changes is told from them."""
    return json.dumps(text, ensure_ascii=False) if _LIKE_OURS.search(text) else text


def _same(old: Any, new: Any) -> bool:
    return bool(old == new) or (_is_empty(old) and _is_empty(new))


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _shown(name: str, value: Any) -> str:
    if name in _INSTANTS and isinstance(value, int):
        return isoformat(Instant(value))
    return _NOTHING if value is None or value == "" else visible(mask_text(str(value)))


def _summed_up(lines: Sequence[Line]) -> Iterator[Line]:
    groups: dict[tuple[str, Action, str], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.tenant_id, line.action, line.kind].append(line)
    for (tenant_id, action, kind), group in groups.items():
        if len(group) <= _ONE_BY_ONE:
            yield from group
        else:
            detail = f"{len(group)}: {group[0].name} … {group[-1].name}"
            yield Line(tenant_id, action, kind, "", detail)

"""Refuses what goes beyond a limit; the answer names the limit and what can be done."""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from pydantic import ValidationError
from sqlalchemy import Connection, Table

from stadtsinn.base.counted import counted
from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits import repository
from stadtsinn.cloud.platform.limits.model import Limits


class _Room(NamedTuple):
    """How many rows a tenant has, and how many it may have."""

    present: int
    most: int


_room: WeakKeyDictionary[Connection, dict[tuple[str, str], _Room]] = WeakKeyDictionary()
"""Of transactions, by tenant and limit. Counting anew for each of 10,000 devices of a file would
make its time grow with the square."""


def require_room(
    connection: Connection, scope: Scope, name: str, table: Table, *conditions: Any
) -> None:
    """To be called just before a row of a tenant is inserted into `table`.

    `name` is the limit's, `conditions` say which rows count. Raises Conflict where the tenant has
    as many as it may.
    """
    tenant_id = scope.tenant_id
    known = _room.setdefault(connection, {})
    room = known.get((tenant_id, name))
    if room is None:
        most = getattr(limits_for(connection, scope.limits, tenant_id), name)
        room = _Room(repository.rows_of(connection, tenant_id, table, *conditions), most)
    if room.present >= room.most:
        raise Conflict(
            f"'{tenant_id}' has {room.present} {name} and may have {room.most}: delete what is no "
            "longer needed, or ask the operator of this server for more: 'stadtsinn tenant limit "
            f"{tenant_id} {name} {room.present + max(room.most // 2, 10)}'.",
            f"'{tenant_id}' ist an der Grenze '{name}': {room.present} von höchstens {room.most}. "
            "Löschen, was nicht mehr gebraucht wird, oder den Betreiber dieses Servers um mehr "
            f"bitten: 'stadtsinn tenant limit {tenant_id} {name} "
            f"{room.present + max(room.most // 2, 10)}'.",
        )
    known[tenant_id, name] = room._replace(present=room.present + 1)


def count_anew(connection: Connection) -> None:
    """After a part of the transaction was taken back, with rows that there was room for."""
    _room.pop(connection, None)


def require_days(scope: Scope, start: Instant, end: Instant) -> None:
    """Raises Invalid where a request asks for a longer time than its caller may."""
    most = scope.limits.query_days
    if end - start > most * DAY:
        raise Invalid(
            f"'start' and 'end' are more than {counted(most, 'day', 'days')} apart "
            "('query_days'): ask for the years one by one.",
            f"'start' und 'end' liegen mehr als {counted(most, 'Tag', 'Tage')} auseinander "
            "('query_days'): die Jahre einzeln abfragen.",
        )


def limits_for(connection: Connection, limits: Limits, tenant_id: str) -> Limits:
    """The limits of an installation as they are for a tenant."""
    return limits.with_those_of(repository.limits_of(connection, tenant_id))


def change_limit(connection: Connection, tenant_id: str, name: str, value: int | None) -> None:
    """Give a tenant a limit of its own, None: the installation's. Raises Invalid."""
    if name not in Limits.model_fields:
        raise Invalid(
            f"There is no limit '{name}'. All: {', '.join(Limits.model_fields)}.",
            f"Eine Grenze '{name}' gibt es nicht. Alle: {', '.join(Limits.model_fields)}.",
        )
    if value is None:
        repository.remove_limit(connection, tenant_id, name)
        return
    try:
        Limits.model_validate({name: value})
    except ValidationError as error:
        said = field_sentence(error.errors()[0])
        raise Invalid(
            f"'{name}' cannot be {value}: {said.english}.",
            f"'{name}' kann nicht {value} sein: {said.german}.",
        ) from None
    repository.set_limit(connection, tenant_id, name, value)

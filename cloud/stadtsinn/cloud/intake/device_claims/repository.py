"""SQL of claims. What serves the API takes a scope: the claimant's, or the device owner's."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, exists, func, insert, or_, select, update

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.intake.device_claims.model import LIFE, SHOWN, ClaimBody, ClaimRow, Ending
from stadtsinn.cloud.intake.device_claims.tables import device_claims
from stadtsinn.cloud.intake.reasons import NOT_THEIRS
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.uplinks.tables import archived_sessions, uplinks
from stadtsinn.cloud.platform.access.rows import missing, one_page, only_row, own_rows
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.tables import devices

_WAITING = device_claims.c.ending.is_(None)


def _claim(row: Row[Any]) -> ClaimRow:
    return ClaimRow.model_validate(row, from_attributes=True)


# --- the claimant ----------------------------------------------------------------------


def latest_claim(connection: Connection, scope: Scope, dev_eui: str) -> ClaimRow | None:
    """The newest claim of the caller's tenant to this device."""
    query = own_rows(scope, device_claims).where(device_claims.c.dev_eui == dev_eui)
    row = connection.execute(query.order_by(device_claims.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _claim(row)


def own_claim(connection: Connection, scope: Scope, number: int) -> ClaimRow:
    """A claim of the caller's tenant; raises NotFound."""
    query = own_rows(scope, device_claims).where(device_claims.c.id == number)
    return _claim(only_row(connection, query, "claim", number))


def claims_page(
    connection: Connection, scope: Scope, before: int | None, limit: int
) -> list[ClaimRow]:
    """The claims of the caller's tenant, newest first."""
    query = own_rows(scope, device_claims).order_by(device_claims.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(device_claims.c.id < before)
    return [_claim(row) for row in connection.execute(query)]


def opened_lately(connection: Connection, scope: Scope, now: Instant) -> int:
    """How many claims the caller's tenant opened within a claim's life."""
    table = device_claims
    query = select(func.count()).where(
        table.c.tenant_id == scope.tenant_id, table.c.opened_at > now - LIFE
    )
    return connection.execute(query).scalar_one()


def insert_claim(
    connection: Connection, scope: Scope, dev_eui: str, body: ClaimBody, now: Instant
) -> None:
    connection.execute(
        insert(device_claims).values(
            tenant_id=scope.tenant_id,
            dev_eui=dev_eui,
            device=body.model_dump(mode="json"),
            opened_by=f"key {scope.key_id}",
            opened_at=now,
            ends_at=now + LIFE,
        )
    )


def replace_body(connection: Connection, scope: Scope, claim: ClaimRow, body: ClaimBody) -> None:
    connection.execute(
        update(device_claims)
        .where(device_claims.c.tenant_id == scope.tenant_id, device_claims.c.id == claim.id)
        .values(device=body.model_dump(mode="json"))
    )


# --- the owner -------------------------------------------------------------------------


def _on_devices_of(scope: Scope, now: Instant) -> Select[Any]:
    """Claims of others on the caller's devices; and what ended lately while it had the device."""
    table = device_claims
    has = exists().where(
        devices.c.dev_eui == table.c.dev_eui, devices.c.tenant_id == scope.tenant_id
    )
    return select(table).where(
        table.c.tenant_id != scope.tenant_id,
        or_(
            _WAITING & has,
            (table.c.former_owner == scope.tenant_id) & (table.c.settled_at > now - SHOWN),
        ),
    )


def claimed_devices_page(
    connection: Connection, scope: Scope, now: Instant, after: int | None, limit: int
) -> list[ClaimRow]:
    query = _on_devices_of(scope, now).order_by(device_claims.c.id)
    rows = connection.execute(one_page(query, device_claims.c.id, after, limit))
    return [_claim(row) for row in rows]


def claim_on_device(connection: Connection, scope: Scope, number: int, now: Instant) -> ClaimRow:
    """A claim that somebody makes on a device of the caller's tenant; raises NotFound."""
    query = _on_devices_of(scope, now).where(device_claims.c.id == number)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise missing("claim", number)
    return _claim(row)


def agree(connection: Connection, scope: Scope, claim: ClaimRow) -> None:
    """Note the owner's consent."""
    connection.execute(
        update(device_claims)
        .where(device_claims.c.id == claim.id, _WAITING)
        .values(agreed_by=scope.tenant_id)
    )


def heard_since(connection: Connection, tenant_id: str, dev_eui: str, since: Instant) -> bool:
    """Whether a tenant received anything of a device since then.

    What was archived meanwhile counts whoever received it: rather once too often.
    """
    lately = select(uplinks.c.position).where(
        uplinks.c.tenant_id == tenant_id,
        uplinks.c.dev_eui == dev_eui,
        uplinks.c.committed_at >= since,
    )
    archived = select(archived_sessions.c.day).where(
        archived_sessions.c.dev_eui == dev_eui, archived_sessions.c.day > since - DAY
    )
    return any(connection.execute(one.limit(1)).first() is not None for one in (lately, archived))


# --- settling them, and the operator ---------------------------------------------------


def settle(
    connection: Connection, claim: ClaimRow, ending: Ending, now: Instant, owner: str | None
) -> None:
    """End a claim that waits; one that has ended stays as it is."""
    connection.execute(
        update(device_claims)
        .where(device_claims.c.id == claim.id, _WAITING)
        .values(ending=ending.value, settled_at=now, former_owner=owner)
    )


def find_proofs(connection: Connection) -> list[tuple[int, str]]:
    """Claims that an uplink through a source of their own town proves, and that source.

    What came of a device that is not theirs lies in quarantine, with the tenant of its source.
    """
    table = device_claims
    query = (
        select(table.c.id, func.min(quarantine.c.source).label("source"))
        .join(
            quarantine,
            (quarantine.c.tenant_id == table.c.tenant_id)
            & (quarantine.c.dev_eui == table.c.dev_eui),
        )
        .where(
            _WAITING,
            table.c.proven_at.is_(None),
            quarantine.c.reason.in_(NOT_THEIRS),
            quarantine.c.last_at >= table.c.opened_at,
        )
        .group_by(table.c.id)
    )
    return [(number, source) for number, source in connection.execute(query)]


def note_proof(connection: Connection, number: int, source: str, now: Instant) -> ClaimRow | None:
    """Note the proof of a claim that waits and has none; None for another."""
    table = device_claims
    where = (table.c.id == number, _WAITING, table.c.proven_at.is_(None))
    noted = update(table).where(*where).values(proven_at=now, proof=source).returning(table)
    row = connection.execute(noted).one_or_none()
    return None if row is None else _claim(row)


def any_waits(connection: Connection) -> bool:
    query = select(device_claims.c.id).where(_WAITING).limit(1)
    return connection.execute(query).first() is not None


def claims_that_may_end(connection: Connection, now: Instant) -> list[ClaimRow]:
    """Those that wait for neither a word nor a proof any more, oldest first."""
    table = device_claims
    has_it = exists().where(
        devices.c.dev_eui == table.c.dev_eui, devices.c.tenant_id == table.c.tenant_id
    )
    query = select(table).where(
        _WAITING,
        or_(
            table.c.agreed_by.is_not(None),
            table.c.proven_at.is_not(None),
            table.c.ends_at <= now,
            has_it,
        ),
    )
    return [_claim(row) for row in connection.execute(query.order_by(table.c.id))]


def waiting_claim(connection: Connection, number: int) -> ClaimRow | None:
    """A claim that still waits, for this write transaction alone."""
    query = select(device_claims).where(device_claims.c.id == number, _WAITING)
    row = connection.execute(query.with_for_update()).one_or_none()
    return None if row is None else _claim(row)


def all_claims(connection: Connection, limit: int, *, ended: bool) -> list[ClaimRow]:
    """For the operator, newest first."""
    query = select(device_claims).order_by(device_claims.c.id.desc()).limit(limit)
    if not ended:
        query = query.where(_WAITING)
    return [_claim(row) for row in connection.execute(query)]

"""Makes keys, and makes a `Scope` from a valid one: the only place that does.

A token is ``st_<8 hex digits>_<256 random bits>``. It is stored as SHA-256: a slow password
hash protects passwords that can be guessed; 256 random bits cannot, and a slow hash would slow
down every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from sqlalchemy import Connection, select, update

from stadtsinn.base.foreign_text import require_plain
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.problems import Conflict, Invalid, NotFound, Unauthenticated
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.platform.access.scope import CLAIM, OPERATOR, Role, Scope
from stadtsinn.cloud.platform.access.tables import api_keys
from stadtsinn.cloud.platform.audit.recording import recording
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.platform.limits.service import limits_for, require_room
from stadtsinn.cloud.platform.tenants.repository import erasing, require_tenant

_REFUSED = Sentence(
    "This API key is not valid (any more). Ask an administrator of your town for a new one.",
    "Dieser API-Schlüssel gilt nicht (mehr). Einen neuen hat, wer ihn für die Stadt verwaltet.",
)
_TOKEN = re.compile(r"(st_[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_NO_DIGEST = "0" * 64
# A key's last use is noted at most this often: reading the API must not write each time.
_NOTE_USE_EVERY = HOUR


def create_key(
    database: Database,
    tenant_id: str,
    name: str,
    role: Role,
    now: Instant,
    limits: Limits = DEFAULTS,
    by: Scope | None = None,
) -> tuple[int, str]:
    """Make a key. Returns its id and its token, which is not stored and cannot be shown again.

    `by` is who makes it, for the audit; None is the operator. Raises NotFound for an unknown
    tenant, Invalid for a name with unsafe characters, Conflict where the tenant has as many keys
    as it may.
    """
    try:
        require_plain(name)
    except Unusable as error:
        said = error.sentence
        raise Invalid(
            f"The key's name: {said.english}.", f"Der Name des Schlüssels: {said.german}."
        ) from None
    prefix = f"st_{secrets.token_hex(4)}"
    token = f"{prefix}_{secrets.token_urlsafe(32)}"
    with database.write() as connection:
        require_tenant(connection, tenant_id)
        owner = operator_scope(tenant_id, limits)
        require_room(connection, owner, "keys", api_keys, api_keys.c.revoked_at.is_(None))
        statement = api_keys.insert().values(
            tenant_id=tenant_id,
            name=name,
            role=role.value,
            prefix=prefix,
            digest=_digest(token),
            created_at=now,
        )
        with recording(connection, by or owner, now):
            key_id = connection.execute(statement.returning(api_keys.c.id)).scalar_one()
    return key_id, token


def authenticate(database: Database, token: str, now: Instant, limits: Limits = DEFAULTS) -> Scope:
    """The scope of a valid token; raises Unauthenticated for any other. `limits` are the
    installation's.

    Reads the key each time, so a revoked one is refused from the next request on. The answer
    takes equally long whichever part of a well-formed token is wrong, and says the same.
    """
    if not _TOKEN.fullmatch(token):
        raise Unauthenticated.of(_REFUSED)
    with database.read() as connection:
        row = connection.execute(
            select(api_keys).where(
                api_keys.c.prefix == _prefix_of(token), api_keys.c.tenant_id.not_in(erasing())
            )
        ).one_or_none()
        if row is not None:
            limits = limits_for(connection, limits, row.tenant_id)
    genuine = hmac.compare_digest(row.digest if row else _NO_DIGEST, _digest(token))
    if row is None or not genuine or row.revoked_at is not None:
        raise Unauthenticated.of(_REFUSED)
    if row.last_used_at is None or now - row.last_used_at >= _NOTE_USE_EVERY:
        _note_use(database, row.id, now)
    return Scope(row.tenant_id, Role(row.role), row.id, limits)


def operator_scope(tenant_id: str, limits: Limits = DEFAULTS) -> Scope:
    """The scope of commands that run on the server.

    They can read and write the database file anyway, so no key is asked for. Nothing that
    serves requests may call this (tests/cloud/platform/access/test_scopes.py looks).
    """
    return Scope(tenant_id, Role.ADMIN, OPERATOR, limits)


def claim_scope(tenant_id: str, limits: Limits) -> Scope:
    """The scope in which a claim of a device is settled; the audit names the claim."""
    return Scope(tenant_id, Role.ADMIN, CLAIM, limits)


def revoke(database: Database, scope: Scope, key_id: int, now: Instant) -> None:
    """Revoke a key of the caller's tenant, from the next request on.

    Raises NotFound for a key that is not there, Conflict for the tenant's last administrator
    key: nobody could make another one through the API.
    """
    mine = (api_keys.c.tenant_id == scope.tenant_id) & api_keys.c.revoked_at.is_(None)
    with database.write() as connection:
        active = {
            row.id: row.role
            for row in connection.execute(
                select(api_keys.c.id, api_keys.c.role).where(mine).with_for_update()
            )
        }
        if key_id not in active:
            raise NotFound(
                "There is no such active key. List them with GET /api/v1/keys.",
                "Einen solchen gültigen Schlüssel gibt es nicht. GET /api/v1/keys listet sie auf.",
            )
        if [key for key, role in active.items() if role == Role.ADMIN] == [key_id]:
            raise Conflict(
                "This is the last administrator key. Make another one first, "
                "or revoke it with 'stadtsinn key revoke' on the server.",
                "Das ist der letzte Schlüssel mit der Rolle admin. Erst einen weiteren anlegen, "
                "oder ihn mit 'stadtsinn key revoke' auf dem Server sperren.",
            )
        _revoke(connection, scope, key_id, now)


def revoke_as_operator(database: Database, key_id: int, now: Instant) -> None:
    """Revoke any key from the server's command line; raises NotFound for an unknown one."""
    with database.write() as connection:
        tenant_id = connection.scalar(
            select(api_keys.c.tenant_id).where(
                api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None)
            )
        )
        if tenant_id is None:
            raise NotFound(
                f"There is no active key {key_id}. List them: 'stadtsinn key list'.",
                f"Es gibt keinen gültigen Schlüssel {key_id}: 'stadtsinn key list' listet sie auf.",
            )
        _revoke(connection, operator_scope(tenant_id), key_id, now)


def _revoke(connection: Connection, scope: Scope, key_id: int, now: Instant) -> None:
    with recording(connection, scope, now):
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=now))


def _note_use(database: Database, key_id: int, now: Instant) -> None:
    with database.write() as connection:
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=now))


def _prefix_of(token: str) -> str:
    return token[:11]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()

"""API keys: made once, checked with each request, revoked immediately."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from api_callers import AWAY, HOME, NOW, ApiWorld
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.problems import Conflict, NotFound, Unauthenticated
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.access.service import (
    authenticate,
    create_key,
    revoke,
    revoke_as_operator,
)
from stadtsinn.cloud.platform.access.tables import api_keys

pytestmark = pytest.mark.slow


def test_a_token_opens_its_tenant_with_its_role(world: ApiWorld) -> None:
    key_id, token = create_key(world.database, HOME, "Masterportal", Role.EDITOR, NOW)
    assert authenticate(world.database, token, NOW) == Scope(HOME, Role.EDITOR, key_id)


def test_the_database_holds_nothing_that_opens_anything(world: ApiWorld) -> None:
    token = world.token()
    with world.database.read() as connection:
        rows = connection.execute(select(api_keys)).all()
    assert len(rows) == 1
    assert token not in repr(rows)
    secret = token.removeprefix(f"{rows[0].prefix}_")
    assert len(secret) > 40
    assert secret not in repr(rows)


@pytest.mark.parametrize(
    "damage",
    [
        lambda token: "",
        lambda token: "st_",
        lambda token: token[:11],
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: token[:12] + ("A" if token[12] != "A" else "B") + token[13:],
        lambda token: "st_00000000" + token[11:],
        lambda token: token.upper(),
        lambda token: token + "ü€",
        lambda token: "' OR 1=1 --",
        lambda token: "\udcff" + token,
    ],
)
def test_a_damaged_token_opens_nothing(world: ApiWorld, damage: object) -> None:
    token = damage(world.token())  # type: ignore[operator]
    with pytest.raises(Unauthenticated):
        authenticate(world.database, token, NOW)


def test_a_header_that_is_no_token_is_401_not_500(world: ApiWorld) -> None:
    for value in (b"Bearer", b"Basic abc", b"Bearer \xff\xfe", b"Bearer st_%00", b"Bearer " * 9):
        answer = world.nobody().get("/api/v1/me", headers={b"Authorization": value})
        assert answer.status_code == 401, value


def test_a_revoked_key_is_refused_from_the_next_request_on(world: ApiWorld) -> None:
    admin, reader = world.client(Role.ADMIN), world.client(Role.READER)
    assert reader.get("/api/v1/me").status_code == 200
    listed = admin.get("/api/v1/keys").json()["items"]
    (reader_key,) = [key["id"] for key in listed if key["role"] == "reader"]
    assert admin.delete(f"/api/v1/keys/{reader_key}").status_code == 204
    assert reader.get("/api/v1/me").status_code == 401
    assert admin.get("/api/v1/me").status_code == 200


def test_a_token_is_shown_once(world: ApiWorld) -> None:
    admin = world.client()
    made = admin.post("/api/v1/keys", json={"name": "Portal", "role": "reader"})
    token = made.json()["token"]
    assert made.status_code == 201
    assert token not in admin.get("/api/v1/keys").text


def test_the_last_administrator_key_cannot_revoke_itself(world: ApiWorld) -> None:
    scope = world.scope(Role.ADMIN)
    with pytest.raises(Conflict, match="last administrator"):
        revoke(world.database, scope, scope.key_id, NOW)
    world.token(Role.ADMIN)
    revoke(world.database, scope, scope.key_id, NOW)


def test_another_tenants_key_is_not_there(world: ApiWorld) -> None:
    theirs = world.scope(Role.READER, AWAY)
    with pytest.raises(NotFound):
        revoke(world.database, world.scope(Role.ADMIN, HOME), theirs.key_id, NOW)


def test_the_operator_revokes_any_key_once(world: ApiWorld) -> None:
    token = world.token(Role.ADMIN, AWAY)
    key_id = authenticate(world.database, token, NOW).key_id
    revoke_as_operator(world.database, key_id, NOW)
    with pytest.raises(Unauthenticated):
        authenticate(world.database, token, NOW)
    with pytest.raises(NotFound, match="stadtsinn key list"):
        revoke_as_operator(world.database, key_id, NOW)


def test_a_key_for_an_unknown_tenant_is_refused(world: ApiWorld) -> None:
    with pytest.raises(NotFound, match="stadtsinn tenant create"):
        create_key(world.database, "nirgendwo", "x", Role.READER, NOW)


def test_last_use_is_noted_but_not_on_every_request(world: ApiWorld) -> None:
    """Reading must not write each time: SQLite has one writer, which the log needs."""
    token = world.token()

    def noted(after: int) -> int:
        authenticate(world.database, token, Instant(NOW + after))
        with world.database.read() as connection:
            return int(connection.execute(select(api_keys.c.last_used_at)).scalar_one())

    assert noted(0) == NOW
    assert noted(HOUR - 1) == NOW
    assert noted(HOUR) == NOW + HOUR


def test_each_role_includes_the_ones_before_it() -> None:
    included = {(a, b) for a in Role for b in Role if a.includes(b)}
    assert (Role.READER, Role.EDITOR) not in included
    assert (Role.EDITOR, Role.ADMIN) not in included
    assert {(role, Role.READER) for role in Role} <= included
    assert (Role.ADMIN, Role.EDITOR) in included


def test_roles_of_the_key_endpoints(world: ApiWorld) -> None:
    """Only administrators see or make keys: an editor could otherwise promote itself."""
    for role in (Role.READER, Role.EDITOR):
        caller = world.client(role)
        assert caller.get("/api/v1/keys").status_code == 403
        assert caller.post("/api/v1/keys", json={"name": "x", "role": "admin"}).status_code == 403

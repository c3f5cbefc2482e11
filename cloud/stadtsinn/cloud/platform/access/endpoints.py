"""API keys over HTTP, for administrators of a tenant; and the scope of the caller's key."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.cloud.platform.access import repository, service
from stadtsinn.cloud.platform.access.dependencies import AdminDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.access.repository import Key
from stadtsinn.cloud.platform.access.schemas import KeyView, KeyWithToken, NewKey
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath

router = APIRouter()


class Me(BaseModel):
    """Whose data this key opens, and how far. Wessen Daten dieser Schlüssel öffnet."""

    tenant: str
    role: Role


@router.get("/me", tags=["keys"], summary="What my key opens · Was mein Schlüssel darf")
def read_me(scope: ReaderDep) -> Me:
    return Me(tenant=scope.tenant_id, role=scope.role)


@router.get("/keys", tags=["keys"], summary="List keys · Schlüssel auflisten")
def list_keys(scope: AdminDep, services: ServicesDep, page: PageDep) -> Page[KeyView]:
    with services.database.read() as connection:
        rows = repository.keys_page(connection, scope, page.after_number, page.fetch)
    return page_of(rows, page, lambda row: row.id, _view)


@router.post(
    "/keys",
    tags=["keys"],
    status_code=201,
    summary="Make a key; its token is shown once · Schlüssel anlegen",
)
def create_key(scope: AdminDep, services: ServicesDep, body: NewKey) -> KeyWithToken:
    key_id, token = service.create_key(
        services.database,
        scope.tenant_id,
        body.name,
        body.role,
        services.clock.now(),
        scope.limits,
        scope,
    )
    with services.database.read() as connection:
        made = _view(repository.key(connection, scope, key_id))
    return KeyWithToken(**made.model_dump(), token=token)


@router.delete(
    "/keys/{key_id}", tags=["keys"], status_code=204, summary="Revoke a key · Schlüssel sperren"
)
def revoke_key(scope: AdminDep, services: ServicesDep, key_id: IdInPath) -> None:
    service.revoke(services.database, scope, key_id, services.clock.now())


def _view(key: Key) -> KeyView:
    return KeyView(
        id=key.id,
        name=key.name,
        role=key.role,
        prefix=key.prefix,
        created_at=isoformat(key.created_at),
        revoked_at=write_time(key.revoked_at),
        last_used_at=write_time(key.last_used_at),
    )

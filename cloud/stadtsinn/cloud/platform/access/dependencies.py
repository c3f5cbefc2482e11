"""What endpoints ask for: the caller's scope and the services behind the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from stadtsinn.base.clock import Clock
from stadtsinn.base.problems import Forbidden, Unauthenticated
from stadtsinn.cloud.platform.access.open_requests import OpenRequests
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.access.service import authenticate
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits

_bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer st_…`")


@dataclass(frozen=True)
class Services:
    """The services that all endpoints use. Stores of a package have dependencies of their own."""

    database: Database
    clock: Clock
    limits: Limits = DEFAULTS
    """Of the installation; a scope has those of its tenant."""
    open_requests: OpenRequests = field(default_factory=OpenRequests)


def services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


def identified(
    request: Request,
    behind: Annotated[Services, Depends(services)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Scope:
    """The caller's scope, or 401."""
    if credentials is None:
        raise Unauthenticated(
            "Send an API key: 'Authorization: Bearer st_…'.",
            "Einen API-Schlüssel mitschicken: 'Authorization: Bearer st_…'.",
        )
    scope = authenticate(
        behind.database, credentials.credentials, behind.clock.now(), behind.limits
    )
    request.state.caller = scope  # for the request's line in the log
    return scope


async def authenticated(
    behind: Annotated[Services, Depends(services)], scope: Annotated[Scope, Depends(identified)]
) -> AsyncIterator[Scope]:
    """The caller's scope, or 429. It counts as open until its answer is sent."""
    with behind.open_requests.one(scope):
        yield scope


def reader(scope: Annotated[Scope, Depends(authenticated)]) -> Scope:
    return scope


def editor(scope: Annotated[Scope, Depends(authenticated)]) -> Scope:
    return _at_least(scope, Role.EDITOR)


def admin(scope: Annotated[Scope, Depends(authenticated)]) -> Scope:
    return _at_least(scope, Role.ADMIN)


def _at_least(scope: Scope, role: Role) -> Scope:
    if not scope.role.includes(role):
        raise Forbidden(
            f"This needs a key with role '{role}'; yours is '{scope.role}'.",
            f"Dafür wird ein Schlüssel mit der Rolle '{role}' gebraucht; dieser hat "
            f"'{scope.role}'.",
        )
    return scope


ServicesDep = Annotated[Services, Depends(services)]
ReaderDep = Annotated[Scope, Depends(reader)]
EditorDep = Annotated[Scope, Depends(editor)]
AdminDep = Annotated[Scope, Depends(admin)]

"""Refuses parameters that an address does not know: a misspelt filter would be answered with
everything, as if it had been heeded."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.dependencies.utils import get_flat_params
from fastapi.exceptions import RequestValidationError
from fastapi.params import Query
from fastapi.routing import APIRoute

from stadtsinn.cloud.platform.access.dependencies import authenticated
from stadtsinn.cloud.platform.access.scope import Scope

_MOST_NAMED = 10


async def only_known_parameters(
    request: Request, _scope: Annotated[Scope, Depends(authenticated)]
) -> None:
    """For routers whose endpoints ask for a key. Pages for everybody take any parameter: links to
    them get some on their way (`utm_source`)."""
    if not request.query_params:
        return
    known = known_parameters(cast(APIRoute, request.scope["route"]))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError([_error(name, known) for name in unknown[:_MOST_NAMED]])


def known_parameters(route: APIRoute) -> list[str]:
    """The parameters that a route declares for its address, those of its dependencies as well."""
    fields = get_flat_params(route.dependant)
    return sorted({field.alias for field in fields if isinstance(field.field_info, Query)})


def _error(name: str, known: list[str]) -> dict[str, Any]:
    message = "this address has no such parameter."
    if near := get_close_matches(name.lower(), known, n=3):
        message += f" Did you mean {' or '.join(map(repr, near))}?"
    message += f" It has: {', '.join(known)}." if known else " It has none."
    return {"type": "unknown_parameter", "loc": ("query", name), "msg": message}

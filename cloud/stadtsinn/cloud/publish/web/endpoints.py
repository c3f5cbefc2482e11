"""Public addresses: the number as JSON, the counter page, the list of counters, their assets."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from stadtsinn.base.language import Language
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.access.dependencies import ServicesDep
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.publish.web import pages
from stadtsinn.cloud.publish.web.answers import Answers
from stadtsinn.cloud.publish.web.assets import asset
from stadtsinn.cloud.publish.web.repository import public_zone, public_zones
from stadtsinn.cloud.publish.web.schemas import PublicCountView
from stadtsinn.cloud.publish.web.settings import settings_of
from stadtsinn.cloud.publish.web.variant import Kind, Variant, language_of, root_of

router = APIRouter()


@router.get(
    "/public/{tenant}/zones/{zone}",
    tags=["public"],
    summary="Public number of a zone · Öffentliche Zahl einer Zone",
    response_model=PublicCountView,
    responses={304: {"description": "Not changed since your `If-None-Match`."}},
)
async def read_public_zone(request: Request, tenant: SlugInPath, zone: SlugInPath) -> Response:
    """Rounded, with its interval and for how long it holds. Poll it every 20 s at most."""
    found = await _answer(request, Variant(Kind.DATA, tenant, zone))
    if found is None:
        raise NotFound(
            f"'{tenant}' publishes no zone '{zone}'.",
            f"'{tenant}' veröffentlicht keine Zone '{zone}'.",
        )
    return found


@router.get("/", include_in_schema=False)
async def read_index(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
    """All public counters."""
    variant = Variant(Kind.INDEX, language=_language(request, lang), root=root_of(request.scope))
    found = await _answer(request, variant)
    assert found is not None
    return found


@router.get("/en/{tenant}/zaehler/{zone}", include_in_schema=False)
async def read_english_counter(
    request: Request, tenant: str, zone: str, pause: bool = False
) -> Response:
    """The counter page in English, whatever the browser prefers."""
    return await _counter(request, tenant, zone, Language.EN, pause=pause, embedded=False)


@router.get("/{tenant}/zaehler/{zone}", include_in_schema=False)
async def read_counter(
    request: Request,
    tenant: str,
    zone: str,
    lang: Annotated[str | None, Query()] = None,
    pause: bool = False,
    embed: bool = False,
) -> Response:
    """The counter page. `pause` keeps it from reloading where scripts do not run, `embed`
    leaves out header and footer."""
    language = _language(request, lang)
    return await _counter(request, tenant, zone, language, pause=pause, embedded=embed)


@router.get("/assets/{digest}/{name}", include_in_schema=False)
def read_asset(digest: str, name: str) -> Response:
    """Style and script. A digest other than the present one is an older version: 404."""
    try:
        found = asset(name)
    except KeyError:
        found = None
    if found is None or found.digest != digest:
        return JSONResponse({"detail": "no such asset"}, 404)
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found.content, media_type=found.media_type, headers=headers)


# --- short addresses: last, so that every other address is found before them --------------

_RESERVED = frozenset({"api", "assets", "public"})
"""First parts of addresses that belong to others: no town's short address."""


@router.get("/{tenant}", include_in_schema=False)
@router.get("/{tenant}/zaehler", include_in_schema=False)
def read_short_town(request: Request, services: ServicesDep, tenant: str) -> Response:
    """A town's only counter, in German, or the list of counters."""
    _refuse_reserved(tenant)
    name = tenant.lower()
    with services.database.read() as connection:
        slugs = [zone.slug for zone in public_zones(connection, name)]
    if len(slugs) == 1:
        return _to(request, f"/{name}/zaehler/{slugs[0]}?lang=de")
    return _to(request, "/?lang=de") if slugs else _no_such_counter(request)


@router.get("/{tenant}/{zone}", include_in_schema=False)
def read_short_counter(request: Request, services: ServicesDep, tenant: str, zone: str) -> Response:
    """``/musterstadt/wochenmarkt``, as it stands on a poster: to the page in German."""
    _refuse_reserved(tenant)
    with services.database.read() as connection:
        found = public_zone(connection, tenant.lower(), zone.lower())
    if found is None:
        return _no_such_counter(request)
    return _to(request, f"/{found.tenant}/zaehler/{found.slug}?lang=de")


def _refuse_reserved(first: str) -> None:
    if first in _RESERVED:
        raise HTTPException(404)


def _to(request: Request, address: str) -> Response:
    return RedirectResponse(
        root_of(request.scope) + address, 307, {"Cache-Control": "public, max-age=60"}
    )


def _no_such_counter(request: Request) -> Response:
    """For people a page; programs get their error as everywhere."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return _page(request, pages.not_found_page(_context(request, _language(request, None))), 404)


async def _counter(
    request: Request,
    tenant: str,
    zone: str,
    language: Language,
    *,
    pause: bool,
    embedded: bool,
) -> Response:
    root = root_of(request.scope)
    variant = Variant(Kind.PAGE, tenant, zone, language, root, pause, embedded)
    found = await _answer(request, variant)
    return found or _page(request, pages.not_found_page(_context(request, language)), 404)


async def _answer(request: Request, variant: Variant) -> Response | None:
    state: Any = request.app.state
    answers: Answers = state.public_answers
    found = await state.public_memory.answer(variant, answers.of)
    if found is None:
        return None
    known = ",".join(request.headers.getlist("if-none-match"))
    response: Response = found.response(known, state.services.clock.now())
    return response


def _page(request: Request, html: str, status: int) -> HTMLResponse:
    headers = {
        "Cache-Control": "public, max-age=10",
        "Vary": "Accept-Language",
        "Content-Security-Policy": settings_of(request.app).content_security_policy,
    }
    return HTMLResponse(html, status, headers)


def _context(request: Request, language: Language) -> pages.Context:
    return pages.Context(language, root_of(request.scope), settings_of(request.app))


def _language(request: Request, wanted: str | None) -> Language:
    return language_of(request.headers.get("accept-language", ""), wanted)

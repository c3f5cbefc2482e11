"""Public addresses: the number as JSON, the counter page, the list of counters, their assets."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.platform.access.dependencies import ServicesDep
from stadtsinn.cloud.platform.api.fields import SlugInPath
from stadtsinn.cloud.publish.web import pages
from stadtsinn.cloud.publish.web.assets import asset
from stadtsinn.cloud.publish.web.half_hours import HalfHours
from stadtsinn.cloud.publish.web.public import count_of, encode
from stadtsinn.cloud.publish.web.repository import public_zone, public_zones
from stadtsinn.cloud.publish.web.schemas import PublicCountView
from stadtsinn.cloud.publish.web.settings import settings_of
from stadtsinn.cloud.publish.web.texts import Language

router = APIRouter()

CACHING = "public, max-age=10, stale-while-revalidate=30"
SERVER_CLOCK = "X-Server-Clock"
"""The server's time in every answer, because viewers' clocks may be wrong."""

_OPEN_TO_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"{SERVER_CLOCK}, Age",
}


@router.get(
    "/public/{tenant}/zones/{zone}",
    tags=["public"],
    summary="Public number of a zone · Öffentliche Zahl einer Zone",
    response_model=PublicCountView,
    responses={304: {"description": "Not changed since your `If-None-Match`."}},
)
def read_public_zone(
    request: Request, services: ServicesDep, tenant: SlugInPath, zone: SlugInPath
) -> Response:
    """Rounded, with its interval and for how long it holds. Poll it every 20 s at most."""
    now = services.clock.now()
    with services.database.read() as connection:
        found = public_zone(connection, tenant, zone)
        if found is None:
            raise NotFound(f"'{tenant}' publishes no zone '{zone}'.")
        body, tag = encode(count_of(connection, found, now).document())
    headers = {
        **_OPEN_TO_ALL,
        "Cache-Control": CACHING,
        "ETag": tag,
        SERVER_CLOCK: isoformat(now),
    }
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("/", include_in_schema=False)
def read_index(
    request: Request, services: ServicesDep, lang: Annotated[str | None, Query()] = None
) -> HTMLResponse:
    """All public counters."""
    now = services.clock.now()
    with services.database.read() as connection:
        counts = [count_of(connection, zone, now) for zone in public_zones(connection)]
    towns = [
        (name, list(group)) for name, group in groupby(counts, key=lambda c: c.zone.tenant_name)
    ]
    language = _language(request, lang)
    return _page(request, pages.index_page(_context(request, language), towns))


@router.get("/en/{tenant}/zaehler/{zone}", include_in_schema=False)
def read_english_counter(
    request: Request, services: ServicesDep, tenant: str, zone: str, pause: bool = False
) -> HTMLResponse:
    """The counter page in English, whatever the browser prefers."""
    return _counter(request, services, tenant, zone, Language.EN, pause=pause, embedded=False)


@router.get("/{tenant}/zaehler/{zone}", include_in_schema=False)
def read_counter(
    request: Request,
    services: ServicesDep,
    tenant: str,
    zone: str,
    lang: Annotated[str | None, Query()] = None,
    pause: bool = False,
    embed: bool = False,
) -> HTMLResponse:
    """The counter page. `pause` keeps it from reloading where scripts do not run, `embed`
    leaves out header and footer."""
    language = _language(request, lang)
    return _counter(request, services, tenant, zone, language, pause=pause, embedded=embed)


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
        slugs = [zone.slug for zone in public_zones(connection) if zone.tenant == name]
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
    root = str(request.scope.get("root_path", "")).rstrip("/")
    return RedirectResponse(root + address, 307, {"Cache-Control": "public, max-age=60"})


def _no_such_counter(request: Request) -> Response:
    """For people a page; programs get their error as everywhere."""
    if "text/html" not in request.headers.get("accept", ""):
        raise HTTPException(404)
    return _page(request, pages.not_found_page(_context(request, _language(request, None))), 404)


def _counter(
    request: Request,
    services: ServicesDep,
    tenant: str,
    zone: str,
    language: Language,
    *,
    pause: bool,
    embedded: bool,
) -> HTMLResponse:
    now = services.clock.now()
    context = _context(request, language)
    with services.database.read() as connection:
        found = public_zone(connection, tenant, zone)
        if found is None:
            return _page(request, pages.not_found_page(context), 404)
        count = count_of(connection, found, now)
        slots = _half_hours(request).today(connection, found, now)
    page = pages.counter_page(context, count, slots, pause=pause, embedded=embedded)
    return _page(request, page)


def _page(request: Request, html: str, status: int = 200) -> HTMLResponse:
    headers = {
        "Cache-Control": CACHING if status == 200 else "public, max-age=10",
        "Vary": "Accept-Language",
        "Content-Security-Policy": settings_of(request.app).content_security_policy,
    }
    return HTMLResponse(html, status, headers)


def _context(request: Request, language: Language) -> pages.Context:
    root = str(request.scope.get("root_path", "")).rstrip("/")
    return pages.Context(language, root, settings_of(request.app))


def _half_hours(request: Request) -> HalfHours:
    state: Any = request.app.state
    if not hasattr(state, "web_half_hours"):
        state.web_half_hours = HalfHours()
    half_hours = state.web_half_hours
    assert isinstance(half_hours, HalfHours)
    return half_hours


def _language(request: Request, wanted: str | None) -> Language:
    """The language asked for in the address, else the browser's first one we know, else German."""
    if wanted in set(Language):
        return Language(wanted)
    ranked = []
    for index, item in enumerate(request.headers.get("accept-language", "").split(",")[:20]):
        name, _, quality = item.partition(";")
        primary = name.strip().lower().partition("-")[0]
        if primary in set(Language):
            ranked.append((-_quality(quality), index, Language(primary)))
    return min(ranked)[2] if ranked else Language.DE


def _quality(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text else 1.0
    except ValueError:
        return 0.0


def _has(if_none_match: str, tag: str) -> bool:
    tags = {part.strip().removeprefix("W/") for part in if_none_match.split(",")}
    return tag in tags or "*" in tags

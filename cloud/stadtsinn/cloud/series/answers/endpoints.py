"""Series over HTTP: what is measured at a station, its values over time, newest values of many."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.csv_text import Locale
from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.platform.access.dependencies import (
    EditorDep,
    ReaderDep,
    Services,
    ServicesDep,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.api.fields import PLAIN
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of, unchanged
from stadtsinn.cloud.platform.api.path_parameters import DevEuiInPath, SlugInPath
from stadtsinn.cloud.platform.api.times import HOW, GivenTime
from stadtsinn.cloud.platform.limits.service import require_days
from stadtsinn.cloud.series.answers import repository
from stadtsinn.cloud.series.answers import service as reading
from stadtsinn.cloud.series.answers.csv_text import stream
from stadtsinn.cloud.series.answers.repository import Place
from stadtsinn.cloud.series.answers.schemas import (
    FedSeriesView,
    LatestPage,
    SeriesPage,
    SeriesView,
    StreamBody,
)
from stadtsinn.cloud.series.stores.dependencies import SeriesDep
from stadtsinn.cloud.series.stores.store import Aggregate, Sample, SeriesKey, Window
from stadtsinn.cloud.town import repository as registry
from stadtsinn.cloud.town.changing import changing
from stadtsinn.cloud.town.stations import repository as town_stations

router = APIRouter(tags=["series"])

MAX_SAMPLES = 10_000
_PAGE = 1_000
MAX_NAMED = 100
MAX_STATIONS = 10_000


class Format(StrEnum):
    """How values are written."""

    JSON = "json"
    CSV = "csv"


class Grade(StrEnum):
    """Which values are wanted."""

    GOOD = "good"
    ALL = "all"


@router.get("/stations/{station}/series", summary="List series · Messreihen auflisten")
def list_series(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    page: PageDep,
    station: SlugInPath,
) -> Page[SeriesView]:
    """Everything measured at a station so far, with the newest good values."""
    with services.database.read() as connection:
        streams = repository.streams(connection, scope, station)
    found = reading.overview(series, scope.tenant_id, station, streams, page)
    return page_of(found, page, lambda one: reading.cursor_of(one.quantity, one.channel), unchanged)


@router.get(
    "/devices/{dev_eui}/series",
    summary="List what a device feeds · Messreihen eines Geräts auflisten",
)
def list_fed_series(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    page: PageDep,
    dev_eui: DevEuiInPath,
) -> Page[FedSeriesView]:
    """The series of stations that a device feeds or fed. Their values are read at the station."""
    with services.database.read() as connection:
        device_type = registry.type_of_device(connection, scope, dev_eui)
        places = town_stations.deployments_page(connection, scope, None, None, dev_eui=dev_eui)
    found = reading.fed_by(series, scope.tenant_id, device_type, places, page)
    return page_of(
        found,
        page,
        lambda one: reading.cursor_of(one.station, one.quantity, one.channel),
        unchanged,
    )


@router.put(
    "/stations/{station}/series/{quantity}",
    summary="Describe a series · Messreihe beschreiben",
)
def describe_series(
    scope: EditorDep,
    services: ServicesDep,
    station: SlugInPath,
    quantity: str,
    body: StreamBody,
    channel: Annotated[
        str, Query(max_length=63, description="Empty where there is one."), PLAIN
    ] = "",
) -> StreamBody:
    """Set the label of a datastream and how long its values are kept. Values that a longer time
    would show again come back with `stadtsinn cloud rebuild series`."""
    reading.check_quantity(quantity)
    key = SeriesKey(station, quantity, channel)
    with changing(services, scope) as connection:
        repository.describe_stream(connection, scope, key, body.label, body.retention_days)
    return body


@router.get(
    "/stations/{station}/series/{quantity}",
    summary="Read values · Werte lesen",
    response_model=SeriesPage,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def read_series(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    request: Request,
    station: SlugInPath,
    quantity: str,
    channel: Annotated[
        str, Query(max_length=200, description="Empty where there is one."), PLAIN
    ] = "",
    start: Annotated[
        GivenTime | None, Query(description=f"A day before `end` by default. {HOW}")
    ] = None,
    end: Annotated[
        GivenTime | None, Query(description=f"Values before it; now by default. {HOW}")
    ] = None,
    window: Annotated[
        Window | None, Query(description="Put together per window; days are Berlin's.")
    ] = None,
    aggregate: Annotated[
        Aggregate | None, Query(description="How windows are put together.")
    ] = None,
    quality: Annotated[
        Grade, Query(description="`all`: doubtful values too, marked.")
    ] = Grade.GOOD,
    limit: Annotated[
        int | None,
        Query(
            ge=1,
            le=MAX_SAMPLES,
            description=f"Values, or windows looked at; {_PAGE:,} by default, CSV: all.",
        ),
    ] = None,
    form: Annotated[
        Format | None, Query(alias="format", description="Default by the header Accept.")
    ] = None,
    locale: Annotated[
        Locale, Query(description="`de`: CSV as people and Excel read it.")
    ] = Locale.EN,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Values of one quantity, oldest first. With `window`, one value per window that has any.

    CSV has all of them, however many, unless `limit` is given. Die Werte einer Messgröße, auch als
    Tabelle für Excel (`format=csv&locale=de`).
    """
    reading.check_quantity(quantity)
    until = services.clock.now() if end is None else Instant(end)
    since = Instant(max(until - DAY, 0)) if start is None else Instant(start)
    require_days(scope, since, until)
    key = SeriesKey(station, quantity, channel)
    with services.database.read() as connection:
        named = town_stations.station(connection, scope, station)
        places = town_stations.deployments_page(connection, scope, None, None, station=station)
        present = {place.dev_eui for place in places}
        types = repository.device_types(connection, scope, present)
        device_names = repository.device_names(connection, scope, present)
    question = reading.Question(
        key=key,
        name=named.name,
        counter_modulus=reading.counter_modulus(key, places, types, until),
        start=since,
        end=until,
        window=window,
        aggregate=aggregate,
        include_doubtful=quality is Grade.ALL,
        limit=limit or _PAGE,
    )
    if form is not Format.CSV and (form is not None or "text/csv" not in accept):
        page = reading.answer(series, scope.tenant_id, question)
        headers = _link_to_next(request, page.next)
        return Response(page.model_dump_json(), media_type="application/json", headers=headers)
    headers = {"Content-Disposition": f'attachment; filename="{station}-{quantity}.csv"'}
    samples: Iterable[Sample]
    if limit is None:
        whole = replace(question, limit=MAX_SAMPLES)
        samples = reading.read_all(series, scope.tenant_id, whole)
    else:
        samples, more_from = reading.read_page(series, scope.tenant_id, question)
        headers |= _link_to_next(request, None if more_from is None else isoformat(more_from))
    body = stream(question, samples, locale, device_names)
    return StreamingResponse(body, media_type=CSV, headers=headers)


@router.get("/latest", summary="Newest values · Neueste Werte", response_model=LatestPage)
def read_latest(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    stations: Annotated[
        str | None,
        Query(max_length=64 * MAX_NAMED, description="Their slugs, separated by commas."),
    ] = None,
    kind: Annotated[str | None, Query(max_length=63, description="Stations of a kind.")] = None,
    site: Annotated[
        str | None, Query(pattern=SHORT_NAME, max_length=63, description="Stations of a site.")
    ] = None,
    quantity: Annotated[
        str | None, Query(max_length=100, description="Only this quantity: faster.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_STATIONS, description="Stations.")] = MAX_STATIONS,
    cursor: Annotated[
        str | None, Query(max_length=63, description="`next` of the call before.")
    ] = None,
) -> Response:
    """The newest good values of many stations in one call, with names and positions, for maps.

    Of the stations named, of a kind, of a site, or of the whole town. Where nothing was measured
    yet there are no values.
    """
    if quantity is not None:
        reading.check_quantity(quantity)
    if stations is not None and (site is not None or kind is not None):
        raise Invalid(
            "Give 'stations', or 'site' and 'kind', not both.",
            "Entweder 'stations' angeben oder 'site' und 'kind', nicht beides.",
        )
    if stations is not None:
        chosen, more_after = _named(services, scope, stations), None
    else:
        chosen, more_after = _page(services, scope, kind, site, cursor, limit)
        chosen, more_after = _affordable(services, scope, chosen, more_after)
    found = reading.newest(series, scope.tenant_id, chosen, quantity, more_after)
    return Response(msgspec.json.encode(found), media_type="application/json")


def _named(services: Services, scope: Scope, stations: str) -> list[Place]:
    """The town's own stations among those named; others are left out like unknown ones."""
    asked = dict.fromkeys(text for text in stations.split(",") if text)
    if len(asked) > MAX_NAMED:
        raise Invalid(
            f"'stations' names more than {MAX_NAMED}: ask for a site or for all.",
            f"'stations' nennt mehr als {MAX_NAMED}: nach einem Ort fragen oder nach allen.",
        )
    with services.database.read() as connection:
        found = {one.slug: one for one in repository.named_places(connection, scope, asked)}
    return [found[slug] for slug in asked if slug in found]


def _page(
    services: Services,
    scope: Scope,
    kind: str | None,
    site: str | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[Place], str | None]:
    with services.database.read() as connection:
        if site is not None:
            registry.site(connection, scope, site)
        found = repository.places_page(connection, scope, cursor, limit + 1, kind=kind, site=site)
    return found[:limit], found[limit - 1].slug if len(found) > limit else None


def _affordable(
    services: Services, scope: Scope, chosen: list[Place], more_after: str | None
) -> tuple[list[Place], str | None]:
    """As many of the stations as have the values of one answer at most, one at least."""
    most = scope.limits.query_values
    with services.database.read() as connection:
        if repository.count_streams(connection, scope) <= most:
            return chosen, more_after
        streams = repository.streams_per_station(connection, scope, chosen)
    for number, place in enumerate(chosen):
        most -= streams.get(place.slug, 0)
        if most < 0 and number > 0:
            return chosen[:number], chosen[number - 1].slug
    return chosen, more_after


def _link_to_next(request: Request, start: str | None) -> dict[str, str]:
    """The address of the next page, for callers of CSV, where the body has no place for it."""
    if start is None:
        return {}
    following = request.url.include_query_params(start=start)
    return {"Link": f'<{following.path}?{following.query}>; rel="next"'}

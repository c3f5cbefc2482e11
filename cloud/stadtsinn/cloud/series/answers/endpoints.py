"""Series over HTTP: what a device measures, its values over time, newest values of many."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response

from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, Services, ServicesDep
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.api.fields import (
    NO_CONTROL,
    SLUG_PATTERN,
    DevEuiInPath,
    normalised_dev_eui,
)
from stadtsinn.cloud.platform.api.pages import Page
from stadtsinn.cloud.platform.api.times import HOW, GivenTime
from stadtsinn.cloud.series.answers import repository
from stadtsinn.cloud.series.answers import service as reading
from stadtsinn.cloud.series.answers.csv_text import Locale, to_csv
from stadtsinn.cloud.series.answers.dependencies import SeriesDep
from stadtsinn.cloud.series.answers.schemas import LatestPage, SeriesPage, SeriesView
from stadtsinn.cloud.series.stores.store import Aggregate, SeriesKey, Window
from stadtsinn.cloud.town import repository as registry

router = APIRouter(tags=["series"])

MAX_SAMPLES = 10_000
MAX_NAMED_DEVICES = 100
MAX_DEVICES = 10_000


class Format(StrEnum):
    """How values are written."""

    JSON = "json"
    CSV = "csv"


class Grade(StrEnum):
    """Which values are wanted."""

    GOOD = "good"
    ALL = "all"


@router.get("/devices/{dev_eui}/series", summary="List series · Messreihen auflisten")
def list_series(
    scope: ReaderDep, services: ServicesDep, series: SeriesDep, dev_eui: DevEuiInPath
) -> Page[SeriesView]:
    """Everything a device has measured so far, with the newest good values. One page holds all."""
    with services.database.read() as connection:
        registry.device(connection, scope, dev_eui)
    return Page(items=reading.overview(series, scope.tenant_id, dev_eui), next=None)


@router.get(
    "/devices/{dev_eui}/series/{quantity}",
    summary="Read values · Werte lesen",
    response_model=SeriesPage,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def read_series(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    request: Request,
    dev_eui: DevEuiInPath,
    quantity: str,
    channel: Annotated[
        str, Query(max_length=200, pattern=NO_CONTROL, description="Empty where there is one.")
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
        int, Query(ge=1, le=MAX_SAMPLES, description="Values, or windows looked at.")
    ] = 1_000,
    form: Annotated[
        Format | None, Query(alias="format", description="Default by the header Accept.")
    ] = None,
    locale: Annotated[
        Locale, Query(description="`de`: CSV with semicolon and decimal comma.")
    ] = Locale.EN,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """Values of one quantity, oldest first. With `window`, one value per window that has any.

    Die Werte einer Messgröße, auch als Tabelle für Excel (`format=csv&locale=de`).
    """
    reading.check_quantity(quantity)
    with services.database.read() as connection:
        device = registry.device(connection, scope, dev_eui)
    until = services.clock.now() if end is None else Instant(end)
    since = Instant(max(until - DAY, 0)) if start is None else Instant(start)
    question = reading.Question(
        key=SeriesKey(dev_eui, quantity, channel),
        device_type=device.device_type,
        start=since,
        end=until,
        window=window,
        aggregate=aggregate,
        include_doubtful=quality is Grade.ALL,
        limit=limit,
    )
    page = reading.answer(series, scope.tenant_id, question)
    headers = _link_to_next(request, page)
    if form is Format.CSV or (form is None and "text/csv" in accept):
        headers["Content-Disposition"] = f'attachment; filename="{dev_eui}-{quantity}.csv"'
        return Response(to_csv(page, locale), media_type=CSV, headers=headers)
    return Response(page.model_dump_json(), media_type="application/json", headers=headers)


@router.get("/latest", summary="Newest values · Neueste Werte", response_model=LatestPage)
def read_latest(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    devices: Annotated[
        str | None,
        Query(max_length=40 * MAX_NAMED_DEVICES, description="DevEUIs, separated by commas."),
    ] = None,
    site: Annotated[
        str | None, Query(pattern=SLUG_PATTERN, max_length=63, description="Devices of a site.")
    ] = None,
    quantity: Annotated[
        str | None, Query(max_length=100, description="Only this quantity: faster.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_DEVICES, description="Devices.")] = MAX_DEVICES,
    cursor: Annotated[
        str | None, Query(max_length=40, description="`next` of the call before.")
    ] = None,
) -> Response:
    """The newest good values of many devices in one call, for maps and lists.

    Of the devices named, of a site, or of the whole town. Who has never measured has no values.
    """
    if quantity is not None:
        reading.check_quantity(quantity)
    if devices is not None and site is not None:
        raise Invalid("Give 'devices' or 'site', not both.")
    if devices is not None:
        chosen, more_after = _named(services, scope, devices), None
    else:
        chosen, more_after = _page_of_devices(services, scope, site, cursor, limit)
    found = reading.newest(series, scope.tenant_id, chosen, quantity, more_after)
    return Response(msgspec.json.encode(found), media_type="application/json")


def _named(services: Services, scope: Scope, devices: str) -> list[str]:
    """The town's own devices among those named; others are left out like unknown ones."""
    try:
        asked = dict.fromkeys(normalised_dev_eui(text) for text in devices.split(",") if text)
    except ValueError as error:
        raise Invalid(f"'devices': {error}") from None
    if len(asked) > MAX_NAMED_DEVICES:
        raise Invalid(f"'devices' names more than {MAX_NAMED_DEVICES}: ask for a site or for all.")
    with services.database.read() as connection:
        own = repository.own_dev_euis(connection, scope, asked)
    return [dev_eui for dev_eui in asked if dev_eui in own]


def _page_of_devices(
    services: Services, scope: Scope, site: str | None, cursor: str | None, limit: int
) -> tuple[list[str], str | None]:
    with services.database.read() as connection:
        if site is not None:
            registry.site(connection, scope, site)
        found = repository.dev_euis_page(connection, scope, cursor, limit + 1, site)
    return found[:limit], found[limit - 1] if len(found) > limit else None


def _link_to_next(request: Request, page: SeriesPage) -> dict[str, str]:
    """The address of the next page, for callers of CSV, where the body has no place for it."""
    if page.next is None:
        return {}
    following = request.url.include_query_params(start=page.next)
    return {"Link": f'<{following.path}?{following.query}>; rel="next"'}

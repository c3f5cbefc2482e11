"""Verdicts, watering list, waterings and forecast over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Response

from stadtsinn.base.berlin import local, write_time
from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.csv_text import Locale
from stadtsinn.base.language import Language
from stadtsinn.cloud.domains.trees import repository, watering_repository, watering_service
from stadtsinn.cloud.domains.trees.list_csv import list_csv
from stadtsinn.cloud.domains.trees.list_geojson import MEDIA_TYPE as GEOJSON
from stadtsinn.cloud.domains.trees.list_geojson import list_geojson
from stadtsinn.cloud.domains.trees.list_page import list_page
from stadtsinn.cloud.domains.trees.list_schemas import (
    DepthView,
    Forecast,
    ForecastView,
    ListedTreeView,
    VerdictView,
    WateringListView,
    WateringView,
    watering_view,
)
from stadtsinn.cloud.domains.trees.model import TreeNumber, WateringBody
from stadtsinn.cloud.domains.trees.watering_list import ListedGroup, ListedTree, WateringList
from stadtsinn.cloud.domains.trees.words import reason
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath
from stadtsinn.cloud.platform.api.times import GivenDay
from stadtsinn.cloud.platform.tenants.repository import require_tenant
from stadtsinn.cloud.town.changing import changing

router = APIRouter(tags=["trees"])


class Format(StrEnum):
    """How the list is written."""

    JSON = "json"
    CSV = "csv"
    GEOJSON = "geojson"
    HTML = "html"


@router.get(
    "/watering-list",
    summary="Which trees to water today · Gießliste",
    response_model=WateringListView,
    responses={
        200: {
            "content": {
                "text/csv": {"schema": {"type": "string"}},
                "text/html": {"schema": {"type": "string"}},
                "application/geo+json": {"schema": {"type": "object"}},
            }
        }
    },
)
def read_list(
    scope: ReaderDep,
    services: ServicesDep,
    day: Annotated[GivenDay | None, Query(description="Of Berlin; today by default.")] = None,
    format_: Annotated[
        Format, Query(alias="format", description="html: to print on A4.")
    ] = Format.JSON,
    locale: Annotated[
        Locale, Query(description="`de`: CSV as people and Excel read it; also of the page.")
    ] = Locale.DE,
) -> WateringListView | Response:
    """Made once a day at the hour that the town has set; trees that were watered since are left
    out. In the order of the tours, the urgent ones first."""
    now = services.clock.now()
    wanted = day or local(now).date()
    with services.database.read() as connection:
        made = watering_service.watering_list(connection, scope, wanted, now)
        town = require_tenant(connection, scope.tenant_id).name
    name = f"giessliste-{wanted.isoformat()}"
    if format_ is Format.CSV:
        return _file(list_csv(made, locale), CSV, f"{name}.csv")
    if format_ is Format.GEOJSON:
        return _file(msgspec.json.encode(list_geojson(made)), GEOJSON, f"{name}.geojson")
    if format_ is Format.HTML:
        language = Language(locale.value)
        return Response(list_page(made, town, language), media_type="text/html; charset=utf-8")
    return _list_view(made)


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _list_view(made: WateringList) -> WateringListView:
    return WateringListView(
        day=made.day,
        judged_at=write_time(made.judged_at),
        groups=[_verdict(one) for one in made.groups],
        items=[
            _listed(number, stop, one)
            for number, tour in enumerate(made.tours, 1)
            for stop, one in enumerate(tour.trees, 1)
        ],
        tours=len(made.tours),
        litres=sum(tour.litres for tour in made.tours),
        resting=made.resting,
        without_group=made.without_group,
        left_off=made.left_off,
        rain_7d_mm=made.rain_mm,
        forecast_48h_mm=made.forecast_mm,
    )


def _verdict(listed: ListedGroup) -> VerdictView:
    verdict = None if listed.day is None else listed.day.verdict
    return VerdictView(
        group=listed.group.slug,
        station=listed.group.station,
        level=listed.level,
        kept=verdict is not None and verdict.kept,
        reason_de="" if verdict is None else reason(verdict, Language.DE),
        reason_en="" if verdict is None else reason(verdict, Language.EN),
        depths=[] if verdict is None else [DepthView(**asdict(one)) for one in verdict.depths],
        trees=listed.trees,
    )


def _listed(number: int, stop: int, one: ListedTree) -> ListedTreeView:
    last = one.last
    return ListedTreeView(
        tour=number,
        stop=stop,
        tree=one.tree.number,
        street=one.tree.street,
        species=one.tree.species or one.tree.species_de,
        latitude=one.tree.latitude,
        longitude=one.tree.longitude,
        standing_year=one.standing_year,
        group=one.group,
        level=one.level,
        litres=one.litres,
        last_watered_at=write_time(None if last is None else last.watered_at),
        last_litres=None if last is None else last.litres,
        last_crew=None if last is None else last.crew,
    )


# --- waterings -------------------------------------------------------------------------


@router.get("/waterings", summary="List waterings · Wässerungen auflisten")
def list_waterings(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    tree: Annotated[TreeNumber | None, Query(description="Only of a tree.")] = None,
) -> Page[WateringView]:
    """The newest entry first."""
    with services.database.read() as connection:
        rows = watering_repository.waterings_page(
            connection, scope, page.after_number, page.fetch, tree
        )
    return page_of(rows, page, lambda row: row.id, watering_view)


@router.post("/waterings", status_code=201, summary="Log a watering · Wässerung eintragen")
def log_watering(scope: EditorDep, services: ServicesDep, body: WateringBody) -> WateringView:
    """Just now, or afterwards with its time. The tree is off the list for the days of rest."""
    now = services.clock.now()
    with services.database.write() as connection:
        return watering_view(watering_service.log_watering(connection, scope, body, now))


@router.delete(
    "/waterings/{watering}", status_code=204, summary="Delete a watering · Wässerung löschen"
)
def delete_watering(scope: EditorDep, services: ServicesDep, watering: IdInPath) -> None:
    with services.database.write() as connection:
        watering_service.delete_watering(connection, scope, watering, services.clock.now())


# --- forecast --------------------------------------------------------------------------


@router.put("/tree-forecast", summary="Bring a forecast of rain · Regenvorhersage einlesen")
def replace_forecast(scope: EditorDep, services: ServicesDep, body: Forecast) -> ForecastView:
    """Shown on the list for a day and a half; it decides nothing."""
    now = services.clock.now()
    hours = sorted((one.time, one.mm) for one in body.hours)
    with changing(services, scope) as connection:
        repository.write_forecast(connection, scope, hours, now)
    return ForecastView(hours=len(hours), mm_48h=watering_service.soon_mm(hours, now))

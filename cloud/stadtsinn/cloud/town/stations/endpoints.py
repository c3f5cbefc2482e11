"""Stations and deployments over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.fields import normalised_dev_eui
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath, SlugInPath
from stadtsinn.cloud.town.changing import changing
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations import repository, service
from stadtsinn.cloud.town.stations.model import (
    Deployment,
    PlacedDeployment,
    Station,
    StationBody,
)
from stadtsinn.cloud.town.stations.service import Editor

router = APIRouter()


# --- stations --------------------------------------------------------------------------


@router.get("/stations", tags=["stations"], summary="List stations · Messstellen auflisten")
def list_stations(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    kind: Annotated[str | None, Query(max_length=63, description="Only of a kind.")] = None,
    site: Annotated[str | None, Query(pattern=SHORT_NAME, description="Only of a site.")] = None,
) -> Page[Station]:
    with services.database.read() as connection:
        rows = repository.stations_page(
            connection, scope, page.after_text, page.fetch, kind=kind, site=site
        )
    return page_of(rows, page, lambda row: row.slug, lambda row: row)


@router.post(
    "/stations",
    tags=["stations"],
    status_code=201,
    summary="Create a station · Messstelle anlegen",
)
def create_station(scope: EditorDep, services: ServicesDep, body: Station) -> Station:
    with changing(services, scope) as connection:
        service.create_station(connection, Editor(scope, services.clock.now()), body)
    return body


@router.get("/stations/{station}", tags=["stations"], summary="Read a station · Messstelle lesen")
def read_station(scope: ReaderDep, services: ServicesDep, station: SlugInPath) -> Station:
    with services.database.read() as connection:
        return repository.station(connection, scope, station)


@router.put(
    "/stations/{station}", tags=["stations"], summary="Replace a station · Messstelle ändern"
)
def replace_station(
    scope: EditorDep, services: ServicesDep, station: SlugInPath, body: StationBody
) -> Station:
    """The slug cannot be changed: series are stored under it."""
    record = Station(slug=station, **dict(body))
    with changing(services, scope) as connection:
        service.replace_station(connection, Editor(scope, services.clock.now()), record)
    return record


@router.delete(
    "/stations/{station}",
    tags=["stations"],
    status_code=204,
    summary="Delete a station without deployments · Messstelle löschen",
)
def delete_station(scope: EditorDep, services: ServicesDep, station: SlugInPath) -> None:
    with changing(services, scope) as connection:
        service.delete_station(connection, Editor(scope, services.clock.now()), station)


# --- deployments -----------------------------------------------------------------------


@router.get("/deployments", tags=["stations"], summary="List deployments · Einbauten auflisten")
def list_deployments(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    station: Annotated[
        str | None, Query(pattern=SHORT_NAME, description="Only at a station.")
    ] = None,
    dev_eui: Annotated[
        str | None, Query(pattern="^[0-9a-fA-F]{16}$", description="Only of a device.")
    ] = None,
) -> Page[PlacedDeployment]:
    """Which device measured where from when to when."""
    with services.database.read() as connection:
        rows = repository.deployments_page(
            connection,
            scope,
            page.after_number,
            page.fetch,
            station=station,
            dev_eui=normalised_dev_eui(dev_eui) if dev_eui else None,
        )
    return page_of(rows, page, lambda row: row.id, lambda row: row)


@router.post(
    "/deployments", tags=["stations"], status_code=201, summary="Deploy a device · Gerät einbauen"
)
def create_deployment(
    scope: EditorDep, services: ServicesDep, body: Deployment
) -> PlacedDeployment:
    """From then on, or for a time in the past: the series concerned are made anew from the log, and
    the counts of gates of the last seven days; `stadtsinn cloud rebuild live` counts older ones."""
    with changing(services, scope) as connection:
        return service.deploy(connection, Editor(scope, services.clock.now()), body)


@router.get(
    "/deployments/{deployment}", tags=["stations"], summary="Read a deployment · Einbau lesen"
)
def read_deployment(
    scope: ReaderDep, services: ServicesDep, deployment: IdInPath
) -> PlacedDeployment:
    with services.database.read() as connection:
        return repository.deployment(connection, scope, deployment)


@router.put(
    "/deployments/{deployment}",
    tags=["stations"],
    summary="Put a deployment right, also afterwards · Einbau berichtigen",
)
def replace_deployment(
    scope: EditorDep, services: ServicesDep, deployment: IdInPath, body: Deployment
) -> PlacedDeployment:
    """The series concerned are made anew from the log, and the counts of gates of the last seven
    days (`stadtsinn cloud rebuild live` counts older ones); this raises no alarm."""
    now = services.clock.now()
    with change(services.database, scope, now) as connection:
        return service.replace_deployment(connection, Editor(scope, now), deployment, body)


@router.delete(
    "/deployments/{deployment}",
    tags=["stations"],
    status_code=204,
    summary="Delete a deployment as if it had never been · Einbau löschen",
)
def delete_deployment(scope: EditorDep, services: ServicesDep, deployment: IdInPath) -> None:
    with changing(services, scope) as connection:
        service.delete_deployment(connection, Editor(scope, services.clock.now()), deployment)

"""Registry over HTTP: sites, devices, edge agents, and the catalogue."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query, Request

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of, unchanged
from stadtsinn.cloud.platform.api.path_parameters import DevEuiInPath, SlugInPath
from stadtsinn.cloud.town import repository, service
from stadtsinn.cloud.town.changing import changing
from stadtsinn.cloud.town.edge_authority import EdgeAuthority
from stadtsinn.cloud.town.model import (
    Device,
    DeviceBody,
    Edge,
    EdgeBody,
    EdgeEnrolment,
    Site,
    SiteBody,
)
from stadtsinn.cloud.town.schemas import DeviceTypeView, QuantityView
from stadtsinn.decoders.catalogue import catalogue

router = APIRouter()


def edge_authority(request: Request) -> EdgeAuthority:
    return cast(EdgeAuthority, request.app.state.edge_authority)


AuthorityDep = Annotated[EdgeAuthority, Depends(edge_authority)]


# --- sites -----------------------------------------------------------------------------


@router.get("/sites", tags=["sites"], summary="List sites · Orte auflisten")
def list_sites(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[Site]:
    with services.database.read() as connection:
        rows = repository.sites_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.slug, unchanged)


@router.post("/sites", tags=["sites"], status_code=201, summary="Create a site · Ort anlegen")
def create_site(scope: EditorDep, services: ServicesDep, body: Site) -> Site:
    with changing(services, scope) as connection:
        service.create_site(connection, scope, body)
    return body


@router.get("/sites/{site}", tags=["sites"], summary="Read a site · Ort lesen")
def read_site(scope: ReaderDep, services: ServicesDep, site: SlugInPath) -> Site:
    with services.database.read() as connection:
        return repository.site(connection, scope, site)


@router.put("/sites/{site}", tags=["sites"], summary="Replace a site · Ort ändern")
def replace_site(scope: EditorDep, services: ServicesDep, site: SlugInPath, body: SiteBody) -> Site:
    record = Site(slug=site, **body.model_dump())
    with changing(services, scope) as connection:
        service.replace_site(connection, scope, record)
    return record


@router.delete(
    "/sites/{site}", tags=["sites"], status_code=204, summary="Delete a site · Ort löschen"
)
def delete_site(scope: EditorDep, services: ServicesDep, site: SlugInPath) -> None:
    with changing(services, scope) as connection:
        service.delete_site(connection, scope, site)


# --- devices ---------------------------------------------------------------------------


@router.get("/devices", tags=["devices"], summary="List devices · Geräte auflisten")
def list_devices(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    site: Annotated[str | None, Query(pattern=SHORT_NAME, description="Only of a site.")] = None,
    device_type: Annotated[
        str | None, Query(max_length=100, description="Only of a type, e.g. dragino/lse01.")
    ] = None,
) -> Page[Device]:
    with services.database.read() as connection:
        rows = repository.devices_page(
            connection,
            scope,
            page.after_text,
            page.fetch,
            site_slug=site,
            device_type=device_type,
        )
    return page_of(rows, page, lambda row: row.dev_eui, unchanged)


@router.post(
    "/devices", tags=["devices"], status_code=201, summary="Register a device · Gerät anlegen"
)
def create_device(scope: EditorDep, services: ServicesDep, body: Device) -> Device:
    with changing(services, scope) as connection:
        service.create_device(connection, scope, body, services.clock.now())
    return body


@router.get("/devices/{dev_eui}", tags=["devices"], summary="Read a device · Gerät lesen")
def read_device(scope: ReaderDep, services: ServicesDep, dev_eui: DevEuiInPath) -> Device:
    with services.database.read() as connection:
        return repository.device(connection, scope, dev_eui)


@router.put("/devices/{dev_eui}", tags=["devices"], summary="Replace a device · Gerät ändern")
def replace_device(
    scope: EditorDep, services: ServicesDep, dev_eui: DevEuiInPath, body: DeviceBody
) -> Device:
    record = Device(dev_eui=dev_eui, **body.model_dump())
    with changing(services, scope) as connection:
        service.replace_device(connection, scope, record)
    return record


@router.delete(
    "/devices/{dev_eui}",
    tags=["devices"],
    status_code=204,
    summary="Delete a device, keep its history · Gerät löschen, Verlauf bleibt",
)
def delete_device(scope: EditorDep, services: ServicesDep, dev_eui: DevEuiInPath) -> None:
    with changing(services, scope) as connection:
        service.delete_device(connection, scope, dev_eui, services.clock.now())


# --- edge agents -----------------------------------------------------------------------


@router.get("/edges", tags=["edges"], summary="List edge agents · Edge-Agenten auflisten")
def list_edges(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[Edge]:
    with services.database.read() as connection:
        rows = repository.edges_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.id, unchanged)


@router.post("/edges", tags=["edges"], status_code=201, summary="Register an edge agent · anmelden")
def create_edge(
    scope: EditorDep, services: ServicesDep, authority: AuthorityDep, body: EdgeEnrolment
) -> Edge:
    """An id belongs to a town by the operator's word or by the agent's certificate, not to the
    first who names it. The refusal is the same whether another town has it or nobody."""
    now, proven = services.clock.now(), body.certificate is not None
    if body.certificate is not None:
        authority.prove(body.certificate, body.id, scope.tenant_id, now)
    record = Edge(id=body.id, name=body.name)
    with service.change(services.database, scope, now) as connection:
        service.enrol_edge(connection, scope, record, now, proven=proven)
    return record


@router.get("/edges/{edge}", tags=["edges"], summary="Read an edge agent · lesen")
def read_edge(scope: ReaderDep, services: ServicesDep, edge: SlugInPath) -> Edge:
    with services.database.read() as connection:
        return repository.edge(connection, scope, edge)


@router.put("/edges/{edge}", tags=["edges"], summary="Rename an edge agent · umbenennen")
def replace_edge(scope: EditorDep, services: ServicesDep, edge: SlugInPath, body: EdgeBody) -> Edge:
    record = Edge.registered(edge, body.name)
    with changing(services, scope) as connection:
        service.replace_edge(connection, scope, record)
    return record


@router.delete(
    "/edges/{edge}", tags=["edges"], status_code=204, summary="Delete an edge agent · löschen"
)
def delete_edge(scope: EditorDep, services: ServicesDep, edge: SlugInPath) -> None:
    with changing(services, scope) as connection:
        service.delete_edge(connection, scope, edge)


# --- what is known of devices in general -----------------------------------------------


@router.get("/device-types", tags=["catalogue"], summary="Known device types · Gerätetypen")
def list_device_types(_scope: ReaderDep, page: PageDep) -> Page[DeviceTypeView]:
    known = catalogue()
    after = page.after_text or ""
    names = [name for name in sorted(known) if name > after][: page.fetch]
    types = [known.device(name) for name in names]
    return page_of(
        types,
        page,
        lambda row: row.id,
        lambda row: DeviceTypeView(
            id=row.id,
            vendor=row.vendor,
            product=row.product,
            family=row.family,
            version=row.version,
        ),
    )


@router.get("/quantities", tags=["catalogue"], summary="Quantities and units · Messgrößen")
def list_quantities(_scope: ReaderDep, page: PageDep) -> Page[QuantityView]:
    from stadtsinn.decoders.vocabulary import QUANTITIES

    after = page.after_text or ""
    names = [name for name in sorted(QUANTITIES) if name > after][: page.fetch]
    return page_of(
        [QUANTITIES[name] for name in names],
        page,
        lambda row: row.name,
        lambda row: QuantityView.model_validate(row, from_attributes=True),
    )

"""Registry over HTTP: sites, devices, edge agents, zones and their gates, and the catalogue."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.fields import SLUG_PATTERN, DevEuiInPath, SlugInPath
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.town import repository, service
from stadtsinn.cloud.town.records import Device, Edge, Site
from stadtsinn.cloud.town.schemas import (
    DeviceBody,
    DeviceTypeView,
    EdgeBody,
    NewDevice,
    NewEdge,
    NewSite,
    QuantityView,
    SiteBody,
)

router = APIRouter()


def _site_view(record: Site) -> NewSite:
    return NewSite.model_validate(record, from_attributes=True)


def _device_view(record: Device) -> NewDevice:
    return NewDevice.model_validate(record, from_attributes=True)


def _edge_view(record: Edge) -> NewEdge:
    return NewEdge.model_validate(record, from_attributes=True)


# --- sites -----------------------------------------------------------------------------


@router.get("/sites", tags=["sites"], summary="List sites · Orte auflisten")
def list_sites(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[NewSite]:
    with services.database.read() as connection:
        rows = repository.sites_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.slug, _site_view)


@router.post("/sites", tags=["sites"], status_code=201, summary="Create a site · Ort anlegen")
def create_site(scope: EditorDep, services: ServicesDep, body: NewSite) -> NewSite:
    with service.change(services.database) as connection:
        service.create_site(connection, scope, Site(**body.model_dump()))
    return body


@router.get("/sites/{site}", tags=["sites"], summary="Read a site · Ort lesen")
def read_site(scope: ReaderDep, services: ServicesDep, site: SlugInPath) -> NewSite:
    with services.database.read() as connection:
        return _site_view(repository.site(connection, scope, site))


@router.put("/sites/{site}", tags=["sites"], summary="Replace a site · Ort ändern")
def replace_site(
    scope: EditorDep, services: ServicesDep, site: SlugInPath, body: SiteBody
) -> NewSite:
    record = Site(slug=site, **body.model_dump())
    with service.change(services.database) as connection:
        service.replace_site(connection, scope, record)
    return _site_view(record)


@router.delete(
    "/sites/{site}", tags=["sites"], status_code=204, summary="Delete a site · Ort löschen"
)
def delete_site(scope: EditorDep, services: ServicesDep, site: SlugInPath) -> None:
    with service.change(services.database) as connection:
        service.delete_site(connection, scope, site)


# --- devices ---------------------------------------------------------------------------


@router.get("/devices", tags=["devices"], summary="List devices · Geräte auflisten")
def list_devices(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    site: Annotated[str | None, Query(pattern=SLUG_PATTERN, description="Only of a site.")] = None,
    device_type: Annotated[
        str | None, Query(max_length=100, description="Only of a type, e.g. dragino/lse01.")
    ] = None,
) -> Page[NewDevice]:
    with services.database.read() as connection:
        rows = repository.devices_page(
            connection,
            scope,
            page.after_text,
            page.fetch,
            site_slug=site,
            device_type=device_type,
        )
    return page_of(rows, page, lambda row: row.dev_eui, _device_view)


@router.post(
    "/devices", tags=["devices"], status_code=201, summary="Register a device · Gerät anlegen"
)
def create_device(scope: EditorDep, services: ServicesDep, body: NewDevice) -> NewDevice:
    with service.change(services.database) as connection:
        service.create_device(connection, scope, Device(**body.model_dump()), services.clock.now())
    return body


@router.get("/devices/{dev_eui}", tags=["devices"], summary="Read a device · Gerät lesen")
def read_device(scope: ReaderDep, services: ServicesDep, dev_eui: DevEuiInPath) -> NewDevice:
    with services.database.read() as connection:
        return _device_view(repository.device(connection, scope, dev_eui))


@router.put("/devices/{dev_eui}", tags=["devices"], summary="Replace a device · Gerät ändern")
def replace_device(
    scope: EditorDep, services: ServicesDep, dev_eui: DevEuiInPath, body: DeviceBody
) -> NewDevice:
    record = Device(dev_eui=dev_eui, **body.model_dump())
    with service.change(services.database) as connection:
        service.replace_device(connection, scope, record)
    return _device_view(record)


@router.delete(
    "/devices/{dev_eui}",
    tags=["devices"],
    status_code=204,
    summary="Delete a device, keep its history · Gerät löschen, Verlauf bleibt",
)
def delete_device(scope: EditorDep, services: ServicesDep, dev_eui: DevEuiInPath) -> None:
    with service.change(services.database) as connection:
        service.delete_device(connection, scope, dev_eui, services.clock.now())


# --- edge agents -----------------------------------------------------------------------


@router.get("/edges", tags=["edges"], summary="List edge agents · Edge-Agenten auflisten")
def list_edges(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[NewEdge]:
    with services.database.read() as connection:
        rows = repository.edges_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.id, _edge_view)


@router.post("/edges", tags=["edges"], status_code=201, summary="Register an edge agent · anlegen")
def create_edge(scope: EditorDep, services: ServicesDep, body: NewEdge) -> NewEdge:
    with service.change(services.database) as connection:
        service.create_edge(connection, scope, Edge(**body.model_dump()), services.clock.now())
    return body


@router.get("/edges/{edge}", tags=["edges"], summary="Read an edge agent · lesen")
def read_edge(scope: ReaderDep, services: ServicesDep, edge: SlugInPath) -> NewEdge:
    with services.database.read() as connection:
        return _edge_view(repository.edge(connection, scope, edge))


@router.put("/edges/{edge}", tags=["edges"], summary="Rename an edge agent · umbenennen")
def replace_edge(
    scope: EditorDep, services: ServicesDep, edge: SlugInPath, body: EdgeBody
) -> NewEdge:
    record = Edge(edge, body.name)
    with service.change(services.database) as connection:
        service.replace_edge(connection, scope, record)
    return _edge_view(record)


@router.delete(
    "/edges/{edge}", tags=["edges"], status_code=204, summary="Delete an edge agent · löschen"
)
def delete_edge(scope: EditorDep, services: ServicesDep, edge: SlugInPath) -> None:
    with service.change(services.database) as connection:
        service.delete_edge(connection, scope, edge)


# --- what is known of devices in general -----------------------------------------------


@router.get("/device-types", tags=["catalogue"], summary="Known device types · Gerätetypen")
def list_device_types(_scope: ReaderDep, page: PageDep) -> Page[DeviceTypeView]:
    from stadtsinn.decoders.catalogue import catalogue

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

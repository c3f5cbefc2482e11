"""Zones and gates over HTTP."""

from __future__ import annotations

from fastapi import APIRouter

from stadtsinn.cloud.domains.crowd.zones import repository, service
from stadtsinn.cloud.domains.crowd.zones.model import Gate, GateBody, Zone, ZoneBody
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of, unchanged
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.town.changing import changing

router = APIRouter()


@router.get("/zones", tags=["zones"], summary="List zones · Bereiche auflisten")
def list_zones(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[Zone]:
    with services.database.read() as connection:
        rows = repository.zones_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.slug, unchanged)


@router.post("/zones", tags=["zones"], status_code=201, summary="Create a zone · Bereich anlegen")
def create_zone(scope: EditorDep, services: ServicesDep, body: Zone) -> Zone:
    with changing(services, scope) as connection:
        service.create_zone(connection, scope, body)
    return body


@router.get("/zones/{zone}", tags=["zones"], summary="Read a zone · Bereich lesen")
def read_zone(scope: ReaderDep, services: ServicesDep, zone: SlugInPath) -> Zone:
    with services.database.read() as connection:
        return repository.zone(connection, scope, zone)


@router.put("/zones/{zone}", tags=["zones"], summary="Replace a zone · Bereich ändern")
def replace_zone(scope: EditorDep, services: ServicesDep, zone: SlugInPath, body: ZoneBody) -> Zone:
    record = Zone(slug=zone, **body.model_dump())
    with changing(services, scope) as connection:
        service.replace_zone(connection, scope, record)
    return record


@router.delete(
    "/zones/{zone}", tags=["zones"], status_code=204, summary="Delete a zone · Bereich löschen"
)
def delete_zone(scope: EditorDep, services: ServicesDep, zone: SlugInPath) -> None:
    services.database.in_slices(
        lambda connection: service.forget_zone_history(connection, scope, zone)
    )
    with changing(services, scope) as connection:
        service.delete_zone(connection, scope, zone)


@router.get("/zones/{zone}/gates", tags=["zones"], summary="List gates · Zugänge auflisten")
def list_gates(
    scope: ReaderDep, services: ServicesDep, zone: SlugInPath, page: PageDep
) -> Page[Gate]:
    after = page.after_text or ""
    with services.database.read() as connection:
        rows = repository.gates_of(connection, scope, zone)
    return page_of([row for row in rows if row.slug > after], page, lambda row: row.slug, unchanged)


@router.post(
    "/zones/{zone}/gates", tags=["zones"], status_code=201, summary="Add a gate · Zugang anlegen"
)
def create_gate(scope: EditorDep, services: ServicesDep, zone: SlugInPath, body: Gate) -> Gate:
    with changing(services, scope) as connection:
        service.create_gate(connection, scope, zone, body)
    return body


@router.get("/zones/{zone}/gates/{gate}", tags=["zones"], summary="Read a gate · Zugang lesen")
def read_gate(scope: ReaderDep, services: ServicesDep, zone: SlugInPath, gate: SlugInPath) -> Gate:
    with services.database.read() as connection:
        return repository.gate(connection, scope, zone, gate)


@router.put("/zones/{zone}/gates/{gate}", tags=["zones"], summary="Replace a gate · ändern")
def replace_gate(
    scope: EditorDep, services: ServicesDep, zone: SlugInPath, gate: SlugInPath, body: GateBody
) -> Gate:
    record = Gate(slug=gate, **body.model_dump())
    with changing(services, scope) as connection:
        service.replace_gate(connection, scope, zone, record)
    return record


@router.delete(
    "/zones/{zone}/gates/{gate}", tags=["zones"], status_code=204, summary="Delete a gate · löschen"
)
def delete_gate(
    scope: EditorDep, services: ServicesDep, zone: SlugInPath, gate: SlugInPath
) -> None:
    services.database.in_slices(
        lambda connection: service.forget_gate_counts(connection, scope, zone, gate)
    )
    with changing(services, scope) as connection:
        service.delete_gate(connection, scope, zone, gate)

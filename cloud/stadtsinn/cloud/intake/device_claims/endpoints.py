"""Claims over HTTP: the claimant's side and the owner's."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from stadtsinn.cloud.intake.device_claims import repository, service
from stadtsinn.cloud.intake.device_claims.model import Claim, ClaimedDevice, ClaimRequest
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath

router = APIRouter(tags=["claims"])


def claim_settings(request: Request) -> ClaimSettings:
    return cast(ClaimSettings, request.app.state.claim_settings)


SettingsDep = Annotated[ClaimSettings, Depends(claim_settings)]


# --- the claimant ----------------------------------------------------------------------


@router.get("/claims", summary="List your claims · Eigene Ansprüche auflisten")
def list_claims(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[Claim]:
    """Devices that your town claims, newest first."""
    with services.database.read() as connection:
        rows = repository.claims_page(connection, scope, page.after_number, page.fetch)
    return page_of(rows, page, lambda row: row.id, service.view)


@router.post("/claims", status_code=201, summary="Claim a device · Ein Gerät beanspruchen")
def claim_device(scope: EditorDep, services: ServicesDep, body: ClaimRequest) -> Claim:
    """Claim a device that you cannot register because it is registered already.

    It becomes yours once the town that has it consents; or, after a time to object, once an uplink
    of it arrived through your own edge agent or network server and that town has received nothing
    of it for long. Otherwise the operator decides. Called again, it changes the device's data.
    """
    with services.database.write() as connection:
        return service.view(service.claim(connection, scope, body, services.clock.now()))


@router.get("/claims/{claim}", summary="Read your claim · Anspruch lesen")
def read_claim(scope: ReaderDep, services: ServicesDep, claim: IdInPath) -> Claim:
    with services.database.read() as connection:
        return service.view(repository.own_claim(connection, scope, claim))


@router.delete(
    "/claims/{claim}", status_code=204, summary="Withdraw your claim · Anspruch zurückziehen"
)
def withdraw_claim(scope: EditorDep, services: ServicesDep, claim: IdInPath) -> None:
    with services.database.write() as connection:
        service.withdraw(connection, scope, claim, services.clock.now())


# --- the owner -------------------------------------------------------------------------


@router.get(
    "/claimed-devices", summary="What others claim of yours · Von anderen beanspruchte Geräte"
)
def list_claimed_devices(
    scope: ReaderDep, services: ServicesDep, settings: SettingsDep, page: PageDep
) -> Page[ClaimedDevice]:
    """Claims on your devices, and for 90 days those that ended; oldest first."""
    now = services.clock.now()
    with services.database.read() as connection:
        rows = repository.claimed_devices_page(
            connection, scope, now, page.after_number, page.fetch
        )
        return page_of(
            rows,
            page,
            lambda row: row.id,
            lambda row: service.owners_view(connection, scope, row, settings),
        )


@router.post("/claimed-devices/{claimed}/consent", summary="Consent · Zustimmen")
def consent(
    scope: EditorDep, services: ServicesDep, settings: SettingsDep, claimed: IdInPath
) -> ClaimedDevice:
    """Give the device to the claimant, within seconds. You keep its history until then."""
    with services.database.write() as connection:
        row = service.agree(connection, scope, claimed, services.clock.now())
    with services.database.read() as connection:
        return service.owners_view(connection, scope, row, settings)


@router.post("/claimed-devices/{claimed}/objection", summary="Object · Widersprechen")
def object_to_claim(
    scope: EditorDep, services: ServicesDep, settings: SettingsDep, claimed: IdInPath
) -> ClaimedDevice:
    """End the claim: the device stays yours, unless the operator decides otherwise."""
    with services.database.write() as connection:
        row = service.object_to(connection, scope, claimed, services.clock.now())
    with services.database.read() as connection:
        return service.owners_view(connection, scope, row, settings)

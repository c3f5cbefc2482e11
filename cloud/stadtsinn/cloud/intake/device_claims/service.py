"""What towns do about claims. Both sides only write down what they want; `settling` does it."""

from __future__ import annotations

from sqlalchemy import Connection

from stadtsinn.base.berlin import for_people, in_german, isoformat, write_time
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.problems import Conflict, NotFound
from stadtsinn.cloud.intake.device_claims import repository
from stadtsinn.cloud.intake.device_claims.model import (
    LIFE,
    MOST,
    Claim,
    ClaimBody,
    ClaimedDevice,
    ClaimRequest,
    ClaimRow,
    Ending,
    State,
)
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.town.service import require_device_type, require_site
from stadtsinn.cloud.town.stations.repository import own_devices


def claim(connection: Connection, scope: Scope, request: ClaimRequest, now: Instant) -> ClaimRow:
    """Open a claim, or change what an open one says of the device.

    The same answer whether another town has the device or nobody. Raises Conflict for one's own
    device, for a second claim within a claim's life, and above the number of claims.
    """
    dev_eui = request.dev_eui
    body = ClaimBody(**request.model_dump(exclude={"dev_eui"}))
    require_device_type(body.device_type)
    require_site(connection, scope, body.site)
    if own_devices(connection, scope, [dev_eui]):
        raise Conflict(
            f"The device '{dev_eui}' is registered with your town: nothing to claim.",
            f"Das Gerät '{dev_eui}' ist für diese Stadt angelegt: nichts zu beanspruchen.",
        )
    present = repository.latest_claim(connection, scope, dev_eui)
    if present is not None and present.state is State.WAITING:
        repository.replace_body(connection, scope, present, body)
    else:
        if present is not None and present.opened_at > now - LIFE:
            raise Conflict(
                f"Your claim of '{dev_eui}' has ended. Another one can be opened after "
                f"{for_people(Instant(present.opened_at + LIFE))}; the operator of this server "
                f"can decide before ('stadtsinn device hand-over {dev_eui} YOUR-TOWN').",
                f"Der Anspruch dieser Stadt auf '{dev_eui}' ist abgelaufen. Ein neuer ist "
                f"möglich ab {in_german(Instant(present.opened_at + LIFE))}; der Betreiber "
                f"dieses Servers kann vorher entscheiden ('stadtsinn device hand-over {dev_eui} "
                "STADT').",
            )
        if repository.opened_lately(connection, scope, now) >= MOST:
            raise Conflict(
                f"Your town has opened {MOST} claims within {LIFE // DAY} days: ask the operator "
                "of this server to hand the devices over.",
                f"Diese Stadt hat in {LIFE // DAY} Tagen {MOST} Ansprüche erhoben: den Betreiber "
                "dieses Servers bitten, die Geräte zu übergeben.",
            )
        repository.insert_claim(connection, scope, dev_eui, body, now)
    _note(connection, scope, now, Kind.CLAIM, dev_eui)
    found = repository.latest_claim(connection, scope, dev_eui)
    if found is None:
        raise NotFound(
            f"There is no claim of the device '{dev_eui}'.",
            f"Einen Anspruch auf das Gerät '{dev_eui}' gibt es nicht.",
        )
    return found


def withdraw(connection: Connection, scope: Scope, number: int, now: Instant) -> None:
    """End one's own claim; one that has ended stays as it is. Raises NotFound."""
    present = repository.own_claim(connection, scope, number)
    repository.settle(connection, present, Ending.WITHDRAWN, now, None)
    _note(connection, scope, now, Kind.WITHDRAWAL, present.dev_eui)


def agree(connection: Connection, scope: Scope, number: int, now: Instant) -> ClaimRow:
    """The owner consents; again, it changes nothing. Raises NotFound."""
    present = repository.claim_on_device(connection, scope, number, now)
    repository.agree(connection, scope, present)
    _note(connection, scope, now, Kind.CONSENT, present.dev_eui)
    return repository.claim_on_device(connection, scope, number, now)


def object_to(connection: Connection, scope: Scope, number: int, now: Instant) -> ClaimRow:
    """The owner objects: the claim ends. Again, it changes nothing. Raises NotFound."""
    present = repository.claim_on_device(connection, scope, number, now)
    repository.settle(connection, present, Ending.OBJECTED, now, scope.tenant_id)
    _note(connection, scope, now, Kind.OBJECTION, present.dev_eui)
    return repository.claim_on_device(connection, scope, number, now)


def _note(connection: Connection, scope: Scope, now: Instant, kind: Kind, dev_eui: str) -> None:
    """Each town has its own word in its audit, and nothing of the other's."""
    record(connection, scope, now, [Line(scope.tenant_id, Action.DONE, kind, dev_eui, "")])


def goes_at(
    connection: Connection, owner: str, row: ClaimRow, settings: ClaimSettings
) -> Instant | None:
    """When a device changes hands without its owner's word; None while that is not so.

    An edge can write any DevEUI into its uplinks, and a radio can send with any: an uplink through
    the claimant's own source shows only that the claimant says so. Against an owner that hears
    the device it counts for nothing.
    """
    if row.proven_at is None or row.state is not State.WAITING:
        return None
    since = Instant(row.proven_at - settings.quiet_days * DAY)
    if repository.heard_since(connection, owner, row.dev_eui, since):
        return None
    return Instant(row.proven_at + settings.notice_days * DAY)


def view(row: ClaimRow) -> Claim:
    return Claim(
        id=row.id,
        dev_eui=row.dev_eui,
        device=row.device,
        state=row.state,
        opened_at=isoformat(row.opened_at),
        ends_at=isoformat(row.ends_at),
        proven_at=write_time(row.proven_at),
        settled_at=write_time(row.settled_at),
    )


def owners_view(
    connection: Connection, scope: Scope, row: ClaimRow, settings: ClaimSettings
) -> ClaimedDevice:
    goes = goes_at(connection, scope.tenant_id, row, settings)
    return ClaimedDevice(
        id=row.id,
        dev_eui=row.dev_eui,
        message=row.device.message,
        state=row.state,
        opened_at=isoformat(row.opened_at),
        proven_at=write_time(row.proven_at),
        goes_at=write_time(goes),
        settled_at=write_time(row.settled_at),
    )

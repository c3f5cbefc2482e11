"""How long the caller's town keeps what, over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.retention.model import DEFAULTS, Retention
from stadtsinn.cloud.platform.retention.service import retention_of

router = APIRouter()


class KeptFor(BaseModel):
    """How long something is kept. Wie lange etwas aufbewahrt wird."""

    name: str = Field(examples=["outbox"])
    days: int | None = Field(description="null: for ever · unbegrenzt.", examples=[90])
    usual: int | None = Field(description="Where the town has set nothing.", examples=[90])
    what: str = Field(examples=["Who changed what. · Wer was geändert hat."])


@router.get(
    "/retention",
    tags=["audit"],
    summary="How long data are kept · Wie lange Daten aufbewahrt werden",
)
def read_retention(scope: ReaderDep, services: ServicesDep) -> list[KeptFor]:
    """What is older goes once a day. The operator of the server sets it."""
    with services.database.read() as connection:
        present = retention_of(connection, scope.tenant_id)
    return [
        KeptFor(
            name=name,
            days=getattr(present, name),
            usual=getattr(DEFAULTS, name),
            what=f"{what.english} · {what.german}",
        )
        for name, what in Retention.of_what().items()
    ]

"""The audit over HTTP, for administrators of a tenant."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stadtsinn.base.berlin import isoformat
from stadtsinn.cloud.platform.access.dependencies import AdminDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.times import ShownTime
from stadtsinn.cloud.platform.audit import repository
from stadtsinn.cloud.platform.audit.line import Action, By, KeptLine

router = APIRouter()


class AuditLine(BaseModel):
    """Who changed what, and when. Wer wann was geändert hat."""

    id: int
    at: ShownTime
    by: By = Field(
        description="`operator`: a command on the server. `claim`: a device changed towns because "
        "the town that had it consented or did not use it."
    )
    key_id: int | None = Field(description="null unless a key did it.")
    key: str | None = Field(description="The key's name.", examples=["Bauhof"])
    action: Action = Field(
        description="`given` and `received`: to and from another town. `done`: no change of a "
        "thing, such as a replay of quarantine."
    )
    kind: str = Field(examples=["zone"])
    name: str = Field(examples=["wochenmarkt"])
    detail: str = Field(
        description="How it was and how it is, without telephone numbers and names of persons.",
        examples=["permitted: 900 → 1000"],
    )


@router.get("/audit", tags=["audit"], summary="Who changed what · Wer hat was geändert")
def list_audit(scope: AdminDep, services: ServicesDep, page: PageDep) -> Page[AuditLine]:
    """Changes by keys and by the operator, newest first. Kept for a year."""
    with services.database.read() as connection:
        rows = repository.lines_page(connection, scope, page.after_number, page.fetch)
    return page_of(rows, page, lambda row: row.id, view)


def view(kept: KeptLine) -> AuditLine:
    return AuditLine(
        id=kept.id,
        at=isoformat(kept.at),
        by=kept.by,
        key_id=kept.key_id,
        key=kept.key_name,
        action=kept.line.action,
        kind=kept.line.kind,
        name=kept.line.name,
        detail=kept.line.detail,
    )

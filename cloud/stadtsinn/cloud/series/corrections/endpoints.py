"""Over HTTP: what a change of a deployment would change in series."""

from __future__ import annotations

from functools import partial

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stadtsinn.base import berlin
from stadtsinn.cloud.log.history.dependencies import ArchiveDep
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page
from stadtsinn.cloud.platform.api.path_parameters import IdInPath
from stadtsinn.cloud.platform.api.times import EXAMPLE, ShownTime
from stadtsinn.cloud.series.corrections.preview import Change, Difference, preview
from stadtsinn.cloud.series.stores.dependencies import SeriesDep
from stadtsinn.cloud.town.stations import service
from stadtsinn.cloud.town.stations.model import Deployment
from stadtsinn.cloud.town.stations.service import Editor

router = APIRouter(tags=["stations"])


class DifferenceView(BaseModel):
    """Points of one datastream that would change. Was sich an einer Messreihe ändern würde."""

    station: str = Field(examples=["linde-am-markt"])
    quantity: str = Field(examples=["soil_moisture"])
    channel: str = Field(examples=["30cm"])
    removed: int = Field(examples=[144], description="Points that would go.")
    added: int = Field(examples=[0], description="Points that would come.")
    changed: int = Field(examples=[0], description="Points with another value, quality or device.")
    first: ShownTime = Field(examples=[EXAMPLE], description="The first point concerned.")
    last: ShownTime = Field(examples=[EXAMPLE], description="The last one.")


@router.post(
    "/deployments/preview",
    summary="What a new deployment would change · Vorschau eines Einbaus",
)
def preview_new(
    scope: EditorDep,
    services: ServicesDep,
    series: SeriesDep,
    archive: ArchiveDep,
    body: Deployment,
) -> Page[DifferenceView]:
    """What of the series would change if it were made; nothing is changed."""
    editor = Editor(scope, services.clock.now())
    change = partial(service.deploy, editor=editor, record=body)
    return _differences(services, archive, series, scope, change)


@router.post(
    "/deployments/{deployment}/preview",
    summary="What a correction would change · Vorschau einer Berichtigung",
)
def preview_correction(
    scope: EditorDep,
    services: ServicesDep,
    series: SeriesDep,
    archive: ArchiveDep,
    deployment: IdInPath,
    body: Deployment,
) -> Page[DifferenceView]:
    """What of the series would change if the deployment were replaced by this; nothing is
    changed."""
    editor = Editor(scope, services.clock.now())
    change = partial(service.replace_deployment, editor=editor, number=deployment, record=body)
    return _differences(services, archive, series, scope, change)


@router.post(
    "/deployments/{deployment}/deletion-preview",
    summary="What deleting it would change · Vorschau einer Löschung",
)
def preview_deletion(
    scope: EditorDep,
    services: ServicesDep,
    series: SeriesDep,
    archive: ArchiveDep,
    deployment: IdInPath,
) -> Page[DifferenceView]:
    """What of the series would change if the deployment were deleted; nothing is changed."""
    editor = Editor(scope, services.clock.now())
    change = partial(service.delete_deployment, editor=editor, number=deployment)
    return _differences(services, archive, series, scope, change)


def _differences(
    services: ServicesDep, archive: ArchiveDep, series: SeriesDep, scope: EditorDep, change: Change
) -> Page[DifferenceView]:
    found = preview(services.database, archive, series, services.clock, scope.tenant_id, change)
    return Page(items=[_view(one) for one in found], next=None)


def _view(one: Difference) -> DifferenceView:
    return DifferenceView(
        station=one.key.station,
        quantity=one.key.quantity,
        channel=one.key.channel,
        removed=one.removed,
        added=one.added,
        changed=one.changed,
        first=berlin.isoformat(one.first),
        last=berlin.isoformat(one.last),
    )

"""Counting over HTTP: the present of a zone, its past, its corrections."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.csv_text import Locale
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.domains.crowd import service
from stadtsinn.cloud.domains.crowd.csv_text import stream
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.schemas import (
    CorrectionView,
    HistoryView,
    MinuteView,
    NewCorrection,
    NewPermit,
    OccupancyView,
    PermitView,
    PlannedView,
)
from stadtsinn.cloud.domains.crowd.zone_repository import Correction
from stadtsinn.cloud.domains.crowd.zones import permit_service
from stadtsinn.cloud.domains.crowd.zones import repository as registry
from stadtsinn.cloud.domains.crowd.zones.permits import PlannedPermit
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.platform.api.times import GivenTime
from stadtsinn.cloud.platform.limits.service import require_days

router = APIRouter(tags=["zones"])


class Format(StrEnum):
    """How the history is written."""

    JSON = "json"
    CSV = "csv"


@router.get("/zones/{zone}/occupancy", summary="Persons in a zone now · Personen in einer Zone")
def read_occupancy(scope: ReaderDep, services: ServicesDep, zone: SlugInPath) -> OccupancyView:
    """The unrounded number with its interval. It counts what gates reported, not who they are."""
    with services.database.read() as connection:
        found = service.current(connection, scope, zone, services.clock.now())
        ratio = service.ratio(connection, scope, zone, services.clock.now())
    known = found.sample if found.shown else None
    return OccupancyView(
        zone=zone,
        state=found.state,
        time=write_time(found.sample.event_time if found.sample else None),
        occupancy=known.occupancy if known else None,
        low=known.low if known else None,
        high=known.high if known else None,
        level=found.shown.level if found.shown else None,
        permitted=found.permitted,
        valid_until=write_time(found.valid_until),
        opens_at=write_time(found.opens_at),
        out_ratio=round(ratio.ratio, 4),
        out_ratio_days=ratio.days,
    )


@router.get(
    "/zones/{zone}/history",
    summary="A zone minute by minute · Verlauf einer Zone",
    response_model=HistoryView,
    responses={200: {"content": {"text/csv": {"example": "time,occupancy,low,high,degraded\n"}}}},
)
def read_history(
    scope: ReaderDep,
    services: ServicesDep,
    zone: SlugInPath,
    start: Annotated[GivenTime | None, Query(description="Default: a day ago.")] = None,
    end: Annotated[GivenTime | None, Query(description="Exclusive. Default: now.")] = None,
    format_: Annotated[Format, Query(alias="format", description="json or csv.")] = Format.JSON,
    locale: Annotated[
        Locale, Query(description="`de`: CSV as people and Excel read it.")
    ] = Locale.EN,
) -> HistoryView | Response:
    """Late reports of gates are counted where they belong, so the past may still change.

    JSON has a day at most and says in `next` where to go on; CSV has all, up to 400 days.
    """
    until = services.clock.now() if end is None else Instant(end)
    since = Instant(until - DAY) if start is None else Instant(start)
    require_days(scope, since, until)
    if format_ is Format.CSV:
        with services.database.read() as connection:
            name = registry.zone(connection, scope, zone).name
        samples = service.whole_history(services.database, scope, zone, since, until)
        headers = {"Content-Disposition": f'attachment; filename="{zone}.csv"'}
        body = stream(zone, name, samples, locale)
        return StreamingResponse(body, media_type=CSV, headers=headers)
    with services.database.read() as connection:
        page = service.history(connection, scope, zone, since, until)
    items = [_minute(sample) for sample in page.samples]
    return HistoryView(items=items, next=write_time(page.following))


@router.get("/zones/{zone}/corrections", summary="Corrections of a zone · Korrekturen einer Zone")
def list_corrections(
    scope: ReaderDep, services: ServicesDep, page: PageDep, zone: SlugInPath
) -> Page[CorrectionView]:
    """The newest entry first."""
    with services.database.read() as connection:
        rows = service.corrections(connection, scope, zone, page.after_number, page.fetch)
    return page_of(rows, page, lambda row: row.id, _correction)


@router.post(
    "/zones/{zone}/corrections",
    status_code=201,
    summary="Enter a counted number · Gezählte Zahl eintragen",
)
def enter_correction(
    scope: EditorDep, services: ServicesDep, zone: SlugInPath, body: NewCorrection
) -> CorrectionView:
    """Counting goes on from this number within about a second. The gates' counts stay."""
    now = services.clock.now()
    return _correction(
        service.enter_number(
            services.database,
            scope,
            zone,
            value=body.value,
            change=body.change or 0,
            name=body.name,
            reason=body.reason,
            at=now if body.at is None else Instant(body.at),
            now=now,
        )
    )


@router.get("/zones/{zone}/permit", summary="Permitted persons · Zugelassene Personen")
def read_permit(scope: ReaderDep, services: ServicesDep, zone: SlugInPath) -> PermitView:
    with services.database.read() as connection:
        found = service.current(connection, scope, zone, services.clock.now())
        planned = registry.planned_permits(connection, scope, zone)
    return _permit(found.permitted, planned)


@router.post(
    "/zones/{zone}/permit", summary="Change the permitted number · Zugelassene Zahl ändern"
)
def set_permit(
    scope: EditorDep, services: ServicesDep, zone: SlugInPath, body: NewPermit
) -> PermitView:
    """Rules judge by it at once, or from `since` on. While an event with a number of its own takes
    place, that one holds."""
    found = permit_service.set_permit(
        services.database,
        scope,
        zone,
        body.permitted,
        name=body.name,
        reason=body.reason,
        since=None if body.since is None else Instant(body.since),
        now=services.clock.now(),
    )
    return _permit(found.permitted, found.planned)


def _permit(permitted: int | None, planned: Sequence[PlannedPermit]) -> PermitView:
    views = [PlannedView(since=isoformat(one.since), permitted=one.permitted) for one in planned]
    return PermitView(permitted=permitted, planned=views)


def _minute(sample: ZoneSample) -> MinuteView:
    return MinuteView(
        time=isoformat(sample.event_time),
        occupancy=sample.occupancy,
        low=sample.low,
        high=sample.high,
        degraded=sample.degraded,
    )


def _correction(record: Correction) -> CorrectionView:
    return CorrectionView(
        id=record.id,
        time=isoformat(record.event_time),
        kind=record.kind,
        value=record.value,
        amount=record.amount,
        name=record.name,
        reason=record.reason,
        entered_at=isoformat(record.created_at),
    )

"""Parking over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from stadtsinn.base.berlin import write_time
from stadtsinn.cloud.domains.parking.schemas import (
    LotDetails,
    LotsView,
    LotView,
    SpacesView,
    SpaceView,
)
from stadtsinn.cloud.domains.parking.service import (
    LotNow,
    SpaceNow,
    lot_now,
    lots_now,
    overstays,
    spaces_now,
)
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.series.stores.dependencies import SeriesDep

router = APIRouter(tags=["parking"], prefix="/parking")


@router.get("/lots", summary="Free, taken, unknown spaces per lot · Parkplätze")
def list_lots(scope: ReaderDep, services: ServicesDep, series: SeriesDep) -> LotsView:
    """A lot is a site with spaces, or a station of the kind `parking_lot` that is counted."""
    found = lots_now(services.database, series, scope, services.clock.now())
    return LotsView(items=[lot_view(one) for one in found])


@router.get("/lots/{lot}", summary="A lot and its spaces · Ein Parkplatz")
def read_lot(
    scope: ReaderDep, services: ServicesDep, series: SeriesDep, lot: SlugInPath
) -> LotDetails:
    found = lot_now(services.database, series, scope, lot, services.clock.now())
    spaces = [space_view(one) for one in found.spaces]
    return LotDetails(**lot_view(found).model_dump(), spaces=spaces)


@router.get("/spaces", summary="Single spaces · Stellplätze")
def list_spaces(scope: ReaderDep, services: ServicesDep, series: SeriesDep) -> SpacesView:
    found = spaces_now(services.database, series, scope, services.clock.now())
    return SpacesView(items=[space_view(one) for one in found])


@router.get("/overstays", summary="Taken for longer than allowed · Zu lange belegt")
def list_overstays(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    longest_s: Annotated[
        int | None,
        Query(ge=60, le=345_600, description="Of all spaces; by default what each allows."),
    ] = None,
) -> SpacesView:
    """Spaces that have been taken for longer than their attribute `longest_s`."""
    now = services.clock.now()
    found = overstays(spaces_now(services.database, series, scope, now), now, longest_s)
    return SpacesView(items=[space_view(one) for one in found])


def lot_view(one: LotNow) -> LotView:
    return LotView(
        lot=one.slug,
        name=one.name,
        counted=one.counted,
        left_over=one.left_over,
        **asdict(one.occupancy),
    )


def space_view(one: SpaceNow) -> SpaceView:
    place, space = one.place, one.space
    return SpaceView(
        station=place.slug,
        name=place.name,
        lot=place.site,
        state=space.state,
        since=write_time(space.since),
        reported_at=write_time(space.reported_at),
        doubt=space.doubt,
        latitude=place.latitude,
        longitude=place.longitude,
        accessible=bool(place.attributes.get("accessible", False)),
        charging=bool(place.attributes.get("charging", False)),
    )

"""Rain, gauges and lakes over HTTP."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.cloud.domains.water.lakes import Night
from stadtsinn.cloud.domains.water.schemas import (
    GaugesView,
    GaugeView,
    LakesView,
    LakeView,
    NightView,
    RainSumView,
    RainsView,
    RainView,
)
from stadtsinn.cloud.domains.water.service import (
    GaugeNow,
    LakeNow,
    RainNow,
    gauges_now,
    lakes_now,
    rain_now,
)
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.series.stores.dependencies import SeriesDep

router = APIRouter(tags=["water"])


@router.get("/rain", summary="Rain of the last minutes and hours · Regensummen")
def list_rain(scope: ReaderDep, services: ServicesDep, series: SeriesDep) -> RainsView:
    """Sums of 5, 15 and 60 minutes, 6 and 24 hours at each station that measures rain. A class says
    which criterion of the DWD a measured value meets; it is no warning of the DWD."""
    found = rain_now(services.database, series, scope, services.clock.now())
    return RainsView(items=[rain_view(one) for one in found])


@router.get("/rain/{station}", summary="Rain at a station · Regen an einer Messstelle")
def read_rain(
    scope: ReaderDep, services: ServicesDep, series: SeriesDep, station: SlugInPath
) -> RainView:
    (found,) = rain_now(services.database, series, scope, services.clock.now(), station)
    return rain_view(found)


@router.get("/gauges", summary="Water levels · Pegel")
def list_gauges(scope: ReaderDep, services: ServicesDep, series: SeriesDep) -> GaugesView:
    """Raw data that nobody has checked; no official flood warning."""
    found = gauges_now(services.database, series, scope, services.clock.now())
    return GaugesView(items=[gauge_view(one) for one in found])


@router.get("/gauges/{station}", summary="A water level · Ein Pegel")
def read_gauge(
    scope: ReaderDep, services: ServicesDep, series: SeriesDep, station: SlugInPath
) -> GaugeView:
    (found,) = gauges_now(services.database, series, scope, services.clock.now(), station)
    return gauge_view(found)


@router.get("/lakes", summary="Oxygen of lakes · Sauerstoff der Seen")
def list_lakes(scope: ReaderDep, services: ServicesDep, series: SeriesDep) -> LakesView:
    """By the least oxygen of the night, its trend, and how warm the water is."""
    found = lakes_now(services.database, series, scope, services.clock.now())
    return LakesView(items=[lake_view(one) for one in found])


@router.get("/lakes/{station}", summary="Oxygen of a lake · Sauerstoff eines Sees")
def read_lake(
    scope: ReaderDep, services: ServicesDep, series: SeriesDep, station: SlugInPath
) -> LakeView:
    (found,) = lakes_now(services.database, series, scope, services.clock.now(), station)
    return lake_view(found)


def rain_view(one: RainNow) -> RainView:
    return RainView(
        station=one.place.slug,
        name=one.place.name,
        until=isoformat(one.until),
        measured_at=write_time(one.measured_at),
        sums=[RainSumView(**asdict(part)) for part in one.sums],
    )


def gauge_view(one: GaugeNow) -> GaugeView:
    gauge = one.gauge
    second = gauge.second if gauge else None
    return GaugeView(
        station=one.place.slug,
        name=one.place.name,
        measured_at=write_time(gauge.reading.time) if gauge else None,
        level_m=gauge.reading.level if gauge else None,
        above_sea_m=one.above_sea,
        rise_m_per_h=gauge.rise if gauge else None,
        second_m=second.level if second else None,
        confirmed=gauge.confirmed if gauge else None,
        doubt=gauge.doubt if gauge else None,
    )


def lake_view(one: LakeNow) -> LakeView:
    lake = one.lake
    return LakeView(
        station=one.place.slug,
        name=one.place.name,
        state=lake.state,
        night=None if lake.night is None else night_view(lake.night),
        trend_mg_l_per_night=lake.trend,
        nights_left=lake.days_left,
        nights=[night_view(night) for night in lake.nights],
    )


def night_view(night: Night) -> NightView:
    return NightView(
        day=night.day,
        oxygen_mg_l=night.oxygen,
        temperature=night.temperature,
        saturation_percent=night.saturation,
    )

"""Answers about verdicts, lists and waterings, and what is sent for a forecast."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.cloud.domains.trees.depths import Finding, Scale, Trend
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.platform.api.times import GivenTime, ShownTime


class DepthView(BaseModel):
    """What a depth said. Was eine Tiefe gesagt hat."""

    depth_cm: float
    scale: Scale = Field(description="kPa, or % of the usable field capacity.")
    value: float | None = Field(description="Median of 24 hours.")
    nfk: float | None = Field(description="% nFK beside a tension, where both are measured.")
    trend: Trend
    dry_days: int
    finding: Finding | None = Field(description="Why its values are not followed.")


class VerdictView(BaseModel):
    """A group on a day. Eine Gruppe an einem Tag."""

    group: str
    station: str
    level: Level = Field(description="`unknown`: not judged yet, or there is nothing to say it by.")
    kept: bool = Field(description="The last known level: there are no values to be believed.")
    reason_de: str
    reason_en: str
    depths: list[DepthView]
    trees: int


class ListedTreeView(BaseModel):
    """A tree on the list. Ein Baum der Liste."""

    tour: int
    stop: int
    tree: str
    street: str
    species: str
    latitude: float | None
    longitude: float | None
    standing_year: int | None
    group: str
    level: Level
    litres: float
    last_watered_at: ShownTime | None
    last_litres: float | None
    last_crew: str | None


class WateringListView(BaseModel):
    """Which trees to water, in the order of the tours. Die Gießliste eines Tages."""

    day: date
    judged_at: ShownTime | None = Field(description="None: the list was not made (yet).")
    groups: list[VerdictView]
    items: list[ListedTreeView]
    tours: int
    litres: float
    resting: int = Field(description="Trees of dry groups that were watered a short while ago.")
    without_group: int = Field(description="Trees for which no station stands.")
    left_off: int = Field(description="Trees that are due beyond those of the list.")
    rain_7d_mm: float | None
    forecast_48h_mm: float | None


class WateringView(BaseModel):
    """A logged watering. Eine eingetragene Wässerung."""

    id: int
    tree: str
    watered_at: ShownTime
    litres: float
    crew: str
    remark: str
    entered_at: ShownTime


class ForecastHour(BaseModel):
    """Rain of an hour that is forecast."""

    model_config = ConfigDict(extra="forbid")
    time: Annotated[GivenTime, Field(description="When the hour begins.")]
    mm: Annotated[float, Field(ge=0, le=200, allow_inf_nan=False)]


class Forecast(BaseModel):
    """Rain as a weather service forecasts it. Die Regenvorhersage."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"hours": [{"time": "2026-07-15T08:00:00+02:00", "mm": 1.5}]}]
        },
    )
    hours: Annotated[list[ForecastHour], Field(max_length=480)]


class ForecastView(BaseModel):
    """What was taken."""

    hours: int
    mm_48h: float

"""Answers about verdicts, lists and waterings, and what is sent for a forecast."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.base.berlin import isoformat
from stadtsinn.cloud.domains.trees.answers import Outcome
from stadtsinn.cloud.domains.trees.depths import Finding, Scale, Trend
from stadtsinn.cloud.domains.trees.judging import Level
from stadtsinn.cloud.domains.trees.watering_repository import Watering
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


def watering_view(one: Watering) -> WateringView:
    times = {"watered_at": isoformat(one.watered_at), "entered_at": isoformat(one.entered_at)}
    return WateringView(**{**asdict(one), **times})


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


class DepthAnswerView(BaseModel):
    """A depth before a watering, and at its wettest in the day after it."""

    depth_cm: float
    scale: str = Field(description="kPa or Vol.-%.")
    before: float
    after: float
    rise: float = Field(description="How much wetter: Vol.-%, or kPa that the tension fell.")


class AnswerView(BaseModel):
    """What the soil said to a watering. Was der Boden auf eine Wässerung gesagt hat."""

    watering: WateringView
    outcome: Outcome = Field(
        description="`no_answer`: the water does not arrive, or the sensor has no contact. "
        "`waiting`: a day has not passed."
    )
    depths: list[DepthAnswerView]
    rain_mm: float | None = Field(description="Of the day after it.")


class CalibrationView(BaseModel):
    """What 100 litres do to a depth. Was 100 Liter in einer Tiefe bewirken."""

    depth_cm: float
    scale: str
    rise_per_100_l: float = Field(description="The median.")
    waterings: int = Field(description="Of so many, without those beside rain.")


class AnswersView(BaseModel):
    """Waterings of the tree at a group's station. Wässerungen des Messbaums."""

    reference_tree: str | None = Field(
        description="None: neither the group nor its station says which tree stands there."
    )
    items: list[AnswerView]
    calibration: list[CalibrationView]


class GroupSeasonView(BaseModel):
    """A group in a season; `group` is null for trees without one. Eine Gruppe im Jahr."""

    group: str | None
    trees: int
    watered_trees: int
    waterings: int
    litres: float
    judged_days: int
    dry_days: int = Field(description="Days below the threshold: due or urgent.")
    urgent_days: int
    unknown_days: int


class SeasonView(BaseModel):
    """A season. Ein Gießjahr."""

    year: int
    items: list[GroupSeasonView]
    litres: float
    waterings: int
    at_risk: list[str] = Field(
        description="Trees whose group was urgent for a week and more while nobody watered them; "
        "a thousand at most are named."
    )
    at_risk_count: int
    former_trees: int = Field(description="Waterings of trees that are off the register.")

"""Requests and answers of the counting API."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from stadtsinn.cloud.domains.crowd.level import Level
from stadtsinn.cloud.domains.crowd.present import State
from stadtsinn.cloud.domains.crowd.zone_repository import CorrectionKind
from stadtsinn.cloud.platform.api.fields import PLAIN, Name
from stadtsinn.cloud.platform.api.times import GivenTime, ShownTime


class OccupancyView(BaseModel):
    """Persons in a zone now; the truth lies between `low` and `high`. Personen in einer Zone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "zone": "marktplatz",
                    "state": "live",
                    "time": "2026-09-26T14:05:00+02:00",
                    "occupancy": 643,
                    "low": 601,
                    "high": 688,
                    "level": "busy",
                    "permitted": 1000,
                    "valid_until": "2026-09-26T14:08:00+02:00",
                }
            ]
        }
    )
    zone: str
    state: State = Field(
        description="`degraded`: a gate is silent, only the bounds hold. `stale`: no gate has "
        "reported for three intervals; the numbers are null."
    )
    time: ShownTime | None = Field(description="Event time of the newest number.")
    occupancy: int | None
    low: int | None
    high: int | None
    level: Level | None
    permitted: int | None
    valid_until: ShownTime | None = Field(description="Stale from then on without a new report.")


class MinuteView(BaseModel):
    """One full minute of the past."""

    time: ShownTime
    occupancy: int
    low: int
    high: int
    degraded: bool


class HistoryView(BaseModel):
    """The past of a zone, minute by minute, a day's worth at most. Verlauf einer Zone."""

    items: list[MinuteView]
    next: ShownTime | None = Field(
        description="Pass it as `start` for what follows; null when this is all."
    )


class CorrectionView(BaseModel):
    """Why and when the computed number was corrected. Eine Korrektur."""

    id: int
    time: ShownTime = Field(description="From when on it holds.")
    kind: CorrectionKind = Field(
        description="`reset`: empty at night. `manual`: staff counted. `clamp`: more persons had "
        "left than can have been inside, so the number was raised."
    )
    value: int | None = Field(description="Persons inside from then on; reset and manual.")
    amount: float | None = Field(description="Persons added; clamp.")
    name: str
    reason: str
    entered_at: ShownTime


class NewCorrection(BaseModel):
    """A number that staff counted. Eine von Hand gezählte Zahl."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"value": 640, "name": "K. Muster", "reason": "Zählung mit der Marktaufsicht"}
            ]
        },
    )
    value: Annotated[int, Field(ge=0, le=1_000_000, description="Persons inside.")]
    name: Name
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        PLAIN,
    ]
    at: GivenTime | None = Field(
        default=None, description="When it was counted; now where it is left out."
    )

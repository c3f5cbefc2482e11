"""Requests and answers of the counting API."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.domains.crowd.level import Level
from stadtsinn.cloud.domains.crowd.present import State
from stadtsinn.cloud.domains.crowd.sample import MOST_PERSONS
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
                    "opens_at": None,
                    "out_ratio": 1.0,
                    "out_ratio_days": 0,
                }
            ]
        }
    )
    zone: str
    state: State = Field(
        description="`degraded`: a gate is silent, only the bounds hold. `stale`: no gate has "
        "reported for three intervals; `closed`: nothing takes place. The numbers are null then."
    )
    time: ShownTime | None = Field(description="Event time of the newest number.")
    occupancy: int | None
    low: int | None
    high: int | None
    level: Level | None
    permitted: int | None
    valid_until: ShownTime | None = Field(description="Stale from then on without a new report.")
    opens_at: ShownTime | None = Field(
        description="While `closed`: when something takes place there again."
    )
    out_ratio: float = Field(
        description="What who leaves is multiplied by, as days say that ended empty; 1: nothing."
    )
    out_ratio_days: int = Field(description="Of how many days that was learned.")


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
    value: Annotated[
        int | None, Field(ge=0, le=MOST_PERSONS, description="Persons inside; or `change`.")
    ] = None
    change: Annotated[
        int | None,
        Field(ge=-MOST_PERSONS, le=MOST_PERSONS, description="So many more or fewer than counted."),
    ] = None
    name: Name
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        PLAIN,
    ]
    at: GivenTime | None = Field(
        default=None, description="When it was counted; now where it is left out."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.value is None) == (self.change is None):
            raise Unusable(
                "give either 'value' (persons inside) or 'change' (so many more or fewer)",
                "entweder 'value' (Personen, die da sind) oder 'change' (so viele mehr oder "
                "weniger) angeben",
            )
        return self


class NewPermit(BaseModel):
    """A permitted number, from now on or from a time on. Eine zugelassene Zahl."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"permitted": 800, "name": "K. Muster", "reason": "Bühne steht im Weg"},
            ]
        },
    )
    permitted: Annotated[
        int | None, Field(ge=1, le=10_000_000, description="Persons; null: no number.")
    ]
    name: Name
    reason: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
        PLAIN,
    ]
    since: GivenTime | None = Field(default=None, description="Now where it is left out.")


class PlannedView(BaseModel):
    """A change that is to come."""

    since: ShownTime
    permitted: int | None


class PermitView(BaseModel):
    """What is permitted now, and what is planned. Was zugelassen ist."""

    permitted: int | None = Field(description="By the event that takes place, else by the zone.")
    planned: list[PlannedView]

"""The public number of a zone as data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.cloud.domains.crowd.level import Level
from stadtsinn.cloud.domains.crowd.present import Qualifier, State
from stadtsinn.cloud.domains.parking.lots import LotState
from stadtsinn.cloud.platform.api.times import ShownTime


class Names(BaseModel):
    """German and English."""

    de: str
    en: str


class Interval(BaseModel):
    """The interval that contains the true number."""

    low: int
    high: int


class Texts(BaseModel):
    """The number in words, ready to show."""

    number: str
    qualifier: str
    unit: str
    level: str
    interval: str
    share: str
    why: str = Field(description="Why the class does not fit the number; empty otherwise.")
    advice: str = Field(description="What to do, over the permit; empty otherwise.")
    updated: str
    headline: str


class TextsByLanguage(BaseModel):
    de: Texts
    en: Texts


class PublicCountView(BaseModel):
    """Persons in a public zone. Personen in einer öffentlichen Zone."""

    model_config = ConfigDict(populate_by_name=True)

    tenant: str
    zone: str
    name: Names
    state: State = Field(
        description="`stale`: there is no current number, it is null. `closed`: nothing takes "
        "place there."
    )
    occupancy: int | None = Field(
        description="To one person below 100, else to ten; the lower bound while `degraded`.",
        examples=[640],
    )
    qualifier: Qualifier | None
    interval: Interval | None
    class_: Level | None = Field(alias="class")
    permitted: int | None
    updated_at: ShownTime | None = Field(description="When a gate reported last.")
    valid_until: ShownTime | None = Field(description="From then on the number is stale.")
    text: TextsByLanguage


class PublicLot(BaseModel):
    """A lot in numbers."""

    lot: str
    name: str
    state: LotState
    capacity: int
    free: int | None = Field(description="Null: too much is unknown for a number.")
    unknown: int


class PublicParkingView(BaseModel):
    """The public lots of a town. Öffentliche Parkplätze."""

    tenant: str
    updated_at: ShownTime
    valid_until: ShownTime
    lots: list[PublicLot]

"""Answers of the parking API."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.cloud.domains.parking.lots import LotState
from stadtsinn.cloud.domains.parking.spaces import Doubt, SpaceState
from stadtsinn.cloud.platform.api.times import ShownTime


class SpaceView(BaseModel):
    """A space and what it is. Ein Stellplatz."""

    station: str
    name: str
    lot: str | None = Field(description="The site that it belongs to.")
    state: SpaceState
    since: ShownTime | None = Field(
        description="From when on it is so; looks back four days at most."
    )
    reported_at: ShownTime | None
    doubt: Doubt | None = Field(description="Why it is unknown.")
    latitude: float | None
    longitude: float | None
    accessible: bool
    charging: bool


class LotView(BaseModel):
    """A lot in numbers. Ein Parkplatz: frei + belegt + unbekannt = Stellplätze."""

    lot: str = Field(description="A site with spaces, or a station that counts; may be empty.")
    name: str
    counted: bool = Field(description="Counted at its entrances, without sensors of its spaces.")
    state: LotState = Field(description="`nodata`: too much is unknown for a number.")
    capacity: int
    free: int
    occupied: int
    unknown: int
    free_estimate: int | None = Field(
        description="With the unknown spaces taken to be as full as the others."
    )
    doubt: Doubt | None
    left_over: float | None = Field(
        description="Counted lots: cars that the count had left when the lot was last empty."
    )


class LotDetails(LotView):
    """A lot with its spaces. Ein Parkplatz mit seinen Stellplätzen."""

    spaces: list[SpaceView]


class LotsView(BaseModel):
    """All lots. Alle Parkplätze."""

    items: list[LotView]


class SpacesView(BaseModel):
    """Spaces. Stellplätze."""

    items: list[SpaceView]

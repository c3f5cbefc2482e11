"""Groups of trees, waterings and settings, as the API and the repository have them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.domains.trees.soil import check_soil_class
from stadtsinn.cloud.domains.trees.thresholds import (
    Thresholds,
    thresholds_for,
)
from stadtsinn.cloud.platform.api.fields import (
    PLAIN,
    Latitude,
    LocalTime,
    Longitude,
    Name,
    OptionalName,
    Slug,
)
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import KeptTime

TreeNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=63),
    PLAIN,
    Field(description="As the tree register numbers it."),
]
Exposure = Literal["sunny", "half_shade", "shade"]
SoilClassName = Annotated[
    str,
    StringConstraints(max_length=8),
    AfterValidator(check_soil_class),
    Field(description="A texture class of KA5, e.g. Sl3."),
]
Litres = Annotated[float, Field(gt=0, le=20_000, allow_inf_nan=False)]
_Kpa = Annotated[float, Field(ge=1, le=1_500, allow_inf_nan=False, description="Tension, kPa.")]
_Nfk = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, description="% nFK.")]
_Year = Annotated[int, Field(ge=1, le=500)]


class ThresholdsBody(Model):
    """Where a group differs from the defaults of its standing year. Abweichende Schwellen."""

    depth_cm: Annotated[float | None, Field(gt=0, le=300, allow_inf_nan=False)] = None
    due_kpa: _Kpa | None = None
    urgent_kpa: _Kpa | None = None
    clear_kpa: _Kpa | None = None
    due_nfk: _Nfk | None = None
    urgent_nfk: _Nfk | None = None
    clear_nfk: _Nfk | None = None

    def over(self, usual: Thresholds) -> Thresholds:
        """The usual ones with these; raises ValueError where they contradict each other."""
        stated = self.model_dump(exclude_none=True)
        found = Thresholds(**{name: stated.get(name, getattr(usual, name)) for name in _THRESHOLDS})
        if not found.clear_kpa < found.due_kpa <= (found.urgent_kpa or found.due_kpa):
            raise Unusable(
                "tension: clear has to be below due, and due not above urgent "
                f"({found.clear_kpa:g}, {found.due_kpa:g}, {found.urgent_kpa})",
                "Saugspannung: clear muss unter due liegen, due nicht über urgent "
                f"({found.clear_kpa:g}, {found.due_kpa:g}, {found.urgent_kpa})",
            )
        if not found.urgent_nfk <= found.due_nfk < found.clear_nfk:
            raise Unusable(
                "% nFK: urgent must not be above due, and due has to be below clear "
                f"({found.urgent_nfk:g}, {found.due_nfk:g}, {found.clear_nfk:g})",
                "% nFK: urgent darf nicht über due liegen, und due muss unter clear liegen "
                f"({found.urgent_nfk:g}, {found.due_nfk:g}, {found.clear_nfk:g})",
            )
        return found


_THRESHOLDS = tuple(ThresholdsBody.model_fields)


class TreeGroupBody(Model):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Junge Linden, sandig, sonnig",
                    "station": "linde-am-markt",
                    "soil_class": "Sl3",
                    "exposure": "sunny",
                    "species": "Tilia",
                    "standing_from": 1,
                    "standing_to": 5,
                }
            ]
        }
    )
    name: Name
    station: Annotated[Slug, Field(description="The station that stands for the group.")]
    reference_tree: Annotated[
        OptionalName,
        Field(max_length=63, description="The tree at the station; by default what it says."),
    ] = ""
    soil_class: SoilClassName
    unknown_soil: Annotated[
        bool, Field(description="Trees of whose soil the register says nothing belong to it too.")
    ] = False
    exposure: Annotated[Exposure | None, Field(description="None: any.")] = None
    species: Annotated[
        OptionalName, Field(description="Botanical; a genus stands for all of its species.")
    ] = ""
    standing_from: Annotated[_Year, Field(description="Standing year; decides the thresholds.")] = 1
    standing_to: Annotated[_Year | None, Field(description="None: no end.")] = 5
    litres: Annotated[Litres | None, Field(description="Per tree and watering.")] = None
    thresholds: ThresholdsBody = ThresholdsBody()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.standing_to is not None and self.standing_to < self.standing_from:
            raise Unusable(
                "'standing_to' is before 'standing_from'",
                "'standing_to' liegt vor 'standing_from'",
            )
        self.judged_by()
        return self

    def judged_by(self) -> Thresholds:
        """Those of its youngest trees: they thirst first."""
        return self.thresholds.over(thresholds_for(self.standing_from))


class TreeGroup(TreeGroupBody):
    """Like trees for which one station stands. Eine Gruppe gleicher Bäume."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "slug": "junge-linden",
                    "name": "Junge Linden",
                    "station": "linde-am-markt",
                    "soil_class": "Sl3",
                    "species": "Tilia",
                }
            ]
        }
    )
    slug: Slug


class WateringBody(Model):
    """A watering, also entered afterwards. Eine Wässerung, auch nachträglich."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "tree": "L-17",
                    "litres": 100,
                    "crew": "Kolonne 2",
                    "watered_at": "2026-07-15T08:40:00+02:00",
                }
            ]
        }
    )
    tree: TreeNumber
    litres: Litres
    crew: Annotated[OptionalName, Field(description="Who watered.")] = ""
    watered_at: Annotated[KeptTime | None, Field(description="Now where it is left out.")] = None
    remark: Annotated[str, StringConstraints(max_length=500), PLAIN] = ""


class TreeSettings(Model):
    """How a town waters. Wie eine Stadt gießt."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"list_at": "05:00", "tank_litres": 3000}]}
    )
    list_at: Annotated[LocalTime, Field(description="Local time at which the list is made.")] = (
        "05:00"
    )
    tank_litres: Annotated[Litres, Field(description="What a vehicle carries.")] = 1000
    depot_latitude: Latitude | None = None
    depot_longitude: Longitude | None = None
    rest_days: Annotated[
        int, Field(ge=0, le=30, description="So long a watered tree is not on the list.")
    ] = 2
    rain_station: Annotated[Slug | None, Field(description="Where rain is measured.")] = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.depot_latitude is None) != (self.depot_longitude is None):
            raise Unusable(
                "give both coordinates of the depot, or neither",
                "beide Koordinaten des Depots angeben, oder keine",
            )
        return self

    @property
    def depot(self) -> tuple[float, float] | None:
        if self.depot_latitude is None or self.depot_longitude is None:
            return None
        return self.depot_latitude, self.depot_longitude

"""Kinds of stations, and the attributes that each of them may have.

The next kind is one more entry of `KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from stadtsinn.base.sentence import Sentence, Unusable

_TIME_OF_DAY = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z")

AttributeValue = str | int | float | bool


_TRUE_OR_FALSE = Sentence("give true or false", "true oder false angeben")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a kind. `low` and `high` bound numbers, `choices` texts; `of_day`: a time
    of day."""

    label_de: str
    label_en: str
    type: type[str | float | bool]
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    of_day: bool = False

    def objection(self, value: AttributeValue) -> Sentence | None:
        """Why the value is not allowed for this attribute; None where it is allowed."""
        if self.type is bool:
            return None if isinstance(value, bool) else _TRUE_OR_FALSE
        if self.type is str:
            if not isinstance(value, str):
                return Sentence("give a text", "einen Text angeben")
            if self.of_day and not _TIME_OF_DAY.match(value):
                return Sentence(
                    "give a time of day, e.g. 04:00", "eine Uhrzeit angeben, z. B. 04:00"
                )
            if self.choices and value not in self.choices:
                choices = ", ".join(self.choices)
                return Sentence(f"give one of {choices}", f"möglich sind {choices}")
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Sentence("give a number", "eine Zahl angeben")
        if (self.low is not None and value < self.low) or (
            self.high is not None and value > self.high
        ):
            return Sentence(
                f"give a number from {self.low:g} to {self.high:g}",
                f"eine Zahl von {self.low:g} bis {self.high:g} angeben",
            )
        return None


@dataclass(frozen=True, slots=True)
class StationKind:
    """A kind of station. `attributes` are checked; others are free."""

    label_de: str
    label_en: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


_SOIL = {
    "soil_class": Attribute("Bodenart", "Soil class", str),
    "field_capacity": Attribute("Feldkapazität (Vol.-%)", "Field capacity (Vol.-%)", float, 1, 100),
    "wilting_point": Attribute("Welkepunkt (Vol.-%)", "Wilting point (Vol.-%)", float, 0, 99),
    "stones": Attribute("Anteil der Steine", "Share of stones", float, 0, 0.9),
}

KINDS: dict[str, StationKind] = {
    "soil": StationKind("Bodenmessstelle", "Soil", _SOIL),
    "tree": StationKind(
        "Baum",
        "Tree",
        {
            "tree_id": Attribute("Nummer im Baumkataster", "Number in the tree register", str),
            "species": Attribute("Baumart", "Species", str),
            "planted_year": Attribute("Pflanzjahr", "Year of planting", float, 1500, 2200),
            **_SOIL,
            "exposure": Attribute(
                "Lage", "Exposure", str, choices=("sunny", "half_shade", "shade")
            ),
        },
    ),
    "gate": StationKind(
        "Zugang", "Gate", {"width_m": Attribute("Breite (m)", "Width (m)", float, 0, 1000)}
    ),
    "parking_space": StationKind(
        "Stellplatz",
        "Parking space",
        {
            "accessible": Attribute("Behindertenparkplatz", "Accessible", bool),
            "charging": Attribute("Ladeplatz", "Charging", bool),
            "longest_s": Attribute(
                "Höchstparkdauer (s)", "Longest stay (s)", float, 60, 4 * 86_400
            ),
        },
    ),
    "parking_lot": StationKind(
        "Parkplatz",
        "Parking lot",
        {
            "capacity": Attribute("Stellplätze", "Spaces", float, 1, 100_000),
            "staying": Attribute("Dauerparker", "Cars that stay", float, 0, 100_000),
            "empty_at": Attribute("Nachts leer um", "Empty at night at", str, of_day=True),
        },
    ),
    "weather": StationKind("Wetterstation", "Weather station"),
    "gauge": StationKind(
        "Pegel",
        "Water gauge",
        {
            "water": Attribute("Gewässer", "Water", str),
            "gauge_zero_m": Attribute(
                "Pegelnull (m ü. NHN)", "Gauge zero (m above sea level)", float, -500, 9000
            ),
        },
    ),
    "lake": StationKind("See", "Lake", {"water": Attribute("Gewässer", "Water", str)}),
    "indoor": StationKind(
        "Innenraum",
        "Indoor",
        {
            "room": Attribute("Raum", "Room", str),
            "floor": Attribute("Stockwerk", "Floor", float, -20, 200),
        },
    ),
    "other": StationKind("Messstelle", "Station"),
}

_FAMILIES = {"people": "gate", "parking": "parking_space", "weather": "weather", "soil": "soil"}


def kind_of_family(family: str) -> str:
    """The kind of a device's own station, by the family of its type."""
    return _FAMILIES.get(family, "other")


def check_kind(kind: str) -> str:
    """The kind; raises ValueError naming the kinds for another."""
    if kind not in KINDS:
        raise Unusable(
            f"there is no kind '{kind}': give one of {', '.join(KINDS)}",
            f"eine Art '{kind}' gibt es nicht: möglich sind {', '.join(KINDS)}",
        )
    return kind


def check_attributes(kind: str, attributes: Mapping[str, AttributeValue]) -> None:
    """Raise ValueError for an attribute of this kind with a wrong value, or a misspelt one."""
    known = KINDS[kind].attributes
    for name, value in attributes.items():
        attribute = known.get(name)
        if attribute is None:
            near = get_close_matches(name, known, n=1, cutoff=0.8)
            if near:
                raise Unusable(
                    f"attribute '{name}': did you mean '{near[0]}'?",
                    f"Attribut '{name}': war '{near[0]}' gemeint?",
                )
        elif objection := attribute.objection(value):
            raise Unusable(
                f"attribute '{name}': {objection.english}",
                f"Attribut '{name}': {objection.german}",
            )

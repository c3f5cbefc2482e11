"""Soil classes of the German soil survey (KA5): how much water they hold, and how firmly.

Field capacity and wilting point are the defaults of a site that says nothing else. They were
computed from published van Genuchten parameters (docs/trees.md); other tables differ by 2 to 4
Vol.-%.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from stadtsinn.base.sentence import Unusable

_HPA = 10.0
"""Hectopascal in a kilopascal."""


@dataclass(frozen=True, slots=True)
class SoilClass:
    """A texture class. `field_capacity` (pF 1.8) and `wilting_point` (pF 4.2) in Vol.-%.

    `residual`, `saturated`, `alpha` (1/hPa) and `n` are van Genuchten's.
    """

    name: str
    label_de: str
    label_en: str
    residual: float
    saturated: float
    alpha: float
    n: float
    field_capacity: float
    wilting_point: float

    def moisture_at(self, tension_kpa: float) -> float:
        """Vol.-% that this soil holds against a tension."""
        suction = max(tension_kpa, 0.0) * _HPA
        held: float = (1 + (self.alpha * suction) ** self.n) ** (1 / self.n - 1)
        return 100 * (self.residual + (self.saturated - self.residual) * held)


SOIL_CLASSES: Mapping[str, SoilClass] = {
    one.name: one
    for one in (
        SoilClass("Ss", "Sand", "sand", 0, 0.3879, 0.26437, 1.35154, 14, 2),
        SoilClass(
            "St2", "schwach toniger Sand", "weakly clayey sand", 0, 0.4049, 0.48458, 1.18828, 21, 8
        ),
        SoilClass(
            "Sl2", "schwach lehmiger Sand", "weakly loamy sand", 0, 0.3949, 0.11647, 1.25425, 23, 6
        ),
        SoilClass("Sl3", "lehmiger Sand", "loamy sand", 0.0519, 0.3952, 0.07097, 1.35096, 25, 8),
        SoilClass(
            "Sl4",
            *("stark lehmiger Sand", "strongly loamy sand"),
            *(0, 0.4101, 0.10486, 1.18427, 28, 10),
        ),
        SoilClass(
            "Slu",
            *("schluffig-lehmiger Sand", "silty-loamy sand"),
            *(0, 0.4138, 0.08165, 1.17695, 30, 12),
        ),
        SoilClass("Us", "sandiger Schluff", "sandy silt", 0, 0.3946, 0.02747, 1.22393, 32, 10),
        SoilClass("Uu", "Schluff", "silt", 0, 0.4030, 0.01420, 1.21344, 36, 13),
        SoilClass(
            "Ut3", "toniger Schluff", "clayey silt", 0.0053, 0.4031, 0.01679, 1.20668, 36, 13
        ),
        SoilClass("Ls2", "sandiger Lehm", "sandy loam", 0.1406, 0.4148, 0.04052, 1.32416, 33, 17),
        SoilClass(
            "Ls3", "mittel sandiger Lehm", "sandy loam", 0.0728, 0.4091, 0.06835, 1.20501, 31, 15
        ),
        SoilClass("Lu", "schluffiger Lehm", "silty loam", 0.0534, 0.4284, 0.04321, 1.16518, 36, 18),
        SoilClass("Lt2", "toniger Lehm", "clayey loam", 0.1492, 0.4380, 0.07013, 1.24572, 34, 20),
        SoilClass("Tu3", "schluffiger Ton", "silty clay", 0, 0.4589, 0.05500, 1.08166, 41, 26),
        SoilClass("Tl", "lehmiger Ton", "loamy clay", 0, 0.4931, 0.07339, 1.06254, 44, 32),
        SoilClass("Tt", "Ton", "clay", 0, 0.5238, 0.06612, 1.05215, 48, 36),
    )
}


@dataclass(frozen=True, slots=True)
class Soil:
    """The soil of a site: Vol.-% at field capacity and at the wilting point."""

    field_capacity: float
    wilting_point: float

    def usable(self, moisture: float) -> float:
        """% of the usable field capacity (nFK). Below 0 and above 100 it is real: never clamped."""
        return 100 * (moisture - self.wilting_point) / (self.field_capacity - self.wilting_point)


def site_soil(
    soil_class: SoilClass,
    field_capacity: float | None = None,
    wilting_point: float | None = None,
    stones: float = 0.0,
) -> Soil:
    """A site's soil: what was measured there counts before what its class has on average.

    `stones` is their share of the volume (0 to under 1), which holds no water; a value that was
    measured at the site has them in it already. Raises ValueError.
    """
    if not 0 <= stones < 1:
        raise Unusable(
            f"the share of stones is from 0 to under 1, not {stones:g}",
            f"der Anteil der Steine liegt zwischen 0 und unter 1, nicht bei {stones:g}",
        )
    fine = 1 - stones
    soil = Soil(
        soil_class.field_capacity * fine if field_capacity is None else field_capacity,
        soil_class.wilting_point * fine if wilting_point is None else wilting_point,
    )
    if not 0 <= soil.wilting_point < soil.field_capacity <= 100:
        raise Unusable(
            f"the wilting point ({soil.wilting_point:g} Vol.-%) has to be below the field capacity "
            f"({soil.field_capacity:g} Vol.-%), both from 0 to 100",
            f"der Welkepunkt ({soil.wilting_point:g} Vol.-%) muss unter der Feldkapazität "
            f"({soil.field_capacity:g} Vol.-%) liegen, beide zwischen 0 und 100",
        )
    return soil


def check_soil_class(name: str) -> str:
    """The class as the table writes it, whatever the case; raises ValueError naming near ones."""
    by_lower = {known.lower(): known for known in SOIL_CLASSES}
    found = by_lower.get(name.strip().lower())
    if found is not None:
        return found
    near = get_close_matches(name.strip().lower(), by_lower, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(by_lower[one] for one in near)}?" if near else "give one of"
    known = "" if near else f" {', '.join(SOIL_CLASSES)}"
    german = "möglich sind"
    if near:
        german = f"war {' oder '.join(by_lower[one] for one in near)} gemeint?"
    raise Unusable(
        f"there is no soil class '{name[:20]}': {hint}{known}",
        f"eine Bodenart '{name[:20]}' gibt es nicht: {german}{known}",
    )

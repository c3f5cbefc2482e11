"""The trees of Musterstadt, as its register lists them, and the groups for which stations stand.

Three stations with a soil sensor stand for the trees of their place. The soil is a loamy sand
everywhere (Sl3: 25 Vol.-% at field capacity, 8 at the wilting point).
"""

from __future__ import annotations

from collections.abc import Iterator

from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeSettings
from stadtsinn.simulator.market_day.town import DRY_STATION
from stadtsinn.simulator.randomness import stream

SOIL_CLASS = "Sl3"
_AVENUE, _SQUARE, _PARK = "bahnhofstrasse", "marktplatz", "stadtpark"
_STREETS = (
    # number, street, botanical name, how many, planted, latitude, longitude, step east, step north
    ("B", "Bahnhofstraße", "Acer platanoides", 9, 2024, 49.4292, 10.4148, 0.00026, 0.00012),
    ("M", "Marktplatz", "Tilia cordata", 8, 2023, 49.4319, 10.4118, 0.00015, 0.00005),
    ("S", "Stadtpark", "Carpinus betulus", 7, 2022, 49.4343, 10.4086, 0.00021, -0.00009),
)

GROUPS = (
    TreeGroup(
        slug=_AVENUE,
        name="Junge Ahorne, sandig, sonnig",
        station=DRY_STATION,
        soil_class=SOIL_CLASS,
        species="Acer",
    ),
    TreeGroup(
        slug=_SQUARE,
        name="Junge Linden, sandig, sonnig",
        station="linde-14-marktplatz",
        soil_class=SOIL_CLASS,
        species="Tilia",
    ),
    TreeGroup(
        slug=_PARK,
        name="Junge Hainbuchen, sandig, Halbschatten",
        station="hainbuche-9-stadtpark",
        soil_class=SOIL_CLASS,
        species="Carpinus",
    ),
)

SETTINGS = TreeSettings(
    list_at="05:00",
    tank_litres=600,
    depot_latitude=49.4260,
    depot_longitude=10.4205,
    rain_station="wetterstation-bauhof",
)
"""Of 05:00, before the first value of the day: the demo's list is judged anew by the crew."""

WATERED_TREE = "B-03"
"""The tree at the station of the avenue: the one that gets water on the day."""


def register_csv() -> bytes:
    """The register as the town's programme writes it."""
    return "\r\n".join(_lines()).encode("cp1252")


def _lines() -> Iterator[str]:
    yield "Baumnummer;Straße;Gattung/Art;Pflanzjahr;Bodenart;Breite;Länge"
    for letter, street, species, trees, planted, latitude, longitude, east, north in _STREETS:
        scatter = stream(0, f"trees of {street}")
        for number in range(1, trees + 1):
            place = (
                latitude + north * number + scatter.uniform(-3e-5, 3e-5),
                longitude + east * number + scatter.uniform(-3e-5, 3e-5),
            )
            shown = (f"{one:.6f}".replace(".", ",") for one in place)
            yield ";".join(
                [f"{letter}-{number:02d}", street, species, str(planted), SOIL_CLASS, *shown]
            )

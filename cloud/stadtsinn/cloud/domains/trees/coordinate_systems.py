"""In which coordinate system a tree register is: as it says, or as only one can be. Never guessed.

Only positions in Germany are taken. Two zones of UTM have the same numbers, so where a file does
not say which it is, the places that the town has already decide, or somebody has to say it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.cloud.domains.trees.transverse_mercator import degrees_of

Position = tuple[float, float]
"""Latitude and longitude, degrees."""

_GERMANY = (47.2, 55.15, 5.8, 15.1)
_TOWN_KM = 100.0
"""So far from a town's other places its trees can stand."""
_LOOKED_AT = 500
"""Points by which a system is recognised."""


class UnclearSystem(Explained):
    """The coordinates cannot be taken; the text says why, and the way out."""


@dataclass(frozen=True)
class CoordinateSystem:
    """How a pair of numbers becomes a position. One that is `foreign` is only recognised, so that
    it can be refused by its name."""

    name: str
    position: Callable[[float, float], Position | None]
    foreign: bool = False
    swapped: bool = False

    def read(self, first: float, second: float) -> Position | None:
        """The position of what stands as x (or longitude, east) and as y; None outside of what the
        system has."""
        return self.position(second, first) if self.swapped else self.position(first, second)


def _degrees(x: float, y: float) -> Position | None:
    return (y, x) if abs(y) <= 90 and abs(x) <= 180 else None


def _utm(zone: int) -> Callable[[float, float], Position | None]:
    def position(x: float, y: float) -> Position | None:
        if not (100_000 <= x < 1_000_000 and 5_000_000 <= y < 6_500_000):
            return None
        return degrees_of(x, y, 6 * zone - 183)

    return position


def _utm_with_zone(zone: int) -> Callable[[float, float], Position | None]:
    plain = _utm(zone)
    return lambda x, y: plain(x - zone * 1_000_000, y)


def _gauss_krueger(x: float, y: float) -> Position | None:
    """Near enough to recognise it: it has another ellipsoid, and a grid of corrections."""
    strip = int(x // 1_000_000)
    if strip not in (2, 3, 4, 5) or not 5_000_000 <= y < 6_500_000:
        return None
    return degrees_of(x - strip * 1_000_000, y, 3 * strip, scale=1.0)


def _web_mercator(x: float, y: float) -> Position | None:
    radius = 6_378_137.0
    if not (500_000 <= x < 1_800_000 and 5_800_000 <= y < 7_500_000):
        return None
    latitude = math.degrees(2 * math.atan(math.exp(y / radius)) - math.pi / 2)
    return latitude, math.degrees(x / radius)


DEGREES = CoordinateSystem("WGS 84 (EPSG:4326)", _degrees)
UTM_32 = CoordinateSystem("ETRS89 / UTM 32N (EPSG:25832)", _utm(32))
UTM_33 = CoordinateSystem("ETRS89 / UTM 33N (EPSG:25833)", _utm(33))
UTM_32_ZONE = CoordinateSystem("ETRS89 / UTM 32N, 32 before the easting", _utm_with_zone(32))
UTM_33_ZONE = CoordinateSystem("ETRS89 / UTM 33N, 33 before the easting", _utm_with_zone(33))
GAUSS_KRUEGER = CoordinateSystem("Gauß-Krüger", _gauss_krueger, foreign=True)
WEB_MERCATOR = CoordinateSystem("Web Mercator (EPSG:3857)", _web_mercator, foreign=True)

_NORTH_FIRST = ((UTM_32, "3044"), (UTM_33, "3045"), (UTM_32_ZONE, "4647"), (UTM_33_ZONE, "5650"))
"""Systems that officially name the northing first; files of towns have it either way."""
_BY_EPSG: Mapping[str, tuple[CoordinateSystem, ...]] = {
    **dict.fromkeys(("4326", "4258", "CRS84"), (DEGREES,)),
    **dict.fromkeys(("25832", "32632", "10289"), (UTM_32, UTM_32_ZONE)),
    **dict.fromkeys(("25833", "32633", "10291"), (UTM_33, UTM_33_ZONE)),
    **{code: (system,) for system, code in _NORTH_FIRST},
    **{str(code): (GAUSS_KRUEGER,) for code in (*range(31466, 31470), *range(5676, 5680))},
    **dict.fromkeys(("3857", "900913", "102100"), (WEB_MERCATOR,)),
}
_ALL = (
    *(DEGREES, UTM_32, UTM_33, UTM_32_ZONE, UTM_33_ZONE),
    *(GAUSS_KRUEGER, WEB_MERCATOR),
)
_CODE = re.compile(r"(?:^|[^0-9])([0-9]{4,6})$|(CRS84)$")


def named_systems(name: str) -> tuple[CoordinateSystem, ...]:
    """Those that a name may mean: ``EPSG:25832``, ``25832``, ``urn:ogc:def:crs:EPSG::25832``.

    Raises UnclearSystem for one that is not known here.
    """
    found = _CODE.search(name.strip().upper().removesuffix(".0"))
    systems = _BY_EPSG.get(found[1] or found[2]) if found else None
    if systems is None:
        shown = name.strip()[:60]
        raise UnclearSystem(
            f"the coordinate system '{shown}' is not known: convert the file to EPSG:25832 or "
            "EPSG:4326 (QGIS: Export, Save features as)",
            f"das Koordinatensystem '{shown}' ist nicht bekannt: die Datei nach EPSG:25832 "
            "oder EPSG:4326 umrechnen (QGIS: Exportieren, Objekte speichern als)",
        )
    return systems


def recognised(
    points: Sequence[tuple[float, float]],
    stated: str | None,
    places: Iterable[Position] = (),
    *,
    any_order: bool = False,
) -> CoordinateSystem:
    """The system of points (x, y). `stated` is what the file or its importer says of it, `places`
    are positions that the town has. `any_order`: which of the two is the northing is not certain.

    Raises UnclearSystem where none fits or more than one could.
    """
    systems = _ALL if stated is None else named_systems(stated)
    metric_either_way = any_order or stated is not None
    fitting = _fitting(points, systems, metric_either_way)
    if len(fitting) > 1:
        fitting = _near(fitting, points, list(places)) or fitting
    if len(fitting) == 1 and not fitting[0].foreign:
        return fitting[0]
    if not fitting:
        raise UnclearSystem.of(_none_fits(points, stated))
    if any(one.foreign for one in fitting):
        raise UnclearSystem.of(_foreign(next(one for one in fitting if one.foreign)))
    raise UnclearSystem.of(_several(fitting))


def in_germany(position: Position) -> bool:
    south, north, west, east = _GERMANY
    return south <= position[0] <= north and west <= position[1] <= east


def kilometres(first: Position, second: Position) -> float:
    """Near enough for towns."""
    middle = math.radians((first[0] + second[0]) / 2)
    north = (first[0] - second[0]) * 111.2
    east = (first[1] - second[1]) * 111.3 * math.cos(middle)
    return math.hypot(north, east)


def _fitting(
    points: Sequence[tuple[float, float]],
    systems: Sequence[CoordinateSystem],
    either_way: bool,
) -> list[CoordinateSystem]:
    """Those in which most of the points lie in Germany."""
    some = points[:: max(len(points) // _LOOKED_AT, 1)]
    found = []
    for system in systems:
        ways = [system]
        if either_way and system is not DEGREES:
            ways.append(CoordinateSystem(system.name, system.position, system.foreign, True))
        for way in ways:
            inside = sum(1 for point in some if _lies_inside(way, point))
            if some and inside * 2 > len(some):
                found.append(way)
    return found


def _lies_inside(system: CoordinateSystem, point: tuple[float, float]) -> bool:
    position = system.read(*point)
    return position is not None and in_germany(position)


def _near(
    systems: Sequence[CoordinateSystem],
    points: Sequence[tuple[float, float]],
    places: Sequence[Position],
) -> list[CoordinateSystem]:
    """Those in which the middle of the points lies near the middle of the town's places."""
    if not places:
        return []
    town = _middle(places)
    found = []
    for system in systems:
        read = [system.read(*point) for point in points[:: max(len(points) // _LOOKED_AT, 1)]]
        inside = [one for one in read if one is not None]
        if inside and kilometres(_middle(inside), town) <= _TOWN_KM:
            found.append(system)
    return found


def _middle(positions: Sequence[Position]) -> Position:
    return median(one[0] for one in positions), median(one[1] for one in positions)


def middle_of(positions: Sequence[Position]) -> Position | None:
    """The medians of latitude and longitude; None without any position."""
    return _middle(positions) if positions else None


def _none_fits(points: Sequence[tuple[float, float]], stated: str | None) -> Sentence:
    swapped = _fitting([(y, x) for x, y in points], (DEGREES,), either_way=False)
    if swapped and (stated is None or DEGREES in named_systems(stated)):
        return Sentence(
            "latitude and longitude are exchanged: swap the two columns",
            "Breite und Länge sind vertauscht: die beiden Spalten tauschen",
        )
    if stated is None:
        return Sentence(
            "these coordinates are in no system that is known here: say which with --crs, or "
            "convert them to EPSG:25832 or EPSG:4326",
            "diese Koordinaten gehören zu keinem bekannten System: es mit --crs nennen, oder nach "
            "EPSG:25832 oder EPSG:4326 umrechnen",
        )
    shown = stated.strip()[:60]
    return Sentence(
        f"read as '{shown}' the trees do not stand in Germany: the file is in another system",
        f"als '{shown}' gelesen stehen die Bäume nicht in Deutschland: die Datei ist in einem "
        "anderen System",
    )


def _foreign(system: CoordinateSystem) -> Sentence:
    return Sentence(
        f"the coordinates are {system.name}, which is not converted here: export the file as "
        "EPSG:25832 (QGIS: Export, Save features as)",
        f"die Koordinaten sind {system.name}; das wird hier nicht umgerechnet: die Datei als "
        "EPSG:25832 ausgeben (QGIS: Exportieren, Objekte speichern als)",
    )


def _several(systems: Sequence[CoordinateSystem]) -> Sentence:
    names = sorted({one.name for one in systems})
    return Sentence(
        f"the coordinates may be {' or '.join(names)}: say which with --crs, e.g. --crs EPSG:25832",
        f"die Koordinaten können {' oder '.join(names)} sein: mit --crs sagen, welches, z. B. "
        "--crs EPSG:25832",
    )

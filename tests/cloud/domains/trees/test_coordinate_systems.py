"""Coordinates of tree registers: recognised where only one system can be meant, else refused."""

from __future__ import annotations

import pytest

from stadtsinn.cloud.domains.trees.coordinate_systems import (
    DEGREES,
    UTM_32,
    UTM_32_ZONE,
    UTM_33,
    CoordinateSystem,
    UnclearSystem,
    kilometres,
    recognised,
)
from stadtsinn.cloud.domains.trees.transverse_mercator import degrees_of

MUENSTER = (51.96197049, 7.626052231)
DRESDEN = (51.048632599, 13.730294995)

# Central meridian, easting, northing, longitude, latitude: computed with PROJ 9.
_KNOWN = [
    (9, 500_000, 5_500_000, 9.0, 49.652542924),
    (9, 405_600, 5_757_700, 7.626052231, 51.96197049),
    (9, 356_000, 5_645_000, 6.950442304, 50.938624842),
    # Of a file in EPSG:25832 that was drawn in France: github.com/openlayers/openlayers/issues/6425
    (9, 434_843.551471853628755, 5_791_841.897497965022922, 8.045064136, 52.273086899),
    (9, 691_607.8, 5_334_763.4, 11.575556543, 48.137249089),
    (9, 900_000, 6_000_000, 15.104796825, 53.992919451),
    (9, 280_000, 5_700_000, 5.836528742, 51.408477968),
    (15, 390_000, 5_820_000, 13.37881177, 52.518995313),
    (15, 411_000, 5_656_000, 13.730294995, 51.048632599),
    (15, 500_000, 5_650_000, 15.0, 51.001574693),
    (15, 312_000, 6_000_000, 12.123718299, 54.113730643),
]


@pytest.mark.parametrize(("meridian", "easting", "northing", "longitude", "latitude"), _KNOWN)
def test_utm_becomes_degrees(
    meridian: float, easting: float, northing: float, longitude: float, latitude: float
) -> None:
    """A billionth of a degree is a tenth of a millimetre."""
    assert degrees_of(easting, northing, meridian) == pytest.approx((latitude, longitude), abs=2e-9)


_GREATER_MUENSTER = (405_600.0, 5_757_700.0)
_MUNICH = (691_607.8, 5_334_763.4)


@pytest.mark.parametrize(
    ("point", "stated", "system"),
    [
        ((7.626, 51.962), None, DEGREES),
        ((7.626, 51.962), "urn:ogc:def:crs:OGC:1.3:CRS84", DEGREES),
        ((7.626, 51.962), "EPSG:4258", DEGREES),
        (_MUNICH, None, UTM_32),  # in zone 33 it would be in Slovakia
        (_GREATER_MUENSTER, "EPSG:25832", UTM_32),
        (_GREATER_MUENSTER, "25832.0", UTM_32),
        (_GREATER_MUENSTER, "urn:ogc:def:crs:EPSG::25832", UTM_32),
        (_GREATER_MUENSTER, "http://www.opengis.net/def/crs/EPSG/0/25832", UTM_32),
        ((411_000, 5_656_000), "EPSG:25833", UTM_33),
        ((32_405_600, 5_757_700), None, UTM_32_ZONE),
        ((32_405_600, 5_757_700), "EPSG:25832", UTM_32_ZONE),
        ((32_405_600, 5_757_700), "EPSG:4647", UTM_32_ZONE),
    ],
)
def test_a_system_is_recognised(
    point: tuple[float, float], stated: str | None, system: CoordinateSystem
) -> None:
    assert recognised([point], stated) == system


def test_the_northing_may_come_first_where_heads_do_not_say_it() -> None:
    """EPSG:3044 names it first; German surveyors called it X."""
    northing_first = (5_757_700.0, 405_600.0)
    for stated in ("EPSG:25832", "EPSG:3044"):
        found = recognised([northing_first], stated)
        assert found.read(*northing_first) == pytest.approx(MUENSTER, abs=1e-8)
    found = recognised([(5_334_763.4, 691_607.8)], None, any_order=True)
    assert found.read(5_334_763.4, 691_607.8) == pytest.approx((48.13725, 11.57556), abs=1e-5)


def test_two_zones_have_the_same_numbers_and_the_towns_places_decide() -> None:
    assert recognised([_GREATER_MUENSTER], None, [MUENSTER]) == UTM_32
    assert recognised([(411_000, 5_656_000)], None, [DRESDEN, (51.1, 13.6)]) == UTM_33
    for places in ([], [(48.1, 11.5)]):
        with pytest.raises(UnclearSystem, match=r"25832.*or.*25833.*--crs"):
            recognised([_GREATER_MUENSTER], None, places)


@pytest.mark.parametrize(
    ("point", "stated", "words"),
    [
        ((3_405_500, 5_759_500), None, "Gauß-Krüger"),
        ((4_468_200, 5_333_900), None, "Gauß-Krüger"),
        ((3_405_500, 5_759_500), "EPSG:31467", "Gauß-Krüger"),
        ((848_900, 6_790_000), None, "Web Mercator"),
        ((848_900, 6_790_000), "EPSG:3857", "Web Mercator"),
        ((51.962, 7.626), None, "exchanged"),
        ((51.962, 7.626), "EPSG:4326", "exchanged"),
        ((0.0, 0.0), None, "no system that is known"),
        ((16.37, 48.2), None, "no system that is known"),  # Vienna
        ((7.626, 51.962), "EPSG:25832", "do not stand in Germany"),
        (_GREATER_MUENSTER, "EPSG:4326", "do not stand in Germany"),
        ((900_000.0, 5_757_700.0), "EPSG:25833", "do not stand in Germany"),
        (_GREATER_MUENSTER, "EPSG:27700", "'EPSG:27700' is not known"),
        (_GREATER_MUENSTER, "local grid", "'local grid' is not known"),
    ],
)
def test_all_else_is_refused_by_its_name(
    point: tuple[float, float], stated: str | None, words: str
) -> None:
    with pytest.raises(UnclearSystem, match=words):
        recognised([point], stated, [MUENSTER])


def test_some_strays_do_not_hide_the_system() -> None:
    assert recognised([*[_MUNICH] * 8, (0, 0), (1, 2)], None) == UTM_32


def test_distances() -> None:
    assert kilometres(MUENSTER, DRESDEN) == pytest.approx(434, rel=0.01)

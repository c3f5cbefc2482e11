"""Registers as towns publish them: their heads and coordinate systems are facts, the rows are ours.

Sources, looked at in November 2026 on stored copies:
 1 Berlin, Gieß den Kiez: technologiestiftung/giessdenkiez-de-tree-data (columns of trees)
 2 Hamburg, Straßenbaumkataster: stevage/opentrees-data, sources/germany.js; MultiPoint, EPSG:25832
 3 Köln, Einzelbäume: ckan.open.nrw.de/dataset/baumkataster-koeln-k (attributes), older: EPSG:3044
 4 Leipzig, Straßenbaumkataster: stevage/opentrees-data (dBase cuts heads after ten letters)
 5 Bonn, Baumkataster: stevage/opentrees-data
 6 Frankfurt am Main: stevage/opentrees-data ("Gattung/Art, deutscher Name" in one cell)
 7 Heilbronn: readme of Baumkataster_OPENDATA, January 2025 (EPSG:25832)
 8 Halle (Saale): stevage/opentrees-data
 9 Gelsenkirchen: opendata.gelsenkirchen.de, baumkataster_ge.csv (EPSG:3044)
10 Chemnitz: stevage/opentrees-data (exported as Web Mercator: refused by its name)
11 Wesel: stevage/opentrees-data, Baumkataster.geojson
12 Bayerische Vermessung: adbv-freilassing.de, FAQ of UTM (zone before the easting in lists: 10289)
13 Rostock: stevage/opentrees-data, baeume.csv (no number of trees but the feature's uuid)
14 Karlsruhe: stevage/opentrees-data (ARTDEUT, ARTLAT)
15 Ulm: stevage/opentrees-data, vrt/ulm.vrt (Koordinaten_X_Y, Koordinate_Y in degrees)
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from stadtsinn.cloud.domains.trees.register_file import RegisterRefused, read_register

_LINDE = ("Tilia cordata", "Winter-Linde")


class Case(NamedTuple):
    """A register as a town writes it: its text, near what place, and the tree that is meant."""

    text: str
    place: tuple[float, float]
    number: str
    species: tuple[str, str] = _LINDE
    year: int | None = 2021
    stated: str | None = None


def geojson(heads: dict[str, Any], coordinates: Any, kind: str = "Point", crs: str = "") -> str:
    one = {
        "type": "Feature",
        "properties": heads,
        "geometry": {"type": kind, "coordinates": coordinates},
    }
    named = {"crs": {"type": "name", "properties": {"name": crs}}} if crs else {}
    return json.dumps({"type": "FeatureCollection", **named, "features": [one]})


_CASES = {
    "Berlin": Case(
        geojson(
            {
                "gisid": "00008100:0001",
                "kennzeich": "01234",
                "standortnr": "17",
                "art_dtsch": "Winter-Linde",
                "art_bot": "Tilia cordata",
                "gattung_deutsch": "LINDE",
                "gattung": "TILIA",
                "strname": "Musterallee",
                "hausnr": "5",
                "pflanzjahr": "2021",
                "standalter": "5",
                "kronedurch": 2.0,
            },
            [390_000.0, 5_820_000.0],
            crs="urn:ogc:def:crs:EPSG::25833",
        ),
        (52.519, 13.379),
        "00008100:0001",
    ),
    "Hamburg": Case(
        geojson(
            {
                "baumid": 4711,
                "art_latein": "Tilia cordata",
                "art_deutsch": "Winter-Linde",
                "pflanzjahr": 2021,
                "kronendurchmesser": 3,
                "strasse": "Musterweg",
            },
            [[565_000.0, 5_934_000.0]],
            "MultiPoint",
            "EPSG:25832",
        ),
        (53.551, 9.981),
        "4711",
    ),
    "Köln": Case(
        "Baumnummer;Botanischer Name;Deutscher Name;Pflanzjahr;Kronendurchmesser;X;Y\n"
        "22P;Tilia cordata;Winter-Linde;2021;3,5;356000;5645000\n",
        (50.939, 6.95),
        "22P",
    ),
    "Köln, older": Case(
        "Baum-Nr.;Gattung;Art;DeutscherN;HöHE;KRONE;X_Koordina;x;y\n"
        "22P;Tilia;cordata;Winter-Linde;8;3;0;5645000;356000\n",
        (50.939, 6.95),
        "22P",
        year=None,
        stated="EPSG:3044",
    ),
    "Leipzig": Case(
        "STANDORTNR,Baumart_wi,Baumart_de,Pflanzjahr,lat,lng\n"
        "17,Tilia cordata,Winter-Linde,2021,51.34,12.37\n",
        (51.34, 12.37),
        "17",
    ),
    "Bonn": Case(
        "baum_id;lateinisch;deutscher_;alter_\n9;Tilia cordata;Winter-Linde;5\n",
        (50.73, 7.1),
        "9",
    ),
    "Frankfurt am Main": Case(
        "Gattung/Art/Deutscher Name;Baumnummer;Objekt;Pflanzjahr;Kronendurchmesser;HOCHWERT;"
        "RECHTSWERT\nTilia cordata, Winter-Linde;8;Musterpark;2021;3;5550000;477000\n",
        (50.1, 8.68),
        "8",
    ),
    "Heilbronn": Case(
        geojson(
            {
                "BAUM_NR": 12,
                "STRASSE": "Mustergasse",
                "TYP": "Laubbaum",
                "DEU_TEXT": "Winter-Linde",
                "WIS_TEXT": "Tilia cordata",
                "ST_UMFANG": 0.2,
                "KRONE_DM": 2,
            },
            [515_000, 5_443_000],
        ),
        (49.14, 9.21),
        "12",
        year=None,
    ),
    "Halle": Case(
        "baum_nr;art_botan;art_deut;pflanzjahr;hoehe_m;krone_m\n"
        "3;Tilia cordata;Winter-Linde;2021;4;2\n",
        (51.48, 11.97),
        "3",
    ),
    "Gelsenkirchen": Case(
        "BAUMID;BAUMART;SORTE;PFLANZJAHR;HOEHE;KRONENDURCHMESSER;X;Y\n"
        "5;Tilia cordata (Winter-Linde);;2021;5;2;363000;5708000\n",
        (51.51, 7.03),
        "5",
        stated="EPSG:3044",
    ),
    "Wesel": Case(
        geojson(
            {"ID": 31, "GA_LANG": "Tilia cordata, Winter-Linde", "KR_DURCHM": 3, "BAUMHOEHE": 6},
            [6.62, 51.66],
        ),
        (51.66, 6.62),
        "31",
        year=None,
    ),
    "a list with the zone": Case(
        "Baumnummer;Baumart;Pflanzjahr;Ostwert;Nordwert\n"
        "1;Tilia cordata, Winter-Linde;2021;32691607,80;5334763,40\n",
        (48.137, 11.576),
        "1",
    ),
    "Rostock": Case(
        "uuid,gattung_botanisch,gattung_deutsch,hoehe,allebaum,longitude,latitude\n"
        "ab-12,Tilia cordata,Winter-Linde,8,t,12.1237,54.1137\n",
        (54.1137, 12.1237),
        "ab-12",
        year=None,
    ),
    "Karlsruhe": Case(
        geojson(
            {"OBJECTID": 2, "ARTDEUT": "Winter-Linde", "ARTLAT": "Tilia cordata"}, [8.4, 49.01]
        ),
        (49.01, 8.4),
        "2",
        year=None,
    ),
    "Ulm": Case(
        "Baumnummer;Baumart;Koordinaten_X_Y;Koordinate_Y\n"
        "6;Tilia cordata, Winter-Linde;9,99;48,4\n",
        (48.4, 9.99),
        "6",
        year=None,
    ),
}


@pytest.mark.parametrize("town", _CASES)
def test_a_register_as_a_town_publishes_it(town: str) -> None:
    case = _CASES[town]
    content, places = case.text.encode(), [case.place]
    (tree,) = read_register(content, 2026, stated_system=case.stated, places=places).trees
    assert (tree.number, tree.species, tree.species_de) == (case.number, *case.species)
    assert tree.planted_year == case.year
    if tree.latitude is not None:
        assert (tree.latitude, tree.longitude) == pytest.approx(case.place, abs=0.02)
    else:
        assert town in {"Bonn", "Halle"}


def test_chemnitz_in_web_mercator_is_refused_by_its_name() -> None:
    text = geojson({"BaumNummer": 1, "BaumArt": "Tilia"}, [1_437_000.0, 6_591_000.0])
    with pytest.raises(RegisterRefused, match="Web Mercator"):
        read_register(text.encode(), 2026)

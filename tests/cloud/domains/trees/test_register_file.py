"""Tree registers as files: CSV and GeoJSON, every mistake named with its line and column."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stadtsinn.cloud.domains.trees.register_file import Register, RegisterRefused, read_register
from stadtsinn.cloud.domains.trees.register_row import Tree

MUENSTER = (51.96197049, 7.626052231)
EAST, NORTH = "405600", "5757700"


def read(text: str | bytes, **more: Any) -> Register:
    content = text.encode() if isinstance(text, str) else text
    return read_register(content, 2026, places=[MUENSTER], **more)


def refused(text: str | bytes, **more: Any) -> str:
    with pytest.raises(RegisterRefused) as caught:
        read(text, **more)
    return caught.value.sentence.english


def only(text: str | bytes, **more: Any) -> Tree:
    (tree,) = read(text, **more).trees
    return tree


def collection(*features: dict[str, Any], crs: str | None = None) -> str:
    document: dict[str, Any] = {"type": "FeatureCollection", "features": list(features)}
    if crs is not None:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    return json.dumps(document)


def feature(x: float, y: float, **properties: Any) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [x, y]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def test_all_that_a_csv_can_say() -> None:
    tree = only(
        "Baumnummer;Baumart;Pflanzdatum;Straße;Hausnummer;Rechtswert;Hochwert;Bodenart;Besonnung;"
        "Gruppe;Gießsack\r\n"
        "L-17;Tilia cordata, Winter-Linde;12.11.2021;Am Markt;3;405.600,00;5.757.700,00;"
        "Sl3 lehmiger Sand;halbschattig;linden;75 l\r\n"
    )
    assert (tree.latitude, tree.longitude) == pytest.approx(MUENSTER, abs=1e-6)
    assert tree == Tree(
        "L-17",
        species="Tilia cordata",
        species_de="Winter-Linde",
        planted_year=2021,
        planted_month=11,
        street="Am Markt 3",
        latitude=tree.latitude,
        longitude=tree.longitude,
        soil_class="Sl3",
        exposure="half_shade",
        group="linden",
        bag_litres=75,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_encodings_of_windows(encoding: str) -> None:
    text = "Nr;Straße;Baumart;Breite;Länge\n1;Große Gasse;Bergahorn;51,962;7,626\n"
    assert only(text.encode(encoding)).street == "Große Gasse"


def test_a_title_above_the_heads_and_columns_without_a_place() -> None:
    found = read("Baumkataster;;\nStand 2026;;\nBaumNr;Baumart;Zustand\n7;Tilia;gut\n")
    assert found.trees == (Tree("7", species="Tilia"),)
    assert found.left_out == ("Zustand",)
    assert (found.system, found.unplaced) == (None, 1)


def test_a_tree_without_coordinates_is_kept_without_a_place() -> None:
    found = read("nr,art,lon,lat\n1,Tilia,7.626,51.962\n2,Tilia,,\n3,Tilia,0,0\n4,Tilia,NULL,-\n")
    assert [tree.latitude is None for tree in found.trees] == [False, True, True, True]
    assert found.unplaced == 3
    assert "one coordinate without the other: longitude is empty" in refused(
        "nr,art,lon,lat\n1,Tilia,,51.962\n"
    )


def test_a_register_in_utm_is_converted_whatever_says_so() -> None:
    by_option = read(f"nr;art;x;y\n1;Tilia;{EAST};{NORTH}\n", stated_system="EPSG:25832")
    by_column = read(f"nr;art;x;y;epsg\n1;Tilia;{EAST};{NORTH};25832\n")
    by_wkt = read(
        f"nr;art;geom\n1;Tilia;SRID=25832;POINT({EAST} {NORTH})\n".replace(
            "SRID=25832;POINT(", '"SRID=25832;POINT('
        ).replace(")\n", ')"\n')
    )
    by_places = read(f"nr;art;Ostwert;Nordwert\n1;Tilia;{EAST};{NORTH}\n")
    north_first = read(f"nr;art;x;y\n1;Tilia;{NORTH};{EAST}\n")
    geojson = read(collection(feature(405_600, 5_757_700, baumnr=1), crs="EPSG:25832"))
    for found in (by_option, by_column, by_wkt, by_places, north_first, geojson):
        tree = found.trees[0]
        assert (tree.latitude, tree.longitude) == pytest.approx(MUENSTER, abs=1e-6)
        assert found.system is not None
        assert "25832" in found.system


def test_geojson_with_ids_of_features_and_multipoints() -> None:
    multi = feature(0, 0, art_bot="Acer campestre (Feldahorn)", pflanzjahr=2022.0)
    multi["geometry"] = {"type": "MultiPoint", "coordinates": [[7.626, 51.962]]}
    multi["id"] = "baum.7"
    assert only(collection(multi)) == Tree(
        *("baum.7", "Acer campestre", "Feldahorn", 2022), latitude=51.962, longitude=7.626
    )
    nowhere = {"type": "Feature", "id": 9, "properties": None, "geometry": None}
    assert only(collection(nowhere)) == Tree("9")


def test_errors_are_a_table_by_row() -> None:
    said = refused(
        "nr;art;pflanzjahr;lon;lat;boden;besonnung;gießsack\n"
        "1;Tilia;neulich;7.626;51.962;Sl3;sonnig;75\n"
        "2;Tilia;2021;siehe Plan;51.962;Kies;hell;viel\n"
        ";Tilia;2021;7.626;51.962;;;\n"
        "3;Tilia;2021;17.626;51.962;;;\n"
        "4;Tilia;2021;9.9;51.962;;;\n"
        "5;Tilia;2021;7.626;51.962;;;;zu viel\n"
        "6;Tilia;2021;7.626;51.962\n7;Tilia;2021;7.627;51.963\n"
    )
    for line in (
        "line 2: pflanzjahr: 'neulich' is no year",
        "line 3: lon: 'siehe Plan' is no number",
        "line 3: boden: 'Kies' is no soil class",
        "line 3: besonnung: 'hell' is no exposure",
        "line 3: gießsack: 'viel' is no number of litres",
        "line 4: nr: is empty",
        "line 5: does not stand in Germany",
        "line 6: stands more than 60 km from the others",
        "line 7: more cells than heads",
    ):
        assert line in said
    assert said.count("\n") == 8


def test_a_wrong_system_is_the_first_error() -> None:
    said = refused("nr;art;rechtswert;hochwert;pflanzjahr\n1;Tilia;3405500;5759500;alt\n")
    assert said.startswith("line 2: the coordinates are Gauß-Krüger")
    assert "'alt' is no year" in said


def test_numbers_that_are_there_twice_need_another_column() -> None:
    text = "Straße;Nr;Art\nAm Markt;1;Tilia\nGasse;1;Acer\nGasse;2;Acer\n"
    assert "more than once: 1 number (1). Number trees by more columns" in refused(text)


def test_numbered_by_columns_that_people_name() -> None:
    text = "Straße;Nr;Art\nAm Markt;1;Tilia\nGasse;1;Acer\n"
    found = read(text, numbered_by=["STRASSE", "Nr"])
    assert [tree.number for tree in found.trees] == ["Am Markt/1", "Gasse/1"]
    assert "there is no column 'Ast'" in refused(text, numbered_by=["Ast"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (bytes(range(256)) * 4, "no text"),
        (b"", "needs a line with the names"),
        (b"Name;Farbe\n1;2\n", "needs a line with the names"),
        (b'{"type": "FeatureColl', "no JSON"),
        (b'{"type": "Feature"}', "needs a FeatureCollection"),
        (b"[1, 2]", "needs a FeatureCollection"),
        (b'{"features": [1]}', "needs a FeatureCollection"),
    ],
)
def test_what_is_no_register(content: bytes, words: str) -> None:
    assert words in refused(content)


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "Polygon", "coordinates": [[[7, 51], [8, 51], [7, 52], [7, 51]]]},
        {"type": "MultiPoint", "coordinates": [[7.6, 51.9], [7.7, 51.9]]},
        {"type": "Point", "coordinates": ["7.6", 51.9]},
        {"type": "Point", "coordinates": [7.6]},
        {"type": "Point", "coordinates": [1e400, 51.9]},
        {"type": "Point"},
        "POINT(7 51)",
    ],
)
def test_a_tree_is_one_point(geometry: object) -> None:
    bad = {"type": "Feature", "properties": {"nr": 1}, "geometry": geometry}
    assert "line 1: geometry: a tree is one point" in refused(collection(bad))


@pytest.mark.parametrize(
    ("cell", "year", "month"),
    [
        *(("2021", 2021, None), ("2021.0", 2021, None), ("2021,0", 2021, None)),
        *(("01.04.2021", 2021, 4), ("2021-11-30", 2021, 11), ("2021-11-30T00:00:00Z", 2021, 11)),
        *(("ca. 1950", 1950, None), ("Herbst 2021", 2021, None), ("0", None, None)),
    ],
)
def test_years_of_planting(cell: str, year: int | None, month: int | None) -> None:
    tree = only(f"nr;art;pflanzjahr\n1;Tilia;{cell}\n")
    assert (tree.planted_year, tree.planted_month) == (year, month)


@pytest.mark.parametrize("cell", ["12", "3021", "1985-1990", "31.13.2021", "-5"])
def test_a_year_that_may_be_another_is_refused(cell: str) -> None:
    assert f"'{cell}' is no year" in refused(f"nr;art;pflanzjahr\n1;Tilia;{cell}\n")


@pytest.mark.parametrize(("cell", "year"), [("4", 2022), ("4,0 Jahre", 2022), ("2019", 2019)])
def test_the_age_of_a_standing_tree(cell: str, year: int) -> None:
    assert only(f"nr;art;standalter\n1;Tilia;{cell}\n").planted_year == year

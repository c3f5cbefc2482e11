"""A tree register as a file: CSV as spreadsheets write it, or GeoJSON, all errors said at once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.base.text_files import NoText
from stadtsinn.cloud.domains.trees.coordinate_systems import (
    CoordinateSystem,
    Position,
    UnclearSystem,
    in_germany,
    kilometres,
    middle_of,
    recognised,
)
from stadtsinn.cloud.domains.trees.register_columns import columns_of, is_heading
from stadtsinn.cloud.domains.trees.register_row import RegisterRow, RowReader, Tree
from stadtsinn.cloud.platform.lists.csv_table import (
    HEADING_WITHIN,
    Rows,
    delimiter_of,
    split,
    text_of,
    too_many,
)
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell, told

_STRAY_KM = 60.0
"""So far from the middle of a register no tree of it can stand."""


class RegisterRefused(Explained):
    """The file cannot be taken; the text says all that is wrong."""


@dataclass(frozen=True)
class Register:
    """The trees of a file. `system` is the coordinate system that they were in, None without any
    coordinates; `left_out` are columns that stadtsinn has no place for."""

    trees: tuple[Tree, ...]
    system: str | None
    left_out: tuple[str, ...]

    @property
    def unplaced(self) -> int:
        """Trees without coordinates: they are kept, and stand at the end of watering lists."""
        return sum(1 for tree in self.trees if tree.latitude is None)


def read_register(
    content: bytes,
    this_year: int,
    *,
    stated_system: str | None = None,
    places: Sequence[Position] = (),
    numbered_by: Sequence[str] = (),
) -> Register:
    """The trees of a CSV or GeoJSON file. `places` are positions of the town; `numbered_by` names
    the columns that number a tree together, where the file has several.

    Raises RegisterRefused with all that is wrong, each with its line and column.
    """
    try:
        text = text_of(content)
    except WrongCell as error:
        raise RegisterRefused.of(error.sentence) from None
    except NoText:
        raise RegisterRefused.of(_NO_TEXT) from None
    errors: list[RowError] = []
    if text.lstrip().startswith(("{", "[")):
        heads, rows, named = _geojson(text, errors)
    else:
        heads, rows, named = _csv(text, errors)
    found = _Trees(heads, numbered_by, this_year, errors)
    found.read(rows)
    system = found.place(stated_system or named, places)
    if errors:
        raise RegisterRefused.of(told(errors))
    return Register(tuple(found.trees), system, found.left_out)


_Table = tuple[list[str], Iterable[tuple[int, Sequence[str]]], str | None]
"""Heads, numbered rows, and the coordinate system that the file names."""


class _Trees:
    """The trees as they are read."""

    def __init__(
        self,
        heads: Sequence[str],
        numbered_by: Sequence[str],
        this_year: int,
        errors: list[RowError],
    ) -> None:
        try:
            columns = columns_of(heads, numbered_by)
        except KeyError as missing:
            shown = ", ".join(heads)
            raise RegisterRefused(
                f"there is no column {missing}: the file has {shown}",
                f"es gibt keine Spalte {missing}: die Datei hat {shown}",
            ) from None
        self.left_out = tuple(one.head for one in columns if not one.field and one.head)
        self.trees: list[Tree] = []
        self._heads = len(columns)
        self._reader = RowReader(columns, this_year, errors)
        self._errors = errors
        self._rows: list[RegisterRow] = []

    def read(self, rows: Iterable[tuple[int, Sequence[str]]]) -> None:
        first: dict[str, int] = {}
        doubled: Counter[str] = Counter()
        for number, cells in rows:
            if (wrong := too_many(cells, self._heads)) is not None:
                self._errors.append(RowError(number, "", wrong))
                continue
            if (found := self._reader.read(number, cells)) is None:
                continue
            if first.setdefault(found.tree.number, number) != number:
                doubled[found.tree.number] += 1
                continue
            self._rows.append(found)
            self.trees.append(found.tree)
        if doubled:
            self._errors.append(_doubled(doubled, self._reader.number_head, first))

    def place(self, stated: str | None, places: Sequence[Position]) -> str | None:
        """Give the trees their positions; the name of the system they were in."""
        placed = [row for row in self._rows if row.point is not None]
        if not placed:
            return None
        systems = {row.system for row in placed if row.system is not None}
        if stated is None and len(systems) > 1:
            self._errors.append(RowError(placed[0].row, "", _SEVERAL_SYSTEMS))
            return None
        any_order = placed[0].heads == ("x", "y")
        points = [row.point for row in placed if row.point is not None]
        try:
            system = recognised(
                points, stated or next(iter(systems), None), places, any_order=any_order
            )
        except UnclearSystem as unclear:
            # Before all others: it is the cause of what else seems wrong.
            self._errors.insert(0, RowError(placed[0].row, "", unclear.sentence))
            return None
        self._convert(system)
        return system.name

    def _convert(self, system: CoordinateSystem) -> None:
        positions = [None if row.point is None else system.read(*row.point) for row in self._rows]
        middle = middle_of([one for one in positions if one is not None])
        for at, (row, position) in enumerate(zip(self._rows, positions, strict=True)):
            if row.point is None:
                continue
            if position is None or middle is None or not in_germany(position):
                self._errors.append(RowError(row.row, "", _outside(system)))
            elif kilometres(position, middle) > _STRAY_KM:
                self._errors.append(RowError(row.row, "", _STRAY))
            else:
                latitude, longitude = round(position[0], 7), round(position[1], 7)
                self.trees[at] = replace(row.tree, latitude=latitude, longitude=longitude)


def _csv(text: str, errors: list[RowError]) -> _Table:
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines[:HEADING_WITHIN]):
        if is_heading(split(line, delimiter_of(line))):
            rows = Rows(lines, number, errors)
            return rows.heads(), rows, None
    raise RegisterRefused.of(_NO_HEADING)


def _geojson(text: str, errors: list[RowError]) -> _Table:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise RegisterRefused.of(_NO_JSON) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise RegisterRefused.of(_NO_COLLECTION)
    heads: dict[str, None] = {}
    for one in features:
        heads.update(dict.fromkeys(_properties(one)))
    # Positions are the geometry's; of the properties' coordinates nobody knows the system.
    names = [name for name in heads if columns_of([name])[0].field not in _OF_POSITION]
    numbered = is_heading([*names, "x"])
    return (
        [*names, *([] if numbered else ["id"]), "x", "y"],
        _features(features, names, errors, numbered=numbered),
        _named_system(document),
    )


_OF_POSITION = frozenset({"latitude", "longitude", "east", "north", "x", "y", "point", "system"})


def _features(
    features: Sequence[dict[str, Any]],
    names: Sequence[str],
    errors: list[RowError],
    *,
    numbered: bool,
) -> Iterator[tuple[int, list[str]]]:
    for number, feature in enumerate(features, 1):
        properties = _properties(feature)
        try:
            point = _point(feature.get("geometry"))
        except WrongCell as error:
            errors.append(RowError(number, "geometry", error.sentence))
            point = ["", ""]
        id_ = [] if numbered else [_cell(feature.get("id"))]
        yield number, [*(_cell(properties.get(name)) for name in names), *id_, *point]


def _properties(feature: dict[str, Any]) -> dict[str, Any]:
    found = feature.get("properties")
    return found if isinstance(found, dict) else {}


def _cell(value: object) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return str(value)


def _point(geometry: object) -> list[str]:
    """The coordinates of a point as cells; none where there is no geometry."""
    if geometry is None:
        return ["", ""]
    found = geometry if isinstance(geometry, dict) else {}
    coordinates: Any = found.get("coordinates")
    if found.get("type") == "MultiPoint":
        coordinates = coordinates[0] if _is_list(coordinates, 1, 1) else None
    elif found.get("type") != "Point":
        coordinates = None
    if not _is_list(coordinates, 2, 3) or not all(map(_is_number, coordinates)):
        raise WrongCell("a tree is one point", "ein Baum ist ein Punkt")
    return [_cell(float(one)) for one in coordinates[:2]]


def _is_list(value: Any, least: int, most: int) -> bool:
    return isinstance(value, list) and least <= len(value) <= most


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _named_system(document: dict[str, Any]) -> str | None:
    """What a member `crs` names; without one positions may be degrees, as the standard says, or
    what a town's GIS has written all the same."""
    crs = document.get("crs")
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    return name if isinstance(name, str) else None


def _doubled(doubled: Counter[str], head: str, first: dict[str, int]) -> RowError:
    number = next(iter(doubled))
    named = ", ".join(list(doubled)[:5])
    return RowError(
        first[number],
        head,
        Sentence(
            f"there more than once: {counted(len(doubled), 'number', 'numbers')} ({named}). "
            "Number trees by more columns with --number, e.g. --number street --number number",
            f"mehrmals vorhanden: {counted(len(doubled), 'Nummer', 'Nummern')} ({named}). Die "
            "Bäume nach mehreren Spalten nummerieren, mit --number, z. B. --number Straße "
            "--number Nummer",
        ),
    )


def _outside(system: CoordinateSystem) -> Sentence:
    return Sentence(
        f"does not stand in Germany, read as {system.name}",
        f"steht nicht in Deutschland, gelesen als {system.name}",
    )


_STRAY = Sentence(
    f"stands more than {_STRAY_KM:.0f} km from the others: is the position right?",
    f"steht mehr als {_STRAY_KM:.0f} km von den anderen entfernt: stimmt die Lage?",
)
_SEVERAL_SYSTEMS = Sentence(
    "the rows name several coordinate systems: convert the file to one",
    "die Zeilen nennen mehrere Koordinatensysteme: die Datei in eines umrechnen",
)
_NO_TEXT = Sentence(
    "this is no text: export the register as CSV or GeoJSON.",
    "das ist kein Text: das Kataster als CSV oder GeoJSON ausgeben.",
)
_NO_JSON = Sentence(
    "this is no JSON: was the file cut off?", "das ist kein JSON: ist die Datei abgeschnitten?"
)
_NO_COLLECTION = Sentence(
    "this is no GeoJSON of trees: it needs a FeatureCollection of points.",
    "das ist kein GeoJSON mit Bäumen: es braucht eine FeatureCollection aus Punkten.",
)
_NO_HEADING = Sentence(
    "line 1: needs a line with the names of the columns: what numbers a tree (number, Baumnummer, "
    "Baum_ID …) and what is said of it (species, planted_year, latitude, longitude or Rechtswert, "
    "Hochwert …).",
    "Zeile 1: es braucht eine Zeile mit den Namen der Spalten: was einen Baum nummeriert "
    "(Baumnummer, Baum_ID, number …) und was von ihm gesagt wird (Baumart, Pflanzjahr, Rechtswert, "
    "Hochwert oder Breite, Länge …).",
)

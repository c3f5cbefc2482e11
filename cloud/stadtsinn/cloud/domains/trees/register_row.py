"""One tree of a register, as its row says it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.domains.trees import register_cells as cells
from stadtsinn.cloud.domains.trees.register_columns import PAIRS, Column
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell

_TWO_NAMES = re.compile(r"^(.+?)(?:\s*[,/]\s+|\s+\()(.+?)\)?$")
"""``Tilia cordata, Winter-Linde``, ``Acer campestre (Feldahorn)``."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of the town. Empty texts and None: the register does not say it."""

    number: str
    species: str = ""
    species_de: str = ""
    planted_year: int | None = None
    planted_month: int | None = None
    street: str = ""
    latitude: float | None = None
    longitude: float | None = None
    soil_class: str | None = None
    exposure: str | None = None
    group: str | None = None
    bag_litres: float | None = None


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A tree with its coordinates as they stand there, and the kind of heads they stood under."""

    row: int
    tree: Tree
    point: tuple[float, float] | None = None
    heads: tuple[str, str] | None = None
    system: str | None = None


class RowReader:
    """Reads rows; what is wrong goes to `errors`, each with its row and column."""

    def __init__(self, columns: Sequence[Column], this_year: int, errors: list[RowError]) -> None:
        self._wanted = sorted(
            ((at, one) for at, one in enumerate(columns) if one.field),
            key=lambda pair: pair[1].rank,
        )
        self._this_year = this_year
        self._errors = errors
        self.number_head = next((one.head for _, one in self._wanted if one.field == "number"), "")

    def read(self, row: int, values: Sequence[str]) -> RegisterRow | None:
        """None where the row does not say which tree it is."""
        said: dict[str, str] = {}
        heads: dict[str, str] = {}
        numbers: list[str] = []
        for at, column in self._wanted:
            cell = values[at].strip() if at < len(values) else ""
            if cells.is_nothing(cell):
                continue
            if column.field == "number":
                numbers.append(cell)
            elif column.field not in said:
                said[column.field], heads[column.field] = cell, column.head
        fields = _Fields(said, heads, row, self._errors)
        number = fields.number(numbers, self.number_head)
        if not number:
            return None
        return fields.row_of(number, self._this_year)


class _Fields:
    """What the cells of one row say."""

    def __init__(
        self, said: dict[str, str], heads: dict[str, str], row: int, errors: list[RowError]
    ) -> None:
        self._said = said
        self._heads = heads
        self._row = row
        self._errors = errors

    def number(self, parts: Sequence[str], head: str) -> str:
        try:
            return cells.number_of_tree("/".join(map(cells.number_of_tree, parts)))
        except WrongCell as error:
            self._errors.append(RowError(self._row, head, error.sentence))
            return ""

    def row_of(self, number: str, this_year: int) -> RegisterRow:
        species, german = self._species()
        year, month = self._planted(this_year)
        tree = Tree(
            number,
            species=species,
            species_de=german,
            planted_year=year,
            planted_month=month,
            street=" ".join(one for one in (self._text("street"), self._text("house")) if one),
            soil_class=self._read("soil_class", cells.soil_class),
            exposure=self._read("exposure", cells.exposure),
            group=self._text("group") or None,
            bag_litres=self._read("bag_litres", cells.litres),
        )
        return self._placed(RegisterRow(self._row, tree, system=self._said.get("system")))

    def _species(self) -> tuple[str, str]:
        latin, german = self._text("species"), self._text("species_de")
        genus, epithet = self._text("genus"), self._text("epithet")
        if not latin and (genus or epithet):
            whole = not genus or epithet.lower().startswith(genus.lower())
            latin = epithet if epithet and whole else f"{genus} {epithet}".strip()
        if (two := _TWO_NAMES.match(latin)) is not None:
            return two[1], german or two[2]
        return latin, german

    def _planted(self, this_year: int) -> tuple[int | None, int | None]:
        found = self._read("planted", cells.planted)
        if found is not None:
            return found
        return self._read("standing", lambda cell: cells.standing(cell, this_year)), None

    def _placed(self, row: RegisterRow) -> RegisterRow:
        """With the coordinates; none at all, and 0/0, mean that the register has none."""
        if "point" in self._said:
            found = self._read("point", cells.point)
            if found is None:
                return row
            x, y, system = found
            return replace(row, point=(x, y), heads=("x", "y"), system=system or row.system)
        for east, north in PAIRS:
            if east not in self._said and north not in self._said:
                continue
            if not (east in self._said and north in self._said):
                missing = north if east in self._said else east
                said = Sentence(
                    f"one coordinate without the other: {missing} is empty",
                    f"eine Koordinate ohne die andere: {missing} ist leer",
                )
                head = self._heads.get(east) or self._heads[north]
                self._errors.append(RowError(self._row, head, said))
                return row
            first, second = self._read(east, cells.decimal), self._read(north, cells.decimal)
            if first is None or second is None or first == second == 0:
                return row
            return replace(row, point=(first, second), heads=(east, north))
        return row

    def _text(self, name: str) -> str:
        return self._read(name, cells.text) or ""

    def _read(self, name: str, read: Callable[[str], T]) -> T | None:
        """What a cell says; None where it is empty, or wrong."""
        cell = self._said.get(name)
        if cell is None:
            return None
        try:
            return read(cell)
        except WrongCell as error:
            self._errors.append(RowError(self._row, self._heads[name], error.sentence))
            return None

"""The cells of tree registers: read as towns write them, or refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stadtsinn.base.foreign_text import require_plain, visible
from stadtsinn.cloud.domains.trees.soil import SOIL_CLASSES, check_soil_class
from stadtsinn.cloud.platform.lists.row_errors import WrongCell

LONGEST_NUMBER = 63
LONGEST_TEXT = 200
_NUMBER = re.compile(r"[+-]?\d{1,3}(?:[ .']\d{3})+(?:,\d+)?|[+-]?\d+(?:[.,]\d+)?")
_THOUSANDS = re.compile(r"[ .'](?=\d{3}(?:\D|$))")
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)")
_DAY_FIRST = re.compile(r"\d{1,2}\.(\d{1,2})\.(\d{4})(?!\d).*")
_YEAR_FIRST = re.compile(r"(\d{4})[-/](\d{1,2})[-/]\d{1,2}(?!\d).*")
_LITRES = re.compile(r"(\d{1,4})(?:[.,]0+)?\s*(?:l|ltr|liter|litres?)?\.?", re.IGNORECASE)
_POINT = re.compile(
    r"(?:SRID=(\d+);)?\s*(?:MULTI)?POINT\s*(?:Z|M|ZM)?\s*\(+\s*"
    r"([+-]?\d+(?:\.\d+)?)\s+([+-]?\d+(?:\.\d+)?)[\s\d.+-]*\)+",
    re.IGNORECASE,
)
_EXPOSURES: Mapping[str, str] = {
    **dict.fromkeys(("sunny", "sonnig", "sonne", "vollsonnig", "besonnt"), "sunny"),
    **dict.fromkeys(
        ("half_shade", "half shade", "halbschatten", "halbschattig", "halbsonnig"), "half_shade"
    ),
    **dict.fromkeys(("shade", "schatten", "schattig", "beschattet"), "shade"),
}
_NOTHING = frozenset({"", "-", "–", "null", "nan", "none", "n/a", "k.a.", "k. a.", "unbekannt"})
"""What programs write into a cell without a value."""


def is_nothing(cell: str) -> bool:
    return cell.lower() in _NOTHING


def number_of_tree(cell: str) -> str:
    """The name of a tree. A spreadsheet's ``123.0`` is 123; all else stays as it is."""
    plain = re.sub(r"\s+", " ", cell.strip())
    if not plain:
        raise WrongCell("is empty", "ist leer")
    if re.fullmatch(r"\d+\.0+", plain):
        plain = plain.partition(".")[0]
    if re.fullmatch(r"\d(?:[.,]\d+)?E\+\d{1,3}", plain, re.IGNORECASE):
        raise WrongCell(
            f"Excel made {_quoted(cell)} of the number: import the column as text",
            f"Excel hat aus der Nummer {_quoted(cell)} gemacht: die Spalte als Text importieren",
        )
    if len(plain) > LONGEST_NUMBER:
        raise WrongCell(
            f"is longer than {LONGEST_NUMBER} characters",
            f"ist länger als {LONGEST_NUMBER} Zeichen",
        )
    return _plain(plain)


def text(cell: str) -> str:
    return _plain(re.sub(r"\s+", " ", cell.strip()))[:LONGEST_TEXT]


def decimal(cell: str) -> float:
    """A number with point or comma; ``5.759.500,25`` has points for thousands."""
    plain = cell.strip().replace("\u00a0", " ").replace("\u202f", " ").strip("° ")
    if _NUMBER.fullmatch(plain) is None:
        raise WrongCell(f"{_quoted(cell)} is no number", f"{_quoted(cell)} ist keine Zahl")
    if "," in plain or len(_THOUSANDS.findall(plain)) > 1:
        plain = _THOUSANDS.sub("", plain)
    return float(plain.replace(",", ".").replace(" ", "").replace("'", ""))


def planted(cell: str) -> tuple[int, int | None] | None:
    """Year and, where a day is given, month of planting; None for a year 0, which means unknown."""
    for pattern, year, month in ((_DAY_FIRST, 2, 1), (_YEAR_FIRST, 1, 2)):
        if found := pattern.fullmatch(cell.strip()):
            if not 1 <= int(found[month]) <= 12:
                raise _no_year(cell)
            return _year(int(found[year]), cell), int(found[month])
    plain = cell.strip().replace(",", ".")
    if re.fullmatch(r"\d{1,4}(?:\.0+)?", plain):
        whole = int(float(plain))
        return (_year(whole, cell), None) if whole else None
    if len(years := _YEAR.findall(cell)) == 1:
        return int(years[0]), None
    raise _no_year(cell)


def standing(cell: str, this_year: int) -> int:
    """The year of planting where a register has how long a tree stands, or that year after all."""
    try:
        years = decimal(
            re.sub(r"\s*(?:jahre?|years?|a)\.?$", "", cell.strip(), flags=re.IGNORECASE)
        )
    except WrongCell:
        raise _no_year(cell) from None
    if 1500 <= years <= this_year:
        return int(years)
    if not 0 <= years <= 500:
        raise _no_year(cell)
    return this_year - int(years)


def soil_class(cell: str) -> str:
    """A class of KA5; ``Sl3 lehmiger Sand`` and the German word alone are read as well."""
    plain = cell.strip()
    by_word = {known.label_de.lower(): name for name, known in SOIL_CLASSES.items()}
    if plain.lower() in by_word:
        return by_word[plain.lower()]
    first = re.split(r"[\s(,;:]", plain, maxsplit=1)[0]
    try:
        return check_soil_class(first)
    except ValueError:
        known = ", ".join(SOIL_CLASSES)
        raise WrongCell(
            f"{_quoted(cell)} is no soil class of KA5: {known}",
            f"{_quoted(cell)} ist keine Bodenart nach KA5: {known}",
        ) from None


def exposure(cell: str) -> str:
    found = _EXPOSURES.get(cell.strip().lower())
    if found is None:
        raise WrongCell(
            f"{_quoted(cell)} is no exposure: sunny, half_shade or shade",
            f"{_quoted(cell)} ist keine Besonnung: sonnig, halbschattig oder schattig",
        )
    return found


def litres(cell: str) -> float | None:
    """What a watering bag holds; None where the cell says that there is none."""
    plain = cell.strip()
    if plain.lower() in {"nein", "no", "false", "0"}:
        return None
    found = _LITRES.fullmatch(plain)
    if found is None or not 1 <= int(found[1]) <= 5000:
        raise WrongCell(
            f"{_quoted(cell)} is no number of litres: write e.g. 75",
            f"{_quoted(cell)} ist keine Literzahl: z. B. 75 schreiben",
        )
    return float(found[1])


def point(cell: str) -> tuple[float, float, str | None]:
    """A point as WKT or EWKT: x, y, and the system it names."""
    found = _POINT.fullmatch(cell.strip())
    if found is None:
        raise WrongCell(
            f"{_quoted(cell)} is no point: 'POINT (405600 5757700)' is one",
            f"{_quoted(cell)} ist kein Punkt: 'POINT (405600 5757700)' wäre einer",
        )
    return float(found[2]), float(found[3]), found[1]


def _year(year: int, cell: str) -> int:
    if not 1500 <= year <= 2100:
        raise _no_year(cell)
    return year


def _no_year(cell: str) -> WrongCell:
    return WrongCell(f"{_quoted(cell)} is no year", f"{_quoted(cell)} ist kein Jahr")


def _plain(words: str) -> str:
    try:
        return require_plain(words)
    except ValueError as error:
        raise WrongCell(str(error), "enthält ein unsichtbares Zeichen") from None


def _quoted(cell: str) -> str:
    return f"'{visible(cell.strip())[:40]}'"

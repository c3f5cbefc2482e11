"""Devices from a spreadsheet: CSV as spreadsheets write it, German ones too."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from pydantic import ValidationError

from stadtsinn.cloud.town_file.model import DeviceSection
from stadtsinn.cloud.town_file.problems import TownRefused, wrong_values

# German headings on the right because delivery lists of German vendors come with them.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "dev_eui": ("deveui", "dev eui"),
    "type": ("device_type", "typ", "gerätetyp"),
    "name": ("bezeichnung",),
    "interval_s": ("intervall_s",),
    "site": ("ort",),
    "station": ("messstelle",),
    "latitude": ("lat", "breite", "breitengrad"),
    "longitude": ("lon", "länge", "längengrad"),
}
_REQUIRED = ("dev_eui", "type", "name")
_KNOWN = {alias: name for name, aliases in _COLUMNS.items() for alias in (name, *aliases)}


def read_devices(text: str) -> tuple[DeviceSection, ...]:
    """The devices of a CSV text with a heading line; comma, semicolon or tab between cells.

    Numbers may have a decimal comma. Raises TownRefused naming the line.
    """
    text = text.removeprefix("\ufeff")
    heading = text.partition("\n")[0]
    delimiter = max(";\t,", key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = _columns(next(rows, []))
        return tuple(
            _device(dict(zip(columns, cells, strict=False)), rows.line_num)
            for cells in rows
            if any(cell.strip() for cell in cells)
        )
    except csv.Error as error:
        raise TownRefused(f"line {rows.line_num}: {error}. Save it as CSV again.") from None


def _columns(heading: list[str]) -> list[str]:
    columns = []
    for cell in heading:
        name = _KNOWN.get(cell.strip().lower())
        if name is None:
            raise TownRefused(
                f"line 1: unknown column '{cell.strip()}'. Known: {', '.join(_COLUMNS)}."
            )
        columns.append(name)
    missing = [name for name in _REQUIRED if name not in columns]
    if missing or len(set(columns)) != len(columns):
        raise TownRefused(f"line 1: needs each of these columns once: {', '.join(_REQUIRED)}.")
    return columns


def _device(cells: Mapping[str, str], line: int) -> DeviceSection:
    given = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    if missing := [name for name in _REQUIRED if name not in given]:
        raise TownRefused(f"line {line}: {', '.join(missing)} is empty.")
    values: dict[str, object] = {
        "device_type" if name == "type" else name: cell for name, cell in given.items()
    }
    for name in ("interval_s", "latitude", "longitude"):
        if name in given:
            values[name] = _number(given[name], line)
    try:
        return DeviceSection.model_validate(values)
    except ValidationError as error:
        raise TownRefused(f"line {line}: {wrong_values(DeviceSection, values, error)}") from None


def _number(text: str, line: int) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise TownRefused(f"line {line}: '{text}' is no number.") from None

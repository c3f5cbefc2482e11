"""Lists as spreadsheets: the cells of an Excel file as the text of a CSV, line by line."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from stadtsinn.base.bounded_files import LISTS, read_whole
from stadtsinn.base.sentence import Unusable

_EXCEL = b"PK\x03\x04"
_MOST_BYTES = 256_000_000
_MOST_ROWS = 200_000
_EXACT_DIGITS = 15
"""What Excel keeps of a number: the digits behind are zeros."""


def read_list(path: Path, sheet: str | None = None) -> bytes | str:
    """A list as `read_devices` takes it: bytes of a CSV, or the text of one sheet of an Excel file.

    Raises OSError, and Unusable for what is no list.
    """
    content = read_whole(path, LISTS)
    if content.startswith(_EXCEL):
        return _text_of_sheet(content, sheet)
    if sheet is not None:
        raise Unusable(
            f"--sheet: {path} is no Excel file (.xlsx)", f"--sheet: {path} ist keine Excel-Datei"
        )
    return content


def _text_of_sheet(content: bytes, name: str | None) -> str:
    import openpyxl

    _refuse_bombs(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    # openpyxl lets every error of its parts through: zipfile, XML, its own checks of values.
    except Exception as error:
        raise _damaged() from error
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if name is None and len(sheets) == 1:
        (name,) = sheets
    if name is None or name not in sheets:
        known = ", ".join(f"'{one}'" for one in sheets)
        raise Unusable(
            f"which sheet? Name it with --sheet: {known}",
            f"welches Blatt? Mit --sheet nennen: {known}",
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    try:
        rows = sheets[name].iter_rows(values_only=True)
        count = 0
        for row in islice(rows, _MOST_ROWS + 1):
            writer.writerow([_cell(value) for value in _without_end(row)])
            count += 1
    except Exception as error:  # as above: cells are parsed while they are read
        raise _damaged() from error
    if count > _MOST_ROWS:
        raise _too_large()
    return text.getvalue()


def _refuse_bombs(content: bytes) -> None:
    """A few kilobytes of ZIP may hold gigabytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(one.file_size for one in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise _damaged() from error
    if size > _MOST_BYTES:
        raise _too_large()
    if "[Content_Types].xml" not in names or not any(one.startswith("xl/") for one in names):
        raise Unusable(
            "a ZIP file, but no Excel file: unpack it and give the list in it",
            "eine ZIP-Datei, aber keine Excel-Datei: entpacken und die Liste darin angeben",
        )


def _damaged() -> Unusable:
    return Unusable(
        "the Excel file is damaged: open it and save it again, or save the sheet as 'CSV UTF-8'",
        "die Excel-Datei ist beschädigt: öffnen und noch einmal speichern, oder das Blatt als "
        "'CSV UTF-8' speichern",
    )


def _too_large() -> Unusable:
    return Unusable(
        "the Excel file has too many rows or too much else: save the sheet with the devices as "
        "'CSV UTF-8'",
        "die Excel-Datei hat zu viele Zeilen oder zu viel anderes: das Blatt mit den Geräten als "
        "'CSV UTF-8' speichern",
    )


def _without_end(row: tuple[Any, ...]) -> Iterator[Any]:
    """Cells without the empty ones at the end: Excel counts all that were ever touched."""
    end = max((n for n, value in enumerate(row, 1) if value not in (None, "")), default=0)
    yield from row[:end]


def _cell(value: Any) -> str:
    """A value as somebody would have typed it. A number with more digits than Excel keeps looks as
    Excel shows it, so that it is refused where it was an EUI or a key."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        digits = str(value)
        return digits if len(digits.lstrip("-")) < _EXACT_DIGITS else f"{value:.5E}"
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return " ".join(str(value).split())

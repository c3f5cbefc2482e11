"""Tables as CSV: for programs (RFC 4180), or for a German spreadsheet. Safe to open in either."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MEDIA_TYPE = "text/csv; charset=utf-8"

Cell = str | float | bool | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Dialect:
    """How columns are divided, numbers written and text encoded."""

    delimiter: str
    decimal: str
    encoding: str


RFC_4180 = Dialect(",", ".", "utf-8")
GERMAN = Dialect(";", ",", "utf-8-sig")
"""Semicolon, decimal comma and a byte order mark: opens in Excel as it is."""


def write_csv(
    heading: Sequence[str], rows: Iterable[Sequence[Cell]], dialect: Dialect = RFC_4180
) -> bytes:
    """A table. Text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([_written(cell, dialect) for cell in row] for row in rows)
    return text.getvalue().encode(dialect.encoding)


def _written(cell: Cell, dialect: Dialect) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return repr(cell).replace(".", dialect.decimal)

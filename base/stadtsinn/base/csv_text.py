"""Tables as CSV: for programs (RFC 4180), or for a German spreadsheet. Safe to open in either.

There is no line ``sep=``: with it Excel no longer reads the byte order mark, and umlauts break.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from stadtsinn.base.foreign_text import visible

MEDIA_TYPE = "text/csv; charset=utf-8"

Cell = str | float | bool | None

_FORMULA = re.compile(
    r"^(?=\s*[=+\-@＝＋－＠])"
    r"|(?<=[;,])(?=[=+@＝＋＠]|[-－][\w(])"  # a program that takes the other separator cuts here
)
_CHUNK = 64 * 1024
"""Characters that are gathered before they are passed on."""


class Locale(StrEnum):
    """For whom a CSV is written."""

    EN = "en"
    """Programs: comma, decimal point, English headings, times with offset."""
    DE = "de"
    """People: semicolon, decimal comma, German headings, local time, a byte order mark."""


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
    return b"".join(stream_csv(heading, rows, dialect))


def stream_csv(
    heading: Sequence[str], rows: Iterable[Sequence[Cell]], dialect: Dialect = RFC_4180
) -> Iterator[bytes]:
    """As `write_csv`, in parts: of a long table never more than one part is in memory."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\r\n")
    writer.writerow(heading)
    encoding = dialect.encoding
    for row in rows:
        writer.writerow([_written(cell, dialect) for cell in row])
        if text.tell() >= _CHUNK:
            yield text.getvalue().encode(encoding)
            encoding = "utf-8"  # the mark stands at the beginning only
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode(encoding)


def rounded(value: float, decimals: int) -> float | int:
    """At most so many decimals, for a cell; without any, a whole number."""
    shown = round(value, decimals)
    return int(shown) if shown == int(shown) else shown


def _written(cell: Cell, dialect: Dialect) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        return _FORMULA.sub("'", visible(cell))
    plain = repr(cell)
    if "e" in plain:  # 1e-05 and 1e+16, which not every spreadsheet reads
        plain = format(Decimal(plain), "f")
    return plain.replace(".", dialect.decimal)

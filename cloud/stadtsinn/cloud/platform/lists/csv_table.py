"""CSV as spreadsheets write it: whatever divides cells, with a title above the heads or without."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from stadtsinn.base.sentence import Sentence
from stadtsinn.base.text_files import decoded
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell

DELIMITERS = ";\t,|"
HEADING_WITHIN = 20
"""Lines: above the heading a list may have a title and an address."""


def text_of(content: bytes) -> str:
    """The text of a file. Raises WrongCell for an Excel file, NoText for what is no text."""
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise WrongCell(
            "this is an Excel file: save the sheet as 'CSV UTF-8' (File, Save as) and import that.",
            "das ist eine Excel-Datei: das Blatt als 'CSV UTF-8' speichern (Datei, Speichern "
            "unter) und diese importieren.",
        )
    return decoded(content)


def delimiter_of(line: str) -> str:
    """What divides the cells of a line."""
    return max(DELIMITERS, key=line.count)


def split(line: str, delimiter: str) -> list[str]:
    """The cells of a line that may be anything; none where it is no line of a table."""
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


class Rows:
    """The rows from a line on, the heads first. `errors` gets what is no CSV."""

    def __init__(self, lines: Sequence[str], start: int, errors: list[RowError]) -> None:
        self._start = start
        self._errors = errors
        text = io.StringIO("".join(lines[start:]), newline="")
        self._rows = csv.reader(text, delimiter=delimiter_of(lines[start]), strict=True)

    def heads(self) -> list[str]:
        """The cells of the first row; none, and an error, where it is no CSV."""
        try:
            return next(self._rows, [])
        except csv.Error as error:
            self._errors.append(RowError(self._start + 1, "", _no_csv(error)))
            return []

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """The rows that are not empty, each with the number of its line."""
        while True:
            try:
                cells = next(self._rows, None)
            except csv.Error as error:
                self._errors.append(RowError(self._line, "", _no_csv(error)))
                return
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield self._line, cells

    @property
    def _line(self) -> int:
        return self._start + self._rows.line_num


def too_many(cells: Sequence[str], heads: int) -> Sentence | None:
    """What is wrong with a row that has more cells than there are heads."""
    if not any(cell.strip() for cell in cells[heads:]):
        return None
    return Sentence(
        "more cells than heads: a text with the separator in it needs quotation marks",
        "mehr Zellen als Spalten: ein Text mit dem Trennzeichen braucht Anführungszeichen",
    )


def plain_head(head: str) -> str:
    """A head without all that people vary: case, blanks, underscores, brackets."""
    return re.sub(r"[^a-z0-9äöüß]", "", head.strip().lower())


def _no_csv(error: csv.Error) -> Sentence:
    return Sentence(f"{error}. Save it as CSV again.", f"{error}. Noch einmal als CSV speichern.")

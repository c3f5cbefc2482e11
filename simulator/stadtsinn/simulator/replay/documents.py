"""Finds the JSON in a text: lines, arrays, pretty-printed, behind a topic or a log's prefix."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_decode = json.JSONDecoder().raw_decode

_OPENING = re.compile(r"""\{(?=\s*["'“”„}])|\[(?=\s*(?:[\[{"“”„\]]|$))""", re.MULTILINE)
_QUOTES = str.maketrans("“”„", '"""')
"""Web forums turn straight quotation marks into these."""
_BYTES = re.compile(r"""(?<!\w)b(?=(['"]))(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
"""Bytes as Python prints them: what a script with ``print(message.payload)`` writes."""
_JSON = re.compile(r"""\{\s*\\?["'“”„](?!")""")
"""JSON that is in no cell of a table, where its quotation marks are doubled."""
_PUNCTUATION = " \t,;[](){}\"'`"
_DELIMITERS = ";\t,|"


@dataclass(frozen=True)
class Piece:
    """Something in a text. `lead` is what stands before the JSON in its line, or a line without.

    `value` is None for a line without JSON; `broken` where JSON begins that nobody can read.
    """

    line: int
    lead: str
    value: Any = None
    broken: bool = False


class Row(dict[str, Any]):
    """A row of a table, by the heads of its columns."""


def pieces(text: str) -> Iterator[Piece]:
    """All that a text holds, in order. A table has one piece a row: its cells, by their heads."""
    if (delimiter := _table_delimiter(text)) is not None:
        yield from _rows(text, delimiter)
    else:
        yield from _Scan(text).pieces()


class _Scan:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._next = -1

    def pieces(self) -> Iterator[Piece]:
        while self._at < len(self._text):
            end = self._line_end(self._at)
            line = self._text[self._at : end]
            if (text := _quoted(line)) is not None:
                yield Piece(self._line, "", text)
                self._go_to(end + 1)
                continue
            starts = self._starts(self._at, end)
            literal = _BYTES.search(line)
            if literal is not None and (not starts or self._at + literal.start() < starts[0]):
                yield Piece(self._line, line[: literal.start()].strip(), _python(literal[0]))
                self._go_to(end + 1)
                continue
            if not starts:
                if line.strip(_PUNCTUATION):
                    yield Piece(self._line, line.strip())
                self._go_to(end + 1)
                continue
            yield from self._value(starts, end)

    def _value(self, starts: list[int], end: int) -> Iterator[Piece]:
        for start in starts:
            read = self._read(start, end)
            if read is not None:
                value, stop = read
                yield Piece(self._line, self._text[self._at : start].strip(), value)
                self._go_to(stop)
                return
        line, number = self._text[self._at : end], self._line
        self._go_to(end + 1)
        if line.strip(_PUNCTUATION) or "{" in line:  # else it begins an array that has no end
            lead = line[: starts[-1] - (end - len(line))].strip()
            yield Piece(number, lead, broken=True)
            self._skip_inside(len(line) - len(line.lstrip()))

    def _starts(self, start: int, end: int) -> list[int]:
        """Where JSON may begin in a line: the first bracket, and the first brace behind it."""
        first = self._opening(start)
        if first >= end:
            return []
        if self._text[first] == "{":
            return [first]
        brace = self._text.find("{", first, end)
        return [first] if brace < 0 else [first, brace]

    def _opening(self, start: int) -> int:
        """Where the next JSON may begin from there on; it is looked for only once."""
        if self._next < start:
            found = _OPENING.search(self._text, start)
            self._next = len(self._text) if found is None else found.start()
        return self._next

    def _read(self, start: int, end: int) -> tuple[Any, int] | None:
        text = self._text
        following = text[start + 1 : start + 200].lstrip()[:1]
        if following and following in "“”„":
            text = text.translate(_QUOTES)
        if following == "'":
            stop = text.rfind("}", start, end) + 1
            value = _python(text[start:stop])
            return None if value is None else (value, stop)
        try:
            return _decode(text, start)
        except (ValueError, RecursionError):
            return None

    def _skip_inside(self, indent: int) -> None:
        """Pass the inside of what is broken: lines that are indented further, and its end."""
        while self._at < len(self._text):
            end = self._line_end(self._at)
            line = self._text[self._at : end]
            inside = line.strip()
            if inside and inside[0] not in "}]" and len(line) - len(line.lstrip()) <= indent:
                return
            self._go_to(end + 1)

    def _line_end(self, start: int) -> int:
        end = self._text.find("\n", start)
        return len(self._text) if end < 0 else end

    def _go_to(self, position: int) -> None:
        self._line += self._text.count("\n", self._at, position)
        self._at = position


def _quoted(line: str) -> str | None:
    """The text that a line is in JSON, as of a program that encoded JSON twice."""
    stripped = line.strip().rstrip(",")
    if not stripped.startswith('"{'):
        return None
    try:
        value = json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _python(text: str) -> Any:
    """What Python's ``print`` wrote: a dict, or bytes. None for anything else."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


# --- tables ----------------------------------------------------------------------------


def _table_delimiter(text: str) -> str | None:
    """What divides the cells of a table; None for a text that is none."""
    if _JSON.search(text) is not None:
        return None
    first, second = _first_lines(text)
    for delimiter in _DELIMITERS:
        cells = first.count(delimiter) + 1
        if cells > 1 and (second.count(delimiter) + 1 >= cells or '"{""' in second):
            return delimiter
    return None


def _first_lines(text: str) -> tuple[str, str]:
    lines = []
    for line in io.StringIO(text):
        if line.strip() and not line.startswith("sep="):
            lines.append(line.rstrip("\n"))
        if len(lines) == 2:
            return lines[0], lines[1]
    return (lines[0] if lines else ""), ""


def _rows(text: str, delimiter: str) -> Iterator[Piece]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    heads: list[str] | None = None
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Piece(reader.line_num, "", broken=True)
            continue
        if cells is None:
            return
        if not any(cell.strip() for cell in cells) or cells[0].startswith("sep="):
            continue
        if heads is None:
            heads = [] if any("/" in cell or "{" in cell for cell in cells) else cells
            if heads:
                continue
        value: Any = Row(zip(heads, cells, strict=False)) if heads else cells
        yield Piece(reader.line_num, "", value)

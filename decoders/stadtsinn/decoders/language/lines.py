"""The line number of a key or element in a device file, which Python's TOML reader does not give.

The text must be valid TOML: the scanner recognises keys, brackets and strings only.
"""

from __future__ import annotations

import re

_WORD = re.compile(
    r'"""(?:\\.|[^\\])*?"""'
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|#[^\n]*|\[\[|\]\]|[\[\]{},=\n]|[^\s\[\]{},=#\"']+",
    re.DOTALL,
)
_PLACE = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

Path = tuple[str | int, ...]


def line_of(text: str, place: str) -> int | None:
    """Line, from 1, of a place such as ``frames[0].body[2].type``, or of the nearest one around it.

    None for the empty place: an error about the whole file, which may not be TOML.
    """
    if not place:
        return None
    lines = places(text)
    path: Path = tuple(name or int(index) for name, index in _PLACE.findall(place))
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def places(text: str) -> dict[Path, int]:
    """The line where each key and each array element of a TOML text begins."""
    return _Scanner(text).places()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._words: list[tuple[str, int]] = []
        line = 1
        for found in _WORD.finditer(text):
            if not found[0].startswith("#"):
                self._words.append((found[0], line))
            line += found[0].count("\n")
        self._at = 0
        self._lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}

    def places(self) -> dict[Path, int]:
        """The line where each place begins."""
        table: Path = ()
        at_line_start = True
        while self._at < len(self._words):
            word, line = self._words[self._at]
            if word == "\n":
                self._at += 1
                at_line_start = True
            elif at_line_start and word in {"[", "[["}:
                table = self._header(repeated=word == "[[", line=line)
            else:
                self._pair(table)
            at_line_start = word == "\n"
        return self._lines

    def _header(self, *, repeated: bool, line: int) -> Path:
        self._at += 1
        *outer, last = self._key({"]", "]]"})
        path: Path = ()
        for name in outer:
            path = self._newest((*path, name))
        path = (*path, last)
        if repeated:
            self._counts[path] = self._counts.get(path, -1) + 1
        path = self._newest(path)
        self._lines.setdefault(path, line)
        return path

    def _newest(self, path: Path) -> Path:
        """A name in a header refers to the last table of that name, if it is an array of tables."""
        return (*path, self._counts[path]) if path in self._counts else path

    def _key(self, ends: set[str]) -> Path:
        """The parts of a dotted key up to one of `ends`, which is skipped."""
        names: list[str | int] = []
        while self._words[self._at][0] not in ends:
            word = self._words[self._at][0]
            plain = word[0] not in "\"'"
            names += [n for n in word.split(".") if n] if plain else [word[1:-1]]
            self._at += 1
        self._at += 1
        return tuple(names)

    def _pair(self, table: Path) -> None:
        line = self._words[self._at][1]
        path = (*table, *self._key({"="}))
        self._lines.setdefault(path, line)
        self._value(path)

    def _value(self, path: Path) -> None:
        word = self._words[self._at][0]
        self._at += 1
        if word in {"[", "[["}:
            # In a value, "[[" opens an array in an array.
            inner = word == "[["
            self._array(path, inner=inner)
        elif word == "{":
            self._inline_table(path)

    def _array(self, path: Path, *, inner: bool) -> None:
        if inner:
            self._split_bracket()
        number = 0
        while (word := self._words[self._at])[0] != "]":
            if word[0] == "]]":
                self._words[self._at] = ("]", word[1])
                return
            if word[0] in {",", "\n"}:
                self._at += 1
                continue
            self._lines.setdefault((*path, number), word[1])
            self._value((*path, number))
            number += 1
        self._at += 1

    def _split_bracket(self) -> None:
        """Of a "[[" that opens two arrays, leave the second bracket to be read as a word."""
        self._at -= 1
        self._words[self._at] = ("[", self._words[self._at][1])

    def _inline_table(self, path: Path) -> None:
        while self._words[self._at][0] != "}":
            if self._words[self._at][0] in {",", "\n"}:
                self._at += 1
            else:
                self._pair(path)
        self._at += 1

"""How commands print what they found: tables, pairs of label and value, JSON lines, progress.

All that a command prints goes through here: what towns and senders named must not steer a terminal.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeVar

import msgspec

from stadtsinn.base.foreign_text import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

Cell = str | tuple[str, ...]
"""Text, or several lines of it: below each other in a terminal."""

_GAP = 2
_NARROWEST = 20
_TALLEST = 4
"""Lines of a row, at most: what needs more is read better below each other."""
_WIDE = 10_000
"""Columns where no terminal sets a width: a pipe gets each row whole, in one line."""


def say(words: str = "", *, error: bool = False) -> None:
    """Lines of text, on stderr where they are no answer; a terminal gets them wrapped."""
    stream = sys.stderr if error else sys.stdout
    shown = visible(words, lines=True)
    print(shown if (room := _room(stream)) is None else _wrapped(shown, room), file=stream)


def say_as_it_is(text: str) -> None:
    """What people copy or redirect into a file, such as a configuration or a command."""
    print(visible(text, lines=True), end="" if text.endswith("\n") else "\n")


def _room(stream: TextIO) -> int | None:
    """The columns of a terminal; None where a program reads."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def _wrapped(text: str, room: int) -> str:
    """Lines that fit; what is carried over stands under the beginning of its line."""
    lines = text.split("\n")
    indents = (line[: len(line) - len(line.lstrip())] for line in lines)
    return "\n".join(
        _filled(line.lstrip(), room, indent, indent)
        for line, indent in zip(lines, indents, strict=True)
    )


def _filled(line: str, room: int | None, first: str, further: str) -> str:
    """One line in as many as it takes: no word is broken, for it may be a path or a DevEUI."""
    if room is None or len(first) + len(line) <= room:
        return (first + line).rstrip()
    return textwrap.fill(
        line,
        max(room, len(further) + _NARROWEST),
        initial_indent=first,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )


def say_json(document: str) -> None:
    """A JSON text as it is."""
    print(visible_json(document))


def print_json(document: object) -> None:
    """One answer in one line."""
    say_json(msgspec.json.encode(document).decode())


def print_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    title: str = "",
    numbers: str = "",
) -> None:
    """Columns below their heads; `numbers` is the head of a column that is aligned to the right.

    Where a terminal has no room for whole words, or a row would get tall, each row stands as pairs
    of head and value below each other.
    """
    console = _console()
    between = "\n" if console.is_terminal else ", "
    cells = [[_shown(cell, between) for cell in row] for row in rows]
    columns = [[head, *(row[number] for row in cells)] for number, head in enumerate(heads)]
    widths = fitting_widths(columns, console.width)
    if widths is None:
        _print_records(heads, cells, title, console)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, _GAP, 0, 0)
    )
    for head, width in zip(heads, widths, strict=True):
        table.add_column(
            head,
            justify="right" if head == numbers else "left",
            overflow="fold",
            min_width=width,
            max_width=width,
        )
    for row in cells:
        table.add_row(*map(Text, row))  # brackets of a cell are no markup
    console.print(table)


def _print_records(
    heads: Sequence[str], rows: Sequence[Sequence[str]], title: str, console: Console
) -> None:
    if title:
        say(title)
    for number, row in enumerate(rows):
        if number:
            say()
        for line in _facts(list(zip(heads, row, strict=True)), console.width):
            print(line)


def fitting_widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """A width for each column so that all fit into `room` with whole words and no row gets tall;
    None where that cannot be. The widest gives way first."""
    from rich.cells import cell_len

    room -= _GAP * (len(columns) - 1)
    widths = [max(cell_len(line) for cell in one for line in cell.split("\n")) for one in columns]
    words = [
        max((cell_len(word) for cell in one for word in cell.split()), default=0) for one in columns
    ]
    for limit in range(min(max(widths, default=0), room), 0, -1):
        cut = [
            max(min(width, limit), word) if width > word else width
            for width, word in zip(widths, words, strict=True)
        ]
        if sum(cut) <= room:
            fitting = [max(width, 1) for width in cut]
            return fitting if _tallest(columns, fitting) <= _TALLEST else None
    return None


def _tallest(columns: Sequence[Sequence[str]], widths: Sequence[int]) -> int:
    """The lines of the tallest cell, apart from those that it has of itself."""
    return max(
        (
            len(textwrap.wrap(line, width))
            for cells, width in zip(columns, widths, strict=True)
            for cell in cells
            for line in cell.split("\n")
        ),
        default=0,
    )


def _shown(cell: Cell, between: str) -> str:
    return visible(cell) if isinstance(cell, str) else between.join(map(visible, cell))


def print_list(
    items: Sequence[T],
    columns: Mapping[str, Callable[[T], str]],
    fields: Callable[[T], object],
    *,
    as_json: bool,
    empty: str,
    title: str = "",
) -> None:
    """A row for each, or a JSON line; without any the sentence `empty`, in JSON nothing."""
    if as_json:
        for item in items:
            print_json(fields(item))
    elif items:
        rows = ([cell(item) for cell in columns.values()] for item in items)
        print_table(list(columns), rows, title=title)
    else:
        say(empty)


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Labels and values, the values below each other."""
    for line in _facts([(label, visible(value)) for label, value in facts], _room(sys.stdout)):
        print(line)


def _facts(facts: Sequence[tuple[str, str]], room: int | None) -> Iterator[str]:
    """The lines of pairs; values that need several stand under their beginning."""
    width = max((len(label) for label, _ in facts), default=0) + _GAP
    for label, value in facts:
        first, *others = value.split("\n")
        yield _filled(first, room, f"{label:<{width}}", " " * width)
        yield from (_filled(line, room, " " * width, " " * width) for line in others)


def progress_lines() -> Callable[[str], None]:
    """Prints what a long command does, on stderr, with the time since it began."""
    began = time.monotonic()

    def show(line: str) -> None:
        say(f"[{time.monotonic() - began:6.1f} s] {line}", error=True)

    return show


@contextmanager
def progress_bar(label: str, *, shown: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on stderr for a number done and, where it is known, their total."""
    from rich.progress import Progress

    with Progress(console=_console(stderr=True), disable=not shown, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console

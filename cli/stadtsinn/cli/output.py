"""How commands print what they found: tables, pairs of label and value, JSON lines, progress.

All that a command prints goes through here: what towns and senders named must not steer a terminal.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from stadtsinn.base.foreign_text import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

Cell = str | tuple[str, ...]
"""Text, or several lines of it: below each other in a terminal."""

_DEV_EUI = re.compile("[0-9a-f]{16}")
_DEV_EUI_WIDTH = 16
_GAP = 2
_WIDE = 10_000
"""Columns where no terminal sets a width: a pipe gets each row whole, in one line."""


def say(words: str = "", *, end: str = "\n", error: bool = False) -> None:
    """Lines of text, on stderr where they are no answer."""
    print(visible(words, lines=True), end=end, file=sys.stderr if error else sys.stdout)


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

    A terminal gets narrow columns; a DevEUI stays whole in one line, however narrow they are.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, _GAP, 0, 0)
    )
    console = _console()
    between = "\n" if console.is_terminal else ", "
    cells = [[_shown(cell, between) for cell in row] for row in rows]
    columns = [[head, *(row[number] for row in cells)] for number, head in enumerate(heads)]
    for head, width in zip(heads, fitting_widths(columns, console.width), strict=True):
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


def fitting_widths(columns: Sequence[Sequence[str]], room: int) -> list[int]:
    """A width for each column so that all of them fit into `room`; nothing of a cell is lost.

    The widest gives way first. Words are broken only where there is no room for whole ones, a
    DevEUI never.
    """
    from rich.cells import cell_len

    room -= _GAP * (len(columns) - 1)
    widths = [max(cell_len(line) for cell in one for line in cell.split("\n")) for one in columns]
    words = [
        max((cell_len(word) for cell in one for word in cell.split()), default=0) for one in columns
    ]
    named = [any(map(_DEV_EUI.fullmatch, one)) for one in columns]
    broken = [
        _DEV_EUI_WIDTH if eui else min(word, 1) for word, eui in zip(words, named, strict=True)
    ]
    for least in (words, broken):
        widths = _narrowed(widths, least, room)
    return [max(width, 1) for width in widths]


def _narrowed(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widest columns cut to one width until all fit, none below its own least."""
    for limit in range(min(max(widths, default=0), room), 0, -1):
        cut = [
            max(min(width, limit), low) if width > low else width
            for width, low in zip(widths, least, strict=True)
        ]
        if sum(cut) <= room:
            return cut
    return [min(pair) for pair in zip(widths, least, strict=True)]


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
    shown = list(facts)
    width = max((len(label) for label, _ in shown), default=0) + 2
    for label, value in shown:
        say(f"{label:<{width}}{visible(value)}")


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

"""How commands print what they found: tables, pairs of label and value, JSON lines, progress.

All that a command prints goes through here: what towns and senders named must not steer a terminal.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from stadtsinn.base.foreign_text import visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

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
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    numbers: str = "",
    whole: Sequence[str] = (),
) -> None:
    """Columns below their heads; `numbers` is the head of a column that is aligned to the right,
    `whole` those of columns that are never folded, such as a DevEUI."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for head in heads:
        justify: Literal["left", "right"] = "right" if head == numbers else "left"
        table.add_column(head, justify=justify, overflow="fold", no_wrap=head in whole)
    for row in rows:
        table.add_row(*(Text(visible(cell)) for cell in row))  # brackets of a cell are no markup
    _console().print(table)


def print_list(
    items: Sequence[T],
    columns: Mapping[str, Callable[[T], str]],
    fields: Callable[[T], object],
    *,
    as_json: bool,
    empty: str,
    title: str = "",
    whole: Sequence[str] = (),
) -> None:
    """A row for each, or a JSON line; without any the sentence `empty`, in JSON nothing."""
    if as_json:
        for item in items:
            print_json(fields(item))
    elif items:
        rows = ([cell(item) for cell in columns.values()] for item in items)
        print_table(list(columns), rows, title=title, whole=whole)
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

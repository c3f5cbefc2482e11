"""All that is wrong with a list that somebody brings, said at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stadtsinn.base.sentence import Sentence, Unusable

_SHOWN = 100
"""Errors; whoever has more has one cause of most of them."""
_ROWS_SHOWN = 20


class WrongCell(Unusable):
    """What is wrong with a cell or a head, and what to write."""


@dataclass(frozen=True)
class RowError:
    """What is wrong with a cell. `field` is the head of its column, empty for the whole row."""

    row: int
    field: str
    said: Sentence


def told(errors: Iterable[RowError]) -> Sentence:
    """A line for each, in the order of the rows; the same in several rows is said once."""
    alike: dict[tuple[str, Sentence], list[int]] = {}
    for error in sorted(errors, key=lambda one: one.row):
        alike.setdefault((error.field, error.said), []).append(error.row)
    english = [
        _line(_placed(rows, "line", "and {} more"), field, said.english)
        for (field, said), rows in alike.items()
    ]
    german = [
        _line(_placed(rows, "Zeile", "und {} weitere"), field, said.german)
        for (field, said), rows in alike.items()
    ]
    if (more := len(alike) - _SHOWN) > 0:
        english[_SHOWN:], german[_SHOWN:] = [f"… and {more} more"], [f"… und {more} weitere"]
    return Sentence("\n".join(english), "\n".join(german))


def _line(*parts: str) -> str:
    return ": ".join(part for part in parts if part)


def _placed(rows: Sequence[int], line: str, more: str) -> str:
    if len(rows) == 1:
        return f"{line} {rows[0]}"
    lines = "lines" if line == "line" else "Zeilen"
    rest = f" {more.format(len(rows) - _ROWS_SHOWN)}" if len(rows) > _ROWS_SHOWN else ""
    return f"{lines} {', '.join(map(str, rows[:_ROWS_SHOWN]))}{rest}"

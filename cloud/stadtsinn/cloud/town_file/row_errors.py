"""All that is wrong with a device list, said at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SHOWN = 100
"""Errors; whoever has more has one cause of most of them."""
_ROWS_SHOWN = 20


@dataclass(frozen=True)
class RowError:
    """What is wrong with a cell. `field` is the head of its column, empty for the whole row."""

    row: int
    field: str
    said: str


def told(errors: Iterable[RowError]) -> str:
    """A line for each, in the order of the rows; the same in several rows is said once."""
    alike: dict[tuple[str, str], list[int]] = {}
    for error in sorted(errors, key=lambda one: one.row):
        alike.setdefault((error.field, error.said), []).append(error.row)
    lines = [
        ": ".join(part for part in (_placed(rows), *what) if part) for what, rows in alike.items()
    ]
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"… and {len(lines) - _SHOWN} more"]
    return "\n".join(lines)


def _placed(rows: Sequence[int]) -> str:
    if len(rows) == 1:
        return f"line {rows[0]}"
    more = f" and {len(rows) - _ROWS_SHOWN} more" if len(rows) > _ROWS_SHOWN else ""
    return f"lines {', '.join(map(str, rows[:_ROWS_SHOWN]))}{more}"

"""A number with its noun, in the singular where it is one."""

from __future__ import annotations


def counted(number: object, one: str, many: str) -> str:
    """``counted(1, "row", "rows")`` → ``"1 row"``. The number as it is shown; the words may hold a
    verb, too."""
    return f"{number} {one if str(number) == '1' else many}"

"""German letters as two plain ones, as people and programs write them that have no others."""

from __future__ import annotations

TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
_TABLE = str.maketrans(TWO_LETTERS)


def without_umlauts(small: str) -> str:
    """``"weißdorn"`` → ``"weissdorn"``; the text is in small letters."""
    return small.translate(_TABLE)

"""What is said to whoever stands at the terminal: in English, or in German by the locale."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """The same in both languages."""

    english: str
    german: str

    def __str__(self) -> str:
        return self.english

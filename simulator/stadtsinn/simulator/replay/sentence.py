"""What is said to whoever gave a file: in English, or in German where the terminal is German."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """One sentence in both languages: what something is, and what to do."""

    english: str
    german: str

    def __str__(self) -> str:
        return self.english


class NotARecording(ValueError):
    """Nothing in a file can be replayed; `sentence` says what it is and what to do."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence.english)
        self.sentence = sentence

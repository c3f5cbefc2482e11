"""What is said to whoever stands at the terminal: in English, or in German by the locale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Sentence:
    """The same in both languages."""

    english: str
    german: str

    def __str__(self) -> str:
        return self.english

    def about(self, *places: object) -> Sentence:
        """With what it is about before it: file, section, key. An empty place is left out."""
        before = "".join(f"{place}: " for place in map(str, places) if place)
        return Sentence(before + self.english, before + self.german)

    @classmethod
    def joined(cls, sentences: Iterable[Sentence], between: str) -> Sentence:
        """Several as one."""
        several = list(sentences)
        return cls(
            between.join(one.english for one in several),
            between.join(one.german for one in several),
        )


class Explained(Exception):
    """An error that people read: it says what is wrong and what helps, in both languages.

    As text it is English: logs and the API show that. The command line shows `sentence` in the
    reader's language.
    """

    def __init__(self, english: str, german: str) -> None:
        super().__init__(english, german)  # all arguments: copies are made of them
        self.sentence = Sentence(english, german)

    def __str__(self) -> str:
        return self.sentence.english

    @classmethod
    def of(cls, sentence: Sentence) -> Self:
        """The error with a sentence that was made elsewhere."""
        return cls(sentence.english, sentence.german)


class Unusable(Explained, ValueError):
    """What was given or configured cannot be used. Also what validators of a model raise."""

"""What a message says, before a channel gives it its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stadtsinn.base.language import Language


@dataclass(frozen=True)
class Sentence:
    """`head` `name` `tail`, and further short sentences, said where there is room for them.

    Numbers and times are in `tail`; where a channel has little room, it cuts `name`.
    """

    head: str
    name: str
    tail: str
    extras: tuple[str, ...] = ()
    language: Language = Language.DE

    @property
    def whole(self) -> str:
        """All of it, for a channel that has room."""
        return f"{self.head}{self.name}{self.tail}{''.join(self.extras)}"


Said = Mapping[Language, Sentence]
"""The same in each language that a recipient may have."""

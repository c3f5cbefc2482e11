"""What a message says, before a channel gives it its form."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sentence:
    """`head` `name` `tail`, and further short sentences, said where there is room for them.

    Numbers and times are in `tail`; where a channel has little room, it cuts `name`.
    """

    head: str
    name: str
    tail: str
    extras: tuple[str, ...] = ()

"""What a mail has beside its words: a picture of the values, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stadtsinn.cloud.alarms.notify.message import Message


@dataclass(frozen=True)
class Picture:
    """A PNG with twice as many points as it is wide and high on a page, for fine screens.

    `said` tells in a sentence what it shows, for who does not see it.
    """

    png: bytes = field(repr=False)
    width: int
    height: int
    said: str


@dataclass(frozen=True)
class File:
    """A file to take along. `media_type` is e.g. ``text/csv; charset=utf-8``."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class Enclosed:
    """`no_picture`: why there is none where one could be expected, as a sentence."""

    picture: Picture | None = None
    no_picture: str = ""
    files: tuple[File, ...] = ()


NOTHING_ENCLOSED = Enclosed()

Enclosing = Callable[[Message], Enclosed]
"""Made when a message is sent. It may fail: the message goes without."""


def nothing_enclosed(_message: Message) -> Enclosed:
    return NOTHING_ENCLOSED

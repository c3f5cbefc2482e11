"""What RENDER ops print: the vendor's fields, with item names resolved to registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stadtsinn.decoders.compiler.template import Part
from stadtsinn.decoders.language.model import Vendor


@dataclass(frozen=True, slots=True)
class RenderNumber:
    """The last raw number: (raw + add) * mul / div, printed as `vendor` defines."""

    vendor: Vendor
    key: tuple[Part, ...]
    add: float
    mul: float
    div: float


@dataclass(frozen=True, slots=True)
class RenderText:
    """A text with named numbers."""

    key: str
    parts: tuple[Part, ...]
    append: bool


@dataclass(frozen=True, slots=True)
class RenderList:
    """A list of numbers without those in `omit`."""

    key: str
    registers: tuple[int, ...]
    omit: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RenderBytes:
    """`size` bytes at pos + offset (-1: to the end); `register` overrides `size`.

    `whole`: all bytes of the payload instead.
    """

    key: str
    offset: int
    size: int
    show: Literal["hex", "HEX", "ascii", "utf8", "list"]
    separator: str = ""
    before: str = ""
    after: str = ""
    register: int = -1
    whole: bool = False


@dataclass(frozen=True, slots=True)
class RenderOpen:
    """The vendor keys that follow belong to the object at `path`, until RenderClose.

    ``record``: to a new object in that list; ``first``: at its beginning; ``list``: records go to a
    new list in that list.
    """

    path: str
    kind: Literal["object", "record", "first", "list"]


@dataclass(frozen=True, slots=True)
class RenderClose:
    """The vendor keys that follow belong to the enclosing object again."""

"""What a RENDER op tells the interpreter to print: the vendor's view, resolved to registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stadtsinn.decoders.compiler.template import Part
from stadtsinn.decoders.language.model import Vendor


@dataclass(frozen=True, slots=True)
class RenderNumber:
    """The last raw number: (raw + add) * mul / div, printed as `vendor` says."""

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
    """`size` bytes (-1: to the end) at pos + offset, or as many as `register` says, or all."""

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
    """From here vendor keys belong to the object at `path`.

    ``record``: to a new object in that list; ``first``: at its beginning; ``list``: records go to a
    new list in that list.
    """

    path: str
    kind: Literal["object", "record", "first", "list"]


@dataclass(frozen=True, slots=True)
class RenderClose:
    """Back to the object outside."""

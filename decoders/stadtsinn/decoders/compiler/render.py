"""What a RENDER op tells the interpreter to print: the vendor's view, resolved to registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stadtsinn.decoders.language.model import Vendor

Names = tuple[tuple[str, int], ...]
"""Names used in a template and their registers."""


@dataclass(frozen=True, slots=True)
class RenderNumber:
    """The last raw number: (raw + add) * mul / div, printed as `vendor` says."""

    vendor: Vendor
    names: Names
    add: float
    mul: float
    div: float


@dataclass(frozen=True, slots=True)
class RenderText:
    """A text with named numbers."""

    key: str
    text: str
    names: Names


@dataclass(frozen=True, slots=True)
class RenderList:
    """A list of numbers without those in `omit`."""

    key: str
    registers: tuple[int, ...]
    omit: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RenderBytes:
    """`size` bytes (-1: to the end) at pos + offset."""

    key: str
    offset: int
    size: int
    show: Literal["hex", "list"]


@dataclass(frozen=True, slots=True)
class RenderOpen:
    """From here vendor keys belong to an object at `path`; `append`: a new one in that list."""

    path: str
    append: bool


@dataclass(frozen=True, slots=True)
class RenderClose:
    """Back to the object outside."""

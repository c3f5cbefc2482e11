"""Sheets of labels for devices: where each code and each line stands, as SVG and as PDF.

A sheet is laid out once, in millimetres, and drawn in two ways. The PDF is a picture with 600 dots
an inch, black and white: what a laser printer makes of it anyway.
"""

from __future__ import annotations

import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import msgspec

from stadtsinn.base.bounded_files import LISTS, read_whole, read_whole_text
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.sentence import Unusable

if TYPE_CHECKING:
    from PIL import Image, ImageFont

A4 = (210.0, 297.0)
_DOTS = 600 / 25.4
_MEASURED = 100
"""Size of the letters whose widths are taken."""
_EDGE = 1.5
_QUIET = 4
"""Modules of white around a code, as QR codes need."""
_LARGEST_TEXT = 4.2
_TALL = 30
"""From this height on a name may have three lines."""


class Format(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels of one size on a sheet, in millimetres."""

    columns: int
    rows: int
    width: float
    height: float
    gap_x: float = 0.0
    gap_y: float = 0.0
    like: str = ""

    @property
    def count(self) -> int:
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """The upper left corner of a label; they are counted in rows, from 0."""
        row, column = divmod(place, self.columns)
        left = (A4[0] - self.columns * self.width - (self.columns - 1) * self.gap_x) / 2
        top = (A4[1] - self.rows * self.height - (self.rows - 1) * self.gap_y) / 2
        return left + column * (self.width + self.gap_x), top + row * (self.height + self.gap_y)


@cache
def formats() -> dict[str, Format]:
    """All that can be chosen, by name."""
    content = read_whole_text(files("stadtsinn.cli") / "label_formats.toml")
    return msgspec.convert(tomllib.loads(content), dict[str, Format])


@dataclass(frozen=True)
class DeviceLabel:
    """What a label shows: the text of its code, and lines for people, the first one large."""

    code: str
    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class _Words:
    """`y` is the line that letters stand on."""

    x: float
    y: float
    size: float
    text: str
    bold: bool

    @property
    def width(self) -> float:
        return _width(self.text, self.size, bold=self.bold)


@dataclass(frozen=True)
class Sheet:
    """One A4 page."""

    bars: tuple[_Bar, ...]
    words: tuple[_Words, ...]


def sheets(labels: Sequence[DeviceLabel], form: Format, first: int = 0) -> list[Sheet]:
    """The labels on as many sheets as they need, beginning at the place `first` of a sheet that was
    begun. Raises Unusable where there is no such place."""
    if not 0 <= first < form.count:
        raise Unusable(
            f"--first: this sheet has {form.count} labels",
            f"--first: so ein Bogen hat {form.count} Etiketten",
        )
    pages: list[Sheet] = []
    places = [None] * first + list(labels)
    for start in range(0, len(places), form.count):
        bars: list[_Bar] = []
        words: list[_Words] = []
        for place, label in enumerate(places[start : start + form.count]):
            if label is not None:
                side = _lay_code(label.code, form, place, bars)
                words += _lines(label, form, place, side)
        pages.append(Sheet(tuple(bars), tuple(words)))
    return pages


def _lay_code(code: str, form: Format, place: int, bars: list[_Bar]) -> float:
    """Lays the code at the left of its label; the width that it takes, its white border with it."""
    import segno

    matrix = segno.make_qr(code, error="m", boost_error=False).matrix
    side = min(form.height - 2 * _EDGE, form.width * 0.45)
    module = side / (len(matrix) + 2 * _QUIET)
    left, top = form.corner(place)
    x0 = left + _EDGE + _QUIET * module
    y0 = top + (form.height - side) / 2 + _QUIET * module
    for row, line in enumerate(matrix):
        for start, length in _runs(line):
            bars.append(_Bar(x0 + start * module, y0 + row * module, length * module, module))
    return side


def _runs(line: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where dark modules begin, and how many there are in a row."""
    start = 0
    for place in range(len(line) + 1):
        if place == len(line) or not line[place]:
            if place > start:
                yield start, place - start
            start = place + 1


def _lines(label: DeviceLabel, form: Format, place: int, side: float) -> Iterator[_Words]:
    left, top = form.corner(place)
    x = left + _EDGE + side + _EDGE / 2
    room = form.width - side - 2.5 * _EDGE
    size = min(form.height / 7, _LARGEST_TEXT)
    most = 3 if form.height > _TALL else 2
    names = _wrapped(visible(label.name), room, size, most, bold=True)
    lines = [(one, size, True) for one in names]
    small = size * 0.75
    lines += [
        (_shortened(visible(one), room, small, bold=False), small, False)
        for one in label.lines
        if one
    ]
    y = top + (form.height - sum(height * 1.25 for _, height, _ in lines)) / 2
    for text, height, bold in lines:
        y += height * 1.25
        yield _Words(x, y - height * 0.3, height, text, bold)


def _wrapped(text: str, room: float, size: float, most: int, *, bold: bool) -> list[str]:
    """At most so many lines; the last one is shortened where more would be needed."""
    lines: list[str] = []
    rest = text.split()
    while rest and len(lines) < most - 1:
        count = next(
            (
                number
                for number in range(len(rest), 0, -1)
                if _width(" ".join(rest[:number]), size, bold=bold) <= room
            ),
            1,
        )
        lines.append(_shortened(" ".join(rest[:count]), room, size, bold=bold))
        rest = rest[count:]
    if rest:
        lines.append(_shortened(" ".join(rest), room, size, bold=bold))
    return lines


def _shortened(text: str, room: float, size: float, *, bold: bool) -> str:
    if _width(text, size, bold=bold) <= room:
        return text
    while text and _width(text + "…", size, bold=bold) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def _width(text: str, size: float, *, bold: bool) -> float:
    return _letters(_MEASURED, bold).getlength(text) / _MEASURED * size


@cache
def _letters(dots: int, bold: bool) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    name = "Lato-Bold.ttf" if bold else "Lato-Regular.ttf"
    content = read_whole(files("font_lato") / "files" / name, LISTS)
    return ImageFont.truetype(io.BytesIO(content), dots)


# --- drawn -----------------------------------------------------------------------------


def as_svg(sheet: Sheet) -> str:
    """In millimetres. Where a printer has not Lato, another font is fitted into the same width."""
    bars = "".join(
        f"M{one.x:.3f} {one.y:.3f}h{one.width:.3f}v{one.height:.3f}h-{one.width:.3f}z"
        for one in sheet.bars
    )
    words = "\n".join(_svg_words(one) for one in sheet.words if one.text)
    width, height = A4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm" '
        f'viewBox="0 0 {width:g} {height:g}">\n'
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>\n'
        f'<path shape-rendering="crispEdges" d="{bars}"/>\n'
        f'<g font-family="Lato, Carlito, Arial, sans-serif">\n{words}\n</g>\n</svg>\n'
    )


def _svg_words(words: _Words) -> str:
    weight = ' font-weight="bold"' if words.bold else ""
    length = quoteattr(f"{words.width:.3f}")
    return (
        f'<text x="{words.x:.3f}" y="{words.y:.3f}" font-size="{words.size:.3f}"{weight} '
        f'textLength={length} lengthAdjust="spacingAndGlyphs">{escape(words.text)}</text>'
    )


def as_picture(sheet: Sheet) -> Image.Image:
    """Black and white, 600 dots an inch."""
    from PIL import Image, ImageDraw

    page = Image.new("1", (_dots(A4[0]), _dots(A4[1])), 1)
    drawing = ImageDraw.Draw(page)
    for bar in sheet.bars:
        # A rectangle of Pillow has the pixels of both corners.
        right, bottom = _dots(bar.x + bar.width) - 1, _dots(bar.y + bar.height) - 1
        drawing.rectangle((_dots(bar.x), _dots(bar.y), right, bottom), fill=0)
    for one in sheet.words:
        font = _letters(_dots(one.size), one.bold)
        drawing.text((_dots(one.x), _dots(one.y)), one.text, fill=0, font=font, anchor="ls")
    return page


def as_pdf(pages: Sequence[Sheet]) -> bytes:
    """All sheets in one document."""
    first, *others = map(as_picture, pages)
    content = io.BytesIO()
    first.save(content, "PDF", resolution=600.0, save_all=True, append_images=others)
    return content.getvalue()


def _dots(millimetres: float) -> int:
    return round(millimetres * _DOTS)

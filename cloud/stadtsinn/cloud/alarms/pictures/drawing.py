"""Draws a figure as PNG: mail programs show neither SVG nor what a script draws.

The letters come with a package, so a picture looks alike on every machine. It is drawn larger than
it will be and then made smaller, which smooths its lines.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.pictures.figure import Figure, Limit, Line

WIDTH, HEIGHT = 600, 280
"""On a page."""
_FINE = 2
"""Points of the picture for each on a page."""
_LARGER = 2
_DRAWN = _FINE * _LARGER

_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 476.0, 66.0, 250.0
_WHITE, _BLACK, _GREY, _PALE, _SHADE = "#ffffff", "#111111", "#555555", "#dddddd", "#efefef"
_BLUE, _RED, _AMBER = "#0b5394", "#b3261e", "#9a5b00"
_TITLE, _BODY, _SMALL = 15.0, 13.0, 12.0
_NARROW = 40.0
"""A gap that is no wider has no room for words."""


class Drawing:
    """One figure, being drawn."""

    def __init__(self, shown: Figure) -> None:
        self._shown = shown
        self._image = Image.new("RGB", (WIDTH * _DRAWN, HEIGHT * _DRAWN), _WHITE)
        self._draw = ImageDraw.Draw(self._image)

    def png(self) -> bytes:
        shown = self._shown
        self._heading(4, shown.title, _TITLE, _BLACK)
        self._heading(25, shown.newest, _BODY, _GREY)
        self._gaps()
        self._grid()
        self._missing()
        self._begin()
        for limit in shown.limits:
            self._limit(limit)
        self._labels()
        for line in shown.lines:
            self._line(line)
        return self._finished()

    def _heading(self, y: float, words: str, size: float, colour: str) -> None:
        self._text(_LEFT, y, self._fitting(words, WIDTH - _LEFT - 8, size), size, colour)

    def _finished(self) -> bytes:
        small = self._image.reduce(_LARGER)
        few = small.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        buffer = BytesIO()
        few.save(buffer, "PNG", optimize=True, dpi=(96 * _FINE, 96 * _FINE))
        return buffer.getvalue()

    def _gaps(self) -> None:
        for x, until in self._empty():
            self._draw.rectangle(self._scaled(x, _TOP, until, _BOTTOM), fill=_SHADE)

    def _missing(self) -> None:
        """Over the grid, which runs through the words else."""
        words = self._shown.missing
        half = self._width(words, _SMALL) / 2 + 6
        for x, until in self._empty():
            middle = (x + until) / 2
            if until - x > 2 * half + _NARROW:
                y = (_TOP + _BOTTOM) / 2
                box = self._scaled(middle - half, y - 9, middle + half, y + 9)
                self._draw.rectangle(box, fill=_SHADE)
                self._text(middle, y, words, _SMALL, _GREY, "mm")

    def _empty(self) -> list[tuple[float, float]]:
        """From where to where data is missing, at the beginning, in the middle and at the end."""
        shown = self._shown
        found = _between(shown.lines, shown.start, shown.end, shown.silence)
        return [(self._x(left), self._x(right)) for left, right in found]

    def _grid(self) -> None:
        shown = self._shown
        self._text(_LEFT, _TOP - 18, shown.unit, _SMALL, _GREY)
        for height, label in shown.heights:
            y = self._y(height)
            self._stroke([(_LEFT, y), (_RIGHT, y)], _PALE, 0.75)
            self._text(_LEFT - 6, y, label, _SMALL, _GREY, "rm")
        self._stroke([(_LEFT, _BOTTOM), (_RIGHT, _BOTTOM)], _GREY, 1)
        for at, label in shown.times:
            x = self._x(at)
            self._stroke([(x, _BOTTOM), (x, _BOTTOM + 4)], _GREY, 1)
            self._text(x, _BOTTOM + 8, label, _SMALL, _GREY, "ma")

    def _begin(self) -> None:
        if self._shown.begins is not None:
            x = self._x(self._shown.begins)
            self._dashes((x, _TOP), (x, _BOTTOM), _RED, 1, 2)

    def _limit(self, limit: Limit) -> None:
        colour = self._colour(limit)
        points = [(self._x(at), self._y(value)) for at, value in limit.points]
        for (x, y), (until, after) in itertools.pairwise(points):
            if limit.level == 0:
                self._dashes((x, y), (until, y), colour, 1, 4)
            else:
                self._stroke([(x, y), (until, y), (until, after)], colour, 1.5)

    def _labels(self) -> None:
        """Beside the ends of the limits, one above the other where they are close."""
        wanted = sorted(self._shown.limits, key=lambda one: one.points[-1][1], reverse=True)
        room = 14.0
        places = [self._y(one.points[-1][1]) for one in wanted]
        for number in range(1, len(places)):
            places[number] = max(places[number], places[number - 1] + room)
        over = max(0.0, places[-1] - (_BOTTOM - 4)) if places else 0.0
        for limit, y in zip(wanted, places, strict=True):
            label = self._fitting(limit.label, WIDTH - _RIGHT - 8, _SMALL)
            self._text(_RIGHT + 6, y - over, label, _SMALL, self._colour(limit), "lm")

    def _colour(self, limit: Limit) -> str:
        if limit.level == 0:
            return _GREY
        return _RED if limit.level == self._shown.highest else _AMBER

    def _line(self, line: Line) -> None:
        points = [(self._x(at), self._y(value)) for at, value in line]
        if self._shown.in_steps:
            points = list(_stairs(points))
        self._points(points)

    def _points(self, points: Sequence[tuple[float, float]]) -> None:
        if len(points) == 1:
            x, y = points[0]
            self._draw.ellipse(self._scaled(x - 2, y - 2, x + 2, y + 2), fill=_BLUE)
        else:
            self._stroke(points, _BLUE, 2)

    def _x(self, at: Instant) -> float:
        share = (at - self._shown.start) / (self._shown.end - self._shown.start)
        return _LEFT + min(max(share, 0.0), 1.0) * (_RIGHT - _LEFT)

    def _y(self, value: float) -> float:
        held = self._shown.scale
        return _BOTTOM - (value - held.low) / (held.high - held.low) * (_BOTTOM - _TOP)

    def _stroke(self, points: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        scaled = [(x * _DRAWN, y * _DRAWN) for x, y in points]
        self._draw.line(scaled, fill=colour, width=round(width * _DRAWN), joint="curve")

    def _dashes(
        self,
        begin: tuple[float, float],
        end: tuple[float, float],
        colour: str,
        width: float,
        length: float,
    ) -> None:
        (x, y), (until, below) = begin, end
        far = max(abs(until - x), abs(below - y))
        for number in range(int(far / (2 * length)) + 1):
            first = min(2 * number * length / far, 1.0) if far else 0.0
            last = min((2 * number + 1) * length / far, 1.0) if far else 0.0
            piece = [(x + share * (until - x), y + share * (below - y)) for share in (first, last)]
            self._stroke(piece, colour, width)

    def _text(
        self, x: float, y: float, words: str, size: float, colour: str, anchor: str = "la"
    ) -> None:
        at = (x * _DRAWN, y * _DRAWN)
        self._draw.text(at, words, fill=colour, font=_letters(size), anchor=anchor)

    def _width(self, words: str, size: float) -> float:
        return float(self._draw.textlength(words, font=_letters(size))) / _DRAWN

    def _fitting(self, words: str, room: float, size: float) -> str:
        """The words, or as many of their letters as there is room for."""
        if self._width(words, size) <= room:
            return words
        while words and self._width(f"{words}…", size) > room:
            words = words[:-1]
        return f"{words.rstrip()}…"

    @staticmethod
    def _scaled(*corners: float) -> tuple[float, float, float, float]:
        left, top, right, bottom = (one * _DRAWN for one in corners)
        return left, top, right, bottom


def drawn(shown: Figure) -> bytes:
    """The figure as PNG, `WIDTH` by `HEIGHT` on a page."""
    return Drawing(shown).png()


@cache
def _letters(size: float) -> ImageFont.FreeTypeFont:
    name = "Lato-Bold.ttf" if size == _TITLE else "Lato-Regular.ttf"
    file = files("font_lato") / "files" / name
    return ImageFont.truetype(BytesIO(file.read_bytes()), size * _DRAWN)


def _between(
    lines: Sequence[Line], start: Instant, end: Instant, silence: int
) -> Iterator[tuple[Instant, Instant]]:
    """The times that no line covers, where they are long enough to be worth a word."""
    covered = start
    for begin, until in (*((line[0][0], line[-1][0]) for line in lines), (end, end)):
        if begin - covered > silence:
            yield covered, begin
        covered = until


def _stairs(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    height = points[0][1]
    for x, y in points:
        yield x, height
        yield x, y
        height = y

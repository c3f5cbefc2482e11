"""Geometry of the small bar chart: numbers for the template, no drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import HOUR
from stadtsinn.cloud.publish.web.half_hours import SLOT, Slot

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 20, 16, 44
_MIN_SLOTS = 16
_LABELS = 6


@dataclass(frozen=True)
class Bar:
    """One half hour, in the chart's own units."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A horizontal line and the number it stands for."""

    y: float
    persons: int


@dataclass(frozen=True)
class Tick:
    """An hour below the chart."""

    x: float
    hour: int


@dataclass(frozen=True)
class Chart:
    """Everything the template draws."""

    width: int
    height: int
    left: int
    right: int
    base: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    limit: Line | None


def chart_of(slots: Sequence[Slot], permitted: int | None) -> Chart | None:
    """The chart of today's half hours; None without any."""
    if not slots:
        return None
    first = slots[0].start // HOUR * HOUR
    count = max(_MIN_SLOTS, (slots[-1].start - first) // SLOT + 1)
    most = max(slot.persons for slot in slots)
    shows_limit = permitted is not None and permitted <= max(2 * most, 20)
    step, top = _scale(max(most, permitted or 0) if shows_limit else most)
    base = HEIGHT - _BOTTOM
    each = (WIDTH - _LEFT - _RIGHT) / count

    def height(persons: float) -> float:
        return round((base - _TOP) * persons / top, 1)

    return Chart(
        width=WIDTH,
        height=HEIGHT,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        base=base,
        bars=tuple(
            Bar(
                x=round(_LEFT + each * ((slot.start - first) // SLOT) + each * 0.1, 1),
                y=round(base - height(slot.persons), 1),
                width=round(each * 0.8, 1),
                height=height(slot.persons),
            )
            for slot in slots
        ),
        lines=tuple(
            Line(round(base - height(persons), 1), persons) for persons in range(0, top + 1, step)
        ),
        ticks=_ticks(first, count, each),
        limit=Line(round(base - height(permitted), 1), permitted)
        if shows_limit and permitted is not None
        else None,
    )


def _scale(most: int) -> tuple[int, int]:
    """A round step between lines and the top of the scale, three to five lines."""
    rough = max(most, 4) / 4
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(int(n * magnitude) for n in (1, 2, 5, 10) if n * magnitude >= rough)
    return step, step * math.ceil(max(most, 1) / step)


def _ticks(first: int, count: int, each: float) -> tuple[Tick, ...]:
    hours = count * SLOT // HOUR
    every = max(1, math.ceil(hours / _LABELS))
    return tuple(
        Tick(round(_LEFT + each * hour * HOUR / SLOT, 1), local(first + hour * HOUR).hour)
        for hour in range(0, hours + 1, every)
    )

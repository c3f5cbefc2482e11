"""The order in which a crew drives to trees: tours within a tank, each as short as can be found.

The nearest tree next, then 2-opt. How far that is from the best is in docs/trees.md.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_METRES_PER_DEGREE = 111_200.0
_MOST_IMPROVED = 250
"""Stops of a tour that 2-opt looks at together: its work grows with the square."""
_SMALLEST_GAIN_M = 0.01
_RINGS = 12
"""Beyond so many, all that are left are looked at."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A tree to be watered. `key` is the caller's."""

    key: str
    latitude: float
    longitude: float
    litres: float


@dataclass(frozen=True, slots=True)
class Tour:
    """One tank full of water, in the order of the way; from the depot and back, if there is one."""

    stops: tuple[Stop, ...]
    litres: float
    metres: float


Point = tuple[float, float]


def tours(stops: Sequence[Stop], tank_litres: float, depot: Point | None = None) -> list[Tour]:
    """All stops in tours of a tank at most. A tree that wants more than a tank is a tour alone.

    `depot` (latitude, longitude) is where each tour begins and ends; without one a tour begins
    where its way is shortest.
    """
    if not stops:
        return []
    flat = _Flat(stops, depot)
    found = []
    for members in _filled(flat.nearest_first(), stops, tank_litres):
        order = flat.improved(members)
        found.append(
            Tour(
                tuple(stops[one] for one in order),
                sum(stops[one].litres for one in order),
                flat.length(order),
            )
        )
    return found


def _filled(order: Sequence[int], stops: Sequence[Stop], tank_litres: float) -> Iterator[list[int]]:
    """The order cut where the tank is empty."""
    members: list[int] = []
    used = 0.0
    for one in order:
        if members and used + stops[one].litres > tank_litres:
            yield members
            members, used = [], 0.0
        members.append(one)
        used += stops[one].litres
    if members:
        yield members


class _Flat:
    """The stops on a plane, in metres, which for a town is near enough."""

    def __init__(self, stops: Sequence[Stop], depot: Point | None) -> None:
        latitude, longitude = depot or (stops[0].latitude, stops[0].longitude)
        east = _METRES_PER_DEGREE * math.cos(math.radians(latitude))
        self._points = [
            ((one.longitude - longitude) * east, (one.latitude - latitude) * _METRES_PER_DEGREE)
            for one in stops
        ]
        self._depot: Point | None = (0.0, 0.0) if depot is not None else None

    def nearest_first(self) -> list[int]:
        """From the depot, or the outermost stop, always to the nearest one that is left."""
        left = _Cells(self._points)
        here = self._depot or self._outermost()
        order = []
        while (nearest := left.take_nearest(here)) is not None:
            order.append(nearest)
            here = self._points[nearest]
        return order

    def _outermost(self) -> Point:
        count = len(self._points)
        middle = (
            sum(x for x, _ in self._points) / count,
            sum(y for _, y in self._points) / count,
        )
        return max(self._points, key=lambda point: math.dist(point, middle))

    def length(self, order: Sequence[int]) -> float:
        return sum(math.dist(one, other) for one, other in pairwise(self._path(order)))

    def _path(self, order: Sequence[int]) -> list[Point]:
        points = [self._points[one] for one in order]
        return points if self._depot is None else [self._depot, *points, self._depot]

    def improved(self, order: Sequence[int]) -> list[int]:
        """2-opt: a part of the way is turned round as long as that shortens it."""
        better = list(order)
        for start in range(0, len(better), _MOST_IMPROVED):
            self._improve(better, start, min(start + _MOST_IMPROVED, len(better)))
        return better

    def _improve(self, order: list[int], start: int, end: int) -> None:
        """In place, of the stops from `start` until before `end`; those around them stay."""
        before = self._beside(order, start - 1)
        after = self._beside(order, end)
        points = [self._points[one] for one in order[start:end]]
        numbers = order[start:end]
        shortened = True
        while shortened:
            shortened = False
            for first in range(len(points) - 1):
                for last in range(first + 1, len(points)):
                    left = points[first - 1] if first else before
                    right = points[last + 1] if last + 1 < len(points) else after
                    gain = _gain(left, points[first], points[last], right)
                    if gain > _SMALLEST_GAIN_M:
                        points[first : last + 1] = reversed(points[first : last + 1])
                        numbers[first : last + 1] = reversed(numbers[first : last + 1])
                        shortened = True
        order[start:end] = numbers

    def _beside(self, order: Sequence[int], at: int) -> Point | None:
        """The stop there; beyond the ends the depot, if there is one."""
        return self._points[order[at]] if 0 <= at < len(order) else self._depot


def _gain(left: Point | None, first: Point, last: Point, right: Point | None) -> float:
    """Metres by which the way is shorter once the part from `first` to `last` is turned round."""
    old = new = 0.0
    if left is not None:
        old += math.dist(left, first)
        new += math.dist(left, last)
    if right is not None:
        old += math.dist(last, right)
        new += math.dist(first, right)
    return old - new


class _Cells:
    """Points in squares, so that the nearest of many is found without looking at all of them."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        width = max(x for x, _ in points) - min(x for x, _ in points)
        height = max(y for _, y in points) - min(y for _, y in points)
        # About two points in a square, if they were spread evenly.
        self._size = max(math.sqrt(max(width * height, 1.0) * 2 / len(points)), 1.0)
        self._rings = int(max(width, height) / self._size) + 2
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, point in enumerate(points):
            self._cells[self._cell(point)].append(number)
        self._left = len(points)

    def _cell(self, point: Point) -> tuple[int, int]:
        return math.floor(point[0] / self._size), math.floor(point[1] / self._size)

    def take_nearest(self, here: Point) -> int | None:
        """The nearest point that is left, which is then no longer; None without any."""
        if not self._left:
            return None
        found, _ = self._in_rings(here) or self._anywhere(here)
        cell = self._cell(self._points[found])
        self._cells[cell].remove(found)
        if not self._cells[cell]:
            del self._cells[cell]
        self._left -= 1
        return found

    def _in_rings(self, here: Point) -> tuple[int, float] | None:
        """Ring by ring; after a find one ring more, in which a nearer one may be."""
        column, row = self._cell(here)
        best: tuple[int, float] | None = None
        for ring in range(min(self._rings, _RINGS) + 1):
            if best is not None and best[1] <= (ring - 1) * self._size:
                return best
            for cell in _ring(column, row, ring):
                for one in self._cells.get(cell, ()):
                    distance = math.dist(here, self._points[one])
                    if best is None or distance < best[1]:
                        best = (one, distance)
        return best if best is not None and best[1] <= _RINGS * self._size else None

    def _anywhere(self, here: Point) -> tuple[int, float]:
        return min(
            (
                (one, math.dist(here, self._points[one]))
                for members in self._cells.values()
                for one in members
            ),
            key=lambda found: found[1],
        )


def _ring(column: int, row: int, ring: int) -> Iterator[tuple[int, int]]:
    """The squares around one, at this distance."""
    if ring == 0:
        yield column, row
        return
    for offset in range(-ring, ring + 1):
        yield column + offset, row - ring
        yield column + offset, row + ring
    for offset in range(-ring + 1, ring):
        yield column - ring, row + offset
        yield column + ring, row + offset

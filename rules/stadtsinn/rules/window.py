"""The samples of the last minutes or hours, as small as a kind can note them.

Where samples come often, those next to each other are kept as one. It stands at the time of its
newest sample, so an old one counts longer, by the part of the span that `_PARTS` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stadtsinn.base.instant import Instant
from stadtsinn.rules.kind import Notes, Sample

_PARTS = 144
"""At most so many entries are kept of a span, and one."""


@dataclass(frozen=True)
class Entry:
    """Some samples up to `at`: the least and the highest value, and the sum of all."""

    at: Instant
    low: float
    high: float
    total: float

    def joined(self, later: Entry) -> Entry:
        return Entry(
            later.at,
            min(self.low, later.low),
            max(self.high, later.high),
            self.total + later.total,
        )

    def noted(self) -> list[float]:
        return [self.at, self.low, self.high, self.total]


@dataclass(frozen=True)
class Window:
    """The samples of a span of time, the newest apart: it may still be corrected."""

    earlier: tuple[Entry, ...] = ()
    newest: Entry | None = None
    source: str = ""

    @classmethod
    def of(cls, notes: Notes) -> Window:
        """As `notes` wrote it down; empty where nothing was."""
        found: Mapping[str, Any] = notes.get("window", {})
        newest = found.get("newest")
        return cls(
            tuple(_entry(one) for one in found.get("earlier", ())),
            None if newest is None else _entry(newest),
            found.get("source", ""),
        )

    def notes(self) -> Notes:
        return {
            "window": {
                "earlier": [one.noted() for one in self.earlier],
                "newest": None if self.newest is None else self.newest.noted(),
                "source": self.source,
            }
        }

    def with_sample(self, sample: Sample, value: float, length: int) -> Window:
        """A later sample, or the newest one corrected; what is older than `length` is gone."""
        earlier = self.earlier
        if self.newest is not None and self.newest.at != sample.at:
            earlier = _with(earlier, self.newest, max(1, length // _PARTS))
        earlier = tuple(one for one in earlier if one.at >= sample.at - length)
        newest = Entry(sample.at, value, value, value)
        return Window(earlier, newest, sample.source)

    @property
    def entries(self) -> tuple[Entry, ...]:
        return self.earlier if self.newest is None else (*self.earlier, self.newest)

    @property
    def low(self) -> float:
        return min(one.low for one in self.entries)

    @property
    def high(self) -> float:
        return max(one.high for one in self.entries)


def exact(value: float) -> float:
    """A sum or difference without what binary fractions add to it: 1.2 - 0.9 reaches 0.3."""
    return round(value, 9)


def _with(earlier: tuple[Entry, ...], entry: Entry, part: int) -> tuple[Entry, ...]:
    if earlier and earlier[-1].at // part == entry.at // part:
        return (*earlier[:-1], earlier[-1].joined(entry))
    return (*earlier, entry)


def _entry(numbers: Sequence[float]) -> Entry:
    at, low, high, total = numbers
    return Entry(Instant(int(at)), low, high, total)

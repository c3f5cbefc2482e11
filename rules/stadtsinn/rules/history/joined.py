"""The history of several datastreams that are judged together, as arrays.

Each moment at which one of them measured something is one number; what several measured then is
judged at once. What was known before the first moment is taken over, so that a long history can be
gone through a part at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stadtsinn.base.instant import SECOND
from stadtsinn.rules.history.column import NOTHING, Column, Mask, Times, Values, last_of
from stadtsinn.rules.history.scan import Scan
from stadtsinn.rules.joining import VALUES, Joining
from stadtsinn.rules.joining import Values as JoiningValues
from stadtsinn.rules.kind import Notes
from stadtsinn.rules.kinds.both import Also, Both
from stadtsinn.rules.kinds.count import Count
from stadtsinn.rules.kinds.difference import Difference
from stadtsinn.rules.kinds.share import Share

_NEVER = -(2**62)
_UNSURE = 1e-6
"""What adding up and rounding may make of a number."""


@dataclass(frozen=True)
class _Course:
    """The newest value of a datastream at each moment, and when it was measured; the value is NaN
    and the time long ago where there is none yet."""

    times: Times
    values: Values


class Joined:
    """What datastreams measured, each by its number. `known` is what a kind has noted of them from
    before, `stations` how many there are in a group that is judged together."""

    def __init__(
        self, streams: Mapping[int, Column], known: JoiningValues, stations: int | None = None
    ) -> None:
        self.known = known
        self._streams = streams
        self._names = list(streams)
        columns = list(streams.values())
        every = np.concatenate([NOTHING.times, *(one.times for one in columns)])
        self.moments = np.unique(every)
        places = np.searchsorted(self.moments, every)
        # All that was measured, in the order of time.
        self._order = np.argsort(places, kind="stable")
        self._places = places[self._order]
        self._number = self._in_order(
            [np.full(len(one), number) for number, one in enumerate(columns)]
        ).astype(np.int64)
        self._values = self._in_order([one.values for one in columns])
        count = len(self.moments)
        self.column = Column(
            self.moments,
            np.zeros(count),
            permitted=None if stations is None else np.full(count, float(stations)),
            streams=self._at,
        )

    def _in_order(self, of_streams: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate([[], *of_streams])[self._order]

    def _at(self, number: int) -> Mapping[int, float]:
        """What was measured at this moment."""
        first, behind = np.searchsorted(self._places, [number, number + 1])
        names = (self._names[one] for one in self._number[first:behind].tolist())
        return dict(zip(names, self._values[first:behind].tolist(), strict=True))

    def newest(self, first: int, number: int) -> Iterator[tuple[str, int]]:
        """The datastreams that measured something from moment `first` up to moment `number`, and
        which of all values is the newest of each."""
        begin, behind = np.searchsorted(self._places, [first, number + 1])
        latest = np.full(len(self._names), -1)
        latest[self._number[begin:behind]] = np.arange(begin, behind)
        there = np.flatnonzero(latest >= 0)
        for name, place in zip(there.tolist(), latest[there].tolist(), strict=True):
            yield str(self._names[name]), place

    def measured(self, place: int) -> list[Any]:
        """What is noted of one of all values: when it was measured, and the value."""
        return [int(self.moments[self._places[place]]), float(self._values[place])]

    def scan(self, kind: Joining) -> Scan | None:
        """None: nobody wrote one for this kind, so the engine judges every moment."""
        if isinstance(kind, Difference):
            return self._difference(kind)
        if isinstance(kind, Both):
            return self._both(kind)
        return self._count(kind) if isinstance(kind, Count) else None

    def _difference(self, kind: Difference) -> Scan:
        judges = self._complete(kind)
        differs = self._newest(0).values - self._newest(1).values
        # Exactly it is found by rounding, as the engine does it.
        unsure = _UNSURE + 1e-12 * np.abs(np.nan_to_num(differs))
        sign = 1 if kind.worse_above else -1
        rouses = judges & (sign * differs >= sign * kind.on - unsure)
        frees = judges & (sign * differs <= sign * kind.off + unsure)
        return Scan(rouses, frees, _Noting(self, kind, judges, self.measured), judges)

    def _both(self, kind: Both) -> Scan:
        judges = self._complete(kind)
        rouses, frees = judges.copy(), np.zeros(len(judges), bool)
        conditions: Sequence[Both | Also] = (kind, *kind.also)
        for number, one in enumerate(conditions):
            values = self._newest(number).values
            sign = 1 if one.worse_above else -1
            rouses &= sign * values >= sign * one.on
            frees |= sign * values <= sign * one.off
        return Scan(rouses, judges & frees, _Noting(self, kind, judges, self.measured), judges)

    def _count(self, kind: Count) -> Scan:
        known = np.zeros(len(self.moments) + 1)
        inside = known.copy()
        now, before = [], []
        for number, column in self._streams.items():
            times, states = self._states(kind, number, column)
            # Until the next value of the station, or until this one counts no more.
            ends = np.append(times[1:], 2**62)
            ends = np.minimum(ends, times + kind.fresh_s * SECOND + 1)
            first, behind = (np.searchsorted(self.moments, some) for some in (times, ends))
            for counted, some in ((known, slice(None)), (inside, states)):
                np.add.at(counted, first[some], 1)
                np.subtract.at(counted, behind[some], 1)
            own = len(states) - len(column)
            now.append(states[own:])
            before.append(np.concatenate([[False], states])[own : len(states)])
        known, inside = np.cumsum(known)[:-1], np.cumsum(inside)[:-1]
        permitted = self.column.permitted
        stations = known if permitted is None else np.maximum(known, permitted)
        scale = 100 / np.maximum(1, stations) if isinstance(kind, Share) else 1.0
        least, most = inside * scale, (inside + stations - known) * scale
        is_in, was_in = self._in_order(now) > 0, self._in_order(before) > 0

        def noted(place: int) -> list[Any]:
            return [self.measured(place)[0], bool(is_in[place]), bool(was_in[place])]

        # A share is found by rounding, as the engine does it.
        rouses, frees = least >= kind.on - _UNSURE, most <= kind.off + _UNSURE
        return Scan(rouses, frees, _Noting(self, kind, None, noted))

    def _states(self, kind: Count, number: int, column: Column) -> tuple[Times, Mask]:
        """When a station said something, what is known of before in front, and whether it was in
        the state then."""
        sign = 1 if kind.each_above else -1
        times = column.times
        gets_in = sign * column.values >= sign * kind.each_on
        gets_out = sign * column.values <= sign * kind.each_off
        known = self.known.get(str(number))
        if known is not None:
            times = np.concatenate([[known[0]], times])
            gets_in = np.concatenate([[bool(known[1])], gets_in])
            gets_out = np.concatenate([[not known[1]], gets_out])
        return times, last_of(gets_in) > last_of(gets_out)

    def _newest(self, number: int) -> _Course:
        column = self._streams.get(number, NOTHING)
        known = self.known.get(str(number))
        at, value = (_NEVER, np.nan) if known is None else (known[0], known[1])
        # Behind the first moment stands what was known before it.
        places = np.searchsorted(column.times, self.moments, "right")
        times = np.concatenate([[at], column.times]).astype(np.int64)
        return _Course(times[places], np.concatenate([[value], column.values])[places])

    def _complete(self, kind: Joining) -> Mask:
        """Whether all that is needed is there and counts."""
        found = np.ones(len(self.moments), bool)
        for number in range(len(kind.others) + 1):
            times = self._newest(number).times
            found &= times >= self.moments - kind.fresh(number) * SECOND
        return found


class _Noting:
    """What a kind notes, from one number to ever later ones: of each datastream only what it
    measured last is looked at. `noted` is what is noted of one of all values."""

    def __init__(
        self,
        joined: Joined,
        kind: Joining,
        judges: Mask | None,
        noted: Callable[[int], Sequence[Any]],
    ) -> None:
        self._joined = joined
        self._kind = kind
        self._judged = None if judges is None else last_of(judges)
        self._noted = noted
        self._values = dict(joined.known)
        self._next = 0

    def __call__(self, number: int) -> tuple[Notes, float]:
        judged = number if self._judged is None else int(self._judged[number])
        value = 0.0  # where none is judged
        if judged >= self._next:
            self._go_to(judged)
            sample = self._joined.column.sample(judged)
            value = self._kind.joined(self._values, sample).value or value
        self._go_to(number)
        return {VALUES: dict(self._values)}, value

    def _go_to(self, number: int) -> None:
        for stream, place in self._joined.newest(self._next, number):
            self._values[stream] = self._noted(place)
        self._next = number + 1

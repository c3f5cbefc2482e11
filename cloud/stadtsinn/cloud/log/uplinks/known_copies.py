"""The frames of one device, session and counter that are known, found without a walk over all.

Nearly always there are none or one. A device that begins its counters again at every uplink has
thousands, and an edge may make them up: each new one must not cost more for those before it.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from operator import attrgetter

from stadtsinn.cloud.log.uplinks.identity import Copy

NEAREST = 2
"""Frames of equal content that are looked at on each side in time. Evidence that the device
restarted since the nearest one is evidence for those behind it as well."""

_TIME = attrgetter("event_time")
_Content = tuple[int, bytes]


class KnownCopies:
    """Frames with one key. `generation` is the highest; -1 where there is none."""

    __slots__ = ("_by_content", "_ids", "generation")

    def __init__(self) -> None:
        self.generation = -1
        self._by_content: dict[_Content, list[Copy]] = {}
        self._ids: set[tuple[_Content, str]] = set()

    def add(self, copy: Copy) -> None:
        self.generation = max(self.generation, copy.generation or 0)
        content = (copy.f_port, copy.payload)
        insort(self._by_content.setdefault(content, []), copy, key=_TIME)
        if copy.deduplication_id:
            self._ids.add((content, copy.deduplication_id))

    def candidates(self, new: Copy) -> Sequence[Copy]:
        """Those of which `new` may be a copy: of its content, nearest in time."""
        equal = self._by_content.get((new.f_port, new.payload), ())
        if len(equal) <= 2 * NEAREST:
            return equal
        middle = bisect_left(equal, new.event_time, key=_TIME)
        return equal[max(0, middle - NEAREST) : middle + NEAREST]

    def has_event(self, new: Copy) -> bool:
        """Whether the same event of a network server is known."""
        content = (new.f_port, new.payload)
        return bool(new.deduplication_id) and (content, new.deduplication_id) in self._ids

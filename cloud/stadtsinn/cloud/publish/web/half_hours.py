"""Today's occupancy in half hours since midnight, computed at most once per five minutes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base import berlin
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.domains.crowd.history import occupancy_history
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.publish.web.repository import PublicZone

SLOT = 30 * MINUTE
MINUTES = SLOT // MINUTE
_ENOUGH = 20
_FRESH_FOR = 5 * MINUTE


@dataclass(frozen=True)
class Slot:
    """The mean of half an hour, with the widest bounds in it. `minutes` of it were counted."""

    start: Instant
    persons: int
    low: int
    high: int
    minutes: int = MINUTES

    @property
    def counts(self) -> bool:
        """Enough of it was counted to be compared with others."""
        return self.minutes >= _ENOUGH


def slots_of(samples: list[ZoneSample]) -> tuple[Slot, ...]:
    """The half hours of these samples; one without samples is left out."""
    grouped: dict[int, list[ZoneSample]] = {}
    for sample in samples:
        grouped.setdefault(sample.event_time // SLOT * SLOT, []).append(sample)
    return tuple(
        Slot(
            Instant(start),
            round(sum(sample.occupancy for sample in group) / len(group)),
            min(sample.low for sample in group),
            max(sample.high for sample in group),
            len(group),
        )
        for start, group in sorted(grouped.items())
    )


class HalfHours:
    """Today's half hours of each zone, cached: many viewers cost one computation.

    Of so many zones at most; those asked for last stay.
    """

    def __init__(self, capacity: int = 1_000) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._known: OrderedDict[int, tuple[tuple[int, int], tuple[Slot, ...]]] = OrderedDict()

    def today(self, connection: Connection, zone: PublicZone, now: int) -> tuple[Slot, ...]:
        """The half hours of the local day so far."""
        key = (berlin.midnight(now), now // _FRESH_FOR)
        with self._lock:
            known = self._known.get(zone.id)
        if known is None or known[0] != key:
            # Without the lock: a long day of one zone keeps no other zone waiting.
            known = (key, slots_of(occupancy_history(connection, zone.id, key[0], now)))
        with self._lock:
            self._known[zone.id] = known
            self._known.move_to_end(zone.id)
            while len(self._known) > self._capacity:
                self._known.popitem(last=False)
        return known[1]

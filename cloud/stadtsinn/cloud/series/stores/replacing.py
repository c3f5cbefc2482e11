"""Replacing part of a station's series so that nobody ever sees a mixture of old and new."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from stadtsinn.base.instant import Instant


class SeriesPart(msgspec.Struct, frozen=True):
    """Every point of a station with `start` <= time < `end`."""

    tenant_id: str
    station: str
    start: Instant
    end: Instant

    def holds(self, time: int) -> bool:
        return self.start <= time < self.end


class Phase(StrEnum):
    """How far a replacement has come in a store without transactions."""

    STAGING = "staging"
    """New points gather aside; readers see the old ones."""
    SWITCHED = "switched"
    """Readers see the part aside; in its own place it is deleted and written anew."""
    SETTLED = "settled"
    """Readers see the part in its own place again; what lies aside is to be deleted."""
    DONE = "done"
    """Nothing lies aside."""


class Replacement(msgspec.Struct, frozen=True):
    """A station's part on its way. `revision` is new with every change of any replacement."""

    part: SeriesPart
    phase: Phase
    revision: int

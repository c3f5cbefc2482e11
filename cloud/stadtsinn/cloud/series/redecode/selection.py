"""Which uplinks are to be decoded again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.parquet import integers

Mask = npt.NDArray[np.bool_]

NEEDED = ("position", "tenant_id", "dev_eui", "device_type", "event_time")
"""Columns that choosing asks for."""


@dataclass(frozen=True)
class Selection:
    """Uplinks with start <= event time < end up to a position of the log.

    `devices` are DevEUIs (lower case) and device types; empty means all.
    """

    start: Instant
    end: Instant
    last_position: int
    tenant_id: str | None = None
    devices: frozenset[str] = field(default_factory=frozenset)

    def mask(self, batch: Any) -> Mask:
        """Which rows of a batch with the columns NEEDED are chosen."""
        times = integers(batch, "event_time")
        chosen: Mask = (times >= self.start) & (times < self.end)
        chosen &= integers(batch, "position") <= self.last_position
        if self.tenant_id is not None:
            chosen &= _among(batch.column("tenant_id"), frozenset({self.tenant_id}))
        if self.devices:
            chosen &= _among(batch.column("dev_eui"), self.devices) | _among(
                batch.column("device_type"), self.devices
            )
        return chosen


def _among(names: Any, wanted: frozenset[str]) -> Mask:
    """Which entries of a dictionary column are wanted; a sensor's constants do not count."""
    known = names.dictionary.to_pylist()
    hits = np.array([name.partition(":")[0] in wanted for name in known] + [False], np.bool_)
    codes = names.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    found: Mask = hits[codes]
    return found

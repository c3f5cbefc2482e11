"""How much room a disk has."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1_000_000
LEAST = 100 * MEGABYTE
"""With less free than this, databases soon cannot write."""
_LITTLE = 0.1
_ENOUGH = 10_000 * MEGABYTE


@dataclass(frozen=True)
class Space:
    """Of the disk that holds a folder, in bytes."""

    free: int
    total: int

    @property
    def share(self) -> float:
        """The free part, 0 to 1."""
        return self.free / self.total if self.total else 0.0

    @property
    def is_full(self) -> bool:
        return self.free < LEAST

    @property
    def is_little(self) -> bool:
        """Time to look after it: little of a disk on which there is not much either."""
        return self.share < _LITTLE and self.free < _ENOUGH


def space_of(path: Path) -> Space:
    """Of the disk on which `path` is, or would be made. Raises OSError."""
    while not path.exists():
        path = path.parent
    used = shutil.disk_usage(path)
    return Space(used.free, used.total)

"""How much room a disk has."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
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
    used = shutil.disk_usage(_existing(path))
    return Space(used.free, used.total)


def one_per_disk(paths: Iterable[Path]) -> list[Path]:
    """The first of these on each disk: what is said of one holds for the others there."""
    found: dict[int, Path] = {}
    for path in paths:
        with suppress(OSError):
            found.setdefault(_existing(path).stat().st_dev, path)
    return list(found.values())


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path

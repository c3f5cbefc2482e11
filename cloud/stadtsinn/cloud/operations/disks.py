"""How full the disks of this machine are, how fast the log grows, and when that ends.

The forecast is the straight line through what was free in the last weeks. The samples are kept in
the database, so that it survives restarts.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, nan
from pathlib import Path

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.disk import MEGABYTE, Space, one_per_disk, space_of
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.operations import repository
from stadtsinn.cloud.operations.metrics import DISK_DAYS, DISK_FREE, LOG_PER_DAY
from stadtsinn.cloud.platform.database.engine import Database

KEPT = 30 * DAY
EVERY = 6 * HOUR
LEAST_SPAN = DAY
"""A shorter time tells nothing: a backup comes and goes."""

_LOOK_S = 60.0
_BACKOFF = Backoff(first=60, longest=3600)

Sample = tuple[Instant, int]
"""(when, bytes free)"""


@dataclass(frozen=True)
class Disk:
    """`days_left`: until it is full, inf where it does not fill, nan where nobody knows yet."""

    folder: Path
    space: Space
    days_left: float

    def fills(self, disk_days: float) -> bool:
        """Whether an operator has to look after it."""
        return self.space.is_full or self.space.is_little or self.days_left <= disk_days

    def warning(self, disk_days: float) -> str:
        free = f"{self.folder}: {self.space.free // MEGABYTE} MB free ({self.space.share:.0%})"
        if self.space.is_full:
            return f"{free}, as good as full"
        if self.days_left <= disk_days:
            return f"{free}, full in {counted(round(self.days_left), 'day', 'days')} at this rate"
        return free


def days_left(samples: Sequence[Sample], free: int) -> float:
    """Until nothing is free, by the line of least squares through the samples."""
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < LEAST_SPAN:
        return nan
    days = [(at - samples[0][0]) / DAY for at, _ in samples]
    middle, mean = sum(days) / len(days), sum(one for _, one in samples) / len(samples)
    spread = sum((day - middle) ** 2 for day in days)
    pairs = zip(days, samples, strict=True)
    slope = sum((day - middle) * (one - mean) for day, (_, one) in pairs) / spread
    return free / -slope if slope < 0 else inf


class DiskWatch(Repeating):
    """Looks at the disks of some folders every minute, and notes a sample every few hours."""

    def __init__(
        self,
        folders: Iterable[Path],
        database: Database,
        clock: Clock,
        disk_days: float,
        look: Callable[[Path], Space] = space_of,
    ) -> None:
        super().__init__(
            "disks",
            _BACKOFF,
            failed="disks_not_looked_at",
            remedy="it is tried again; meanwhile nobody warns of a full disk",
        )
        self._folders = tuple(one_per_disk(folders))
        self._database = database
        self._clock = clock
        self._disk_days = disk_days
        self._look = look
        self._lock = threading.Lock()
        self._disks: tuple[Disk, ...] = ()
        for folder in self._folders:
            DISK_FREE.labels(str(folder)).set_function(partial(self._free, folder))
            DISK_DAYS.labels(str(folder)).set_function(partial(self._left, folder))

    @property
    def disks(self) -> tuple[Disk, ...]:
        """As they were at the last look."""
        with self._lock:
            return self._disks

    def folders(self) -> list[str]:
        return [str(folder) for folder in self._folders]

    def filling(self) -> list[Disk]:
        """Those that an operator has to look after."""
        return [disk for disk in self.disks if disk.fills(self._disk_days)]

    def check(self) -> Check:
        """Fails when a disk is full; warns before."""
        full = [str(disk.folder) for disk in self.disks if disk.space.is_full]
        filling = (disk.warning(self._disk_days) for disk in self.filling())
        warnings = tuple(f"{words}: make room" for words in filling)
        if full:
            return Check(False, f"no room at {', '.join(full)}: make room", warnings)
        least = min((disk.space.free for disk in self.disks), default=None)
        if least is None:
            return Check(True, "not looked at yet")
        return Check(True, f"{least // MEGABYTE} MB free", warnings)

    def step(self) -> float:
        now = self._clock.now()
        spaces = {folder: self._look(folder) for folder in self._folders}
        with self._database.read() as connection:
            known = {
                folder: repository.disk_samples(connection, _place(folder)) for folder in spaces
            }
            LOG_PER_DAY.set(repository.logged_since(connection, Instant(now - DAY)))
        self._note(now, spaces, known)
        disks = tuple(
            Disk(folder, space, days_left([*known[folder], (now, space.free)], space.free))
            for folder, space in spaces.items()
        )
        with self._lock:
            self._disks = disks
        return _LOOK_S

    def _note(
        self,
        now: Instant,
        spaces: dict[Path, Space],
        known: dict[Path, list[Sample]],
    ) -> None:
        due = [
            (_place(folder), space.free)
            for folder, space in spaces.items()
            if not known[folder] or now - known[folder][-1][0] >= EVERY
        ]
        if due:
            with self._database.write() as connection:
                repository.note_disk_samples(connection, due, now, Instant(now - KEPT))

    def _free(self, folder: Path) -> float:
        return next((float(one.space.free) for one in self.disks if one.folder == folder), nan)

    def _left(self, folder: Path) -> float:
        return next((one.days_left for one in self.disks if one.folder == folder), nan)


def _place(folder: Path) -> str:
    return f"{socket.gethostname()}:{folder}"[:300]

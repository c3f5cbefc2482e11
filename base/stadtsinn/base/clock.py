"""Clocks. Code that needs the time gets one of these as an argument."""

from __future__ import annotations

import ctypes
import mmap
import time
from pathlib import Path
from typing import Protocol

from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.base.private_files import private_file
from stadtsinn.base.sentence import Unusable

MADE = Instant(1_767_225_600 * SECOND)
"""2026-01-01: there was no version before, so no clock that is right shows less."""
_LIFE = 30 * 365 * DAY


def plausible(now: Instant) -> bool:
    """Can a machine's clock be right that shows this? A board without a battery begins in 1970."""
    return MADE <= now <= MADE + _LIFE


class Clock(Protocol):
    """A source of the current time."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)


class ManualClock:
    """A clock that changes only when it is set; for tests."""

    def __init__(self, start: Instant) -> None:
        self._now = start

    def now(self) -> Instant:
        return self._now

    def set(self, moment: Instant) -> None:
        self._now = moment

    def advance(self, micros: int) -> None:
        self._now = Instant(self._now + micros)


class SharedClock:
    """A simulated clock that several processes read from one memory-mapped file.

    The simulator writes it, every other process of a demo reads it: microseconds as one aligned
    64-bit word in the machine's byte order. ctypes loads and stores such a word in one piece,
    so readers need no lock; `struct.pack_into` writes zeros first, which a reader can see.
    """

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), ctypes.sizeof(ctypes.c_int64))
        self._word = ctypes.c_int64.from_buffer(self._map)

    @classmethod
    def create(cls, path: Path, start: Instant) -> SharedClock:
        """Make the file, standing at `start`."""
        private_file(path)
        path.write_bytes(bytes(ctypes.c_int64(start)))
        return cls(path)

    def now(self) -> Instant:
        return Instant(self._word.value)

    def set(self, moment: Instant) -> None:
        self._word.value = moment


def open_clock(spec: str) -> Clock:
    """The clock of a specification: ``system`` or ``shared:PATH``."""
    if spec == "system":
        return SystemClock()
    kind, _, path = spec.partition(":")
    if kind == "shared" and path:
        return SharedClock(Path(path))
    raise Unusable(
        f"unknown clock {spec!r}: use 'system' or 'shared:PATH'",
        f"unbekannte Uhr {spec!r}: 'system' oder 'shared:PFAD' angeben",
    )

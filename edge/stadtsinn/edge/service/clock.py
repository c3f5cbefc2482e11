"""Clocks. Everything that asks for the time is given one of these."""

from __future__ import annotations

import mmap
import struct
import time
from pathlib import Path
from typing import Protocol

from stadtsinn.decoders.instant import Instant

_MICROS = struct.Struct("<q")


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> Instant: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> Instant:
        return Instant(time.time_ns() // 1000)


class ManualClock:
    """A clock that stands still until somebody moves it."""

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

    The simulator writes it, every other process of a demo reads it: eight bytes,
    little-endian microseconds. Writing an aligned 64-bit word is atomic on the
    machines we run on, so readers need no lock.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), _MICROS.size)

    @classmethod
    def create(cls, path: Path, start: Instant) -> SharedClock:
        """Make the file, standing at `start`."""
        path.write_bytes(_MICROS.pack(start))
        return cls(path)

    def now(self) -> Instant:
        (micros,) = _MICROS.unpack_from(self._map)
        return Instant(micros)

    def set(self, moment: Instant) -> None:
        _MICROS.pack_into(self._map, 0, moment)


def open_clock(spec: str) -> Clock:
    """The clock a process was told to use: ``system`` or ``shared:PATH``."""
    if spec == "system":
        return SystemClock()
    kind, _, path = spec.partition(":")
    if kind == "shared" and path:
        return SharedClock(Path(path))
    raise ValueError(f"unknown clock {spec!r}: use 'system' or 'shared:PATH'")

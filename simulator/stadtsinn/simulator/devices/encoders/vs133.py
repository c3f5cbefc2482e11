"""Milesight VS133, people counter with four lines, port 85 (user guide, "Uplink").

A frame is a list of channel, type, value; values are little-endian. Line n counts on channels
3n (in), 3n+1 (out) and 3n+2 (the period's in and out).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stadtsinn.simulator.devices.encoders.fixed_point import UnencodableValue, unsigned

PORT = 85
LINES = 4
_TOTAL, _PERIOD = 0xD2, 0xCC


@dataclass(frozen=True)
class Passages:
    """Persons who crossed a line inwards and outwards."""

    inwards: int = 0
    outwards: int = 0


def encode_totals(lines: Sequence[Passages]) -> bytes:
    """Running totals of lines 1, 2, …: 32 bits each."""
    _check(lines)
    return b"".join(
        bytes([3 * number + direction, _TOTAL]) + unsigned(count, 4, order="little")
        for number, line in enumerate(lines, start=1)
        for direction, count in enumerate((line.inwards, line.outwards))
    )


def encode_periods(lines: Sequence[Passages]) -> bytes:
    """Passages of lines 1, 2, … since the last report: 16 bits each."""
    _check(lines)
    return b"".join(
        bytes([3 * number + 2, _PERIOD])
        + unsigned(line.inwards, 2, order="little")
        + unsigned(line.outwards, 2, order="little")
        for number, line in enumerate(lines, start=1)
    )


def _check(lines: Sequence[Passages]) -> None:
    if not 1 <= len(lines) <= LINES:
        raise UnencodableValue(f"{len(lines)} lines: the VS133 has 1 to {LINES}")

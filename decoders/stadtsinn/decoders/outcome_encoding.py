"""Outcomes as the log stores them, encoded from the kernel's columns without Reading objects.

When redecoding, nearly every outcome is the same as before. To find out which, each is encoded as
MessagePack, with the same bytes as by msgspec, and compared with the stored bytes. The constant
bytes before and after each number are taken from an encoding by msgspec.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import msgspec
import numba
import numpy as np
import numpy.typing as npt

from stadtsinn.decoders import program as p
from stadtsinn.decoders.batch import Bytes, Columns, Int32, Int64
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.interpreter import Result
from stadtsinn.decoders.reading import Decoded

encode = msgspec.msgpack.Encoder().encode

_MARK = -1.2345678901234567e-289
"""Placeholder for a value: a number whose bytes occur in no name."""
_MARK_BYTES = struct.pack(">d", _MARK)

_NUMBERS = 1_000
"""Channel numbers below this are cached; no device has higher ones."""

Mask = npt.NDArray[np.bool_]


class OutcomeEncoder:
    """Writes outcomes of the given device types' programs, numbered as in their tables."""

    def __init__(self, devices: Sequence[DeviceType]) -> None:
        self._devices = tuple(devices)
        self._heads, self._head_offsets = _packed(
            [encode(Decoded(device.decoder, ()))[:-1] for device in devices]
        )
        self._around: list[bytes] = []
        self._numbered: dict[tuple[int, int, int], int] = {}
        firsts: list[tuple[int, int]] = []
        for device in devices:
            flags = p.FIRST_FAULT + len(device.program.faults)
            firsts.append((len(self._around) // 2, flags))
            for slot in range(len(device.program.slots)):
                for flag in range(flags):
                    self._around += _around_value(device, slot, flag, -1)
        self._firsts = np.array(firsts or [(0, 1)], np.int64)
        self._pieces, self._piece_offsets = _packed(self._around)

    @property
    def count(self) -> int:
        """How many device types it writes."""
        return len(self._devices)

    def encode(self, columns: Columns, programs: Int32) -> tuple[Bytes, Int64, Mask]:
        """Bytes and offsets of each row's outcome, and which rows have one.

        Rows that were not decoded and rows with event times of their own have no bytes: encode
        them with `DeviceType.outcome`.
        """
        rows = len(columns)
        mask: Mask = columns.status == p.OK
        value_programs = np.repeat(programs, np.diff(columns.starts))
        kinds = self._firsts[value_programs, 0]
        kinds += columns.slots * self._firsts[value_programs, 1] + columns.flags
        if len(columns.extras):
            left = self._number_channels(columns, value_programs, kinds)
            mask[np.searchsorted(columns.starts, left, side="right") - 1] = False
        offsets = np.zeros(rows + 1, np.int64)
        heads, pieces = self._head_offsets, self._piece_offsets
        _measure(programs, columns.starts, kinds, mask, heads, pieces, offsets)
        np.cumsum(offsets, out=offsets)
        out = np.empty(int(offsets[-1]), np.uint8)
        numbers = columns.values.astype(">f8").view(np.uint8)
        constant = (heads, pieces, self._heads, self._pieces)
        _write(programs, columns.starts, kinds, mask, *constant, numbers, offsets, out)
        return out, offsets, mask

    def _number_channels(self, columns: Columns, programs: Int32, kinds: Int64) -> Int64:
        """Set `kinds` of values with numbered channels; returns the values it has none for."""
        values, counted = columns.extras[:, 0], columns.extras[:, 1]
        simple = (columns.extras[:, 2] < 0) & (counted < _NUMBERS)
        chosen = values[simple]
        keys = np.stack([programs[chosen], columns.tags[chosen], counted[simple]], axis=1)
        different, which = np.unique(keys, axis=0, return_inverse=True)
        found = np.array([self._kind(*key) for key in different.tolist()] or [0], np.int64)
        kinds[chosen] = found[which.reshape(-1)]
        return values[~simple]

    def _kind(self, program: int, tag: int, counted: int) -> int:
        """The kind of values of this program, tag and channel number: an index into the pieces."""
        key = (program, tag, counted)
        if key not in self._numbered:
            self._numbered[key] = len(self._around) // 2
            self._around += _around_value(self._devices[program], tag & 0xFFFF, tag >> 16, counted)
            self._pieces, self._piece_offsets = _packed(self._around)
        return self._numbered[key]


def _around_value(device: DeviceType, slot: int, flag: int, counted: int) -> tuple[bytes, bytes]:
    """The encoded reading's bytes before and after its value."""
    outcome = device.outcome(Result(p.OK, 0, 0, [(slot, _MARK, flag, counted, -1)]), 1, b"")
    assert isinstance(outcome, Decoded)
    before, _, behind = encode(outcome.readings[0]).partition(_MARK_BYTES)
    return before, behind


def _packed(parts: Sequence[bytes]) -> tuple[Bytes, Int64]:
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return np.frombuffer(b"".join(parts) or b"\0", np.uint8), offsets


@numba.njit(cache=True, nogil=True)
def _array_head(count):  # type: ignore[no-untyped-def]
    """Number of bytes of an array's header in MessagePack."""
    if count <= 15:
        return 1
    return 3 if count <= 0xFFFF else 5


@numba.njit(cache=True, nogil=True)
def _measure(  # type: ignore[no-untyped-def]
    programs, starts, kinds, mask, head_offsets, piece_offsets, sizes
):
    """Bytes of each masked row's outcome into sizes[row + 1]."""
    for row in range(len(programs)):
        if not mask[row]:
            continue
        program = programs[row]
        count = starts[row + 1] - starts[row]
        size = head_offsets[program + 1] - head_offsets[program] + _array_head(count)
        for i in range(starts[row], starts[row + 1]):
            piece = 2 * kinds[i]
            size += piece_offsets[piece + 2] - piece_offsets[piece] + 8
        sizes[row + 1] = size


@numba.njit(cache=True, nogil=True)
def _write(  # type: ignore[no-untyped-def]
    programs, starts, kinds, mask, head_offsets, piece_offsets, heads, pieces, numbers, offsets,
    out,
):  # fmt: skip
    for row in range(len(programs)):
        if not mask[row]:
            continue
        program, at = programs[row], offsets[row]
        for k in range(head_offsets[program], head_offsets[program + 1]):
            out[at] = heads[k]
            at += 1
        count = starts[row + 1] - starts[row]
        size = _array_head(count)
        if size == 1:
            out[at] = 0x90 | count
        else:
            out[at] = 0xDC if size == 3 else 0xDD
            for k in range(1, size):
                out[at + k] = count >> 8 * (size - 1 - k) & 0xFF
        at += size
        for i in range(starts[row], starts[row + 1]):
            piece = 2 * kinds[i]
            for k in range(piece_offsets[piece], piece_offsets[piece + 1]):
                out[at] = pieces[k]
                at += 1
            for k in range(8 * i, 8 * i + 8):
                out[at] = numbers[k]
                at += 1
            for k in range(piece_offsets[piece + 1], piece_offsets[piece + 2]):
                out[at] = pieces[k]
                at += 1


@numba.njit(cache=True, nogil=True)
def differing(ours, our_offsets, theirs, their_offsets):  # type: ignore[no-untyped-def]
    """Per row, whether two columns of byte strings differ."""
    rows = len(our_offsets) - 1
    found = np.zeros(rows, np.bool_)
    for row in range(rows):
        at, size = our_offsets[row], our_offsets[row + 1] - our_offsets[row]
        other = their_offsets[row]
        if their_offsets[row + 1] - other != size:
            found[row] = True
            continue
        for k in range(size):
            if ours[at + k] != theirs[other + k]:
                found[row] = True
                break
    return found

"""Outcomes as the log stores them, straight from the kernel's columns.

Nearly every uplink decodes to what it decoded to before. To see that, its outcome is written as
MessagePack, byte for byte as msgspec would, and compared with what is stored: no Reading object is
made for it. The constant bytes around each number come from msgspec itself.
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
"""A number that no name contains as bytes; it stands where values go."""
_MARK_BYTES = struct.pack(">d", _MARK)

Mask = npt.NDArray[np.bool_]


class OutcomeEncoder:
    """Writes outcomes of the given device types' programs, numbered as in their tables."""

    def __init__(self, devices: Sequence[DeviceType]) -> None:
        heads: list[bytes] = []
        around: list[bytes] = []
        bases: list[tuple[int, int]] = []
        for device in devices:
            bases.append((len(around) // 2, _flags(device)))
            heads.append(encode(Decoded(device.decoder, ()))[:-1])
            around += _around_values(device)
        self._heads, self._head_offsets = _packed(heads)
        self._around, self._around_offsets = _packed(around)
        self._bases = np.array(bases or [(0, 1)], np.int64).reshape(-1, 2)

    def encode(self, columns: Columns, programs: Int32) -> tuple[Bytes, Int64, Mask]:
        """Bytes and offsets of each row's outcome, and which rows have one.

        Rows that were not decoded, and those with numbered channels or times of their own, are
        left to `DeviceType.outcome`; they have no bytes here.
        """
        rows = len(columns)
        mask: Mask = columns.status == p.OK
        if len(columns.extras):
            mask[np.searchsorted(columns.starts, columns.extras[:, 0], side="right") - 1] = False
        offsets = np.zeros(rows + 1, np.int64)
        tables = (self._head_offsets, self._around_offsets, self._bases)
        _measure(programs, columns.starts, columns.tags, mask, *tables, offsets)
        np.cumsum(offsets, out=offsets)
        out = np.empty(int(offsets[-1]), np.uint8)
        numbers = columns.values.astype(">f8").view(np.uint8)
        parts = (self._heads, self._around)
        _write(programs, columns.starts, columns.tags, mask, *tables, *parts, numbers, offsets, out)
        return out, offsets, mask


def _flags(device: DeviceType) -> int:
    return p.FIRST_FAULT + len(device.program.faults)


def _around_values(device: DeviceType) -> list[bytes]:
    """What stands before and behind the value, for each slot and flag."""
    found: list[bytes] = []
    for slot in range(len(device.program.slots)):
        for flag in range(_flags(device)):
            result = Result(p.OK, 0, 0, [(slot, _MARK, flag, -1, -1)])
            outcome = device.outcome(result, 1, b"")
            assert isinstance(outcome, Decoded)
            before, _, behind = encode(outcome.readings[0]).partition(_MARK_BYTES)
            found += [before, behind]
    return found


def _packed(parts: Sequence[bytes]) -> tuple[Bytes, Int64]:
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return np.frombuffer(b"".join(parts) or b"\0", np.uint8), offsets


@numba.njit(cache=True, nogil=True)
def _pair(bases, program, tag):  # type: ignore[no-untyped-def]
    """Where the bytes around a value of this slot and flag begin."""
    return 2 * (bases[program, 0] + (tag & 0xFFFF) * bases[program, 1] + (tag >> 16))


@numba.njit(cache=True, nogil=True)
def _array_head(count):  # type: ignore[no-untyped-def]
    """Bytes that MessagePack spends on an array's length."""
    if count <= 15:
        return 1
    return 3 if count <= 0xFFFF else 5


@numba.njit(cache=True, nogil=True)
def _measure(  # type: ignore[no-untyped-def]
    programs, starts, tags, mask, head_offsets, around_offsets, bases, sizes
):
    """Bytes of each masked row's outcome into sizes[row + 1]."""
    for row in range(len(programs)):
        if not mask[row]:
            continue
        program = programs[row]
        count = starts[row + 1] - starts[row]
        size = head_offsets[program + 1] - head_offsets[program] + _array_head(count)
        for i in range(starts[row], starts[row + 1]):
            pair = 2 * (
                bases[program, 0] + (tags[i] & 0xFFFF) * bases[program, 1] + (tags[i] >> 16)
            )
            size += around_offsets[pair + 2] - around_offsets[pair] + 8
        sizes[row + 1] = size


@numba.njit(cache=True, nogil=True)
def _write(  # type: ignore[no-untyped-def]
    programs, starts, tags, mask, head_offsets, around_offsets, bases, heads, around, numbers,
    offsets, out,
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
            pair = 2 * (
                bases[program, 0] + (tags[i] & 0xFFFF) * bases[program, 1] + (tags[i] >> 16)
            )
            for k in range(around_offsets[pair], around_offsets[pair + 1]):
                out[at] = around[k]
                at += 1
            for k in range(8 * i, 8 * i + 8):
                out[at] = numbers[k]
                at += 1
            for k in range(around_offsets[pair + 1], around_offsets[pair + 2]):
                out[at] = around[k]
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

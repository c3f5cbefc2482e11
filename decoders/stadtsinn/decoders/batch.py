"""Batches: many payloads in one buffer, columns out; Reading objects are made on request only.

The buffers are Arrow's large binary layout: one byte buffer, 64-bit offsets, so that an archive's
column decodes without a copy (the buffer needs 8 readable bytes behind the last payload; without
them it is copied once).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.decoders import program as p
from stadtsinn.decoders.compiled_kernel import decode_rows
from stadtsinn.decoders.interpreter import Emitted, Result
from stadtsinn.decoders.program import Program

PADDING = 8
NEVER = -1
"""Time of reception that is not known."""
_NO_PORT = 256
"""Replaces any number that is no fPort: an int32 column cannot hold every Python int."""
_FIRST_GUESS = 8
"""Values per row allocated at first; doubled when rows have more."""

Bytes = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


class Tables:
    """The op tables of several programs, one after the other. Immutable."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.programs = tuple(programs)
        self.ops = _rows([row for x in programs for row in x.ops], p.OP_COLUMNS, np.int32)
        self.floats = _rows(
            [row for x in programs for row in x.floats], p.FLOAT_COLUMNS, np.float64
        )
        self.switch_keys = np.array([k for x in programs for k in x.switch_keys] or [-1], np.int64)
        self.switch_targets = np.array(
            [t for x in programs for t in x.switch_targets] or [0], np.int32
        )
        self.sentinels = np.array([s for x in programs for s in x.sentinels] or [0], np.float64)
        self.actions = np.array([a for x in programs for a in x.actions] or [0], np.int32)
        sizes = [(len(x.ops), len(x.switch_keys), len(x.sentinels)) for x in programs]
        self.bases = np.zeros((len(sizes) + 1, 3), np.uint64)
        self.bases[1:] = np.cumsum(np.array(sizes or [(0, 0, 0)], np.uint64), axis=0)[: len(sizes)]


def _rows(
    rows: list[tuple[int, ...]] | list[tuple[float, ...]], columns: int, kind: type
) -> npt.NDArray[Any]:
    return np.array(rows, kind).reshape(len(rows), columns)


@dataclass(frozen=True)
class Columns:
    """What a batch decoded to. Row `i` has the values `starts[i]` to `starts[i + 1]`.

    `slots` are slots of the row's own program; `flags` as in program.py. `extras` holds, for
    values that have one: the value's index, its channel's number, its Unix seconds (-1: none).
    `details` (byte offset, bytes needed) counts only where `status` is not OK.
    """

    starts: Int64
    values: Float64
    tags: Int32
    status: Bytes
    details: Int32
    extras: Int64

    def __len__(self) -> int:
        return len(self.status)

    @property
    def slots(self) -> Int32:
        """Slot of each value."""
        return self.tags & 0xFFFF

    @property
    def flags(self) -> Int32:
        """Flag of each value."""
        return self.tags >> 16

    def take(self, rows: Int64) -> Columns:
        """Only the rows of these numbers, which must be in ascending order."""
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        index = np.repeat(self.starts[rows] - starts[:-1], counts) + np.arange(starts[-1])
        held = np.isin(self.extras[:, 0], index)
        extras = self.extras[held]
        extras[:, 0] = np.searchsorted(index, extras[:, 0])
        return Columns(
            starts, self.values[index], self.tags[index],
            self.status[rows], self.details[rows], extras,
        )  # fmt: skip

    def results(self) -> Iterator[Result]:
        """Each row as the interpreter gives it."""
        extras = {int(i): (int(c), int(s)) for i, c, s in self.extras}
        values, tags = self.values.tolist(), self.tags.tolist()
        starts, status = self.starts.tolist(), self.status.tolist()
        for row, state in enumerate(status):
            if state != p.OK:
                yield Result(state, int(self.details[row, 0]), int(self.details[row, 1]), [])
                continue
            emitted: list[Emitted] = [
                (tags[i] & 0xFFFF, values[i], tags[i] >> 16, *extras.get(i, (-1, -1)))
                for i in range(starts[row], starts[row + 1])
            ]
            yield Result(p.OK, 0, 0, emitted)


def decode_payloads(
    tables: Tables, rows: Sequence[tuple[int, int, bytes, Instant | None]]
) -> Columns:
    """As decode_columns, for a list of rows: program, port, payload, time of reception."""
    payloads = [payload for _, _, payload, _ in rows]
    offsets = np.zeros(len(rows) + 1, np.int64)
    np.cumsum([len(payload) for payload in payloads], out=offsets[1:])
    return decode_columns(
        tables,
        np.array([program for program, *_ in rows], np.int32),
        np.array([p if 0 <= p < _NO_PORT else _NO_PORT for _, p, *_ in rows], np.int32),
        np.array([NEVER if at is None else at // SECOND for *_, at in rows], np.int64),
        np.frombuffer(b"".join(payloads) + bytes(PADDING), np.uint8),
        offsets,
    )


def decode_columns(
    tables: Tables,
    programs: Int32,
    ports: Int32,
    received: Int64,
    buffer: Bytes,
    offsets: Int64,
) -> Columns:
    """Decode rows: `programs` numbers of `tables` (negative: unknown device), `ports`, payloads.

    `received`: when a gateway received them, in Unix seconds (negative: not known). Raises
    ValueError when the arrays' lengths do not match.
    """
    rows = len(programs)
    if len(ports) != rows or len(received) != rows or len(offsets) != rows + 1:
        raise ValueError(
            f"programs: {rows}, ports: {len(ports)}, times: {len(received)}, offsets (one more): "
            f"{len(offsets)}"
        )
    if rows and (
        offsets[0] < 0
        or np.any(np.diff(offsets) < 0)
        or int(programs.max()) >= len(tables.programs)
    ):
        raise ValueError("offsets must not fall, and programs must be numbers of the tables")
    last = int(offsets[-1])
    if last > len(buffer):
        raise ValueError(f"offsets end at {last}, the buffer at {len(buffer)}")
    if len(buffer) < last + PADDING:
        buffer = np.concatenate([buffer, np.zeros(PADDING, np.uint8)])
    return _run(tables, programs, ports, received, buffer, offsets)


def _run(
    tables: Tables, programs: Int32, ports: Int32, received: Int64, buffer: Bytes, offsets: Int64
) -> Columns:
    kernel = decode_rows()
    rows = len(programs)
    values, tags = np.empty(_FIRST_GUESS * rows + 64), np.empty(_FIRST_GUESS * rows + 64, np.int32)
    extras = np.empty((rows // 4 + 64, 3), np.int64)
    starts, status = np.zeros(rows + 1, np.int64), np.empty(rows, np.uint8)
    details = np.empty((rows, 2), np.int32)  # written where the status is not OK
    row = extra_count = 0
    while True:
        row, written, extra_count, _ = kernel(
            tables.ops, tables.floats, tables.switch_keys, tables.switch_targets,
            tables.sentinels, tables.actions, tables.bases, buffer, offsets, programs, ports,
            received, row, values, tags, starts, status, details, extras, extra_count,
        )  # fmt: skip
        if row >= rows:
            break
        # Out of space: double all outputs and go on with the row that did not fit.
        values = np.concatenate([values, np.empty_like(values)])
        tags = np.concatenate([tags, np.empty_like(tags)])
        extras = np.concatenate([extras, np.empty_like(extras)])
    return Columns(starts, values[:written], tags[:written], status, details, extras[:extra_count])

"""A record batch of the log decoded again: which outcomes differ, and what they are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stadtsinn.cloud.log.parquet import integers
from stadtsinn.cloud.redecode.encoding import OutcomeEncoder, differing, encode
from stadtsinn.decoders import program as p
from stadtsinn.decoders.batch import PADDING, Bytes, Columns, Int32, Int64, Tables, decode_columns
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.instant import SECOND
from stadtsinn.decoders.interpreter import Emitted, Result
from stadtsinn.decoders.reading import Undecoded

NEEDED = ("device_type", "f_port", "payload", "event_time", "outcome")
"""Columns that decoding again asks for."""


@dataclass(frozen=True)
class Changed:
    """Rows of a batch whose stored outcome differs, with the outcome of now (MessagePack)."""

    rows: list[int]
    outcomes: list[bytes]


class BatchRedecoder:
    """Decodes batches with one catalogue. Not for several threads at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._devices: list[DeviceType] = []
        self._numbers: dict[str | None, int] = {}
        self._unknown: dict[str | None, bytes] = {}
        self._tables = Tables([])
        self._encoder = OutcomeEncoder([])

    def can_delay(self, device_type: str | None) -> bool:
        """Whether values of this type can be older than their frame."""
        number = self._number(device_type)
        return number >= 0 and _tells_times(self._devices[number])

    def redecode(self, batch: Any) -> Changed:
        """What of a batch with the columns NEEDED would be logged otherwise today."""
        programs = self._programs(batch.column("device_type"))
        buffer, offsets = _binary(batch.column("payload"))
        ports = integers(batch, "f_port").astype(np.int32)
        received = integers(batch, "event_time") // SECOND
        columns = decode_columns(
            self._tables, programs, ports, received, _padded(buffer, offsets), offsets
        )
        ours, our_offsets, written = self._encoder.encode(columns, programs)
        theirs, their_offsets = _binary(batch.column("outcome"))
        differs = differing(ours, our_offsets, theirs, their_offsets)
        rows: list[int] = []
        outcomes: list[bytes] = []
        others = self._others(batch, programs, columns, np.flatnonzero(~written))
        for row, outcome in _by_row(ours, our_offsets, differs & written, others):
            if outcome != theirs[their_offsets[row] : their_offsets[row + 1]].tobytes():
                rows.append(row)
                outcomes.append(outcome)
        return Changed(rows, outcomes)

    def _programs(self, device_types: Any) -> Int32:
        names = device_types.dictionary.to_pylist()
        numbers = [self._number(name) for name in names]
        codes = device_types.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        programs: Int32 = np.array([*numbers, self._number(None)], np.int32)[codes]
        return programs

    def _number(self, device_type: str | None) -> int:
        """The program's number; the tables grow with the types seen. -1: not catalogued."""
        if device_type not in self._numbers:
            self._numbers[device_type] = -1
            if device_type is not None and device_type in self._catalogue:
                self._numbers[device_type] = len(self._devices)
                self._devices.append(self._catalogue.device(device_type))
                self._tables = Tables([device.program for device in self._devices])
                self._encoder = OutcomeEncoder(self._devices)
        return self._numbers[device_type]

    def _others(
        self, batch: Any, programs: Int32, columns: Columns, rows: Int64
    ) -> dict[int, bytes]:
        """Outcomes that the encoder leaves out, by row."""
        found: dict[int, bytes] = {}
        if not len(rows):
            return found
        chosen = batch.take(pa.array(rows))
        types = chosen.column("device_type").to_pylist()
        ports = chosen.column("f_port").to_pylist()
        payloads = chosen.column("payload").to_pylist()
        results = _results(columns, rows)
        for row, result, kind, port, payload in zip(
            rows.tolist(), results, types, ports, payloads, strict=True
        ):
            if programs[row] < 0:
                found[row] = self._of_unknown(kind)
            else:
                device = self._devices[programs[row]]
                found[row] = encode(device.outcome(result, port, payload))
        return found

    def _of_unknown(self, device_type: str | None) -> bytes:
        if device_type not in self._unknown:
            outcome = Undecoded("unknown_device", self._catalogue.unknown(device_type))
            self._unknown[device_type] = encode(outcome)
        return self._unknown[device_type]


def _by_row(
    ours: Bytes, offsets: Int64, chosen: Any, others: dict[int, bytes]
) -> Iterator[tuple[int, bytes]]:
    """Outcomes that may differ, in the order of rows."""
    for row in np.flatnonzero(chosen).tolist():
        others[row] = ours[offsets[row] : offsets[row + 1]].tobytes()
    yield from sorted(others.items())


def _results(columns: Columns, rows: Int64) -> Iterator[Result]:
    """As `Columns.results`, for some rows only."""
    extras = _extras(columns, rows)
    for row in rows.tolist():
        state = int(columns.status[row])
        if state != p.OK:
            yield Result(state, int(columns.details[row, 0]), int(columns.details[row, 1]), [])
            continue
        values: list[Emitted] = []
        for i in range(int(columns.starts[row]), int(columns.starts[row + 1])):
            tag = int(columns.tags[i])
            more = extras.get(i, (-1, -1))
            values.append((tag & 0xFFFF, float(columns.values[i]), tag >> 16, *more))
        yield Result(p.OK, 0, 0, values)


def _extras(columns: Columns, rows: Int64) -> dict[int, tuple[int, int]]:
    """Channel's number and time of the values of some rows, by the value's index."""
    if not len(columns.extras):
        return {}
    of_row = np.searchsorted(columns.starts, columns.extras[:, 0], side="right") - 1
    chosen = columns.extras[np.isin(of_row, rows)]
    return {index: (number, seconds) for index, number, seconds in chosen.tolist()}


def _binary(array: Any) -> tuple[Bytes, Int64]:
    """Bytes and offsets of a large binary column, as they lie in memory."""
    _, offsets, data = array.buffers()
    whole: Int64 = np.frombuffer(offsets, np.int64)
    buffer = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return buffer, whole[array.offset : array.offset + len(array) + 1]


def _padded(buffer: Bytes, offsets: Int64) -> Bytes:
    """With the bytes that the kernel reads behind the last payload."""
    if len(buffer) >= int(offsets[-1]) + PADDING:
        return buffer
    return np.concatenate([buffer[: int(offsets[-1])], np.zeros(PADDING, np.uint8)])


def _tells_times(device: DeviceType) -> bool:
    """Whether the program gives any value a time of its own."""
    return any(op[0] in (p.FIELD, p.STORE) and op[11] >= 0 for op in device.program.ops)

"""A record batch of the log decoded again: which outcomes differ, and what they are now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from stadtsinn.base.instant import SECOND
from stadtsinn.cloud.log.archive_files.parquet import integers
from stadtsinn.decoders.batch import Bytes, Columns, Int32, Int64, decode_columns
from stadtsinn.decoders.catalogue import Catalogue
from stadtsinn.decoders.device_tables import DeviceTables
from stadtsinn.decoders.outcome_encoding import OutcomeEncoder, differing, encode

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
        self._known = DeviceTables(catalogue.find)
        self._encoder = OutcomeEncoder([])

    def can_delay(self, device_type: str | None) -> bool:
        """Whether values of this type can be older than their frame."""
        device = self._catalogue.find(device_type)
        return device is not None and device.has_event_times

    def redecode(self, batch: Any) -> Changed:
        """The rows of a batch with the columns NEEDED whose outcome is another one today.

        What is logged of a type that this catalogue does not know stays: an edge or an earlier
        version knew it, and nobody could make those values again.
        """
        programs = self._programs(batch.column("device_type"))
        buffer, offsets = _binary(batch.column("payload"))
        ports = integers(batch, "f_port").astype(np.int32)
        received = integers(batch, "event_time") // SECOND
        columns = decode_columns(self._known.tables, programs, ports, received, buffer, offsets)
        ours, our_offsets, written = self._encoder_of_all().encode(columns, programs)
        theirs, their_offsets = _binary(batch.column("outcome"))
        differs = differing(ours, our_offsets, theirs, their_offsets)
        rows: list[int] = []
        outcomes: list[bytes] = []
        left_out = np.flatnonzero(~written & (programs >= 0))
        others = self._others(batch, programs, columns, left_out)
        for row, outcome in _by_row(ours, our_offsets, differs & written, others):
            if outcome != theirs[their_offsets[row] : their_offsets[row + 1]].tobytes():
                rows.append(row)
                outcomes.append(outcome)
        return Changed(rows, outcomes)

    def _programs(self, device_types: Any) -> Int32:
        names = device_types.dictionary.to_pylist()
        numbers = [self._known.number(name) for name in names]
        codes = device_types.indices.fill_null(len(names)).to_numpy(zero_copy_only=False)
        programs: Int32 = np.array([*numbers, self._known.number(None)], np.int32)[codes]
        return programs

    def _encoder_of_all(self) -> OutcomeEncoder:
        """The encoder of the types seen so far."""
        if self._encoder.count < len(self._known.devices):
            self._encoder = OutcomeEncoder(self._known.devices)
        return self._encoder

    def _others(
        self, batch: Any, programs: Int32, columns: Columns, rows: Int64
    ) -> dict[int, bytes]:
        """Outcomes that the encoder leaves out, by row."""
        found: dict[int, bytes] = {}
        if not len(rows):
            return found
        chosen = batch.take(pa.array(rows))
        ports = chosen.column("f_port").to_pylist()
        payloads = chosen.column("payload").to_pylist()
        results = columns.take(rows).results()
        known = programs[rows].tolist()
        for row, result, program, port, payload in zip(
            rows.tolist(), results, known, ports, payloads, strict=True
        ):
            device = self._known.devices[program]
            found[row] = encode(device.outcome(result, port, payload))
        return found


def _by_row(
    ours: Bytes, offsets: Int64, chosen: Any, others: dict[int, bytes]
) -> Iterator[tuple[int, bytes]]:
    """Outcomes that may differ, in the order of rows."""
    for row in np.flatnonzero(chosen).tolist():
        others[row] = ours[offsets[row] : offsets[row + 1]].tobytes()
    yield from sorted(others.items())


def _binary(array: Any) -> tuple[Bytes, Int64]:
    """Bytes and offsets of a large binary column, as they lie in memory."""
    _, offsets, data = array.buffers()
    whole: Int64 = np.frombuffer(offsets, np.int64)
    buffer = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return buffer, whole[array.offset : array.offset + len(array) + 1]

"""Batches decoded to the bytes that the log stores, without Reading objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from stadtsinn.decoders.batch import Columns, Int32, decode_payloads
from stadtsinn.decoders.device_tables import UNKNOWN, DeviceTables
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.outcome_encoding import OutcomeEncoder
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.decoders.uplink import Frame


class EncodedBatchDecoder:
    """Decodes batches of one catalogue into MessagePack. Not thread-safe.

    `find` returns the device type of an id, or None for an unknown id.
    """

    def __init__(self, find: Callable[[str | None], DeviceType | None]) -> None:
        self._known = DeviceTables(find)
        self._encoder = OutcomeEncoder([])

    def decode(self, frames: Sequence[Frame]) -> list[bytes | None]:
        """The outcome of each frame, as msgspec encodes it; None for an unknown device type."""
        number = self._known.number
        rows = [(number(device), port, payload, at) for device, port, payload, at in frames]
        columns = decode_payloads(self._known.tables, rows)
        programs = np.array([program for program, *_ in rows], np.int32)
        data, offsets, written = self._encoder_of_all().encode(columns, programs)
        whole, ends = data.tobytes(), offsets.tolist()
        outcomes: list[bytes | None] = [whole[begin:end] or None for begin, end in pairwise(ends)]
        self._write_others(outcomes, frames, programs, columns, written)
        return outcomes

    def _encoder_of_all(self) -> OutcomeEncoder:
        """The encoder of the types seen so far."""
        if self._encoder.count < len(self._known.devices):
            self._encoder = OutcomeEncoder(self._known.devices)
        return self._encoder

    def _write_others(
        self,
        outcomes: list[bytes | None],
        frames: Sequence[Frame],
        programs: Int32,
        columns: Columns,
        written: object,
    ) -> None:
        """Outcomes that the encoder leaves out: refusals, and values with times of their own."""
        others = np.flatnonzero(~np.asarray(written) & (programs != UNKNOWN))
        if not len(others):
            return
        for row, result in zip(others.tolist(), columns.take(others).results(), strict=True):
            _, port, payload, _ = frames[row]
            device = self._known.devices[programs[row]]
            outcomes[row] = encode_outcome(device.outcome(result, port, payload))

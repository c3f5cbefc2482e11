"""Outcomes of many payloads through the kernel: tables that grow with the devices seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from stadtsinn.decoders.batch import PADDING, Tables, decode_columns
from stadtsinn.decoders.reading import Outcome, Undecoded

if TYPE_CHECKING:
    from stadtsinn.decoders.catalogue import Catalogue, DeviceType

_NO_PORT = 256
"""Stands for any number that is no fPort; the kernel's columns are narrower than Python's int."""


class BatchDecoder:
    """Decodes batches of one catalogue. Not for several threads at once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._devices: list[DeviceType] = []
        self._numbers: dict[str | None, int] = {}
        self._tables = Tables([])

    def decode(self, frames: Sequence[tuple[str | None, int, bytes]]) -> list[Outcome]:
        """As Catalogue.decode for each (device, fPort, payload)."""
        self._know({device for device, _, _ in frames})
        programs = np.array([self._numbers[device] for device, _, _ in frames], np.int32)
        ports = np.array([p if 0 <= p < _NO_PORT else _NO_PORT for _, p, _ in frames], np.int32)
        payloads = [payload for _, _, payload in frames]
        offsets = np.zeros(len(frames) + 1, np.int64)
        np.cumsum([len(payload) for payload in payloads], out=offsets[1:])
        buffer = np.frombuffer(b"".join(payloads) + bytes(PADDING), np.uint8)
        columns = decode_columns(self._tables, programs, ports, buffer, offsets)
        return [
            self._devices[program].outcome(result, port, payload)
            if program >= 0
            else Undecoded("unknown_device", self._catalogue.unknown(device))
            for program, result, (device, port, payload) in zip(
                programs.tolist(), columns.results(), frames, strict=True
            )
        ]

    def _know(self, devices: set[str | None]) -> None:
        new = devices - self._numbers.keys()
        for device in new:
            self._numbers[device] = -1
            if device is not None and device in self._catalogue:
                self._numbers[device] = len(self._devices)
                self._devices.append(self._catalogue.device(device))
        if new:
            self._tables = Tables([device.program for device in self._devices])

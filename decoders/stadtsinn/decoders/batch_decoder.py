"""Outcomes of many payloads through the kernel: tables that grow with the devices seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from stadtsinn.decoders.batch import NEVER, PADDING, Tables, decode_columns
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.instant import SECOND
from stadtsinn.decoders.reading import Outcome, Undecoded
from stadtsinn.decoders.uplink import Frame

_NO_PORT = 256
"""Stands for any number that is no fPort; the kernel's columns are narrower than Python's int."""


class BatchDecoder:
    """Decodes batches of one catalogue. Not for several threads at once.

    `find` answers the device type of an id, None for an unknown one, and `unknown` what to say
    about that.
    """

    def __init__(
        self,
        find: Callable[[str | None], DeviceType | None],
        unknown: Callable[[str | None], str],
    ) -> None:
        self._find = find
        self._unknown = unknown
        self._devices: list[DeviceType] = []
        self._numbers: dict[str | None, int] = {}
        self._tables = Tables([])

    def decode(self, frames: Sequence[Frame]) -> list[Outcome]:
        """As Catalogue.decode for each frame."""
        self._know({device for device, *_ in frames})
        programs = np.array([self._numbers[device] for device, *_ in frames], np.int32)
        ports = np.array([p if 0 <= p < _NO_PORT else _NO_PORT for _, p, *_ in frames], np.int32)
        received = np.array([NEVER if at is None else at // SECOND for *_, at in frames], np.int64)
        payloads = [payload for _, _, payload, _ in frames]
        offsets = np.zeros(len(frames) + 1, np.int64)
        np.cumsum([len(payload) for payload in payloads], out=offsets[1:])
        buffer = np.frombuffer(b"".join(payloads) + bytes(PADDING), np.uint8)
        columns = decode_columns(self._tables, programs, ports, received, buffer, offsets)
        return [
            self._devices[program].outcome(result, port, payload)
            if program >= 0
            else Undecoded("unknown_device", self._unknown(device))
            for program, result, (device, port, payload, _) in zip(
                programs.tolist(), columns.results(), frames, strict=True
            )
        ]

    def _know(self, devices: set[str | None]) -> None:
        new = devices - self._numbers.keys()
        for device in new:
            self._numbers[device] = -1
            found = self._find(device)
            if found is not None:
                self._numbers[device] = len(self._devices)
                self._devices.append(found)
        if new:
            self._tables = Tables([device.program for device in self._devices])

"""Outcomes of many payloads through the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stadtsinn.decoders.batch import decode_payloads
from stadtsinn.decoders.device_tables import DeviceTables
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.reading import Outcome, Undecoded
from stadtsinn.decoders.uplink import Frame


class BatchDecoder:
    """Decodes batches of one catalogue. Not thread-safe.

    `find` returns the device type of an id, or None for an unknown id; `unknown` returns the
    error text for an unknown id.
    """

    def __init__(
        self,
        find: Callable[[str | None], DeviceType | None],
        unknown: Callable[[str | None], str],
    ) -> None:
        self._known = DeviceTables(find)
        self._unknown = unknown

    def decode(self, frames: Sequence[Frame]) -> list[Outcome]:
        """As Catalogue.decode for each frame."""
        number = self._known.number
        rows = [(number(device), port, payload, at) for device, port, payload, at in frames]
        results = decode_payloads(self._known.tables, rows).results()
        return [
            self._known.devices[program].outcome(result, port, payload)
            if program >= 0
            else Undecoded("unknown_device", self._unknown(device))
            for (program, port, payload, _), result, (device, *_) in zip(
                rows, results, frames, strict=True
            )
        ]

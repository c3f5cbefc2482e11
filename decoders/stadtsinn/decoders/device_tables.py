"""Op tables to which each device type is added at its first use."""

from __future__ import annotations

from collections.abc import Callable

from stadtsinn.decoders.batch import Tables
from stadtsinn.decoders.device_type import DeviceType

UNKNOWN = -1
"""Program number of an unknown device type."""


class DeviceTables:
    """Numbers device types and holds their programs. Not thread-safe.

    `find` returns the device type of an id, or None for an unknown id.
    """

    def __init__(self, find: Callable[[str | None], DeviceType | None]) -> None:
        self._find = find
        self._numbers: dict[str | None, int] = {}
        self._tables = Tables([])
        self.devices: list[DeviceType] = []
        """Device types; the index is the program number."""

    def number(self, device: str | None) -> int:
        """The number of a device type's program, UNKNOWN if there is none.

        Unknown types are not cached: they may be added to the catalogue later, and arbitrary names
        in messages must not fill the memory.
        """
        number = self._numbers.get(device)
        if number is not None:
            return number
        found = self._find(device)
        if found is None:
            return UNKNOWN
        self.devices.append(found)
        self._numbers[device] = len(self.devices) - 1
        return self._numbers[device]

    @property
    def tables(self) -> Tables:
        """The programs of all numbers given so far."""
        if len(self._tables.programs) < len(self.devices):
            self._tables = Tables([device.program for device in self.devices])
        return self._tables

"""Which device type an uplink comes from: by device, the server's attributes or profile name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stadtsinn.decoders.uplink import Uplink


class DeviceTypes:
    """Resolves catalogue ids. The first source that names one wins:

    1. the mapping, by DevEUI (16 lower-case hex digits): set by an operator for one device;
    2. the network server's attributes of the device (the tag ``stadtsinn_device`` of the device
       or its profile; the attribute's name depends on the server's format);
    3. the mapping, by device profile name;
    4. the device profile name itself, where it is a catalogue id.

    `is_known` returns whether a catalogue id exists.
    """

    def __init__(self, mapping: Mapping[str, str], is_known: Callable[[str], bool]) -> None:
        self._mapping = dict(mapping)
        self._is_known = is_known

    def resolve(self, uplink: Uplink) -> str | None:
        """The catalogue id, or None. This version's catalogue may lack the id."""
        stated = (
            self._mapping.get(uplink.dev_eui)
            or uplink.device_type
            or self._mapping.get(uplink.device_profile)
        )
        if stated:
            return stated
        return uplink.device_profile if self._is_known(uplink.device_profile) else None

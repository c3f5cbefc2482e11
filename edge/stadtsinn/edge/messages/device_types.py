"""Which device type an uplink comes from: by device, the server's attributes or profile name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stadtsinn.decoders.uplink import Uplink


class DeviceTypes:
    """Resolves catalogue ids. The first that says something wins:

    1. the mapping, by DevEUI (16 lower-case hex digits): an operator's word on one device;
    2. what the network server's attributes of the device say (the tag ``stadtsinn_device`` of
       the device or its profile, or as the server's format has it);
    3. the mapping, by device profile name;
    4. the device profile name itself, where it is a catalogue id.

    `is_known` tells whether a catalogue id exists.
    """

    def __init__(self, mapping: Mapping[str, str], is_known: Callable[[str], bool]) -> None:
        self._mapping = dict(mapping)
        self._is_known = is_known

    def resolve(self, uplink: Uplink) -> str | None:
        """The catalogue id, or None. It may name a type that this version does not know."""
        stated = (
            self._mapping.get(uplink.dev_eui)
            or uplink.device_type
            or self._mapping.get(uplink.device_profile)
        )
        if stated:
            return stated
        return uplink.device_profile if self._is_known(uplink.device_profile) else None

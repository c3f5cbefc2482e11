"""Payloads and device files that decoder tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.language.model import Example

ALL_CONSTRUCTS = Path(__file__).with_name("every_construct.toml").read_text(encoding="utf-8")
"""A device file that uses every construct of the language."""


DEVICE_IDS = [*catalogue()]
"""Ids of all catalogued device types."""

every_device = pytest.mark.parametrize("device", DEVICE_IDS, indirect=True)
"""A test for each catalogued device type. The device file is read when its test runs."""

every_device_and_construct = pytest.mark.parametrize(
    "device", [*DEVICE_IDS, "test/all"], indirect=True
)


def all_constructs() -> DeviceType:
    """A device type that uses every construct of the language."""
    return DeviceType("test/all", ALL_CONSTRUCTS)


def device_types() -> list[DeviceType]:
    """All catalogued device types."""
    devices: Catalogue = catalogue()
    return [devices.device(device) for device in devices]


@cache
def device_types_and_all_constructs() -> list[DeviceType]:
    """All catalogued device types, and last the one that uses every construct."""
    return [*device_types(), all_constructs()]


def examples() -> list[tuple[DeviceType, Example]]:
    """Every example of every catalogued device type."""
    return [(device, example) for device in device_types() for example in device.file.examples]

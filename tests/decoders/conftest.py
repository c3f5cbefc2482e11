"""The device type of a test that is repeated for each."""

from __future__ import annotations

import pytest

from device_examples import all_constructs
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType


@pytest.fixture
def device(request: pytest.FixtureRequest) -> DeviceType:
    """The device type of the id that `every_device` gives."""
    device_id: str = request.param
    return all_constructs() if device_id == "test/all" else catalogue().device(device_id)

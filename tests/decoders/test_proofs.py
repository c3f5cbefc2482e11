"""Every device file of the catalogue passes the checks of proof.py, and they find errors."""

from __future__ import annotations

from importlib import resources

import pytest

from device_examples import every_device
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.proof import findings, same

pytestmark = pytest.mark.slow

LSE01 = (resources.files("stadtsinn.decoders") / "devices" / "dragino" / "lse01.toml").read_text()


@every_device
def test_a_device_file_has_no_findings(device: DeviceType) -> None:
    """Examples, coverage, prefixes and random payloads, also by the kernel."""
    assert findings(device, noise=300) == []


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("value = 19.57", "value = 19.58", "expected Reading"),
        ('{ quantity = "soil_moisture", value = 19.57 },', "", "4 readings expected, 5 got"),
        ('error = "truncated"', 'error = "no_payload"', "expected the error no_payload"),
        ("ports = [2]", "ports = [2, 3]", "port 3 measures, but no example shows it"),
        ("value = -", "value = 1", "no example shows"),
        ('water_SOIL = "19', 'water_SOIL = "20', "the vendor's view is"),
    ],
)
def test_what_is_wrong_is_found(right: str, wrong: str, message: str) -> None:
    """A wrong or missing value, error, port, sign or text: each gives a finding that names it."""
    assert right in LSE01
    broken = DeviceType("test/broken", LSE01.replace(right, wrong))
    assert any(message in found for found in findings(broken, noise=0))


@pytest.mark.parametrize(
    ("ours", "theirs", "equal"),
    [
        ({"a": [1, 2.5]}, {"a": [1.0, 2.5 + 1e-12]}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("1", 1, False),
        (True, 1, False),
        (None, None, True),
        ([1], [1, 2], False),
        (24.59, 24.6, False),
    ],
)
def test_vendor_values_are_compared_strictly(ours: object, theirs: object, equal: bool) -> None:
    """Texts, numbers and booleans differ; numbers may differ in the last digits of a double."""
    assert same(ours, theirs) is equal

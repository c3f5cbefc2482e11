"""The page on device files: its worked example is a valid device file."""

from __future__ import annotations

import re
from pathlib import Path

from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.reading import Decoded

PAGE = Path(__file__).parents[2] / "docs" / "device-files.md"


def test_the_worked_example_decodes_as_the_page_says() -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    device = DeviceType("example/soil-1", found[1])
    assert len(device.file.examples) >= 3  # as the page asks for
    for shown in device.file.examples:
        outcome, vendor = device.decode_with_vendor(shown.port, bytes.fromhex(shown.bytes))
        assert isinstance(outcome, Decoded)
        assert [(r.quantity, r.value) for r in outcome.readings] == [
            (r.quantity, r.value) for r in shown.readings
        ]
        assert vendor == shown.vendor
    fault = device.decode(10, bytes.fromhex("00FFFEFFCE"))
    assert isinstance(fault, Decoded)
    assert [r.reason for r in fault.readings] == ["open_circuit", ""]

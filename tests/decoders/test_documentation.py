"""The page on device files: its worked example is a valid device file."""

from __future__ import annotations

import re
from pathlib import Path

from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.reading import Decoded

PAGE = Path(__file__).parents[2] / "docs" / "device-files.md"


def test_the_worked_example_decodes_as_the_page_says() -> None:
    """Its one [[examples]] is used three times, since a file needs three."""
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    head, example = found[1].split("[[examples]]")
    text = head + f"[[examples]]{example}\n" * 3
    device = DeviceType("example/soil-1", text)
    shown = device.file.examples[0]
    outcome, vendor = device.decode_with_vendor(shown.port, bytes.fromhex(shown.bytes))
    assert isinstance(outcome, Decoded)
    assert [(r.quantity, r.value) for r in outcome.readings] == [
        (r.quantity, r.value) for r in shown.readings
    ]
    assert vendor == shown.vendor
    fault = device.decode(10, bytes.fromhex("00FFFEFFCE"))
    assert isinstance(fault, Decoded)
    assert [r.reason for r in fault.readings] == ["open_circuit", ""]

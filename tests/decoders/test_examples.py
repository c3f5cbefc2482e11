"""Every example of every device file: readings and vendor fields as the file says."""

from __future__ import annotations

import pytest

from device_examples import device_types, examples, heard
from stadtsinn.decoders.compiler.needs import bodies
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.instant import parse
from stadtsinn.decoders.language.model import Example, Item
from stadtsinn.decoders.reading import Decoded, Quality, Reading, Undecoded

CASES = [pytest.param(d, e, id=f"{d.id}: {e.title}") for d, e in examples()]


def expected(example: Example) -> tuple[Reading, ...]:
    return tuple(
        Reading(
            r.quantity,
            r.value,
            r.channel,
            Quality(r.quality),
            r.reason,
            parse(r.event_time) if r.event_time else None,
        )
        for r in example.readings
    )


def test_there_are_examples() -> None:
    """An empty list of cases would pass everything below."""
    assert len(CASES) >= 3 * len(device_types()) >= 15


@pytest.mark.parametrize(("device", "example"), CASES)
def test_readings_are_as_the_file_says(device: DeviceType, example: Example) -> None:
    """Exactly: the right quantity, value, channel, quality and time, in the frame's order."""
    outcome = device.decode(example.port, bytes.fromhex(example.bytes), heard(example))
    if example.error:
        assert isinstance(outcome, Undecoded)
        assert outcome.reason == example.error
    else:
        assert outcome == Decoded(device.decoder, expected(example))


@pytest.mark.parametrize(("device", "example"), CASES)
def test_vendor_fields_are_as_the_file_says(device: DeviceType, example: Example) -> None:
    """The vendor's own keys and values, texts as texts; nothing where the frame is refused."""
    payload = bytes.fromhex(example.bytes)
    outcome, vendor = device.decode_with_vendor(example.port, payload, heard(example))
    assert outcome == device.decode(example.port, payload, heard(example))
    assert vendor == (example.vendor or {})
    assert {k: type(v) for k, v in vendor.items() if isinstance(v, (str, bool))} == {
        k: type(v) for k, v in (example.vendor or {}).items() if isinstance(v, (str, bool))
    }


def measures(items: tuple[Item, ...]) -> bool:
    """Whether a body gives readings."""
    return any(
        getattr(item, "quantity", "") or any(measures(body) for body in bodies(item))
        for item in items
    )


@pytest.mark.parametrize("device", device_types(), ids=lambda d: d.id)
def test_every_port_that_measures_has_an_example(device: DeviceType) -> None:
    """A measuring frame without a payload that proves it is a claim, not a decoder."""
    frames = device.file.frames
    measuring = {port for f in frames if measures(f.body) for port in f.ports}
    shown = {e.port for e in device.file.examples if not e.error}
    assert measuring <= shown
    assert any(measures(f.body) for f in frames)


@pytest.mark.parametrize("device", device_types(), ids=lambda d: d.id)
def test_every_reading_can_be_negative_or_at_a_bound_in_some_example(device: DeviceType) -> None:
    """Where a temperature can be negative, one example shows that it is read as such."""
    named = {s.quantity for s in device.fields if s.quantity.endswith("temperature") and s.low < 0}
    shown = {r.quantity for e in device.file.examples for r in e.readings if r.value < 0}
    assert not named or named & shown

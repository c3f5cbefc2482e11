"""The catalogue: ids, refusals, batches, metadata of device types."""

from __future__ import annotations

import pytest

from device_examples import examples
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.proof import received_at
from stadtsinn.decoders.reading import Decoded, Undecoded
from stadtsinn.decoders.uplink import Frame

LSE01 = bytes.fromhex("CE2900F107A5099B6E2890")


def reason(device: str | None, port: int, payload: bytes) -> str:
    outcome = catalogue().decode(device, port, payload)
    assert isinstance(outcome, Undecoded)
    return outcome.reason


def test_the_first_device_types_are_there_with_their_families() -> None:
    """Ids are paths of device files; the family is stated in the file."""
    devices = catalogue()
    families = {device: devices.device(device).family for device in devices}
    assert (
        families.items()
        >= {
            "bosch/tps110": "parking",
            "decentlab/dl-atm41": "weather",
            "dragino/lse01": "soil",
            "dragino/lse01-114": "soil",
            "dragino/lse01-121": "soil",
            "milesight/vs133": "people",
            "parametric/pcr2": "people",
        }.items()
    )
    assert len(devices) == len(families)


def test_an_unknown_device_is_named_with_near_ones() -> None:
    """The message lists similar ids."""
    outcome = catalogue().decode("dragino/lse1", 2, LSE01)
    assert isinstance(outcome, Undecoded)
    assert outcome.reason == "unknown_device"
    assert outcome.message.startswith("unknown device 'dragino/lse1'; near: dragino/lse01")
    assert outcome.decoder == ""
    with pytest.raises(KeyError, match="near: dragino/lse01"):
        catalogue().device("dragino/lse1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "port", "payload", "expected"),
    [
        (None, 2, LSE01, "unknown_device"),
        ("dragino/lse01", 0, LSE01, "no_payload"),
        ("dragino/lse01", 2, b"", "no_payload"),
        ("dragino/lse01", 2, bytes(243), "too_long"),
        ("dragino/lse01", 42, LSE01, "unknown_port"),
        ("dragino/lse01", -1, LSE01, "unknown_port"),
        ("dragino/lse01", 256, LSE01, "unknown_port"),
        ("dragino/lse01", 10**30, LSE01, "unknown_port"),
        ("dragino/lse01", 2, LSE01[:7], "truncated"),
        ("dragino/lse01", 2, LSE01 + b"\0", "trailing_bytes"),
        ("milesight/vs133", 85, b"\x99\x99", "unknown_frame"),
    ],
)
def test_what_cannot_be_decoded_has_a_reason(
    device: str | None, port: int, payload: bytes, expected: str
) -> None:
    """Each refusal has its reason, both for one frame and in a batch that the kernel decodes."""
    assert reason(device, port, payload) == expected
    batch = catalogue().decode_batch([(device, port, payload, None)] * 200)
    assert batch == [catalogue().decode(device, port, payload)] * 200


def test_the_message_of_a_truncated_frame_has_the_offset() -> None:
    """The byte offset, and how many bytes are missing."""
    outcome = catalogue().decode("milesight/vs133", 85, bytes.fromhex("03D24800000004D2C800"))
    assert isinstance(outcome, Undecoded)
    assert outcome.message == "milesight/vs133: too short: 4 bytes needed at offset 8, 2 there"


def test_a_batch_gives_what_single_frames_give() -> None:
    """Mixed devices, small and large batches."""
    frames: list[Frame] = [
        (device.id, example.port, bytes.fromhex(example.bytes), received_at(example))
        for device, example in examples()
    ]
    frames.append(("none/such", 1, b"x", None))
    alone = [catalogue().decode(*frame) for frame in frames]
    assert catalogue().decode_batch(frames[:3]) == alone[:3]
    assert catalogue().decode_batch(frames * 9) == alone * 9
    assert catalogue().decode_batch([]) == []


def test_a_batch_without_numba_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba is an extra; without it the interpreter decodes."""
    devices = catalogue()
    plain = Catalogue({})
    monkeypatch.setattr(plain, "_files", devices._files)
    monkeypatch.setitem(plain.__dict__, "_batch_decoder", None)
    frames: list[Frame] = [("dragino/lse01", 2, LSE01, None)] * 200
    assert plain.decode_batch(frames) == devices.decode_batch(frames)


@pytest.mark.parametrize(
    ("device", "quantity", "channel", "modulus"),
    [
        ("milesight/vs133", "people_in_total", "line_4", 2**32),
        ("milesight/vs133", "people_in_total", "line_5", None),
        ("milesight/vs133", "people_in", "line_1", None),
        ("parametric/pcr2", "people_out_total", "", 2**16),
        ("dragino/lse01", "soil_moisture", "", None),
    ],
)
def test_running_totals_have_the_value_at_which_they_wrap(
    device: str, quantity: str, channel: str, modulus: float | None
) -> None:
    """Counting needs it to distinguish a wrap from a reset."""
    assert catalogue().device(device).counter_modulus(quantity, channel) == modulus


def test_outcomes_carry_decoder_and_version() -> None:
    """The log records which decoder, in which version, produced a value."""
    outcome = catalogue().decode("dragino/lse01", 2, LSE01)
    assert isinstance(outcome, Decoded)
    assert outcome.decoder == "dragino/lse01@3"

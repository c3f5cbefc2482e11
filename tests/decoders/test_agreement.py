"""Interpreter and kernel agree on every byte string, and no byte string breaks them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_examples import device_types_and_all_constructs as devices
from device_examples import examples
from stadtsinn.decoders import program as p
from stadtsinn.decoders.batch import NEVER, PADDING, Tables, decode_columns
from stadtsinn.decoders.device_type import refusal
from stadtsinn.decoders.interpreter import Result, interpret

pytestmark = pytest.mark.slow

Frame = tuple[int, int, bytes]
"""Number of the device in devices(), fPort, payload."""


@cache
def tables() -> Tables:
    return Tables([device.program for device in devices()])


def by_kernel(frames: list[Frame]) -> list[Result]:
    programs = np.array([f[0] for f in frames], np.int32)
    ports = np.array([f[1] for f in frames], np.int32)
    received = np.array([reception_seconds(f) for f in frames], np.int64)
    offsets = np.cumsum([0, *(len(f[2]) for f in frames)]).astype(np.int64)
    buffer = np.frombuffer(b"".join(f[2] for f in frames) + bytes(PADDING), np.uint8)
    return list(decode_columns(tables(), programs, ports, received, buffer, offsets).results())


def by_interpreter(frame: Frame) -> Result:
    number, port, payload = frame
    refused = refusal(port, payload)
    if refused is not None:
        return refused
    seconds = reception_seconds(frame)
    return interpret(devices()[number].program, port, payload, math.nan if seconds < 0 else seconds)


def reception_seconds(frame: Frame) -> int:
    """An arbitrary time of reception, sometimes unknown; always the same for the same frame."""
    return zlib.crc32(frame[2]) - 1 if len(frame[2]) % 5 else NEVER


def assert_agree(frames: list[Frame]) -> None:
    for frame, kernel in zip(frames, by_kernel(frames), strict=True):
        plain = by_interpreter(frame)
        assert kernel == plain, f"{devices()[frame[0]].id} port {frame[1]} {frame[2].hex()}"
        assert all(math.isfinite(value) for _, value, *_ in plain.values)
        assert plain.status == p.OK or not plain.values


def known_frames() -> Iterable[Frame]:
    numbers = {device.id: i for i, device in enumerate(devices())}
    for device, example in examples():
        yield numbers[device.id], example.port, bytes.fromhex(example.bytes)
    for example in devices()[-1].file.examples:
        yield len(devices()) - 1, example.port, bytes.fromhex(example.bytes)


@cache
def known() -> list[Frame]:
    return list(known_frames())


@cache
def ports() -> list[int]:
    return sorted({0, 1, 5, 85, 255, *(frame[1] for frame in known())})


def test_they_agree_on_every_example_and_every_prefix_of_it() -> None:
    """Examples truncated at every byte, on other ports, and as frames of every other device."""
    cut = [
        (n, port, payload[:size])
        for n, port, payload in known()
        for size in range(len(payload) + 1)
    ]
    assert_agree(cut)
    assert_agree([(n, other, payload) for n, _, payload in known() for other in ports()])
    assert_agree(
        [(n, port, payload) for n in range(len(devices())) for _, port, payload in known()]
    )


def test_no_prefix_of_a_frame_with_one_layout_is_taken_for_a_frame() -> None:
    """A truncated frame is an error, for layouts without optional parts."""
    for device, port, size in (("dragino/lse01", 2, 11), ("bosch/tps110", 3, 17)):
        number = [d.id for d in devices()].index(device)
        for length in range(1, size):
            assert by_interpreter((number, port, bytes(length))).status == p.TRUNCATED


@st.composite
def any_frame(draw: st.DrawFn) -> Frame:
    """Random bytes, or an example with a changed byte, truncated or extended.

    Random bytes alone mostly fail at the first byte.
    """
    number = draw(st.integers(0, len(devices()) - 1))
    port = draw(st.sampled_from(ports()) | st.integers(0, 300))
    if draw(st.booleans()):
        return number, port, draw(st.binary(max_size=300))
    number, port, payload = draw(st.sampled_from(known()))
    changed = bytearray(payload)
    for _ in range(draw(st.integers(0, 4))):
        if changed:
            changed[draw(st.integers(0, len(changed) - 1))] = draw(st.integers(0, 255))
    kept = bytes(changed[: draw(st.integers(0, len(changed)))]) if draw(st.booleans()) else changed
    return number, port, bytes(kept) + draw(st.binary(max_size=8))


@settings(max_examples=400, deadline=None)
@given(st.lists(any_frame(), min_size=1, max_size=40))
def test_they_agree_on_any_bytes(frames: list[Frame]) -> None:
    """Status, offset, values, flags, channels and times are equal; nothing raises."""
    assert_agree(frames)


@pytest.mark.parametrize("seed", range(4))
def test_they_agree_on_many_random_payloads(seed: int) -> None:
    """Random bytes, 0 to 300 of them."""
    random = np.random.default_rng(seed)
    frames = [
        (int(n), int(port), random.bytes(int(size)))
        for n, port, size in zip(
            random.integers(0, len(devices()), 3000),
            random.choice(ports(), 3000),
            random.integers(0, 301, 3000),
            strict=True,
        )
    ]
    assert_agree(frames)


def test_equal_frames_decoded_field_by_field_give_the_same() -> None:
    """For long runs of one layout the kernel has a path of its own; also across its blocks."""
    random = np.random.default_rng(7)
    number = [d.id for d in devices()].index("dragino/lse01")
    frames: list[Frame] = [(number, 2, random.bytes(11)) for _ in range(700)]
    frames[300] = (number, 2, b"short")
    frames[301] = (number, 3, random.bytes(11))
    assert_agree(frames)


@pytest.mark.parametrize(
    ("device", "port", "payloads"),
    [
        # Its plain frame stands behind one that tests bytes; the second frame is that other one.
        ("dragino/lse01", 2, ("0B45000005DC010500C800", "0B45000000C805DC010281")),
        ("dragino/lse01", 2, ("0B450CCC05DCFFFF00C800", "CE2900F107A5099B6E2890")),
        ("dragino/ldds04", 2, ("0D4A03160000031A000001", "030000000000000000FF02")),
        ("test/all", 7, ("F0FFFF", "F0FFFE", "F0FF9C", "F1")),
    ],
)
def test_codes_for_no_value_in_long_runs_of_one_layout(
    device: str, port: int, payloads: tuple[str, ...]
) -> None:
    """The path for long runs leaves out what is missing, flags faults, and ends at other frames."""
    random = np.random.default_rng(11)
    number = [d.id for d in devices()].index(device)
    choice = [bytes.fromhex(text) for text in payloads]
    for share in (0.0, 0.02, 0.5):
        other = random.random(900) < share
        which = random.integers(1, len(choice), 900)
        picked = [choice[int(w) if o else 0] for o, w in zip(other, which, strict=True)]
        assert_agree([(number, port, payload) for payload in picked])


def test_the_examples_use_every_op() -> None:
    """Agreement covers every op: each runs at least once for the known frames."""
    used = {op[0] for device in devices() for op in device.program.ops}
    assert used == set(range(p.RENDER)) - ({p.NEED_ALL} - used)
    assert p.NEED_ALL in used

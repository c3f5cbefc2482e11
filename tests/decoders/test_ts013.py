"""Exported codecs, run in Node: they give the same results as our own decoder."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from device_examples import ALL_CONSTRUCTS, all_constructs, every_device_and_construct
from real_codecs import Codecs, expected, running_codecs, same
from stadtsinn.base.instant import Instant, parse
from stadtsinn.decoders import program as p
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType, unix_seconds
from stadtsinn.decoders.proof import Payload, prefixes, random_payloads

pytestmark = pytest.mark.slow

NOISE = 200

LSE01 = "dragino/lse01"
FRAME = "[0xCE,0x29,0x00,0xF1,0x07,0xA5,0x09,0x9B,0x6E,0x28,0x90]"

_LAST_DIGITS = {p.FUNCTIONS[name] for name in ("pow", "log", "log10", "exp")}
"""Functions whose last digit depends on the platform."""


@pytest.fixture(scope="module")
def codecs() -> Iterator[Codecs]:
    with running_codecs() as codecs:
        yield codecs


# --- as our own decoder


@every_device_and_construct
def test_a_codec_answers_as_our_decoder(device: DeviceType, codecs: Codecs) -> None:
    """Vendor fields, readings and errors of examples, their prefixes and noise are identical."""
    payloads = [*prefixes(device), *random_payloads(device, NOISE)]
    digits = 1e-12 if _computes_transcendentally(device) else 0.0
    for payload, answer in zip(payloads, codecs.decode(device, payloads), strict=True):
        wanted = expected(device, *payload)
        assert same(wanted, answer, digits), (payload[0], payload[1].hex(), wanted, answer)


def _computes_transcendentally(device: DeviceType) -> bool:
    ops = device.full_program.ops
    return any(op[0] == p.CALL and op[1] in _LAST_DIGITS for op in ops)


# --- what a network server passes to the codec


@pytest.mark.parametrize(
    "given",
    [
        "",
        "undefined",
        "null",
        "0",
        "'text'",
        "[]",
        "{}",
        "{bytes: null, fPort: 2}",
        "{bytes: 'CE29', fPort: 2}",
        "{bytes: 7, fPort: 2}",
        "{bytes: [1, null], fPort: 2}",
        "{bytes: [1, 256], fPort: 2}",
        "{bytes: [1, -1], fPort: 2}",
        "{bytes: [1, 1.5], fPort: 2}",
        "{bytes: [NaN], fPort: 2}",
        "{bytes: [1, {}], fPort: 2}",
        "{bytes: new Array(12), fPort: 2}",
        "{bytes: {length: 1e9}, fPort: 2}",
        "{bytes: [1]}",
        "{bytes: [1], fPort: null}",
        "{bytes: [1], fPort: '2'}",
        "{bytes: [1], fPort: NaN}",
        "{bytes: [1], fPort: 2.5}",
        "{bytes: [1], fPort: -2}",
        "{bytes: [1], fPort: 256}",
        "{bytes: [], fPort: 0}",
        "{bytes: [], fPort: 2}",
        "{bytes: [1, 2], fPort: 0}",
    ],
)
def test_foreign_input_is_an_error_not_an_exception(given: str, codecs: Codecs) -> None:
    """For any invalid input: one error that begins with the device's id, and no data."""
    (answer,) = codecs.evaluate(catalogue().device(LSE01), f"decodeUplink({given})")
    assert list(answer) == ["errors"]
    (message,) = answer["errors"]
    assert message.startswith("dragino/lse01: ")


def test_typed_arrays_are_bytes(codecs: Codecs) -> None:
    """Any object with a length and numbers is accepted like an array, and is not changed."""
    same_bytes = f"(function (b) {{ b.length = 11; return b; }})({{...{FRAME}}})"
    given = f"var b = {same_bytes}; [decodeUplink({{bytes: b, fPort: 2}}), b.length]"
    wanted = f"[decodeUplink({{bytes: {FRAME}, fPort: 2}}), 11]"
    one, other = codecs.evaluate(catalogue().device(LSE01), given, wanted)
    assert one == other
    assert one[0]["data"]["water_SOIL"] == "19.57"


@pytest.mark.parametrize(
    ("received", "known"),
    [
        ("new Date(Date.UTC(2026, 10, 22, 12, 0, 0, 999))", "2026-11-22T12:00:00Z"),
        ("'2026-11-22T12:00:00Z'", "2026-11-22T12:00:00Z"),
        ("'2026-11-22t13:30:00.987654321+01:30'", "2026-11-22T12:00:00Z"),
        ("'2026-11-22T09:00:00-0300'", "2026-11-22T12:00:00Z"),
        ("'2026-11-22T12:00:00'", ""),
        ("'yesterday'", ""),
        ("new Date(NaN)", ""),
        ("1795348800", ""),
        ("{}", ""),
        ("null", ""),
        ("undefined", ""),
    ],
)
def test_time_of_reception(received: str, known: str, codecs: Codecs) -> None:
    """A Date or a text with offset, in whole seconds; anything else is an unknown time."""
    device = all_constructs()
    payload = bytes.fromhex("01000A640503AABBCC02FFFF090102030700")
    asked = f"decodeUplink({{bytes: {list(payload)}, fPort: 5, recvTime: {received}}})"
    time = parse(known) if known else None
    assert math.isnan(unix_seconds(time)) is not bool(known)
    (answer,) = codecs.evaluate(device, asked)
    assert answer == expected(device, 5, payload, time)


def test_constants_of_a_single_sensor_are_in_the_file(codecs: Codecs) -> None:
    """Calibration changes the values as it does in our own decoder."""
    payload: Payload = (5, bytes.fromhex("01000A640503AABBCC02FFFF090102030700"), Instant(0))
    answers = []
    for gain in (0.5, 2.0):
        device = DeviceType("test/all", ALL_CONSTRUCTS, {"gain": gain})
        (answer,) = codecs.decode(device, [payload])
        assert answer == expected(device, *payload)
        answers.append(answer)
    assert answers[0] != answers[1]

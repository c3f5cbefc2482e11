"""Exported codecs, run in Node: they answer as our own decoder does, and need no more than ES5."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from device_examples import ALL_CONSTRUCTS, all_constructs, device_types
from real_codecs import Codecs, running_codecs
from stadtsinn.decoders import program as p
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType, unix_seconds
from stadtsinn.decoders.instant import Instant, isoformat, parse
from stadtsinn.decoders.interpreter import interpret
from stadtsinn.decoders.proof import Payload, prefixes, random_payloads
from stadtsinn.decoders.reading import Reading, Undecoded
from stadtsinn.decoders.vendor import to_fixed
from stadtsinn.decoders.vocabulary import QUANTITIES

NOISE = 200
LAST_INSTANT = parse("9999-12-31T23:59:59Z")

LSE01 = "dragino/lse01"
FRAME = "[0xCE,0x29,0x00,0xF1,0x07,0xA5,0x09,0x9B,0x6E,0x28,0x90]"
DEVICES = [all_constructs(), *device_types()]

_LAST_DIGITS = {p.FUNCTIONS[name] for name in ("pow", "log", "log10", "exp")}
"""Functions whose last digit is the platform's affair."""


@pytest.fixture(scope="module")
def codecs() -> Iterator[Codecs]:
    with running_codecs() as codecs:
        yield codecs


# --- as our own decoder


@pytest.mark.parametrize("device", DEVICES, ids=lambda d: d.id)
def test_a_codec_answers_as_our_decoder(device: DeviceType, codecs: Codecs) -> None:
    """Vendor fields, readings and errors of examples, their prefixes and noise, to the last bit."""
    payloads = [*prefixes(device), *random_payloads(device, NOISE)]
    digits = 1e-12 if _computes_transcendentally(device) else 0.0
    for payload, answer in zip(payloads, codecs.decode(device, payloads), strict=True):
        wanted = expected(device, *payload)
        assert same(wanted, answer, digits), (payload[0], payload[1].hex(), wanted, answer)


def _computes_transcendentally(device: DeviceType) -> bool:
    ops = device.full_program.ops
    return any(op[0] == p.CALL and op[1] in _LAST_DIGITS for op in ops)


def expected(device: DeviceType, port: int, payload: bytes, time: Instant | None) -> Any:
    """What decodeUplink must answer."""
    outcome, vendor = device.decode_with_vendor(port, payload, time)
    if isinstance(outcome, Undecoded):
        return {"errors": [outcome.message]}
    readings = [_reading(reading) for reading in outcome.readings]
    data = {**vendor, "stadtsinn": {"decoder": device.decoder, "readings": readings}}
    return {"data": data, "warnings": [_warning(r) for r in outcome.readings if r.reason]}


def _reading(reading: Reading) -> dict[str, Any]:
    """As `stadtsinn decode --json` says it; no text is for years after 9999."""
    shown: dict[str, Any] = {
        "quantity": reading.quantity,
        "value": reading.value,
        "unit": QUANTITIES[reading.quantity].unit,
        "channel": reading.channel,
        "quality": reading.quality.value,
    }
    if reading.reason:
        shown["reason"] = reading.reason
    if reading.event_time is not None:
        shown["event_time"] = isoformat(min(reading.event_time, LAST_INSTANT))
    return shown


def _warning(reading: Reading) -> str:
    name = f"{reading.quantity} {reading.channel}".strip()
    return f"{name}: {reading.quality.value}, {reading.reason}"


def same(wanted: Any, got: Any, digits: float) -> bool:
    """Equal in type and value; numbers within `digits` of their size."""
    match wanted, got:
        case dict(), dict():
            return wanted.keys() == got.keys() and all(
                same(wanted[key], got[key], digits) for key in wanted
            )
        case list(), list():
            pairs = zip(wanted, got, strict=False)
            return len(wanted) == len(got) and all(same(one, two, digits) for one, two in pairs)
        case (bool(), _) | (_, bool()):
            return wanted is got
        case int() | float(), int() | float():
            return math.isclose(wanted, got, rel_tol=digits, abs_tol=0.0)
        case _:
            return type(wanted) is type(got) and bool(wanted == got)


def _with_program(program: p.Program) -> DeviceType:
    """A device whose program is given, for what no device file writes."""
    device = DeviceType("test/made", ALL_CONSTRUCTS)
    device.program = program
    device.full_program = program
    return device


def test_fields_of_all_widths_come_out_exactly(codecs: Codecs) -> None:
    """Every width to 57 bits, at every bit of a byte, in both orders and all signs."""
    random = Random(57)
    places = [(bit, width) for bit in range(8) for width in range(1, 58 - bit)]
    slot = p.Slot("tilt", "", "deg", -1e30, 1e30, None, "")
    ops = [
        (p.FIELD, p.AT_POS, 0, little, bit, 64 - width, sign, p.PLAIN, 0, -1, -1, -1, 0, 0, 0, 0)
        for bit, width in places
        for little in (0, 1)
        for sign in (p.UNSIGNED, p.TWOS, p.ONES)
    ]
    made = replace(
        all_constructs().program,
        ops=((p.EXACT, 8, 0, 0), *ops, (p.DONE,)),
        floats=((0.0,) * 5, *[(0.0, 1.0, 1.0, -1e30, 1e30)] * len(ops), (0.0,) * 5),
        slots=(slot,),
    )
    device = _with_program(made)
    payloads: list[Payload] = [(1, random.randbytes(8), None) for _ in range(8)]
    payloads += [(1, bytes([fill] * 8), None) for fill in (0x00, 0x7F, 0x80, 0xFF)]
    for (_, payload, _), answer in zip(payloads, codecs.decode(device, payloads), strict=True):
        values = [value for _, value, *_ in interpret(made, 1, payload).values]
        assert [one["value"] for one in answer["data"]["stadtsinn"]["readings"]] == values


def test_tofixed_is_ours(codecs: Codecs) -> None:
    """The text of any number with decimals: what ours says, JavaScript says."""
    random = Random(3)
    numbers = [struct.unpack("<d", random.randbytes(8))[0] for _ in range(300)]
    numbers += [random.randrange(-40_000, 40_000) / 10**place for place in range(6)] * 50
    numbers += [n / 8 for n in range(-40, 40)]
    cases = [(n, random.randrange(7)) for n in numbers if math.isfinite(n) and abs(n) < 1e21]
    asked = [f"({number!r}).toFixed({decimals})" for number, decimals in cases]
    answers = codecs.evaluate(all_constructs(), *asked)
    # A literal -0.0 says "-0.0" nowhere: both drop the sign of a zero.
    assert answers == [to_fixed(number, decimals) for number, decimals in cases]


def test_formats_of_texts_are_ours(codecs: Codecs) -> None:
    """Padded, hexadecimal, rounded and dated numbers, negative and beyond the calendar as well."""
    text = "{a:d} {a:04d} {a:4d} {a:x} {a:06X} {a:.0f} {a:.2f} {a:%Y-%m-%d %H:%M:%S} {b:%S} {c:%Y}"
    head, _, examples = ALL_CONSTRUCTS.partition("[[frames]]")
    body = (
        '{ type = "i16be", name = "a" }, { value = "a + 0.9999999", name = "b" },'
        '{ value = "a ** 5", name = "c" },'
        '{ value = "a / 7", quantity = "tilt", unit = "deg" },'
        f'{{ text = "{text}", vendor = "said" }}'
    )
    examples = examples[examples.index("[[examples]]") :]
    device = DeviceType(
        "test/texts", f'{head}[[frames]]\ntitle = "texts"\nbody = [{body}]\n{examples}'
    )
    numbers = [0, 1, -1, 9, -9, 255, -255, 4096, -4096, 32767, -32768, 1234, 300, -300]
    payloads: list[Payload] = [(1, struct.pack(">h", number), None) for number in numbers]
    answers = codecs.decode(device, payloads)
    assert answers == [expected(device, *payload) for payload in payloads]


# --- what a network server hands in


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
    """Whatever a server hands in: one error that begins with the device, and no data."""
    (answer,) = codecs.evaluate(catalogue().device(LSE01), f"decodeUplink({given})")
    assert list(answer) == ["errors"]
    (message,) = answer["errors"]
    assert message.startswith("dragino/lse01: ")


def test_typed_arrays_are_bytes(codecs: Codecs) -> None:
    """What has a length and numbers is as good as an array, and is not changed."""
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
    """Calibration changes what comes out, as it does here."""
    payload: Payload = (5, bytes.fromhex("01000A640503AABBCC02FFFF090102030700"), Instant(0))
    answers = []
    for gain in (0.5, 2.0):
        device = DeviceType("test/all", ALL_CONSTRUCTS, {"gain": gain})
        (answer,) = codecs.decode(device, [payload])
        assert answer == expected(device, *payload)
        answers.append(answer)
    assert answers[0] != answers[1]

"""Exported codecs beyond what catalogued devices use: all widths, special numbers, texts."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from random import Random

import pytest

from device_examples import ALL_CONSTRUCTS, all_constructs
from real_codecs import Codecs, expected, running_codecs, same
from stadtsinn.base.instant import Instant
from stadtsinn.decoders import program as p
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.interpreter import interpret
from stadtsinn.decoders.proof import Payload
from stadtsinn.decoders.vendor import to_fixed

NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e9, 1e-300, 1e300, -1e300, math.inf, -math.inf)
SPECIAL = (*NUMBERS, math.nan)
NO_FLOATS = (0.0,) * p.FLOAT_COLUMNS
ONE_TO_ONE = (0.0, 1.0, 1.0, -1e308, 1e308)

Op = tuple[tuple[int, ...], tuple[float, ...]]


@pytest.fixture(scope="module")
def codecs() -> Iterator[Codecs]:
    with running_codecs() as codecs:
        yield codecs


def device_of(body: str) -> DeviceType:
    """A device with one frame of any port."""
    head, _, rest = ALL_CONSTRUCTS.partition("[[frames]]")
    examples = rest[rest.index("[[examples]]") :]
    return DeviceType("test/made", f'{head}[[frames]]\ntitle = "made"\nbody = [{body}]\n{examples}')


def device_with(ops: Sequence[Op], slots: Sequence[p.Slot] = ()) -> DeviceType:
    """A device with a given program, for ops that no device file compiles to.

    Without `slots` its only slot is a tilt on channel ``nr_{}``. With `slots`, compare with
    `interpret`: readings of DeviceType.decode would have the name of that slot.
    """
    device = device_of(
        '{ type = "u8", name = "x", quantity = "tilt", unit = "deg", channel = "nr_{x}" }'
    )
    rows = [(*row, *(0,) * (p.OP_COLUMNS - len(row))) for row, _ in ops]
    made = replace(
        device.program,
        ops=tuple(rows),
        floats=tuple(floats for _, floats in ops),
        slots=tuple(slots) or device.program.slots,
    )
    device.program = made
    device.full_program = made
    return device


def pushed(number: float) -> Op:
    return (p.PUSH, -1), (number, 0.0, 0.0, 0.0, 0.0)


def stored(slot: int = -1, register: int = -1, channel: int = -1, time: int = -1) -> Op:
    return (p.STORE, 0, 0, 0, 0, 0, 0, 0, slot, register, channel, time), ONE_TO_ONE


DONE: Op = ((p.DONE,), NO_FLOATS)


def test_fields_of_all_widths_come_out_exactly(codecs: Codecs) -> None:
    """Every width up to 57 bits, at every bit of a byte, in both byte orders and all signs."""
    random = Random(57)
    ops: list[Op] = [
        (
            (p.FIELD, p.AT_POS, 0, little, bit, 64 - width, sign, p.PLAIN, 0, -1, -1, -1),
            ONE_TO_ONE,
        )
        for bit in range(8)
        for width in range(1, 58 - bit)
        for little in (0, 1)
        for sign in (p.UNSIGNED, p.TWOS, p.ONES)
    ]
    device = device_with([((p.EXACT, 8), NO_FLOATS), *ops, DONE])
    payloads: list[Payload] = [(1, random.randbytes(8), None) for _ in range(8)]
    payloads += [(1, bytes([fill] * 8), None) for fill in (0x00, 0x7F, 0x80, 0xFF)]
    for (_, payload, _), answer in zip(payloads, codecs.decode(device, payloads), strict=True):
        values = [value for _, value, *_ in interpret(device.program, 1, payload).values]
        assert len(values) == len(ops)
        assert [one["value"] for one in answer["data"]["stadtsinn"]["readings"]] == values


@pytest.mark.slow
@pytest.mark.parametrize("name", p.FUNCTIONS)
def test_functions_of_special_numbers(name: str, codecs: Codecs) -> None:
    """Zeros, infinities, overflow, NaN: the same value as the interpreter, or none as there."""
    function = p.FUNCTIONS[name]
    arity = 1 if name in p.UNARY else 2 if name in p.BINARY else 3
    ops: list[Op] = []
    slots: list[p.Slot] = []
    call: Op = ((p.CALL, function), NO_FLOATS)
    divide: Op = ((p.CALL, p.FUNCTIONS["div"]), NO_FLOATS)
    for numbers in product(SPECIAL, repeat=arity):
        # Also as a divisor: an infinite intermediate result must not make the quotient 0.
        ops += [*map(pushed, numbers), call, stored(len(slots))]
        ops += [pushed(1.0), *map(pushed, numbers), call, divide, stored(len(slots) + 1)]
        slots += [
            p.Slot("tilt", f"{numbers} {way}", "deg", -1e308, 1e308, None, "")
            for way in ("as it is", "below 1")
        ]
    device = device_with([*ops, DONE], slots)
    wanted = interpret(device.program, 1, b"x").values
    (answer,) = codecs.decode(device, [(1, b"x", None)])
    digits = 1e-12 if name in {"pow", "log", "log10", "exp"} else 0.0
    shown = [(one["channel"], one["value"]) for one in answer["data"]["stadtsinn"]["readings"]]
    assert [channel for channel, _ in shown] == [slots[slot].channel for slot, *_ in wanted]
    assert same([value for _, value, *_ in wanted], [value for _, value in shown], digits)


@pytest.mark.parametrize("number", [*SPECIAL, 2.0, 70_000.0, 2.0**33, 2.0**53, 253402300800.0])
def test_numbers_as_counts_channels_and_times(number: float, codecs: Codecs) -> None:
    """As bytes to skip, in a channel, as a time, as bits: a fraction or NaN counts as no number."""
    uses: list[list[Op]] = [
        [((p.SKIP_BY, 5), NO_FLOATS), ((p.END,), NO_FLOATS)],
        [pushed(1.0), stored(0, channel=5), DONE],
        [pushed(1.0), stored(0, time=5), DONE],
        [((p.KNOWN_BITS, 5, 1), NO_FLOATS), DONE],
        [((p.JUMP_BIT_CLEAR, 5, 1, 4), NO_FLOATS), ((p.FAIL, p.UNKNOWN_FRAME), NO_FLOATS), DONE],
    ]
    payloads: list[Payload] = [(1, bytes(size), None) for size in (1, 2, 3)]
    for use in uses:
        device = device_with([pushed(number), stored(register=5), *use])
        answers = codecs.decode(device, payloads)
        assert answers == [expected(device, *payload) for payload in payloads]


def test_tofixed_is_ours(codecs: Codecs) -> None:
    """to_fixed gives the same text as JavaScript's toFixed, for any number and decimals."""
    random = Random(3)
    numbers = [struct.unpack("<d", random.randbytes(8))[0] for _ in range(300)]
    numbers += [random.randrange(-40_000, 40_000) / 10**place for place in range(6)] * 50
    numbers += [n / 8 for n in range(-40, 40)]
    cases = [(n, random.randrange(7)) for n in numbers if math.isfinite(n) and abs(n) < 1e21]
    asked = [f"({number!r}).toFixed({decimals})" for number, decimals in cases]
    answers = codecs.evaluate(all_constructs(), *asked)
    # Both print -0.0 without the sign.
    assert answers == [to_fixed(number, decimals) for number, decimals in cases]


def test_formats_of_texts_are_ours(codecs: Codecs) -> None:
    """Padded, hexadecimal, rounded numbers and dates; also negative, and beyond the calendar."""
    text = "{a:d} {a:04d} {a:4d} {a:x} {a:06X} {a:.0f} {a:.2f} {a:%Y-%m-%d %H:%M:%S} {b:%S} {c:%Y}"
    body = (
        '{ type = "i16be", name = "a" }, { value = "a + 0.9999999", name = "b" },'
        '{ value = "a ** 5", name = "c" },'
        '{ value = "a / 7", quantity = "tilt", unit = "deg" },'
        f'{{ text = "{text}", vendor = "said" }}'
    )
    device = device_of(body)
    numbers = [0, 1, -1, 9, -9, 255, -255, 4096, -4096, 32767, -32768, 1234, 300, -300]
    payloads: list[Payload] = [(1, struct.pack(">h", number), None) for number in numbers]
    answers = codecs.decode(device, payloads)
    assert answers == [expected(device, *payload) for payload in payloads]


UTF8 = (
    "4DC3BC6C6C",  # two bytes
    "E282ACF09F9AB0",  # three, four
    "C0AF",  # too long for its character
    "E08080EDA080",  # too long; a surrogate
    "F48FBFBFF4908080",  # the last character; beyond it
    "F09F9A",  # cut short
    "E28241F09F41",  # interrupted
    "80BFFEFF",  # no beginnings
    "00",
)


def test_bytes_as_texts(codecs: Codecs) -> None:
    """Hex in both cases, Latin-1, lists, and UTF-8 with U+FFFD for invalid bytes."""
    random = Random(8)
    body = ", ".join(
        f'{{ bytes = "payload", vendor = "{key}", show = "{show}"{more} }}'
        for key, show, more in (
            ("a", "hex", ""),
            ("b", "HEX", ', separator = ":"'),
            ("c", "ascii", ""),
            ("d", "utf8", ""),
            ("e", "list", ""),
        )
    )
    device = device_of(body + ', { skip = "end" }')
    payloads: list[Payload] = [(1, bytes.fromhex(text), None) for text in UTF8]
    payloads += [(1, random.randbytes(40), None) for _ in range(40)]
    payloads += [
        (
            1,
            bytes(random.choice((0x41, 0x80, 0xBF, 0xC3, 0xE2, 0xED, 0xF0)) for _ in range(40)),
            None,
        )
        for _ in range(40)
    ]
    assert codecs.decode(device, payloads) == [expected(device, *payload) for payload in payloads]


def test_gathered_values_and_texts_in_lists(codecs: Codecs) -> None:
    """One value, then a list of two, three and four; texts that are appended to a list."""
    device = device_of(
        '{ tlv = 1, entries = [{ keys = ["01"], body = ['
        '{ type = "u8", name = "n", quantity = "tilt", unit = "deg",'
        ' vendor = { key = "in.tilt", gather = true } },'
        '{ text = "{n}", vendor = "in.texts[]" }, { text = "{n};", vendor = "line", append = true }'
        "] }] }"
    )
    payloads: list[Payload] = [(1, bytes([1, 7] * size), Instant(0)) for size in range(1, 5)]
    answers = codecs.decode(device, payloads)
    assert answers == [expected(device, *payload) for payload in payloads]
    assert [answer["data"]["in"]["tilt"] for answer in answers][:3] == [7, [7, 7], [7, 7, 7]]

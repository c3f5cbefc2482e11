"""The language of device files: what is refused, and with which remedy; number formats."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator

import pytest

from device_examples import ALL_CONSTRUCTS, all_constructs, every_device_and_construct
from stadtsinn.base.instant import SECOND, parse
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.language.lines import Path, places
from stadtsinn.decoders.language.load import DeviceFileError, load
from stadtsinn.decoders.proof import example_findings, run_findings
from stadtsinn.decoders.reading import Decoded, Reading, Undecoded

HEAD = ALL_CONSTRUCTS[: ALL_CONSTRUCTS.index("[[frames]]")]
ONE = 'entries = [{ keys = ["01"], body = [] }]'
"""The entries of a tlv."""
EXAMPLES = ALL_CONSTRUCTS[ALL_CONSTRUCTS.index("[[examples]]") :]


def device(body: str, *, frame: str = "ports = [1]", examples: str = EXAMPLES) -> DeviceType:
    text = f'{HEAD}[[frames]]\ntitle = "t"\n{frame}\nbody = [\n{body}\n]\n{examples}'
    return DeviceType("test/one", text)


def values(body: str, payload: str) -> list[float]:
    outcome = device(body).decode(1, bytes.fromhex(payload))
    assert isinstance(outcome, Decoded), outcome
    return [reading.value for reading in outcome.readings]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{ type = "u17be" }', r"frames\[0\].body\[0\]: unknown type 'u17be'; allowed: u8"),
        ('{ typ = "u8" }', r"body\[0\]: an item needs exactly one of .*type"),
        ('{ type = "u8", skip = 1 }', "exactly one of"),
        ('{ type = "u8", qantity = "tilt" }', "unknown field `qantity`"),
        ('{ type = "u8", quantity = "tlit", unit = "deg" }', "unknown quantity 'tlit'; near: tilt"),
        ('{ type = "u8", quantity = "tilt" }', "tilt without unit"),
        ('{ type = "u8", quantity = "tilt", unit = "rad" }', "'rad' does not fit tilt.*'deg'"),
        ('{ type = "u8", quantity = "tilt", unit = "deg", div = 0 }', "div not 0"),
        ('{ type = "u8", quantity = "tilt", unit = "deg", mul = inf }', "must be finite"),
        ('{ type = "u8", quantity = "tilt", unit = "deg", range = [3, 1] }', "range .* is empty"),
        ('{ type = "u8", bits = [9, 0] }', r"bits \[9, 0\] do not lie in u8"),
        ('{ type = "ubits3" }, { type = "u8" }', r"body\[1\]: starts 3 bits into a byte"),
        ('{ switch = "x", cases = [{ values = [1], body = [] }] }', "no item is named 'x'"),
        (
            '{ type = "i8", name = "x" }, { switch = "x", cases = [{ values = [-1], body = [] }] }',
            "-1 cannot be a case",
        ),
        ('{ value = "a + 1", quantity = "tilt", unit = "deg" }', "no item is named 'a'"),
        ('{ value = "__import__(1)", name = "v" }', "not part of the language"),
        ('{ repeat = "end", body = [] }', "must take at least one byte"),
        ('{ tlv = 1, entries = [{ keys = ["0102"], body = [] }] }', "has 2 bytes, tlv says 1"),
        (
            '{ tlv = 1, entries = [{ keys = ["01", "01"], body = [] }] }',
            "the key 01 has two entries",
        ),
        (
            '{ type = "u8", channel = "c{n}", quantity = "tilt", unit = "deg" }',
            "outside of several",
        ),
        ('{ type = "u8", mul = "k", name = "v" }', "no constant is named 'k'"),
        ('{ mask = "u8", groups = [{ body = [] }] }', "needs either bit or bits"),
        (
            f'{{ tlv = 1, {ONE}, foreign = {{ channels = ["01", "7F"], lengths = {{}} }} }}',
            "a key of one byte has no channel",
        ),
        (f"{{ tlv = 1, {ONE}, foreign = {{ lengths = {{ X = 2 }} }} }}", "key 'X' is not hex"),
        ('{ type = "u8", name = "v" }, { text = "{v:03q}", vendor = "t" }', "unknown format '03q'"),
    ],
)
def test_a_wrong_item_is_refused_with_place_and_remedy(body: str, message: str) -> None:
    """File, line, place in it, and what to write instead."""
    line = HEAD.count("\n") + 5
    with pytest.raises(DeviceFileError, match=message) as caught:
        device(body)
    assert str(caught.value).startswith(f"test/one.toml:{line}: frames[0].body")


def test_a_name_of_one_branch_is_unknown_outside() -> None:
    """Otherwise a value could be computed from bytes that the payload does not have."""
    branch = '{ values = [1], body = [{ type = "u8", name = "inner" }] }'
    body = f"""{{ type = "u8", name = "kind" }},
      {{ switch = "kind", cases = [{branch}], otherwise = [] }},
      {{ value = "inner", quantity = "tilt", unit = "deg" }}"""
    with pytest.raises(DeviceFileError, match="no item is named 'inner'"):
        device(body)


def test_a_file_without_three_examples_is_refused() -> None:
    """Three examples are the minimum."""
    two = EXAMPLES.split("[[examples]]", 3)
    with pytest.raises(DeviceFileError, match="2 \\[\\[examples\\]\\]; a device needs at least 3"):
        device("{ skip = 1 }", examples="[[examples]]".join(two[:3]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("= nonsense", "test.toml: no valid TOML"),
        ("vendor = 'x'", "no \\[\\[frames\\]\\]"),
        (ALL_CONSTRUCTS.replace('family = "generic"', 'family = "fruit"'), "Invalid enum value"),
        (ALL_CONSTRUCTS.replace("version = 3\n", ""), "missing required field `version`"),
    ],
)
def test_a_wrong_file_is_refused(text: str, message: str) -> None:
    """Outside of bodies, too, the error names the file and the allowed keys."""
    with pytest.raises(DeviceFileError, match=message):
        load(text, "test.toml")


@pytest.mark.parametrize(
    ("kind", "payload", "expected"),
    [
        ("u8", "FF", 255),
        ("i8", "80", -128),
        ("u16le", "0102", 513),
        ("i16be", "FFFE", -2),
        ("o16be", "FF7E", -129),
        ("o16be", "FFFF", 0),
        ("sm16be", "8005", -5),
        ("u24be", "010203", 66051),
        ("i24le", "FFFFFF", -1),
        ("u32be", "FFFFFFFF", 4294967295),
        ("i32le", "00000080", -2147483648),
        ("u32words", "00010002", 131073),
        ("i32words", "FFFEFFFF", -2),
        ("bcd16be", "1234", 1234),
        ("bcd16le", "3412", 1234),
        ("f32be", "41C80000", 25),
        ("f16be", "4E40", 25),
        ("f16be", "8001", -(2.0**-24)),
    ],
)
def test_number_types(kind: str, payload: str, expected: float) -> None:
    """Each type on a value that shows its order and sign."""
    body = f'{{ type = "{kind}", quantity = "people_present", unit = "1" }}'
    assert values(body, payload) == [expected]


@pytest.mark.parametrize("payload", ["7FC00000", "7F800000", "FF800000"])
def test_a_float_that_is_nan_is_no_reading(payload: str) -> None:
    """A reading's value is always finite."""
    assert values('{ type = "f32be", quantity = "tilt", unit = "deg" }', payload) == []


def test_bits_of_a_stream_need_no_alignment() -> None:
    """First bit highest, fields across bytes."""
    body = """{ type = "ubits4", quantity = "people_in", unit = "1" },
      { type = "ibits9", quantity = "tilt", unit = "deg" },
      { type = "ubits11", quantity = "people_out", unit = "1" }"""
    # 1010 111111110 00000000101
    assert values(body, "AFF005") == [10, -2, 5]


def test_sentinels_are_missing_or_faults() -> None:
    """A fault gives a bad reading with a reason; a missing value gives no reading."""
    body = """{ type = "u8", quantity = "soil_tension", unit = "kPa", missing = [255],
      faults = [{ raw = 240, reason = "short_circuit" }] }""".replace("\n", " ")
    assert values(body, "FF") == []
    outcome = device(body).decode(1, b"\xf0")
    assert isinstance(outcome, Decoded)
    (reading,) = outcome.readings
    assert (reading.value, reading.quality.value, reading.reason) == (240, "bad", "short_circuit")


def test_a_unit_is_converted_with_one_rounding() -> None:
    """9596 hundredths of kPa are 959.6 hPa, not 959.5999999999999."""
    body = '{ type = "u16be", div = 100, quantity = "atmospheric_pressure", unit = "kPa" }'
    assert values(body, "257C") == [959.6]


def test_every_construct_in_one_device() -> None:
    """Masks, repeats, records with time, counted keys, channels from the payload."""
    payload = bytes.fromhex("AABBCCDD05000100020000077007010A02F603090BFFFFFF")
    outcome = all_constructs().decode(4, payload)
    assert isinstance(outcome, Decoded), outcome
    assert outcome.readings[:6] == (
        Reading("tilt", 1, "two"),
        Reading("tilt", 2, "two"),
        Reading("tilt", 7, "", event_time=parse("2029-07-23T13:15:44Z")),
        Reading("tilt", 10, "key_1"),
        Reading("tilt", -10, "key_2"),
        Reading("tilt", 11, "which_9"),
    )
    assert outcome.readings[6].value == 655.35


NOW = "2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("own", "received", "wrong"),
    [
        ("2026-11-22T11:00:00Z", NOW, False),
        ("2026-11-22T12:59:00Z", NOW, False),
        ("2026-11-22T13:01:00Z", NOW, True),
        ("2106-02-07T06:28:15Z", NOW, True),
        ("1970-01-02T00:00:00Z", NOW, True),
        ("1970-01-02T00:00:00Z", "", True),
        ("2015-11-30T00:00:00Z", NOW, True),
        ("2016-01-01T00:00:00Z", NOW, False),
        ("2029-11-22T13:01:00Z", "", False),
    ],
)
@pytest.mark.parametrize(
    ("byte", "otherwise"),
    [("07", ""), ("F0", "out_of_range"), ("08", "frozen"), ("09", "ambiguous")],
)
def test_a_sample_of_an_impossible_time_is_bad(
    own: str, received: str, wrong: bool, byte: str, otherwise: str
) -> None:
    """From the future, or from before 2016: the device's clock is not set. Whatever its value is
    worth: a suspect one would stand in a series for as long as the clock is ahead."""
    seconds = (parse(own) // SECOND).to_bytes(4, "big").hex()
    body = """{ type = "u32be", name = "at" },
      { type = "u8", peek = 0, name = "x" }, { value = "x == 9", name = "unsure" },
      { timed = "at", body = [{ type = "u8", quantity = "tilt", unit = "deg", range = [0, 180],
        faults = [{ raw = 8, reason = "frozen", quality = "suspect" }],
        doubt = { item = "unsure", reason = "ambiguous", quality = "suspect" } }] }"""
    flat = " ".join(body.split())
    reception = parse(received) if received else None
    kind, payload = device(flat), bytes.fromhex(seconds + byte)
    outcome = kind.decode(1, payload, reception)
    assert isinstance(outcome, Decoded)
    (reading,) = outcome.readings
    assert (reading.reason, reading.event_time) == (
        "clock_wrong" if wrong else otherwise,
        parse(own),
    )
    assert (reading.quality.value == "bad") == (wrong or otherwise == "out_of_range")
    assert list(run_findings(kind, [(1, payload, reception)])) == []


@pytest.mark.parametrize(
    ("body", "payload", "received", "expected"),
    [
        ('{ type = "i32words", name = "x" }, { value = "x", QUANTITY }', "0001FFFF", "", -65535),
        ('{ type = "u8", name = "x" }, { value = "x % 7", QUANTITY }', "0A", "", 3),
        ('{ type = "i8", name = "x" }, { value = "x % 7", QUANTITY }', "FF", "", 6),
        ('{ type = "i8", name = "x" }, { value = "round(x / 2)", QUANTITY }', "FD", "", -1),
        ('{ type = "i8", name = "x" }, { value = "trunc(x / 2)", QUANTITY }', "FD", "", -1),
        ('{ type = "u8", name = "x" }, { value = "1 < x <= 5 and x != 3", QUANTITY }', "05", "", 1),
        ('{ type = "u8", name = "x" }, { value = "x or nan", QUANTITY }', "05", "", 1),
        ('{ skip = 1 }, { value = "length + port", QUANTITY }', "05", "", 2),
        (
            '{ type = "u8", name = "m" }, { value = "unix(2024, m, 29, 1, 2, 3) / 1e5", QUANTITY }',
            "02",
            "",
            17091.68523,
        ),
        (
            '{ type = "u8", name = "x" }, { value = "received / 1e5 - x", QUANTITY }',
            "05",
            "2026-11-22T12:00:00Z",
            17953.488 - 5,
        ),
    ],
)
def test_expressions(body: str, payload: str, received: str, expected: float) -> None:
    """Each function, and the names that every expression may use."""
    quantity = 'quantity = "current", unit = "uA"'
    text = body.replace("QUANTITY", quantity)
    reception = parse(received) if received else None
    outcome = device(text).decode(1, bytes.fromhex(payload), reception)
    assert isinstance(outcome, Decoded)
    assert outcome.readings[0].value * 1e6 == pytest.approx(expected)


@pytest.mark.parametrize("month", [0, 13])
def test_an_invalid_date_gives_no_value(month: int) -> None:
    """It is not corrected to a date near it."""
    body = """{ type = "u8", name = "m" },
      { value = "unix(2024, m, 1, 0, 0, 0)", quantity = "frequency", unit = "Hz" }"""
    outcome = device(body).decode(1, bytes([month]))
    assert isinstance(outcome, Decoded)
    assert outcome.readings == ()


@every_device_and_construct
def test_every_place_of_a_file_has_its_line(device: DeviceType) -> None:
    """The scanner finds exactly the places that the TOML reader has."""

    def walk(value: object, path: Path = ()) -> Iterator[Path]:
        pairs: Iterable[tuple[str | int, object]] = ()
        if isinstance(value, dict):
            pairs = value.items()
        elif isinstance(value, list):
            pairs = enumerate(value)
        for key, inner in pairs:
            yield (*path, key)
            yield from walk(inner, (*path, key))

    found = places(device.text)
    document = tomllib.loads(device.text)
    arrays = {
        (k,) for k, v in document.items() if isinstance(v, list) and f"[[{k}]]" in device.text
    }
    assert set(found) == set(walk(document)) - arrays
    lines = device.text.splitlines()
    assert all(str(p[-1]) in lines[at - 1] for p, at in found.items() if isinstance(p[-1], str))


def refusal(body: str, payload: str) -> str:
    outcome = device(body).decode(1, bytes.fromhex(payload))
    assert isinstance(outcome, Undecoded), outcome
    return f"{outcome.reason} {outcome.message}"


def test_a_frame_is_refused_by_name() -> None:
    """In a branch, also inside a byte, and behind bytes that are there or not."""
    body = """{ type = "u8", peek = 0, bits = [7, 4], name = "kind" },
      { type = "ubits4" },
      { switch = "kind", cases = [
        { values = [1], body = [{ refuse = "a datalog: ask for X" }] },
      ], otherwise = [] },
      { type = "ubits4", quantity = "tilt", unit = "deg" }"""
    assert values(body, "2A") == [10]
    assert refusal(body, "1A") == "unknown_frame test/one: a datalog: ask for X"
    assert refusal(body, "1AFF") == "unknown_frame test/one: a datalog: ask for X"
    assert refusal('{ refuse = "not ours" }', "00") == "unknown_frame test/one: not ours"


FOREIGN = """{ tlv = 2, entries = [
    { keys = ["0167"], body = [{ type = "u16le", quantity = "tilt", unit = "deg" }] },
  ], foreign = { channels = ["01", "7F"], lengths = { 67 = 2, 68 = 1, 99 = 0 } } }"""


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("01670A00", [10]),
        ("0268FF01670A00", [10]),
        ("0267FFFF0167030001990268AA01670400", [3, 4]),
        ("0567FFFF", []),
    ],
)
def test_a_foreign_record_of_known_length_is_skipped(payload: str, expected: list[float]) -> None:
    """Before, between and behind the device's own; one without data; a frame of nothing else."""
    assert values(FOREIGN, payload) == expected


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ("0165FF01670A00", "unknown_frame"),  # a type of no known length
        ("FF68FF01670A00", "unknown_frame"),  # a channel for which the lengths do not hold
        ("0068FF01670A00", "unknown_frame"),
        ("8068FF01670A00", "unknown_frame"),
        ("01670A000267FF", "truncated"),
    ],
)
def test_a_record_of_no_known_length_is_refused(payload: str, reason: str) -> None:
    """Nothing is guessed."""
    assert refusal(FOREIGN, payload).startswith(reason)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [("FFFF", []), ("0000", [0]), ("FFFE", [-0.1]), ("FF9C", [-9.9])],
)
def test_a_code_of_ones_complement_is_not_zero(payload: str, expected: list[float]) -> None:
    """All bits set is a code, written as -1; as a number it would be 0."""
    body = '{ type = "o16be", div = 10, quantity = "tilt", unit = "deg", missing = [-1] }'
    assert values(body, payload) == expected


def test_an_example_may_give_the_single_sensors_constants() -> None:
    """Where the file knows none there is no reading without them."""
    body = '{ type = "u8", mul = "untold", quantity = "tilt", unit = "deg" }'
    shown = """[[examples]]
title = "calibrated"
port = 1
bytes = "05"
source = "made up"
constants = { untold = 3.0 }
readings = [{ quantity = "tilt", value = 15 }]
vendor = {}
"""
    one = device(body, examples=shown * 3)
    assert one.decode(1, b"\x05") == Decoded("test/one@3", ())
    assert [list(example_findings(one, example)) for example in one.file.examples] == [[]] * 3
    wrong = DeviceType(one.id, one.text.replace("untold = 3.0", "unheard = 3.0"))
    assert "no constant 'unheard'" in next(example_findings(wrong, wrong.file.examples[0]))

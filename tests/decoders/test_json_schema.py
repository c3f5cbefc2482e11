"""The JSON Schema of readings: what our decoders give is valid, what they never give is not."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pytest

from device_examples import device_types_and_all_constructs as devices
from device_examples import every_device, every_device_and_construct
from real_codecs import shown_reading
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.export.json_schema import DIALECT, json_schema
from stadtsinn.decoders.proof import random_payloads, received_at
from stadtsinn.decoders.reading import Outcome, Undecoded, VendorFields
from stadtsinn.decoders.vocabulary import QUANTITIES

pytestmark = pytest.mark.slow

TYPES = {"object": dict, "array": list, "string": str, "number": int | float}
NOISE = 20


@cache
def whole_schema() -> dict[str, Any]:
    return json_schema(devices())


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """Violations of a schema by a value, by draft 2020-12, for the keywords that ours uses."""
    found: list[str] = []
    for keyword, argument in schema.items():
        found += _keyword(schema, keyword, argument, value)
    return found


def valid(schema: dict[str, Any], value: Any) -> bool:
    return not faults(schema, value)


def _keyword(schema: dict[str, Any], keyword: str, argument: Any, value: Any) -> list[str]:
    match keyword:
        case "$schema" | "$defs" | "title" | "description" | "format" | "then" | "else":
            return []  # an annotation, or evaluated together with another keyword
        case "$ref":
            return faults(_definition(argument), value)
        case "type":
            number = isinstance(value, TYPES[argument]) and not isinstance(value, bool)
            return [] if number else [f"{value!r} is no {argument}"]
        case "const" | "enum":
            allowed = [argument] if keyword == "const" else argument
            return [] if value in allowed else [f"{value!r} is not of {allowed}"]
        case "anyOf":
            fits = any(valid(one, value) for one in argument)
            return [] if fits else [f"{value!r} fits none of {len(argument)}"]
        case "not":
            return [f"{value!r} must not fit {argument}"] if valid(argument, value) else []
        case "if":
            return faults(schema.get("then" if valid(argument, value) else "else", {}), value)
        case "required" | "properties" | "additionalProperties":
            return _of_object(schema, keyword, argument, value)
        case "items":
            items = value if isinstance(value, list) else []
            return [fault for item in items for fault in faults(argument, item)]
        case "minimum" | "maximum":
            return _of_number(keyword, argument, value)
        case "minLength" | "pattern":
            return _of_text(keyword, argument, value)
    raise AssertionError(f"the schema uses {keyword}, which this test does not know")


def _of_number(keyword: str, argument: float, value: Any) -> list[str]:
    if not isinstance(value, int | float):
        return []
    bad = value < argument if keyword == "minimum" else value > argument
    return [f"{value} beyond {keyword} {argument}"] if bad else []


def _of_text(keyword: str, argument: Any, value: Any) -> list[str]:
    if not isinstance(value, str):
        return []
    right = len(value) >= argument if keyword == "minLength" else re.search(argument, value)
    return [] if right else [f"{value!r} is not as {keyword} {argument}"]


def _of_object(schema: dict[str, Any], keyword: str, argument: Any, value: Any) -> list[str]:
    if not isinstance(value, dict):
        return []
    if keyword == "required":
        return [f"{key} is missing" for key in argument if key not in value]
    if keyword == "properties":
        known = value.keys() & argument.keys()
        return [fault for key in known for fault in faults(argument[key], value[key])]
    assert argument is False
    return [f"{key} is foreign" for key in value.keys() - schema["properties"].keys()]


def _definition(pointer: str) -> dict[str, Any]:
    name = pointer.removeprefix("#/$defs/")
    assert "/" not in name
    definition: dict[str, Any] = whole_schema()["$defs"][name.replace("~1", "/").replace("~0", "~")]
    return definition


def _answer(outcome: Outcome, vendor: VendorFields) -> dict[str, Any]:
    """As `stadtsinn decode --json` prints it."""
    if isinstance(outcome, Undecoded):
        return {"error": outcome.message}
    return {"readings": [shown_reading(reading) for reading in outcome.readings], "vendor": vendor}


@every_device
def test_every_example_is_valid(device: DeviceType) -> None:
    """As an answer, and as one of its own device type."""
    for example in device.file.examples:
        payload = bytes.fromhex(example.bytes)
        answer = _answer(*device.decode_with_vendor(example.port, payload, received_at(example)))
        assert faults(whole_schema(), answer) == [], example.title
        if "error" not in answer:
            assert faults(whole_schema()["$defs"][f"device.{device.id}"], answer) == [], (
                example.title
            )


@every_device_and_construct
def test_whatever_a_device_sends_is_valid(device: DeviceType) -> None:
    """Including values out of range and faults: they have a quality and a reason."""
    for port, payload, received in random_payloads(device, NOISE):
        outcome = device.decode(port, payload, received)
        if not isinstance(outcome, Undecoded):
            timeless = [{**shown_reading(r), "event_time": "-"} for r in outcome.readings]
            assert (
                faults(whole_schema()["$defs"][f"device.{device.id}"], {"readings": timeless}) == []
            )


GOOD = {
    "quantity": "soil_moisture",
    "value": 19.57,
    "unit": "%",
    "channel": "",
    "quality": "good",
}


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({}, True),
        ({"channel": "30cm"}, True),
        ({"quality": "bad", "reason": "out_of_range", "value": 250}, True),
        ({"quality": "suspect", "reason": "wet"}, True),
        ({"event_time": "2026-11-22T12:00:00Z"}, True),
        ({"value": 250}, False),
        ({"value": -1}, False),
        ({"unit": "kPa"}, False),
        ({"unit": ""}, False),
        ({"quantity": "moisture"}, False),
        ({"quantity": "soil_tension"}, False),
        ({"value": "19.57"}, False),
        ({"value": None}, False),
        ({"value": True}, False),
        ({"quality": "fair"}, False),
        ({"quality": "bad"}, False),
        ({"quality": "bad", "reason": ""}, False),
        ({"reason": "out_of_range"}, False),
        ({"note": "x"}, False),
    ],
)
def test_a_reading_is_strict(change: dict[str, Any], right: bool) -> None:
    """The unit is the quantity's, only good values have no reason, no other key is allowed."""
    assert valid(whole_schema()["$defs"]["reading"], {**GOOD, **change}) is right


@pytest.mark.parametrize("key", GOOD)
def test_no_part_of_a_reading_may_be_missing(key: str) -> None:
    cut = {name: value for name, value in GOOD.items() if name != key}
    assert not valid(whole_schema()["$defs"]["reading"], cut)


@pytest.mark.parametrize(
    ("reading", "right"),
    [
        (GOOD, True),
        ({**GOOD, "channel": "2"}, False),
        ({**GOOD, "quantity": "co2", "unit": "[ppm]"}, False),
        ({**GOOD, "quantity": "battery_voltage", "unit": "V", "value": 3.6}, True),
        ({**GOOD, "quantity": "battery_voltage", "unit": "V", "value": 5.6}, False),
    ],
)
def test_a_device_types_schema_has_only_its_own_quantities(
    reading: dict[str, Any], right: bool
) -> None:
    """LSE01: its own quantities, channels and, for its battery, a narrower range."""
    definition = whole_schema()["$defs"]["device.dragino/lse01"]
    assert valid(definition, {"readings": [reading], "vendor": {}}) is right


def test_numbers_in_channels_are_a_pattern() -> None:
    """A channel that takes a number from the payload: any number, nothing else."""
    definition = whole_schema()["$defs"]["device.test/all"]
    tilt = {**GOOD, "quantity": "tilt", "unit": "deg"}
    for channel, right in (("which_7", True), ("which_77", True), ("which_", False), ("", True)):
        assert valid(definition, {"readings": [{**tilt, "channel": channel}]}) is right, channel


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ({"error": "unknown device"}, True),
        ({"readings": [], "vendor": {"a": None}}, True),
        ({}, False),
        ([], False),
        ({"readings": {}}, False),
        ({"error": 3}, False),
        ({"readings": [{}]}, False),
    ],
)
def test_an_answer_is_readings_or_an_error(answer: Any, right: bool) -> None:
    assert valid(whole_schema(), answer) is right


def test_the_schema_names_every_quantity_and_device() -> None:
    """It is plain JSON of the 2020-12 dialect; all of the vocabulary and the devices are in it."""
    assert json.loads(json.dumps(whole_schema(), allow_nan=False)) == whole_schema()
    assert whole_schema()["$schema"] == DIALECT
    names = {f"quantity.{name}" for name in QUANTITIES}
    own = {f"device.{device.id}" for device in devices()}
    assert set(whole_schema()["$defs"]) == {"decoded", "refused", "reading"} | names | own

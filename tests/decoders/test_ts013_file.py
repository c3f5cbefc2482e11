"""Exported codecs as files: their head, their size, and that they are ECMAScript 5.1.

Their normalizeUplink returns The Things Stack's schema, where an unknown field fails an uplink.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from device_examples import (
    ALL_CONSTRUCTS,
    device_types_and_all_constructs,
    every_device,
    every_device_and_construct,
)
from real_codecs import Codecs, running_codecs
from real_parts import absent, require
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.export.ts013 import ts013

pytestmark = pytest.mark.slow

CONSOLE_LIMIT = 40_960
"""Largest formatter in bytes that The Things Stack's console accepts."""

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
LSE01 = "dragino/lse01"
FRAME = "[0xCE,0x29,0x00,0xF1,0x07,0xA5,0x09,0x9B,0x6E,0x28,0x90]"


@pytest.fixture(scope="module")
def codecs() -> Iterator[Codecs]:
    with running_codecs() as codecs:
        yield codecs


# --- The Things Stack's normalized payload

_KNOWN = {
    "": {"time", "air", "wind", "soil"},
    "air": {"temperature", "relativeHumidity", "pressure", "co2", "lightIntensity"},
    "wind": {"speed", "direction"},
    "soil": {"depth", "moisture", "temperature", "ec", "pH", "n", "p", "k"},
}
"""Fields of the normalized payload; any other field fails the whole uplink there."""


def test_normalized_payload_of_a_soil_sensor(codecs: Codecs) -> None:
    """In the schema's units: conductivity in dS/m. Quantities without a field are left out."""
    asked = f"normalizeUplink({{data: decodeUplink({{bytes: {FRAME}, fPort: 2}}).data}})"
    (answer,) = codecs.evaluate(catalogue().device(LSE01), asked)
    soil = {"moisture": 19.57, "temperature": 24.59, "ec": 28.2}
    assert answer == {"data": [{"soil": soil}], "warnings": []}


def _normalized(*readings: str) -> str:
    return f"normalizeUplink({{data: {{stadtsinn: {{readings: [{','.join(readings)}]}}}}}}).data"


def _given(quantity: str, value: float, channel: str = "", more: str = "") -> str:
    quality = "" if "quality" in more else 'quality: "good", '
    return f'{{quantity: "{quantity}", value: {value}, channel: "{channel}", {quality}{more}}}'


@pytest.mark.parametrize(
    ("readings", "wanted"),
    [
        ([_given("air_temperature", -3)], [{"air": {"temperature": -3}}]),
        ([_given("air_temperature", -3, more='quality: "bad"')], []),
        ([_given("air_temperature", -3, "max")], []),
        ([_given("battery_voltage", 3.6)], []),
        ([_given("wind_direction", 360)], [{"wind": {"direction": 0}}]),
        (
            [_given("soil_moisture", 20, "10cm"), _given("soil_moisture", 30, "30cm")],
            [{"soil": {"depth": 10, "moisture": 20}}, {"soil": {"depth": 30, "moisture": 30}}],
        ),
        (
            [
                _given("air_temperature", 1, more='event_time: "2026-01-01T00:00:00Z"'),
                _given("relative_humidity", 80, more='event_time: "2026-01-01T00:00:00Z"'),
                _given("air_temperature", 2),
            ],
            [
                {"time": "2026-01-01T00:00:00Z", "air": {"temperature": 1, "relativeHumidity": 80}},
                {"air": {"temperature": 2}},
            ],
        ),
    ],
)
def test_normalized_payload_holds_good_values_by_depth_and_time(
    readings: list[str], wanted: list[Any], codecs: Codecs
) -> None:
    (answer,) = codecs.evaluate(catalogue().device(LSE01), _normalized(*readings))
    assert answer == wanted


@pytest.mark.parametrize("given", ["", "null", "{}", "{data: null}", "{data: {stadtsinn: 1}}"])
def test_nothing_to_normalize_is_nothing(given: str, codecs: Codecs) -> None:
    (answer,) = codecs.evaluate(catalogue().device(LSE01), f"normalizeUplink({given})")
    assert answer == {"data": [], "warnings": []}


@every_device
def test_normalized_payload_has_no_field_that_the_stack_refuses(
    device: DeviceType, codecs: Codecs
) -> None:
    asked = [
        "(function (data) { return data ? normalizeUplink({data: data}).data : []; })"
        f"(decodeUplink({{bytes: {list(bytes.fromhex(e.bytes))}, fPort: {e.port}}}).data)"
        for e in device.file.examples
    ]
    for measurements in codecs.evaluate(device, *asked):
        for measurement in measurements:
            assert measurement.keys() <= _KNOWN[""]
            for part in measurement.keys() - {"time"}:
                assert measurement[part].keys() <= _KNOWN[part]
                assert all(isinstance(value, int | float) for value in measurement[part].values())


# --- the file


def test_the_page_shows_what_the_codec_answers(codecs: Codecs) -> None:
    """docs/export.md shows the call and its complete result."""
    call, shown = re.findall(r"```js\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    one, other = codecs.evaluate(catalogue().device(LSE01), call, f"({shown})")
    assert one == other


@every_device_and_construct
def test_the_file_fits_into_the_consoles(device: DeviceType) -> None:
    """Small enough for The Things Stack; no line is too long for an editor."""
    source = ts013(device)
    assert len(source.encode()) <= CONSOLE_LIMIT
    assert max(map(len, source.splitlines())) < 1000


def test_the_head_names_device_generator_and_licence() -> None:
    lines = ts013(catalogue().device(LSE01)).splitlines()
    assert lines[0].startswith("// dragino/lse01@3: Dragino LSE01")
    assert "stadtsinn" in lines[1]
    assert "Not to be edited" in lines[1]
    assert "EUPL-1.2" in lines[2]
    assert not any("constants" in line for line in lines[:6])


def test_the_head_has_a_single_sensors_constants() -> None:
    device = DeviceType("test/all", ALL_CONSTRUCTS, {"gain": 2.5})
    head = ts013(device).partition("var ")[0]
    assert "With the constants gain = 2.5, untold = NaN." in head


def test_a_line_break_in_a_name_does_not_end_the_comment() -> None:
    """Names are data and must not become code."""
    text = ALL_CONSTRUCTS.replace('"Every construct"', '"Every\\nalert(1)\\u2028x"')
    head = re.split(r"var STADTSINN_DEVICE", ts013(DeviceType("test/all", text)))[0]
    assert all(line.startswith("// ") for line in head.splitlines())


def test_a_vendor_key_of_our_name_is_refused() -> None:
    """A vendor's key of the name under which `data` has our readings is an error."""
    text = ALL_CONSTRUCTS.replace('vendor = "blob"', 'vendor = "stadtsinn.blob"')
    with pytest.raises(ValueError, match="name that vendor key differently"):
        ts013(DeviceType("test/all", text))


_ACORN = "internal/deps/acorn/acorn/dist/acorn"
_PARSE = f"""
let parse;
try {{ ({{parse}} = require('{_ACORN}')); }} catch (error) {{ process.exit(3); }}
let source = '';
process.stdin.setEncoding('utf8').on('data', (part) => source += part).on('end', () => {{
  for (const one of JSON.parse(source)) parse(one, {{ ecmaVersion: 5 }});
}});
"""


def _parse_as_es5(sources: list[str]) -> subprocess.CompletedProcess[str]:
    """Node includes a parser (acorn) that can be limited to ECMAScript 5."""
    command = [str(require("node")), "--expose-internals", "-e", _PARSE]
    result = subprocess.run(
        command, input=json.dumps(sources), capture_output=True, text=True, check=False
    )
    if result.returncode == 3:
        absent("a Node with its own parser", "install Node 18 to 22")
    return result


def test_sources_are_ecmascript_5() -> None:
    """A parser limited to ECMAScript 5 accepts every codec."""
    result = _parse_as_es5([ts013(device) for device in device_types_and_all_constructs()])
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("newer", ["let a;", "var f = (a) => a;", "var t = `a`;", "f(...a);"])
def test_newer_syntax_would_be_found(newer: str) -> None:
    result = _parse_as_es5([ts013(catalogue().device(LSE01)) + newer])
    assert result.returncode != 0
    assert "SyntaxError" in result.stderr

"""The JSON Schema (2020-12) of decoded uplinks, for programs that process our readings.

It describes the output of `stadtsinn decode --json`. Exported codecs have the same readings at
``data.stadtsinn.readings``. ``#/$defs/device.<id>`` describes the output of one device type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.program import Slot
from stadtsinn.decoders.reading import Quality
from stadtsinn.decoders.vocabulary import QUANTITIES, Quantity

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NUMBER = "[0-9]+"


def json_schema(devices: Iterable[DeviceType]) -> Schema:
    """The schema of an answer, with a definition per quantity and per device type of `devices`."""
    quantities = {f"quantity.{one.name}": _quantity(one) for one in QUANTITIES.values()}
    return {
        "$schema": DIALECT,
        "title": "Decoded LoRaWAN uplink (stadtsinn)",
        "description": "Readings with units, and the vendor's own fields; or why there are none.",
        "anyOf": [_ref("decoded"), _ref("refused")],
        "$defs": {
            "decoded": _decoded(),
            "refused": _refused(),
            "reading": _reading(list(quantities)),
            **quantities,
            **{f"device.{device.id}": _device(device) for device in devices},
        },
    }


def _ref(name: str) -> Schema:
    """A reference to a definition; JSON Pointer writes ~ and / in a name as ~0 and ~1."""
    return {"$ref": "#/$defs/" + name.replace("~", "~0").replace("/", "~1")}


def _decoded() -> Schema:
    return {
        "type": "object",
        "required": ["readings"],
        "properties": {
            "readings": {"type": "array", "items": _ref("reading")},
            "vendor": {
                "type": "object",
                "description": "The vendor's own keys and values, as the vendor's codec prints.",
            },
        },
    }


def _refused() -> Schema:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string", "description": "Why nothing was decoded."}},
        "not": {"required": ["readings"]},
    }


def _reading(quantities: Iterable[str]) -> Schema:
    return {
        "type": "object",
        "required": ["quantity", "value", "unit", "channel", "quality"],
        "properties": {
            "quantity": {"enum": list(QUANTITIES), "description": "Fixes the unit."},
            "value": {"type": "number", "description": "Always finite."},
            "unit": {"type": "string", "description": "In UCUM."},
            "channel": {
                "type": "string",
                "description": "Distinguishes equal quantities of a device; empty if there is one.",
            },
            "quality": {
                "enum": [quality.value for quality in Quality],
                "description": "How far the value may be trusted. Alert rules see only good ones.",
            },
            "reason": {
                "type": "string",
                "minLength": 1,
                "description": "Why the quality is not good; only then it is there.",
            },
            "event_time": {
                "type": "string",
                "format": "date-time",
                "description": "When it was measured, where that was before the uplink.",
            },
        },
        "additionalProperties": False,
        "anyOf": [_ref(name) for name in quantities],
        "if": {"properties": {"quality": {"const": Quality.GOOD.value}}},
        "then": {"not": {"required": ["reason"]}},
        "else": {"required": ["reason"]},
    }


def _quantity(one: Quantity) -> Schema:
    return {
        "title": one.label_en,
        "description": f"{one.label_de}. Over time: {one.aggregate}.",
        "properties": {"quantity": {"const": one.name}, "unit": {"const": one.unit}},
        **_good_within(one.low, one.high),
    }


def _good_within(low: float, high: float) -> Schema:
    """A good value must be in the range; a suspect or bad one has a reason and may be anything."""
    bounds: Schema = {}
    if math.isfinite(low):
        bounds["minimum"] = low
    if math.isfinite(high):
        bounds["maximum"] = high
    return {
        "if": {"properties": {"quality": {"const": Quality.GOOD.value}}},
        "then": {"properties": {"value": bounds}},
    }


def _device(device: DeviceType) -> Schema:
    """One device type's output: which quantities, on which channels, within which range."""
    kinds = [_slot(slot) for slot in device.fields]
    distinct = [kind for index, kind in enumerate(kinds) if kind not in kinds[:index]]
    return {
        "title": f"{device.vendor} {device.product}",
        "description": f"What {device.decoder} can give.",
        **_ref("decoded"),
        "properties": {"readings": {"items": {"anyOf": distinct}}},
    }


def _slot(slot: Slot) -> Schema:
    known = QUANTITIES[slot.quantity]
    schema = _ref(f"quantity.{slot.quantity}") | {"properties": {"channel": _channel(slot.channel)}}
    if (slot.low, slot.high) != (known.low, known.high):
        schema |= _good_within(slot.low, slot.high)
    return schema


def _channel(channel: str) -> Schema:
    """A constant, or a pattern if the channel contains a number from the payload."""
    before, braces, after = channel.partition("{}")
    if not braces:
        return {"const": channel}
    return {"pattern": f"^{_literal(before)}{_NUMBER}{_literal(after)}$"}


def _literal(text: str) -> str:
    """For a pattern of ECMA-262, which refuses some escapes that Python's re.escape makes."""
    return re.sub(r"[\\^$.*+?()\[\]{}|/]", r"\\\g<0>", text)

"""Reading of the fields that every format has.

A frame is its device, its address, its counter, its port and its payload: the checks of these
raise UnreadableEvent. All else is optional (names, times, radio facts): what cannot be read there
counts as absent, because an unreadable signal strength must not cost a measurement.
"""

from __future__ import annotations

import json
import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Any, TypeVar

import msgspec

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import Instant, parse
from stadtsinn.decoders.uplink import MAX_PAYLOAD
from stadtsinn.edge.network_servers.format import UnreadableEvent

_Event = TypeVar("_Event")

_DEV_EUI = re.compile(r"[0-9a-f]{16}")
_DEV_ADDR = re.compile(r"[0-9a-f]{8}")


def dev_eui(text: str, server: str) -> str:
    eui = text.lower()
    if not _DEV_EUI.fullmatch(eui):
        raise UnreadableEvent("bad_dev_eui", f"the DevEUI is not 16 hex digits: no {server} event")
    return eui


def dev_addr(text: str, server: str) -> str:
    address = text.lower()
    if not _DEV_ADDR.fullmatch(address):
        raise UnreadableEvent(
            "bad_dev_addr", f"the device address is not 8 hex digits: no {server} event"
        )
    return address


def base64_payload(text: str, field: str) -> bytes:
    """The payload of a JSON event. `field` is its name, for the error."""
    try:
        return a2b_base64(text, strict_mode=True) if text else b""
    except (Base64Error, ValueError):
        raise UnreadableEvent(
            "wrong_base64", f"field {field} is not base64 with padding, as the server writes it"
        ) from None


def frame_payload(data: bytes, f_port: int) -> bytes:
    """The application data of a frame; at port 0 there are MAC commands, which are none."""
    if len(data) > MAX_PAYLOAD:
        raise UnreadableEvent(
            "oversized_payload",
            f"payload of {len(data)} bytes, LoRaWAN carries at most {MAX_PAYLOAD}: "
            "look for a foreign publisher on this topic",
        )
    return data if f_port else b""


def decoded(decoder: msgspec.json.Decoder[_Event], payload: bytes, server: str) -> _Event:
    """An event in JSON. Raises UnreadableEvent."""
    try:
        return _decoded(decoder, payload)
    except msgspec.ValidationError as error:
        reason = "missing_field" if "missing required field" in str(error) else "bad_field"
        raise UnreadableEvent(reason, f"{error}: is this an uplink of {server}?") from None
    except UNREADABLE:
        raise UnreadableEvent(
            "malformed_json",
            "the event is no JSON: look for a foreign or truncating publisher, or set the "
            "integration's format to JSON",
        ) from None


def _decoded(decoder: msgspec.json.Decoder[_Event], payload: bytes) -> _Event:
    """Software that relays events may write ``NaN``, ``Infinity`` and numbers beyond any float,
    which are not JSON. They become text, which an optional field takes for absent."""
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError:
        try:
            plain = msgspec.json.encode(
                json.loads(payload, parse_constant=str, parse_float=_float_or_text)
            )
        except (ValueError, OverflowError):
            plain = b""
        if not plain:
            raise
    return decoder.decode(plain)


def _float_or_text(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


# --- optional fields -------------------------------------------------------------------


def moment(value: Any) -> Instant | None:
    """A timestamp. One that cannot be read counts as absent, since there are other clocks."""
    if not isinstance(value, str):
        return None
    try:
        return parse(value)
    except (ValueError, OverflowError):
        return None


def text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(value: Any) -> dict[str, str]:
    """Names and texts, as tags and attributes are."""
    return {name: one for name, one in mapping(value).items() if isinstance(one, str)}


def finite(value: Any) -> float:
    """An RSSI or SNR; 0 for NaN, infinities, impossible values and what is no number."""
    number = _number(value)
    return number if abs(number) < 1e6 else 0.0  # 0 also for NaN, which compares false


def whole(value: Any, limit: int = 0xFFFF_FFFF) -> int:
    """A number without a fraction, at most `limit`; 0 for anything else."""
    number = _number(value)
    return int(number) if 0 <= number <= limit and number == int(number) else 0


def _number(value: Any) -> float:
    """A number, or one as text: JSON of protocol buffers has 64-bit numbers and NaN as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan

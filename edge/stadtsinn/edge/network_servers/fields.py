"""Checks of the fields that every format has; each check raises UnreadableEvent."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64

from stadtsinn.base.instant import Instant, parse
from stadtsinn.decoders.uplink import MAX_PAYLOAD
from stadtsinn.edge.network_servers.format import MAX_EVENT, UnreadableEvent

_DEV_EUI = re.compile(r"[0-9a-f]{16}")
_DEV_ADDR = re.compile(r"[0-9a-f]{8}")


def bounded_event(payload: bytes) -> None:
    """Refuse an event that is larger than any real one."""
    if len(payload) > MAX_EVENT:
        raise UnreadableEvent(
            "too_large",
            f"event of {len(payload)} bytes, at most {MAX_EVENT} are read: shorten the device "
            "profile's codec output or look for a foreign publisher on this topic",
        )


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


def bounded_payload(data: bytes) -> bytes:
    if len(data) > MAX_PAYLOAD:
        raise UnreadableEvent(
            "oversized_payload",
            f"payload of {len(data)} bytes, LoRaWAN carries at most {MAX_PAYLOAD}: "
            "look for a foreign publisher on this topic",
        )
    return data


def moment(text: str | None) -> Instant | None:
    """A timestamp. One that cannot be read counts as absent, since there are other clocks."""
    if text is None:
        return None
    try:
        return parse(text)
    except (ValueError, OverflowError):
        return None


def finite(value: float) -> float:
    """An RSSI or SNR; 0 for NaN, infinities and impossible values."""
    return value if abs(value) < 1e6 else 0.0  # NaN compares false, too

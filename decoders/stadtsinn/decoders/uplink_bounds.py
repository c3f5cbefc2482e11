"""What the fields of an uplink may hold, whoever sends it: one bound for each field.

A frame is its device, address, counter, port, payload and times: an uplink whose frame breaks a
bound is refused (`broken`); its time source is one of few by its type. All else is facts beside
the measurement: what is too much or cannot be is left out, and the measurement stays (`fitted`).
A number that is left out is 0, as where the network server gave none.
"""

from __future__ import annotations

import re
from heapq import nlargest

import msgspec

from stadtsinn.base.foreign_text import visible
from stadtsinn.decoders.uplink import MAX_PAYLOAD, Reception, Uplink

MAX_RECEPTIONS = 32
"""Gateways kept of an uplink: the ones that heard it best."""
MAX_GATEWAY_ID = 80
"""Characters: an EUI has 16, ``gateway@tenant`` of The Things Stack 73."""
MAX_NAME = 128
"""Characters of a device's or profile's name, of a device type and of a tag's value."""
MAX_TAGS = 32
MAX_TAG_NAME = 64
MAX_EVENT_ID = 64

_RSSI = (-200, 50)  # dBm: noise of the narrowest channel is -150, a sender beside the antenna 20
_SNR = (-100.0, 100.0)  # dB
_FREQUENCY = (100_000_000, 3_000_000_000)  # Hz: 169 MHz to 2.4 GHz are in use
_DATA_RATE = 15
_LAST_INSTANT = 2**53

_DEV_EUI = re.compile(r"[0-9a-f]{16}")
_DEV_ADDR = re.compile(r"[0-9a-f]{8}")


# --- the frame -------------------------------------------------------------------------


def broken(uplink: Uplink) -> str | None:
    """What of the frame is out of bounds, None for nothing."""
    if not (_DEV_EUI.fullmatch(uplink.dev_eui) and _DEV_ADDR.fullmatch(uplink.dev_addr)):
        return "dev_eui or dev_addr"
    if not (0 <= uplink.f_cnt <= 0xFFFF_FFFF and 0 <= uplink.f_port <= 255):
        return "f_cnt or f_port"
    if len(uplink.payload) > MAX_PAYLOAD:
        return "payload"
    if not (0 <= uplink.event_time < _LAST_INSTANT and 0 <= uplink.received_at < _LAST_INSTANT):
        return "event_time or received_at"
    if len(uplink.deduplication_id) > MAX_EVENT_ID or "\0" in uplink.deduplication_id:
        return "deduplication id"
    return None


# --- facts beside it -------------------------------------------------------------------


def fitted(uplink: Uplink) -> Uplink:
    """The uplink with what its facts may hold: mostly itself."""
    if _fits(uplink):
        return uplink
    kind = uplink.device_type
    return msgspec.structs.replace(
        uplink,
        device_type=kind if kind is None or len(kind) <= MAX_NAME else None,
        device_name=plain(uplink.device_name),
        device_profile=plain(uplink.device_profile),
        tags=_fitted_tags(uplink.tags),
        data_rate=fitted_data_rate(uplink.data_rate),
        frequency=fitted_frequency(uplink.frequency),
        receptions=fitted_receptions(uplink.receptions),
    )


def fitted_receptions(receptions: tuple[Reception, ...]) -> tuple[Reception, ...]:
    """At most so many, the strongest first if there are more."""
    if len(receptions) > MAX_RECEPTIONS:
        receptions = tuple(nlargest(MAX_RECEPTIONS, receptions, key=_strength))
    if all(map(_reception_fits, receptions)):
        return receptions
    return tuple(map(_fitted_reception, receptions))


def fitted_data_rate(index: int) -> int:
    return index if 0 <= index <= _DATA_RATE else 0


def fitted_frequency(hertz: int) -> int:
    return hertz if _FREQUENCY[0] <= hertz <= _FREQUENCY[1] else 0


def plain(text: str, longest: int = MAX_NAME) -> str:
    """The beginning of a text, with an escape for each character that nobody sees."""
    if len(text) <= longest and text.isprintable():
        return text
    return visible(text[:longest])[:longest]


def _fits(uplink: Uplink) -> bool:
    """A quick check that is right for all uplinks that real network servers send."""
    return (
        len(uplink.receptions) <= MAX_RECEPTIONS
        and 0 <= uplink.data_rate <= _DATA_RATE
        and (_FREQUENCY[0] <= uplink.frequency <= _FREQUENCY[1] or uplink.frequency == 0)
        and len(uplink.device_name) <= MAX_NAME
        and uplink.device_name.isprintable()
        and len(uplink.device_profile) <= MAX_NAME
        and uplink.device_profile.isprintable()
        and (uplink.device_type is None or len(uplink.device_type) <= MAX_NAME)
        and (not uplink.tags or _fitted_tags(uplink.tags) == uplink.tags)
        and all(map(_reception_fits, uplink.receptions))
    )


def _fitted_tags(tags: dict[str, str]) -> dict[str, str]:
    """The first so many tags; one with a name that is too long is left out."""
    known = [(name, value) for name, value in tags.items() if len(name) <= MAX_TAG_NAME]
    return {plain(name, MAX_TAG_NAME): plain(value) for name, value in known[:MAX_TAGS]}


def _reception_fits(reception: Reception) -> bool:
    return (
        _RSSI[0] <= reception.rssi <= _RSSI[1]
        and _SNR[0] <= reception.snr <= _SNR[1]
        and len(reception.gateway_id) <= MAX_GATEWAY_ID
        and reception.gateway_id.isprintable()
    )


def _fitted_reception(reception: Reception) -> Reception:
    return Reception(
        plain(reception.gateway_id, MAX_GATEWAY_ID),
        reception.rssi if _RSSI[0] <= reception.rssi <= _RSSI[1] else 0,
        reception.snr if _SNR[0] <= reception.snr <= _SNR[1] else 0.0,
    )


def _strength(reception: Reception) -> tuple[float, float]:
    """What is unknown (0) or cannot be counts as weakest."""
    rssi, snr = reception.rssi, reception.snr
    return (
        rssi if rssi and _RSSI[0] <= rssi <= _RSSI[1] else _RSSI[0],
        snr if _SNR[0] <= snr <= _SNR[1] else _SNR[0],
    )

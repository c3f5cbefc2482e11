"""Readings: what a payload decodes to."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from stadtsinn.base.instant import Instant


class Quality(StrEnum):
    """How far a value may be trusted. Rules see only GOOD."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One value of one quantity.

    `quantity` is a name of the vocabulary and fixes the unit. `channel` distinguishes equal
    quantities of one device (``"line_1"``, ``"30cm"``); it is empty where there is only one.
    `value` is finite. `event_time` is set only for samples older than their frame; otherwise the
    uplink's event time holds. `reason` is one word: why the quality is not good.
    """

    quantity: str
    value: float
    channel: str = ""
    quality: Quality = Quality.GOOD
    reason: str = ""
    event_time: Instant | None = None


class Decoded(msgspec.Struct, frozen=True, tag="decoded", gc=False):
    """A decoded payload. `decoder` is ``<device>@<version>``, e.g. ``dragino/lse01@1``."""

    decoder: str
    readings: tuple[Reading, ...]


class Undecoded(msgspec.Struct, frozen=True, tag="undecoded", gc=False):
    """A payload that could not be decoded, with the reason.

    `reason` is one of ``unknown_device``, ``unknown_port``, ``unknown_frame``, ``truncated``,
    ``trailing_bytes``, ``no_payload``, ``too_long``; `message` explains it to people, with the
    byte offset where there is one. `decoder` is empty while the device type is unknown.
    """

    reason: str
    message: str
    decoder: str = ""


Outcome = Decoded | Undecoded
"""The result of decoding one uplink."""

_encode = msgspec.msgpack.Encoder().encode


def encode_outcome(outcome: Outcome) -> bytes:
    """As MessagePack, the form in which the log stores it."""
    return _encode(outcome)


VendorFields = dict[str, Any]
"""The vendor's own keys and values, as the vendor's codec would print them."""

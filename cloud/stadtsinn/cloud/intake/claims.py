"""What an edge says about a payload whose device type this cloud does not know.

Everything else is decoded here. Such a claim cannot be proven, so it is judged by the vocabulary:
what no decoder could say is not taken, and a value that cannot be is not called good.
"""

from __future__ import annotations

import re
from math import isfinite

import msgspec

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.decoders.device_type import CLOCK_WRONG, clock_is_wrong
from stadtsinn.decoders.reading import Decoded, Outcome, Quality, Reading, Undecoded
from stadtsinn.decoders.uplink_bounds import plain
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.edge.network_servers.event_time import EARLIEST

FUTURE_TOLERANCE = 10 * MINUTE
"""An edge's own clock may be this much ahead of ours."""

_LAST_OF_32_BITS = 2**32 * SECOND
"""No device's clock goes further, and every reader of the log can write it."""

MAX_READINGS = 242
"""One for each byte of the longest payload: no device type of the catalogue says half as much."""

MAX_MESSAGE = 200
"""Characters of what an edge says about a payload that it could not decode."""

OUT_OF_RANGE = "out_of_range"
_CHANNEL = re.compile(r"[A-Za-z0-9_.-]{0,40}")
_VERSION = re.compile(r"[A-Za-z0-9_.-]{1,20}")
_REASON = re.compile(r"[a-z0-9_]{1,40}")
_decode = msgspec.msgpack.Decoder(Outcome).decode


def read_claim(claim: bytes) -> Outcome | None:
    """What an edge says; None for what is no outcome."""
    try:
        outcome: Outcome = _decode(claim)
    except UNREADABLE:
        return None
    return outcome


def judged_claim(claim: bytes, device_type: str, event_time: Instant) -> Outcome | None:
    """A claim about an uplink as far as it can be taken; None where it cannot be.

    `event_time` is the uplink's: samples are compared with it, as decoders do.
    """
    outcome = read_claim(claim)
    if outcome is None:
        return None
    device, _, version = outcome.decoder.rpartition("@")
    if device != device_type or not _VERSION.fullmatch(version):
        return None
    if not isinstance(outcome, Decoded):
        known = _REASON.fullmatch(outcome.reason) is not None
        message = plain(outcome.message, MAX_MESSAGE)
        return Undecoded(outcome.reason, message, outcome.decoder) if known else None
    if len(outcome.readings) > MAX_READINGS:
        return None
    if len({(r.quantity, r.channel, r.event_time) for r in outcome.readings}) < len(
        outcome.readings
    ):
        return None
    judged = [_judged(reading, event_time) for reading in outcome.readings]
    readings = tuple(reading for reading in judged if reading is not None)
    return Decoded(outcome.decoder, readings) if len(readings) == len(judged) else None


def _judged(reading: Reading, event_time: Instant) -> Reading | None:
    """With the quality that its value allows; None for what no decoder says."""
    quantity = QUANTITIES.get(reading.quantity)
    if quantity is None or not isfinite(reading.value) or not _CHANNEL.fullmatch(reading.channel):
        return None
    if reading.event_time is not None and not 0 <= reading.event_time <= _LAST_OF_32_BITS:
        return None
    good = reading.quality is Quality.GOOD
    if good != (reading.reason == "") or not (good or _REASON.fullmatch(reading.reason)):
        return None
    if reading.event_time is not None and clock_is_wrong(reading.event_time, event_time):
        return msgspec.structs.replace(reading, quality=Quality.BAD, reason=CLOCK_WRONG)
    if reading.quality is Quality.BAD or quantity.low <= reading.value <= quantity.high:
        return reading
    return msgspec.structs.replace(reading, quality=Quality.BAD, reason=OUT_OF_RANGE)


def plausible(moment: Instant, now: Instant) -> bool:
    """Can something have been measured at that time?"""
    return EARLIEST <= moment <= now + FUTURE_TOLERANCE

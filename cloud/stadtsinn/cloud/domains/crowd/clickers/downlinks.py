"""Which hand counter is told which total, and when: pure, the newest only, within the duty cycle.

A gateway may send one per cent of the time in the band of the first receive window, and each
downlink keeps it from hearing uplinks. So all counters of a town together are told no more often
than that.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from stadtsinn.base.instant import SECOND, Instant, isoformat
from stadtsinn.cloud.domains.crowd.level import Level
from stadtsinn.cloud.domains.crowd.present import Present

AIRTIME_S = 0.165
"""Of a downlink of three bytes at SF9: 16 bytes with what LoRaWAN adds."""
DUTY_CYCLE = 0.01
"""Of a gateway in 868.0 to 868.6 MHz, ETSI EN 300 220."""
REPEATED_AFTER = 10
"""A total that stays the same is said again after so many pauses: a downlink may get lost."""

UNKNOWN = 0xFFFF
NO_LEVEL = 0xFF
_LEVELS = tuple(Level)


def total_of(present: Present) -> bytes:
    """Three bytes: persons (big endian; 65535: no current number), and how full it is (0 quiet to
    4 more than permitted, 255: no permitted number)."""
    if present.shown is None or present.sample is None:
        return bytes([0xFF, 0xFF, NO_LEVEL])
    persons = min(present.sample.occupancy, UNKNOWN - 1)
    level = present.shown.level
    return persons.to_bytes(2, "big") + bytes([NO_LEVEL if level is None else _LEVELS.index(level)])


@dataclass(frozen=True)
class _Told:
    at: Instant
    total: bytes


class Downlinks:
    """What was told to whom in one town. Lost with the process: then everybody is told again."""

    def __init__(self, every_s: int) -> None:
        self._every_s = every_s
        self._told: dict[str, _Told] = {}

    def pause_s(self, counters: int) -> int:
        """Between two downlinks to the same one of so many counters."""
        return max(self._every_s, math.ceil(counters * AIRTIME_S / DUTY_CYCLE))

    def due(self, totals: Mapping[str, bytes], now: Instant) -> dict[str, bytes]:
        """Who is to be told now, of those that each have this total now. It counts as told."""
        self._told = {one: told for one, told in self._told.items() if one in totals}
        pause = self.pause_s(len(totals)) * SECOND
        found = {
            one: total for one, total in totals.items() if self._is_due(one, total, now, pause)
        }
        self._told |= {one: _Told(now, total) for one, total in found.items()}
        return found

    def _is_due(self, dev_eui: str, total: bytes, now: Instant, pause: int) -> bool:
        told = self._told.get(dev_eui)
        if told is None:
            return True
        waited = now - told.at
        return waited >= pause * (1 if total != told.total else REPEATED_AFTER)


def topic(prefix: str, application: str, dev_eui: str) -> str:
    start = f"{prefix}/" if prefix else ""
    return f"{start}application/{application}/device/{dev_eui}/command/down"


def command(dev_eui: str, f_port: int, total: bytes, until: Instant) -> bytes:
    """ChirpStack's command. What is still in its queue at `until` is sent no more: a counter of
    class A fetches one at each uplink, and shall not be told old totals one after the other."""
    document = {
        "devEui": dev_eui,
        "confirmed": False,
        "fPort": f_port,
        "data": base64.b64encode(total).decode(),
        "expiresAt": isoformat(until),
    }
    return json.dumps(document).encode()

"""How the devices of the installation are: by their last uplinks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.log.uplinks.history_item import HistoryItem
from stadtsinn.cloud.log.uplinks.repository import newest_of
from stadtsinn.cloud.operations import repository
from stadtsinn.decoders.reading import Quality, Reading, Undecoded

SILENT_INTERVALS = 3
"""A device of which so many intervals brought nothing is silent; one frame may be lost."""
BATTERY_PERCENT = 15.0

_LOOKED_AT = 5
"""Uplinks: the battery is not in each."""


class Presence(StrEnum):
    """Whether a device is heard of as often as it should be."""

    FINE = "fine"
    SILENT = "silent"
    NEVER = "never"


@dataclass(frozen=True)
class DeviceView:
    """A device by its last uplink. `rssi` (dBm) and `snr` (dB) are of the gateway that heard it
    best. `trouble`: its last uplink, if it was not decoded, or the first doubtful value of it."""

    dev_eui: str
    tenant_id: str
    name: str
    device_type: str
    interval_s: int
    presence: Presence
    seen_at: Instant | None
    source: str = ""
    rssi: int | None = None
    snr: float | None = None
    gateways: int = 0
    battery: Reading | None = None
    battery_is_low: bool = False
    trouble: Undecoded | Reading | None = None

    def silent_for(self, now: Instant) -> int:
        """µs since it was heard of; 0 for one that never was."""
        return 0 if self.seen_at is None else now - self.seen_at


def devices(
    connection: Connection,
    now: Instant,
    tenant_id: str | None = None,
    dev_eui: str | None = None,
) -> list[DeviceView]:
    """All devices of the installation or of a town, or one of them."""
    registered = repository.registered_devices(connection, tenant_id, dev_eui)
    return [_view(connection, row, now) for row in registered]


def _view(connection: Connection, row: Row[Any], now: Instant) -> DeviceView:
    known = (row.dev_eui, row.tenant_id, row.name, row.device_type, row.interval_s)
    newest = newest_of(connection, row.tenant_id, row.dev_eui, _LOOKED_AT)
    if not newest:
        day = repository.last_archived_day(connection, row.dev_eui)
        presence = Presence.NEVER if day is None else Presence.SILENT
        return DeviceView(*known, presence, day)
    last = newest[0]
    seen = last.uplink.event_time
    silent = now - seen > SILENT_INTERVALS * row.interval_s * SECOND
    best = last.radio.best
    battery, low = _battery(newest)
    return DeviceView(
        *known,
        Presence.SILENT if silent else Presence.FINE,
        seen,
        last.uplink.source,
        best.rssi if best else None,
        best.snr if best else None,
        len(last.radio.receptions),
        battery,
        low,
        trouble_of(last),
    )


def _battery(newest: list[HistoryItem]) -> tuple[Reading | None, bool]:
    """The latest reading of a battery, and whether it says that the battery is low.

    A voltage alone does not say it: full is 3.6 V for one battery and 3.0 V for another.
    """
    shown: Reading | None = None
    for item in newest:
        by_name = {one.quantity: one for one in item.uplink.readings if one.quality is Quality.GOOD}
        level, flag = by_name.get("battery_level"), by_name.get("battery_low")
        shown = level or by_name.get("battery_voltage") or flag
        if shown is not None:
            low = level is not None and level.value <= BATTERY_PERCENT
            return shown, low or (flag is not None and flag.value > 0)
    return None, False


def trouble_of(item: HistoryItem) -> Undecoded | Reading | None:
    """Why an uplink was not decoded, or the first value that is not to be trusted."""
    outcome = item.uplink.outcome
    if isinstance(outcome, Undecoded):
        return outcome
    return next((one for one in outcome.readings if one.quality is not Quality.GOOD), None)

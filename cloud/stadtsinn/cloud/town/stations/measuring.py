"""What an uplink measured, at the stations that its device fed at that moment.

All followers of the log use this function, so that series, rules and counts agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town.stations.directory import DeploymentEntry, StationEntry
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Outcome, Quality, Reading
from stadtsinn.decoders.vocabulary import QUANTITIES

OUT_OF_RANGE = "out_of_range"


class StationReading(msgspec.Struct, frozen=True, gc=False):
    """One value at a station: channel, direction and calibration are the station's.

    `value` is in the quantity's unit; `dev_eui` is the device that measured it.
    """

    station: StationEntry
    dev_eui: str
    decoder: str
    quantity: str
    channel: str
    time: Instant
    value: float
    quality: Quality
    reason: str


class Deployments(Protocol):
    """What this module needs of the `Directory`."""

    def deployments_of(self, dev_eui: str) -> tuple[DeploymentEntry, ...]: ...


def readings_at_stations(
    directory: Deployments, tenant_id: str, dev_eui: str, received: Instant, outcome: Outcome
) -> list[StationReading]:
    """What an uplink measured at stations of this tenant; nothing for a device that is nowhere.

    A sample's own time decides where it was measured, else the uplink's event time. A sample
    of unknown time is left out.
    """
    found: list[StationReading] = []
    if isinstance(outcome, Decoded):
        for place in directory.deployments_of(dev_eui):
            if place.station.tenant_id == tenant_id:
                measured = _unchanged if place.is_identity else _changed
                found += measured(place, outcome, received)
    return found


def _unchanged(
    place: DeploymentEntry, decoded: Decoded, received: Instant
) -> Iterable[StationReading]:
    """One pass without a call per reading: nearly all readings of a town come by here."""
    station, dev_eui, decoder = place.station, place.dev_eui, decoded.decoder
    start, end = place.start, place.end
    return [
        StationReading(
            station,
            dev_eui,
            decoder,
            one.quantity,
            one.channel,
            time,
            one.value,
            one.quality,
            one.reason,
        )
        for one in decoded.readings
        if start <= (time := received if one.event_time is None else one.event_time) < end
        and one.reason != CLOCK_WRONG
    ]


def _changed(
    place: DeploymentEntry, decoded: Decoded, received: Instant
) -> Iterable[StationReading]:
    for reading in decoded.readings:
        time = received if reading.event_time is None else reading.event_time
        if place.holds(time) and reading.reason != CLOCK_WRONG:
            measured = _at(place, reading, time, decoded.decoder)
            if measured is not None:
                yield measured


def _at(
    place: DeploymentEntry, reading: Reading, time: Instant, decoder: str
) -> StationReading | None:
    channel = place.channel(reading.channel)
    if channel is None:
        return None
    quantity, value = reading.quantity, reading.value
    quality, reason = reading.quality, reading.reason
    if place.swapped:
        quantity = _OTHER_DIRECTION.get(quantity, quantity)
    if calibration := place.calibration.get(quantity):
        value = value * calibration.scale + calibration.offset
        quantity = calibration.becomes or quantity
        if quality is Quality.GOOD and not _plausible(quantity, value):
            quality, reason = Quality.BAD, OUT_OF_RANGE
    return StationReading(
        place.station, place.dev_eui, decoder, quantity, channel, time, value, quality, reason
    )


def _plausible(quantity: str, value: float) -> bool:
    known = QUANTITIES[quantity]
    return known.low <= value <= known.high


def _other_directions() -> dict[str, str]:
    """``people_in_total`` ↔ ``people_out_total``, and all pairs of that kind."""
    pairs: dict[str, str] = {}
    for name in QUANTITIES:
        other = "_".join("out" if word == "in" else word for word in name.split("_"))
        if other != name and other in QUANTITIES:
            pairs[name], pairs[other] = other, name
    return pairs


_OTHER_DIRECTION = _other_directions()

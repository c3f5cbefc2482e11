"""Outcomes of the log as points of the series store."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Outcome

OTHER_FAMILY = "other"
"""Family of devices whose type the catalogue does not know (any more)."""


class PointMaker:
    """Makes points; keeps the families of device types in memory."""

    def __init__(
        self, directory: DirectoryCache, station_of: Callable[[str, str], str] | None = None
    ) -> None:
        """`station_of` names the station of a tenant's device; by default the device's own."""
        self._directory = directory
        self._station_of = station_of or _own_station
        self._families: dict[str, str | None] = {}

    def points(
        self, tenant_id: str, dev_eui: str, received: Instant, outcome: Outcome
    ) -> Iterator[Point]:
        """The points of one uplink, none where it could not be decoded."""
        if not isinstance(outcome, Decoded):
            return
        station = self._station_of(tenant_id, dev_eui)
        family = self._family(outcome.decoder.partition("@")[0]) or self._registered(dev_eui)
        for reading in outcome.readings:
            if reading.reason == CLOCK_WRONG:
                continue  # nobody knows when it was; it stays in the log
            yield Point(
                tenant_id,
                family,
                SeriesKey(station, reading.quantity, reading.channel),
                received if reading.event_time is None else reading.event_time,
                reading.value,
                reading.quality,
                dev_eui,
            )

    def _family(self, device_type: str) -> str | None:
        """What kind of sensor a type is, None for one that is not catalogued."""
        if device_type not in self._families:
            found = catalogue().find(device_type)
            self._families[device_type] = found.family if found else None
        return self._families[device_type]

    def _registered(self, dev_eui: str) -> str:
        """By the registry where the decoder is not known here."""
        entry = self._directory.current().devices.get(dev_eui)
        return (entry and self._family(entry.device_type)) or OTHER_FAMILY


def _own_station(tenant_id: str, dev_eui: str) -> str:  # noqa: ARG001
    return dev_eui

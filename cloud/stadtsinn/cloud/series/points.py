"""Outcomes of the log as points of the series store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.store import Point, SeriesKey, kept_since
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.stations.measuring import StationReading, readings_at_stations
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import Outcome

OTHER_FAMILY = "other"
"""Family of devices whose type the catalogue does not know (any more)."""


class Directories(Protocol):
    """Where the directory is looked up."""

    def current(self) -> Directory: ...


class PointMaker:
    """Makes points of the stations that devices feed; keeps the families of device types.

    Whoever writes series has their points from here, so what is past the retention of its
    datastream comes back by no rebuild, redecode or correction.
    """

    def __init__(self, directory: Directories, clock: Clock | None = None) -> None:
        self._directory = directory
        self._clock = clock or SystemClock()
        self._families: dict[str, str | None] = {}

    def points(
        self, tenant_id: str, dev_eui: str, received: Instant, outcome: Outcome
    ) -> Iterator[Point]:
        """The points of one uplink; none of a device that was at no station at that time."""
        directory = self._directory.current()
        family = None
        retention = directory.places.retention_days
        for one in readings_at_stations(directory, tenant_id, dev_eui, received, outcome):
            if retention and self._is_past(one, retention):
                continue
            if family is None:
                family = self._family(one.decoder.partition("@")[0]) or self._registered(dev_eui)
            key = SeriesKey(one.station.slug, one.quantity, one.channel)
            yield Point(tenant_id, family, key, one.time, one.value, one.quality, dev_eui)

    def _is_past(self, one: StationReading, retention: Mapping[tuple[int, str, str], int]) -> bool:
        days = retention.get((one.station.id, one.quantity, one.channel))
        return days is not None and one.time < kept_since(days, self._clock.now())

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

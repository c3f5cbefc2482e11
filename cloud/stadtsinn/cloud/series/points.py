"""Outcomes of the log as points of the series store."""

from __future__ import annotations

from collections.abc import Iterator

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Outcome

OTHER_FAMILY = "other"
"""Family of devices whose type the catalogue does not know (any more)."""


class PointMaker:
    """Makes points; knows the families of device types by heart."""

    def __init__(self, directory: DirectoryCache) -> None:
        self._directory = directory
        self._families: dict[str, str | None] = {}

    def points(
        self, tenant_id: str, dev_eui: str, received: Instant, outcome: Outcome
    ) -> Iterator[Point]:
        """The points of one uplink, none where it could not be decoded."""
        if not isinstance(outcome, Decoded):
            return
        family = self._family(outcome.decoder.partition("@")[0]) or self._registered(dev_eui)
        for reading in outcome.readings:
            if reading.reason == CLOCK_WRONG:
                continue  # nobody knows when it was; it stays in the log
            yield Point(
                tenant_id,
                family,
                SeriesKey(dev_eui, reading.quantity, reading.channel),
                received if reading.event_time is None else reading.event_time,
                reading.value,
                reading.quality,
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

"""The `series` follower: writes the readings of the uplink log into the series store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.cloud.log.uplink import LoggedUplink
from stadtsinn.cloud.registry.directory import DirectoryCache
from stadtsinn.cloud.registry.repository import all_tenants
from stadtsinn.cloud.series.store import Point, Refused, SeriesKey, SeriesStore
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.instant import Instant
from stadtsinn.decoders.reading import Decoded

log = structlog.get_logger()

WRITTEN = Counter("stadtsinn_series_values", "Values handed to the series store and kept")
REFUSED = Counter("stadtsinn_series_refused", "Values that the series store refuses for good")

OTHER_FAMILY = "other"
"""Family of devices whose type the catalogue does not know (any more)."""

_LOGGED_PER_BATCH = 5


class SeriesFollower:
    """Writing a batch twice changes nothing, so everything is done in `prepare`.

    A value that the store refuses for good is counted, logged and left out: it must not keep
    the values after it waiting. It stays in the log, so a rebuild brings it back once the
    reason is gone. Raises SeriesUnavailable while the store is away; the loop tries again.
    """

    name = "series"

    def __init__(self, store: SeriesStore, directory: DirectoryCache) -> None:
        self._store = store
        self._directory = directory
        self._families: dict[str, str] = {}

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        points = list(self._points(uplinks))
        if not points:
            return
        refused = self._store.write(points)
        lost = sum(report.count for report in refused)
        WRITTEN.inc(len(points) - lost)
        if refused:
            REFUSED.inc(lost)
            _log_refused(refused, lost)

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing is kept in the database."""

    def tick(self, connection: Connection, now: Instant) -> None:
        """Time alone changes no series."""

    def reset(self, connection: Connection) -> None:
        """Empty the store of every tenant, their retention stays."""
        for tenant in all_tenants(connection):
            self._store.drop_tenant(tenant.id)

    def _points(self, uplinks: Sequence[LoggedUplink]) -> Iterator[Point]:
        for uplink in uplinks:
            outcome = uplink.outcome
            if not isinstance(outcome, Decoded):
                continue
            family = self._families.get(outcome.decoder) or self._family(outcome, uplink.dev_eui)
            tenant, dev_eui, received = uplink.tenant_id, uplink.dev_eui, uplink.event_time
            for reading in outcome.readings:
                yield Point(
                    tenant,
                    family,
                    SeriesKey(dev_eui, reading.quantity, reading.channel),
                    received if reading.event_time is None else reading.event_time,
                    reading.value,
                    reading.quality,
                )

    def _family(self, outcome: Decoded, dev_eui: str) -> str:
        """What kind of sensor decoded this; by the registry where the decoder is not known here."""
        known = catalogue()
        device_type = outcome.decoder.partition("@")[0]
        if device_type in known:
            family = self._families[outcome.decoder] = known.device(device_type).family
            return family
        entry = self._directory.current().devices.get(dev_eui)
        if entry is not None and entry.device_type in known:
            return known.device(entry.device_type).family
        return OTHER_FAMILY


def _log_refused(refused: Sequence[Refused], lost: int) -> None:
    for report in refused[:_LOGGED_PER_BATCH]:
        log.warning(
            "series_value_refused", values=report.count, what=report.what, reason=report.reason
        )
    if len(refused) > _LOGGED_PER_BATCH:
        log.warning("series_values_refused", values=lost, reports=len(refused))

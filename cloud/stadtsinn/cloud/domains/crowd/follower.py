"""The live follower: from people counters in the uplink log to the occupancy of zones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, select

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import DAY, MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd import recount_repository, zone_repository
from stadtsinn.cloud.domains.crowd.recount import History, recounts
from stadtsinn.cloud.domains.crowd.reports import reports_of
from stadtsinn.cloud.domains.crowd.zone_live import GateReport, ZoneLive
from stadtsinn.cloud.domains.crowd.zones.directory import Zones, read_zones
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks.tables import uplinks as log
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

SAMPLES_KEPT = 7 * DAY
"""Samples are a stream for followers; the history is computed from the counts of gates."""

_PRUNE_EVERY = 10 * MINUTE
_MAY_LAG = 10 * SECOND


class LiveFollower:
    """Counts the reports of gates and emits samples of their zones' occupancy."""

    name = "live"

    def __init__(
        self, directory: DirectoryCache, clock: Clock, archive: Archive | None = None
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._archive = archive
        self._zones: dict[int, ZoneLive] = {}
        self._pruned_at = 0

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing to do: all effects are in the database."""

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        """Count what these uplinks report about gates; all others cost one look-up each."""
        directory = self._directory.as_of(connection)
        zones = self._directory.part(read_zones)
        reporting: dict[int, list[GateReport]] = defaultdict(list)
        for uplink in uplinks:
            for zone_id, report in reports_of(uplink, directory, zones):
                reporting[zone_id].append(report)
        if not reporting:
            return
        now = self._clock.now()
        states = zone_repository.states(connection)
        for zone_id, reports in reporting.items():
            live = self._zone(connection, zones, zone_id, states.get(zone_id), now)
            with self._forgotten_when_failing(zone_id):
                live.take(reports)
                live.finish()

    @contextmanager
    def _forgotten_when_failing(self, zone_id: int) -> Iterator[None]:
        """What a failure leaves of a zone in memory is no mirror of the database."""
        try:
            yield
        except BaseException:
            self._zones.pop(zone_id, None)
            raise

    def tick(self, connection: Connection, now: Instant) -> None:
        """Nightly resets, gates that fell silent, numbers that staff entered, and deployments
        that were put right."""
        directory = self._directory.as_of(connection)
        zones = self._directory.part(read_zones)
        if self._is_behind(connection, now):
            return  # uplinks that wait in the log come first; a later tick catches up
        counted_anew = self._count_anew(connection, directory, zones, now)
        for zone_id, state in zone_repository.states(connection).items():
            if zone_id not in zones.by_id:
                self._zones.pop(zone_id, None)
                continue
            known = self._zones.get(zone_id)
            live = self._zone(connection, zones, zone_id, state, now)
            # What was counted anew is shown and judged with the next report: a deployment that
            # is put right fires nothing.
            anew = zone_id in counted_anew
            if (live is not known or anew) and (
                (known and not anew) or _permit_changed(connection, live.zone)
            ):
                live.emit_again()
            with self._forgotten_when_failing(zone_id):
                live.pass_time(now)
                live.finish()
        if now - self._pruned_at >= _PRUNE_EVERY:
            zone_repository.delete_samples_before(connection, now - SAMPLES_KEPT)
            self._pruned_at = now

    def reset(self, connection: Connection) -> None:
        """Forget what was made from the log; the numbers that staff entered stay."""
        zone_repository.delete_derived(connection)
        recount_repository.mark_all_counted(connection, self._clock.now())
        self._zones.clear()

    def _count_anew(
        self, connection: Connection, directory: Directory, zones: Zones, now: Instant
    ) -> set[int]:
        """The zones whose gates were counted anew, because deployments were put right."""
        parts = recount_repository.uncounted(connection)
        if not parts:
            return set()
        history = History(connection, self._archive, read_cursor(connection, self.name))
        states = zone_repository.states(connection)
        changed: set[int] = set()
        for one in recounts(parts, directory, zones, history, now):
            live = self._zone(connection, zones, one.zone_id, states.get(one.zone_id), now)
            live.count_anew(one)
            live.finish()
            if live.state is not None:
                states[one.zone_id] = live.state
            changed.add(one.zone_id)
        recount_repository.mark_counted(connection, [part.id for part in parts], now)
        return changed

    def _zone(
        self,
        connection: Connection,
        zones: Zones,
        zone_id: int,
        state: zone_repository.ZoneState | None,
        now: Instant,
    ) -> ZoneLive:
        """The zone in memory if it mirrors the database and the registry, else loaded anew."""
        registered = zones.by_id[zone_id]
        live = self._zones.get(zone_id)
        if live is None or live.state != state or live.zone != registered:
            live = ZoneLive(connection, registered, state, now, changed=live is not None)
            self._zones[zone_id] = live
        live.begin(connection, now, now - SAMPLES_KEPT)
        return live

    def _is_behind(self, connection: Connection, now: Instant) -> bool:
        """Whether uplinks have been waiting in the log for this follower."""
        position = read_cursor(connection, self.name)
        waiting = connection.scalar(
            select(log.c.committed_at)
            .where(log.c.position > position)
            .order_by(log.c.position)
            .limit(1)
        )
        return waiting is not None and now - waiting > _MAY_LAG


def _permit_changed(connection: Connection, zone: ZoneEntry) -> bool:
    """Whether the permit was changed while no process was there to see it."""
    latest = zone_repository.latest_sample(connection, zone.id)
    return latest is not None and latest.permitted != zone.permitted

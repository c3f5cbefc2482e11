"""The live follower: from people counters in the uplink log to the occupancy of zones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import structlog
from sqlalchemy import Connection, select

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import DAY, MINUTE, SECOND, Instant
from stadtsinn.base.turns import Turns
from stadtsinn.cloud.domains.crowd import permit_repository, recount_repository, zone_repository
from stadtsinn.cloud.domains.crowd.recount import History, Waiting, read_waiting
from stadtsinn.cloud.domains.crowd.reports import reports_of
from stadtsinn.cloud.domains.crowd.zone_live import GateReport, Recount, ZoneLive
from stadtsinn.cloud.domains.crowd.zones import permit_service
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda
from stadtsinn.cloud.domains.crowd.zones.directory import Zones, read_zones
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.permits import permitted_at
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.cursors.repository import move_part, read_cursor, read_part
from stadtsinn.cloud.log.followers.aside import Aside
from stadtsinn.cloud.log.followers.seen import Seen
from stadtsinn.cloud.log.uplinks.tables import uplinks as logged
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.retention.model import DEFAULTS
from stadtsinn.cloud.town.directory import Directory, DirectoryCache

log = structlog.get_logger()

SAMPLES_KEPT = DEFAULTS.samples * DAY
"""Samples are a stream for followers; the history is computed from the counts of gates."""

WORK = 4_000
"""How much one transaction may do, in reports that are counted as they come."""
LOADED = 100
"""That of reading a zone's counts since its last known number."""
CHANGED = 40
"""That of a zone that time changes: a handful of statements."""
COUNTED_AGAIN = 800
"""That of counting some days of a line again."""
PRUNED_AT_ONCE = 5_000

_REBUILD = "when it works again: 'stadtsinn cloud rebuild live'"
_LONG_AGO = 7 * DAY
_PRUNE_EVERY = 10 * MINUTE
_MAY_LAG = 10 * SECOND


class _Work:
    """How much one transaction has to do; what a name stands for is done once."""

    def __init__(self) -> None:
        self._total = 0
        self._named: set[Hashable] = set()

    def add(self, name: Hashable, weight: int) -> None:
        """`name` None: each time."""
        if name is None or name not in self._named:
            self._named.add(name)
            self._total += weight

    @property
    def is_too_much(self) -> bool:
        return self._total > WORK


@dataclass(frozen=True)
class _Counting:
    """The registry, and the zones in it."""

    directory: Directory
    zones: Zones


class LiveFollower:
    """Counts the reports of gates and emits samples of their zones' occupancy."""

    name = "live"

    def __init__(
        self, directory: DirectoryCache, clock: Clock, archive: Archive | None = None
    ) -> None:
        self._database = directory.database
        self._seen = Seen(directory, _read_counting)
        self._aside = Aside(self.name, "zone")
        self._clock = clock
        self._archive = archive
        self._zones: dict[int, ZoneLive] = {}
        self._waiting: Waiting | None = None
        self._turns = Turns()
        self._ticked = 0
        """The last zone that this round of ticks came to."""
        self._pruned_at = 0

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:  # noqa: ARG002
        """Only looks at the registry: all effects are in the database."""
        self._seen.look()

    def look_ahead(self, now: Instant) -> None:
        """Reads what is to be counted anew: it may lie in files of the archive."""
        counting = self._seen.look()
        self._aside.keep(counting.zones.by_id.__contains__)
        with self._database.read() as connection:
            self._waiting = self._read_waiting(connection, counting, now)

    def left_out(self) -> str:
        return self._aside.said()

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int:
        """Counts what the first of these uplinks report about gates, as much as one transaction
        may do; all others cost one look-up each.

        Of an uplink that many zones count the first zones are done: the cursor's part is the last.
        """
        counting, now = self._seen.as_of(connection), self._clock.now()
        part = read_part(connection, self.name)
        work, reporting = _Work(), defaultdict[int, list[GateReport]](list)
        first, *others = uplinks
        for zone_id, report in _reports(first, counting):
            if zone_id <= part or (work.is_too_much and zone_id not in reporting):
                continue
            self._weigh(work, zone_id, report, now)
            reporting[zone_id].append(report)
        reached = max(reporting, default=0)
        if any(zone_id > reached for zone_id, _ in _reports(first, counting) if reached):
            self._count(connection, counting, reporting, now)
            move_part(connection, self.name, reached)
            return 0
        done = 1
        for uplink in others:
            found = _reports(uplink, counting)
            for zone_id, report in found:
                self._weigh(work, zone_id, report, now)
            if work.is_too_much:
                break
            for zone_id, report in found:
                reporting[zone_id].append(report)
            done += 1
        if reporting:
            self._count(connection, counting, reporting, now)
        if part:
            move_part(connection, self.name, 0)
        return done

    def _weigh(self, work: _Work, zone_id: int, report: GateReport, now: Instant) -> None:
        live = self._zones.get(zone_id)
        if live is None:
            work.add(zone_id, LOADED)
        if report[1].time < now - _LONG_AGO if live is None else live.is_long_work(report):
            work.add((zone_id, report[0]), COUNTED_AGAIN)
        work.add(None, 1)

    def _count(
        self,
        connection: Connection,
        counting: _Counting,
        reporting: Mapping[int, Sequence[GateReport]],
        now: Instant,
    ) -> None:
        states = zone_repository.states(connection)
        for zone_id, reports in reporting.items():
            live = self._zone(connection, counting.zones, zone_id, states.get(zone_id), now)
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

    @contextmanager
    def _trying(self, zone: ZoneEntry) -> Iterator[None]:
        """A zone that fails is left out, and all others go on."""
        about = {"tenant": zone.tenant_id, "zone": zone.slug}
        with self._aside.trying(zone.id, zone, **about), self._forgotten_when_failing(zone.id):
            yield

    def tick(self, connection: Connection, now: Instant) -> bool:
        """Deployments that were put right, nightly resets, gates that fell silent and numbers
        that staff entered; each of it for a few zones at a time."""
        counting = self._seen.as_of(connection)
        if self._is_behind(connection, now):
            return False  # uplinks that wait in the log come first; a later tick catches up
        return (
            _apply_permits(connection, counting, now)
            or self._count_anew(connection, counting, now)
            or self._pass_time(connection, counting, now)
            or self._prune(connection, now)
        )

    def _pass_time(self, connection: Connection, counting: _Counting, now: Instant) -> bool:
        """True: there are more zones."""
        work, last = _Work(), 0
        for zone_id, state in zone_repository.states(connection, self._ticked).items():
            if work.is_too_much:
                self._ticked = last
                return True
            last = zone_id
            registered = counting.zones.by_id.get(zone_id)
            if registered is None:
                self._zones.pop(zone_id, None)
            elif not self._aside.holds(zone_id, registered):
                with self._trying(registered):
                    work.add(zone_id, self._pass_time_in(connection, counting, zone_id, state, now))
        self._ticked = 0
        return False

    def _pass_time_in(
        self,
        connection: Connection,
        counting: _Counting,
        zone_id: int,
        state: zone_repository.ZoneState,
        now: Instant,
    ) -> int:
        """How much work it was."""
        known = self._zones.get(zone_id)
        live = self._zone(connection, counting.zones, zone_id, state, now)
        if live is not known and (known or _permit_changed(connection, live.zone, now)):
            live.emit_again()
        live.pass_time(now)
        work = CHANGED if live.is_changed else 0
        live.finish()
        return work + (LOADED if live is not known else 0)

    def _prune(self, connection: Connection, now: Instant) -> bool:
        """True: there is more to delete."""
        if now - self._pruned_at < _PRUNE_EVERY:
            return False
        before = now - SAMPLES_KEPT
        if zone_repository.delete_samples_before(connection, before, PRUNED_AT_ONCE):
            return True
        if permit_repository.delete_permits_before(connection, before, PRUNED_AT_ONCE):
            return True
        self._pruned_at = now
        return False

    def reset(self, connection: Connection) -> bool:
        """Forget what was made from the log; the numbers that staff entered stay."""
        if zone_repository.delete_derived(connection, PRUNED_AT_ONCE):
            return True
        zone_repository.begin_states_anew(connection)
        recount_repository.mark_all_counted(connection, self._clock.now())
        self._zones.clear()
        return False

    def _read_waiting(
        self, connection: Connection, counting: _Counting, now: Instant
    ) -> Waiting | None:
        parts = recount_repository.uncounted(connection)
        if not parts:
            return None
        town = self._turns.next(dict.fromkeys(part.tenant_id for part in parts))
        parts = [part for part in parts if part.tenant_id == town]
        history = History(connection, self._archive, read_cursor(connection, self.name))
        return read_waiting(parts, counting.directory, counting.zones, history, now)

    def _count_anew(self, connection: Connection, counting: _Counting, now: Instant) -> bool:
        """The zones of some deployments that were put right; True: there may be others.

        What was counted anew is shown and judged with the next report: it fires nothing.
        """
        waiting, self._waiting = self._waiting, None
        if not recount_repository.are_uncounted(connection, waiting.ids if waiting else None):
            return False
        here = (counting.directory.revision, read_cursor(connection, self.name))
        if waiting is None or (waiting.revision, waiting.position) != here:
            waiting = self._read_waiting(connection, counting, now)
        if waiting is None:
            return False
        work, last = _Work(), 0
        for zone_id, some in groupby(waiting.recounts, key=lambda one: one.zone_id):
            if work.is_too_much:
                recount_repository.note_counted_to(connection, waiting.ids, last)
                return True
            last, zone_recounts = zone_id, list(some)
            self._count_zone_anew(connection, counting.zones, zone_recounts, now)
            work.add(zone_id, LOADED + sum(len(one.reports) for one in zone_recounts))
        recount_repository.mark_counted(connection, waiting.ids, now)
        return True

    def _count_zone_anew(
        self, connection: Connection, zones: Zones, some: Sequence[Recount], now: Instant
    ) -> None:
        """Its gates that deployments were put right at."""
        registered = zones.by_id[some[0].zone_id]
        if self._aside.holds(registered.id, registered):
            log.warning("zone_not_counted_anew", zone=registered.id, remedy=_REBUILD)
            return
        with self._trying(registered):
            state = zone_repository.state(connection, registered.id)
            live = self._zone(connection, zones, registered.id, state, now)
            for one in some:
                live.count_anew(one)
                if _permit_changed(connection, live.zone, now):
                    live.emit_again()
                live.finish()

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
            live = ZoneLive(connection, registered, state, now, former=live)
            self._zones[zone_id] = live
        live.begin(connection, now, now - SAMPLES_KEPT)
        return live

    def _is_behind(self, connection: Connection, now: Instant) -> bool:
        """Whether uplinks have been waiting in the log for this follower."""
        position = read_cursor(connection, self.name)
        waiting = connection.scalar(
            select(logged.c.committed_at)
            .where(logged.c.position > position)
            .order_by(logged.c.position)
            .limit(1)
        )
        return waiting is not None and now - waiting > _MAY_LAG


def _reports(uplink: LoggedUplink, counting: _Counting) -> list[tuple[int, GateReport]]:
    """What an uplink says about gates, in the order of the zones' ids."""
    return sorted(reports_of(uplink, counting.directory, counting.zones), key=lambda one: one[0])


def _read_counting(connection: Connection, directory: Directory) -> _Counting:
    return _Counting(directory, read_zones(connection, directory))


def _apply_permits(connection: Connection, counting: _Counting, now: Instant) -> bool:
    """Planned numbers that are due become those of their zones; True: there were some."""
    if now < counting.zones.next_permit:
        return False
    zones = counting.zones.by_id.values()
    return [permit_service.apply_due(connection, zone, now) for zone in zones].count(True) > 0


def _permit_changed(connection: Connection, zone: ZoneEntry, now: Instant) -> bool:
    """Whether the permit was changed while no process was there to see it."""
    latest = zone_repository.latest_sample(connection, zone.id)
    agenda = Agenda(zone.events)
    permitted = permitted_at(agenda, zone.planned, zone.permitted, now)
    return latest is not None and agenda.is_open(now) and latest.permitted != permitted

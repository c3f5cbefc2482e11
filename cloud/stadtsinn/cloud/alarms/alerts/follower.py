"""Follows the uplink log and the zone samples, and judges them by the rules.

State, incident, messages and cursors change in one transaction, so a crash at any moment
leaves either all of it or nothing, and the same samples come again.

Samples are judged in the order of the log, not sorted by event time: where one batch ends is
chance, and the history must not depend on it. What comes in too late is history only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts import incident_repository, repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Key, Place, Standing
from stadtsinn.cloud.alarms.alerts.rebuilding import judged_again
from stadtsinn.cloud.alarms.alerts.recorder import Recorder, end_what_was_open
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.alarms.judging import machine
from stadtsinn.cloud.alarms.judging.state import CloseReason, RuleState, Step
from stadtsinn.cloud.alarms.judging.terms import Terms
from stadtsinn.cloud.domains.crowd.repository import samples_after
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.log.cursors.repository import move_part, read_part
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.measuring import readings_at_stations
from stadtsinn.decoders.reading import Quality

ZONE_SAMPLES = "zone_samples"
_REGISTRY = "registry"
"""The revision of the registry at which stations that left their groups were last looked for."""

JUDGED_AT_ONCE = 500
"""Values of uplinks in one transaction."""

_AT_ONCE = 2_000
# A sample from further in the future than this has a wrong clock; judged by it, every right
# one that follows would be "late".
_CLOCKS_DIFFER = 5 * MINUTE


@dataclass(frozen=True)
class Measured:
    """One value for one station or zone of a rule."""

    watched: Watched
    at: Instant
    value: float
    remarks: tuple[str, ...] = ()
    permitted: int | None = None

    @property
    def rule_id(self) -> int:
        return self.watched.stored.id


class AlertsFollower:
    """The `alerts` follower."""

    name = "alerts"

    def __init__(self, directory: DirectoryCache, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._rules: Sequence[StoredRule] = ()
        self._rules_revision: int | None = None
        self._watching: Watching | None = None

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing is done outside of the transaction."""

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int:
        """Judges the first of them, `JUDGED_AT_ONCE` values or not many more: all wait meanwhile.

        Where so many rules watch one device, an uplink is judged in parts, in the order of the
        rules' ids; the cursor's part is the id of the last one that was judged.
        """
        watching = self._current(connection)
        watched = watching.watches_device(uplinks[0].dev_eui)
        part = read_part(connection, self.name) if watched else 0
        measured: list[Measured] = []
        done = 0
        for uplink in uplinks:
            found = [one for one in _at_stations(watching, [uplink]) if one.rule_id > part]
            if not done and len(found) > JUDGED_AT_ONCE:
                measured = _of_first_rules(found)
                done = int(len(measured) == len(found))
                if not done:
                    move_part(connection, self.name, measured[-1].rule_id)
                break
            if measured and len(measured) + len(found) > JUDGED_AT_ONCE:
                break
            measured += found
            done, part = done + 1, 0
        measured += _in_zones(connection, watching)
        _judge(connection, watching, measured, self._clock.now())
        crash_point("alerts.applied")
        return done

    def tick(self, connection: Connection, now: Instant) -> None:
        """Judge new zone samples, then run the timers that are due."""
        watching = self._current(connection)
        _judge(connection, watching, list(_in_zones(connection, watching)), now)
        due = incident_repository.due_or_edited(connection, now)
        due += _departed(connection, watching)
        if not due:
            return
        known = _Evaluation(connection, watching, now, due)
        for key in dict.fromkeys(due):
            known.tick(key)
        known.write()
        crash_point("alerts.ticked")

    def reset(self, connection: Connection) -> None:
        watching = self._current(connection)
        again = judged_again(connection, watching, self._clock.now())
        incident_repository.forget_all(connection, again)

    def _current(self, connection: Connection) -> Watching:
        """The rules as of this transaction: a new one judges from the next sample on."""
        repository.lock_rules(connection)
        directory = self._directory.as_of(connection)
        zones = self._directory.part(read_zones)
        if directory.revision != self._rules_revision:
            self._rules = repository.read_rules(connection)
            self._rules_revision, self._watching = directory.revision, None
        if self._watching is None or self._watching.directory is not directory:
            self._watching = Watching(self._rules, directory, zones)
        return self._watching


def _of_first_rules(found: Sequence[Measured]) -> list[Measured]:
    """What the rules with the lowest ids see, about `JUDGED_AT_ONCE` values, each rule's all."""
    ordered = sorted(found, key=lambda one: one.rule_id)
    last = ordered[JUDGED_AT_ONCE - 1].rule_id
    return [one for one in ordered if one.rule_id <= last]


def _judge(
    connection: Connection, watching: Watching, measured: Sequence[Measured], now: Instant
) -> None:
    if not measured:
        return
    known = _Evaluation(connection, watching, now, {one.watched.key for one in measured})
    for one in measured:
        known.sample(one)
    known.write()


def _departed(connection: Connection, watching: Watching) -> list[Key]:
    """States at stations that left their group since this was asked last."""
    revision = watching.directory.revision
    if incident_repository.input_position(connection, _REGISTRY) >= revision:
        return []
    incident_repository.move_input(connection, _REGISTRY, revision)
    return [key for key in incident_repository.members(connection) if watching.find(*key) is None]


def _at_stations(watching: Watching, uplinks: Sequence[LoggedUplink]) -> Iterator[Measured]:
    for uplink in uplinks:
        if watching.watches_device(uplink.dev_eui):
            yield from sorted(_of_uplink(watching, uplink), key=lambda one: one.at)


def _of_uplink(watching: Watching, uplink: LoggedUplink) -> Iterator[Measured]:
    """The good values of an uplink that rules watch."""
    for reading in readings_at_stations(
        watching.directory, uplink.tenant_id, uplink.dev_eui, uplink.event_time, uplink.outcome
    ):
        if reading.quality is not Quality.GOOD:
            continue
        for watched in watching.at_station(reading.station):
            rule = watched.stored.rule
            if (rule.quantity, rule.channel) == (reading.quantity, reading.channel):
                yield Measured(watched, _moment(reading.time, uplink), reading.value)


def _in_zones(connection: Connection, watching: Watching) -> Iterator[Measured]:
    """What new zone samples say, moving the cursor past them."""
    # Also without rules: a rule made tomorrow must not begin with the samples of today.
    start = position = incident_repository.input_position(connection, ZONE_SAMPLES)
    while samples := samples_after(connection, position, _AT_ONCE):
        for sample in samples:
            for watched in watching.in_zone(sample.zone_id, sample.tenant_id):
                if watched.stored.rule.parameters.of_permit and not sample.permitted:
                    continue  # there is nothing to compare with: its data is missing
                # The upper bound: a counter that misses people must not hide a crowd.
                high, remarks = float(sample.high), _remarks(sample)
                yield Measured(watched, sample.event_time, high, remarks, sample.permitted)
        position = samples[-1].position
    if position != start:
        incident_repository.move_input(connection, ZONE_SAMPLES, position)


def _moment(event_time: Instant, uplink: LoggedUplink) -> Instant:
    if event_time > uplink.received_at + _CLOCKS_DIFFER:
        return uplink.received_at
    return event_time


def _remarks(sample: ZoneSample) -> tuple[str, ...]:
    estimate = (f"Geschätzt {sample.occupancy}.",) if sample.occupancy != sample.high else ()
    return (*estimate, "Ein Zähler meldet nichts.") if sample.degraded else estimate


class _Evaluation:
    """Some states while samples are judged, written back at the end."""

    def __init__(
        self, connection: Connection, watching: Watching, now: Instant, keys: Collection[Key]
    ) -> None:
        self._connection = connection
        self._watching = watching
        self._now = now
        self._standing = incident_repository.read_members(connection, keys)
        self._changed: dict[Key, Watched] = {}

    def sample(self, one: Measured) -> None:
        state = self._settled(one.watched)
        terms = self._terms(one.watched, one.at)
        step = machine.sample(terms, state, one.at, one.value, self._now, one.permitted)
        self._take(one.watched, state, step, one.remarks, one.permitted)

    def tick(self, key: Key) -> None:
        watched = self._watching.find(*key)
        if watched is None:
            self._leave(key)
            return
        state = self._settled(watched)
        if watched.stored.rule.enabled:
            step = machine.tick(self._terms(watched, self._now), state, self._now)
            self._take(watched, state, step)

    def write(self) -> None:
        for key, watched in sorted(self._changed.items(), key=lambda item: item[0]):
            terms = self._terms(watched, self._now)
            incident_repository.write_state(self._connection, key, self._standing[key], terms)

    def _terms(self, watched: Watched, at: Instant) -> Terms:
        stored = watched.stored
        return stored.rule.terms(self._watching.interval_s(watched, at), stored.valid_from)

    def _settled(self, watched: Watched) -> RuleState:
        """The state of the rule, after ending what an earlier version of it had begun."""
        standing = self._standing.get(watched.key)
        if standing is None:
            return RuleState()
        stored, key = watched.stored, watched.key
        if reason := _edited(stored, standing):
            station = watched.station.id if watched.station else None
            told = (self._connection, stored, key, standing.state, self._now, reason, station)
            self._standing[key] = Standing(end_what_was_open(*told), stored.revision)
            self._changed[key] = watched
        return self._standing[key].state

    def _leave(self, key: Key) -> None:
        """The rule no longer watches this subject: end its open incident and delete its state."""
        standing = self._standing.pop(key, None)
        if standing is None:
            return
        stored = self._watching.by_id[key[0]]
        reason = _edited(stored, standing) or self._why_left(key)
        end_what_was_open(self._connection, stored, key, standing.state, self._now, reason)
        incident_repository.delete_state(self._connection, key)

    def _why_left(self, key: Key) -> CloseReason:
        _, member = key
        is_there = member in self._watching.directory.stations
        return CloseReason.STATION_LEFT if is_there else CloseReason.STATION_DELETED

    def _take(
        self,
        watched: Watched,
        before: RuleState,
        step: Step,
        remarks: tuple[str, ...] = (),
        permitted: int | None = None,
    ) -> None:
        state, effects = step
        stored, key = watched.stored, watched.key
        if effects:
            recorder = Recorder(
                self._connection,
                stored,
                key,
                _place(watched),
                before,
                self._now,
                remarks,
                permitted or self._watching.permitted(watched),
            )
            recorder.record(effects)
        if state is not before:
            self._changed[key] = watched
        self._standing[key] = Standing(state, stored.revision)


def _edited(stored: StoredRule, standing: Standing) -> CloseReason | None:
    if standing.revision == stored.revision:
        return None
    return CloseReason.RULE_CHANGED if stored.rule.enabled else CloseReason.RULE_DISABLED


def _place(watched: Watched) -> Place | None:
    station = watched.station
    return Place(station.id, station.slug, station.name) if station else None

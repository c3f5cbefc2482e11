"""Follows the uplink log and the zone samples, and judges them by the rules.

State, incident, messages and cursors change in one transaction, so a crash at any moment
leaves either all of it or nothing, and the same samples come again.

Samples are judged in the order of the log, not sorted by event time: where one batch ends is
chance, and the history must not depend on it. What comes in too late is history only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts import incident_repository, repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Standing
from stadtsinn.cloud.alarms.alerts.recorder import Recorder
from stadtsinn.cloud.alarms.alerts.repository import RuleBook, StoredRule
from stadtsinn.cloud.alarms.judging import machine
from stadtsinn.cloud.alarms.judging.machine import CloseReason, RuleState, Step
from stadtsinn.cloud.alarms.judging.terms import Terms
from stadtsinn.cloud.domains.crowd.repository import samples_after
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import DirectoryCache, read_revision
from stadtsinn.decoders.reading import Quality

ZONE_SAMPLES = "zone_samples"

_AT_ONCE = 2_000
# A sample from further in the future than this has a wrong clock; judged by it, every right
# one that follows would be "late".
_CLOCKS_DIFFER = 5 * MINUTE


@dataclass(frozen=True)
class Measured:
    """One value for one rule."""

    rule: StoredRule
    at: Instant
    value: float
    remarks: tuple[str, ...] = ()


class AlertsFollower:
    """The `alerts` follower."""

    name = "alerts"

    def __init__(self, directory: DirectoryCache, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._book = RuleBook()
        self._book_revision: int | None = None

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        """Nothing is done outside of the transaction."""

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        book = self._current_book(connection)
        measured = [*_of_devices(book, uplinks), *self._of_zones(connection, book)]
        self._judge(connection, measured, self._clock.now())
        crash_point("alerts.applied")

    def tick(self, connection: Connection, now: Instant) -> None:
        """Judge new zone samples, then let time pass for every rule that waits for it."""
        book = self._current_book(connection)
        self._judge(connection, list(self._of_zones(connection, book)), now)
        due = incident_repository.due_or_edited(connection, now)
        if not due:
            return
        known = _Evaluation(connection, book, self._directory, now, due)
        for rule_id in due:
            known.tick(rule_id)
        known.write()
        crash_point("alerts.ticked")

    def reset(self, connection: Connection) -> None:
        incident_repository.forget_all(connection)

    def _current_book(self, connection: Connection) -> RuleBook:
        """The rules as of this transaction: a new one judges from the next sample on."""
        revision = read_revision(connection)
        if revision != self._book_revision:
            self._book = repository.read_rules(connection)
            self._book_revision = revision
        return self._book

    def _of_zones(self, connection: Connection, book: RuleBook) -> Iterator[Measured]:
        """What new zone samples say, moving the cursor past them."""
        # Also without rules: a rule made tomorrow must not begin with the samples of today.
        start = position = incident_repository.input_position(connection, ZONE_SAMPLES)
        while samples := samples_after(connection, position, _AT_ONCE):
            for sample in samples:
                yield from _of_sample(book, sample)
            position = samples[-1].position
        if position != start:
            incident_repository.move_input(connection, ZONE_SAMPLES, position)

    def _judge(self, connection: Connection, measured: Sequence[Measured], now: Instant) -> None:
        if not measured:
            return
        rule_ids = {one.rule.id for one in measured}
        known = _Evaluation(connection, self._book, self._directory, now, rule_ids)
        for one in measured:
            known.sample(one)
        known.write()


def _of_devices(book: RuleBook, uplinks: Sequence[LoggedUplink]) -> list[Measured]:
    if not book.by_device:
        return []
    found: list[Measured] = []
    for uplink in uplinks:
        for rule in book.by_device.get(uplink.dev_eui, ()):
            if rule.tenant_id == uplink.tenant_id:
                found += _of_uplink(rule, uplink)
    return found


def _of_uplink(stored: StoredRule, uplink: LoggedUplink) -> list[Measured]:
    """The good values of an uplink that a rule watches, the oldest first."""
    rule = stored.rule
    found = [
        Measured(stored, _moment(reading.event_time or uplink.event_time, uplink), reading.value)
        for reading in uplink.readings
        if reading.quantity == rule.quantity
        and reading.channel == rule.channel
        and reading.quality is Quality.GOOD
    ]
    return sorted(found, key=lambda one: one.at)


def _moment(event_time: Instant, uplink: LoggedUplink) -> Instant:
    if event_time > uplink.received_at + _CLOCKS_DIFFER:
        return uplink.received_at
    return event_time


def _of_sample(book: RuleBook, sample: ZoneSample) -> Iterator[Measured]:
    for rule in book.by_zone.get(sample.zone_id, ()):
        if rule.tenant_id == sample.tenant_id:
            # The upper bound: a counter that misses people must not hide a crowd.
            yield Measured(rule, sample.event_time, float(sample.high), _remarks(sample))


def _remarks(sample: ZoneSample) -> tuple[str, ...]:
    estimate = (f"Geschätzt {sample.occupancy}.",) if sample.occupancy != sample.high else ()
    return (*estimate, "Ein Zähler meldet nichts.") if sample.degraded else estimate


class _Evaluation:
    """The states of some rules while samples are judged, written back at the end."""

    def __init__(
        self,
        connection: Connection,
        book: RuleBook,
        directory: DirectoryCache,
        now: Instant,
        rule_ids: Sequence[int] | set[int],
    ) -> None:
        self._connection = connection
        self._book = book
        self._directory = directory.current()
        self._zones = directory.part(read_zones)
        self._now = now
        self._terms: dict[int, Terms] = {}
        self._standing = incident_repository.read_states(connection, rule_ids)
        self._changed: set[int] = set()

    def sample(self, one: Measured) -> None:
        state = self._settled(one.rule)
        step = machine.sample(self._of(one.rule), state, one.at, one.value, self._now)
        self._take(one.rule, state, step, one.remarks)

    def tick(self, rule_id: int) -> None:
        stored = self._book.by_id[rule_id]
        state = self._settled(stored)
        if stored.rule.enabled:
            self._take(stored, state, machine.tick(self._of(stored), state, self._now))

    def write(self) -> None:
        for rule_id in sorted(self._changed):
            terms = self._of(self._book.by_id[rule_id])
            standing = self._standing[rule_id]
            incident_repository.write_state(self._connection, rule_id, standing, terms)

    def _of(self, stored: StoredRule) -> Terms:
        if stored.id not in self._terms:
            self._terms[stored.id] = stored.terms(self._directory, self._zones)
        return self._terms[stored.id]

    def _settled(self, stored: StoredRule) -> RuleState:
        """Where the rule stands, after ending what an earlier version of it had begun."""
        standing = self._standing.get(stored.id)
        if standing is None:
            return RuleState()
        if standing.revision != stored.revision:
            enabled = stored.rule.enabled
            reason = CloseReason.RULE_CHANGED if enabled else CloseReason.RULE_DISABLED
            step = machine.edit(standing.state, self._now, reason)
            self._take(stored, standing.state, step)
            self._changed.add(stored.id)
        return self._standing[stored.id].state

    def _take(
        self, stored: StoredRule, before: RuleState, step: Step, remarks: tuple[str, ...] = ()
    ) -> None:
        state, effects = step
        if effects:
            Recorder(self._connection, stored, before, self._now, remarks).record(effects)
        if state is not before:
            self._changed.add(stored.id)
        self._standing[stored.id] = Standing(state, stored.revision)

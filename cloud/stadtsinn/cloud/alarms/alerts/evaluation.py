"""Some states of rules while they are judged: values and time lead from one to the next.

What a step leads to is written down at once, the states themselves at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import Connection

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts import awaiting, incident_repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Key, Place, Standing, incident_id
from stadtsinn.cloud.alarms.alerts.recorder import Recorder, end_what_was_open
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.watching import Heard, Watched, Watching
from stadtsinn.cloud.alarms.alerts.wording import Remark
from stadtsinn.cloud.town.stations.model import FOR_EVER
from stadtsinn.rules import machine
from stadtsinn.rules.kind import Sample
from stadtsinn.rules.state import (
    CloseReason,
    Effect,
    Opened,
    Raised,
    RuleState,
    Step,
)
from stadtsinn.rules.terms import Terms


@dataclass(frozen=True)
class Measured:
    """One value for one station or zone of a rule."""

    watched: Watched
    at: Instant
    value: float
    remarks: tuple[Remark, ...] = ()
    permitted: int | None = None
    source: str = ""
    """The device that measured it; empty: a zone's gates together."""
    second: bool = False
    """A comparison sensor's, which is noted and not judged."""
    streams: Mapping[int, float] | None = None
    """Of a rule that judges several datastreams together: which of them it is a value of."""

    @property
    def rule_id(self) -> int:
        return self.watched.stored.id


def measured(watching: Watching, heard: Heard, at: Instant, value: float, source: str) -> Measured:
    """A value of a station, for one of the rules that hear it."""
    watched = heard.watched
    if not watched.stored.rule.parameters.joins:
        return Measured(watched, at, value, source=source, second=heard.second)
    permitted = watching.permitted(watched, at)
    return Measured(
        watched, at, value, permitted=permitted, source=source, streams={heard.stream: value}
    )


def together(some: Sequence[Measured]) -> Iterator[Measured]:
    """What an uplink says of several datastreams at one moment is judged at once: the first of them
    does not belong to an older value of the second."""
    for _, found in groupby(some, key=lambda one: one.at):
        at_once = list(found)
        streams = [one.streams or {} for one in at_once]
        yield replace(
            at_once[-1], streams={number: one[number] for one in streams for number in one}
        )


Guard = Callable[[Key, StoredRule | None], AbstractContextManager[None]]
"""What surrounds the work on one state, to find out which one fails."""


def unguarded(_key: Key, _stored: StoredRule | None) -> AbstractContextManager[None]:
    return nullcontext()


class Evaluation:
    """Some states while they are judged. `written` grows with the rows that this writes."""

    def __init__(
        self,
        connection: Connection,
        watching: Watching,
        now: Instant,
        keys: Collection[Key],
        guard: Guard = unguarded,
    ) -> None:
        self.written = 0
        self._guard = guard
        self._connection = connection
        self._watching = watching
        self._now = now
        self._standing = incident_repository.read_members(connection, keys)
        self._changed: dict[Key, Watched] = {}

    def samples(self, some: Sequence[Measured]) -> None:
        """Values of one state, in their order."""
        watched = some[0].watched
        with self._guard(watched.key, watched.stored):
            joins = watched.stored.rule.parameters.joins
            for one in together(some) if joins else some:
                self._sample(one)

    def _sample(self, one: Measured) -> None:
        # What was never judged begins with this sample: what was missed before, nobody watched.
        is_first = one.watched.key not in self._standing
        state = self._settled(one.watched)
        terms = self._terms(one.watched, one.at)
        if is_first:
            terms = replace(terms, awaited_since=None)
        if one.second:
            noted = machine.beside(terms, state, Sample(one.at, one.value, source=one.source))
            self._take(one.watched, state, (noted, ()))
            return
        step = machine.sample(
            terms,
            state,
            one.at,
            one.value,
            self._now,
            one.permitted,
            one.source,
            one.streams,
        )
        self._take(one.watched, state, step, one.remarks, one.permitted)

    def tick(self, key: Key) -> None:
        with self._guard(key, self._watching.by_id.get(key[0])):
            self._tick(key)

    def _tick(self, key: Key) -> None:
        watched = self._watching.find(*key)
        if watched is None:
            self._leave(key)
            return
        standing = self._standing.get(key)
        is_new = standing is None or standing.revision != watched.stored.revision
        state = self._settled(watched, self._watching.lost(watched, self._now))
        if watched.stored.rule.parameters.of_silence and (is_new or state.last_event is None):
            state = awaiting.begun(self._connection, self._watching, watched, state, self._now)
        if watched.stored.rule.enabled:
            step = machine.tick(self._terms(watched, self._now), state, self._now)
            self._take(watched, state, step)
            # Also one that did not change: it may be due later than was thought.
            self._changed[key] = watched

    def write(self) -> None:
        """The states that changed: many at once, or each by itself, to find out which one fails."""
        changed = sorted(self._changed.items(), key=lambda item: item[0])
        if self._guard is unguarded:
            incident_repository.write_states(
                self._connection, [self._written(key, watched) for key, watched in changed]
            )
            return
        for key, watched in changed:
            with self._guard(key, watched.stored):
                one = self._written(key, watched)
                incident_repository.write_state(self._connection, *one)

    def _written(self, key: Key, watched: Watched) -> tuple[Key, Standing, Instant | None]:
        standing = self._standing[key]
        return key, standing, self._due_at(watched, standing.state)

    def _due_at(self, watched: Watched, state: RuleState) -> Instant | None:
        """When time has something to do: what began also ends with what measures there."""
        due = machine.next_due(self._terms(watched, self._now), state)
        ends = self._watching.measured_until(watched, self._now) if state.begun else FOR_EVER
        return due if ends == FOR_EVER else min(ends, ends if due is None else due)

    def _terms(self, watched: Watched, at: Instant) -> Terms:
        stored = watched.stored
        terms = stored.rule.terms(self._watching.interval_s(watched, at), stored.valid_from)
        if not terms.kind.of_silence:
            return terms
        return replace(terms, awaited_since=self._watching.awaited_since(watched, at))

    def _settled(self, watched: Watched, lost: CloseReason | None = None) -> RuleState:
        """The state of the rule, after ending what stood on what is no more.

        `lost` is why no value can come. A value that comes is judged whatever is there by now: it
        may be one of the past.
        """
        standing = self._standing.get(watched.key)
        if standing is None:
            return RuleState()
        stored, key = watched.stored, watched.key
        if reason := why_ended(self._watching, watched, standing, lost):
            station = watched.station.id if watched.station else None
            told = (self._connection, stored, key, standing.state, self._now, reason, station)
            self._standing[key] = self._standing_on(watched, end_what_was_open(*told))
            self._changed[key] = watched
            self.written += rows_of(stored)
        return self._standing[key].state

    def _standing_on(self, watched: Watched, state: RuleState) -> Standing:
        return Standing(state, watched.stored.revision, self._watching.footing(watched))

    def _leave(self, key: Key) -> None:
        """The rule no longer watches this subject: end its open incident and delete its state."""
        standing = self._standing.pop(key, None)
        if standing is None:
            return
        stored = self._watching.by_id[key[0]]
        reason = _edited(stored, standing) or self._why_left(key)
        end_what_was_open(self._connection, stored, key, standing.state, self._now, reason)
        incident_repository.delete_state(self._connection, key)
        self.written += rows_of(stored)

    def _why_left(self, key: Key) -> CloseReason:
        _, member = key
        is_there = member in self._watching.directory.stations
        return CloseReason.STATION_LEFT if is_there else CloseReason.STATION_DELETED

    def _take(
        self,
        watched: Watched,
        before: RuleState,
        step: Step,
        remarks: tuple[Remark, ...] = (),
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
                permitted or self._watching.permitted(watched, self._now),
                notes=state.notes,
            )
            recorder.record(effects)
            state = self._as_told(key, state, effects)
            self.written += rows_of(stored)
        if state is not before:
            self._changed[key] = watched
        self._standing[key] = self._standing_on(watched, state)

    def _as_told(self, key: Key, state: RuleState, effects: Sequence[Effect]) -> RuleState:
        """What is judged again was told when it was judged first, or never."""
        reached = [one.at for one in effects if isinstance(one, Opened | Raised)]
        if not reached or state.opened_at is None or not state.alarmed:
            return state
        if state.announced or (state.last_event or 0) > state.quiet_until:
            return state
        told = incident_repository.told_at(self._connection, incident_id(key, state.opened_at))
        return replace(state, announced=told is not None and told >= reached[-1])


def rows_of(stored: StoredRule) -> int:
    """About so many rows a step of a rule writes: each recipient has a message of its own."""
    return 1 + len(stored.rule.recipients) + len(stored.rule.technicians)


def why_ended(
    watching: Watching, watched: Watched, standing: Standing, lost: CloseReason | None
) -> CloseReason | None:
    """Why what was judged so far holds no more; None: it does."""
    if reason := _edited(watched.stored, standing):
        return reason
    if standing.footing not in (None, watching.footing(watched)):
        of_zone = watched.stored.zone_id is not None
        return CloseReason.ZONE_CHANGED if of_zone else CloseReason.GROUP_CHANGED
    return lost if standing.state.begun else None


def _edited(stored: StoredRule, standing: Standing) -> CloseReason | None:
    if standing.revision == stored.revision:
        return None
    return CloseReason.RULE_CHANGED if stored.rule.enabled else CloseReason.RULE_DISABLED


def _place(watched: Watched) -> Place | None:
    station = watched.station
    return Place(station.id, station.slug, station.name) if station else None

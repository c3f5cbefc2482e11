"""Follows the uplink log and the zone samples, and judges them by the rules.

State, incident, messages and cursors change in one transaction, so a crash at any moment
leaves either all of it or nothing, and the same samples come again.

Samples are judged in the order of the log, not sorted by event time: where one batch ends is
chance, and the history must not depend on it. What comes in too late is history only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import (
    awaiting,
    incident_repository,
    inputs_repository,
    repository,
)
from stadtsinn.cloud.alarms.alerts.evaluation import Evaluation, Measured, measured
from stadtsinn.cloud.alarms.alerts.former import forget_some
from stadtsinn.cloud.alarms.alerts.incident_repository import Footing, Key
from stadtsinn.cloud.alarms.alerts.rebuilding import begin_anew
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.slices import WRITTEN_AT_ONCE, judge_first
from stadtsinn.cloud.alarms.alerts.watching import Watching
from stadtsinn.cloud.alarms.alerts.wording import Remark, number
from stadtsinn.cloud.domains.crowd.repository import first_samples, samples_after
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.log.cursors.repository import move_part, read_part
from stadtsinn.cloud.log.followers.aside import Aside
from stadtsinn.cloud.log.followers.seen import Seen
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.cloud.town.stations.measuring import readings_at_stations
from stadtsinn.cloud.town.stations.model import FOR_EVER
from stadtsinn.decoders.reading import Quality
from stadtsinn.rules.terms import NEVER

ZONE_SAMPLES = "zone_samples"
_ZONE_SAMPLES_PART = "zone_samples.part"
"""Of the next sample: the id of the last rule that judged it."""
_REGISTRY = "registry"
"""The revision of the registry at which the last round through all states began, which looks for
those that stand on something that changed."""
_ROUND = ("registry.rule", "registry.member")
"""The last state that the round under way has come to; 0 and 0: none is."""

LOOKED_AT_ONCE = 1_000
"""States that are compared with the registry in one transaction."""
TICKED_AT_ONCE = 200
"""States that time leads on in one transaction."""

_NONE: Key = (0, 0)
_READ_AT_ONCE = 2_000
_FORGET_EVERY = 10 * MINUTE
# A sample from further in the future than this has a wrong clock; judged by it, every right
# one that follows would be "late".
_CLOCKS_DIFFER = 5 * MINUTE


class AlertsFollower:
    """The `alerts` follower."""

    name = "alerts"

    def __init__(self, directory: DirectoryCache, clock: Clock) -> None:
        self._clock = clock
        self._database = directory.database
        self._samples: Mapping[int, Instant] | None = None
        """Of each zone the time of the oldest, while the history is set apart."""
        self._seen = Seen(directory, _read_watching)
        self._aside = Aside(self.name, "rule")
        self._ticked: Key | None = None
        """The last state that this round of ticks came to."""
        self._forgotten_at = 0

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:  # noqa: ARG002
        """Only looks at the rules, and at what they watch."""
        self._seen.look()

    def look_ahead(self, now: Instant) -> None:  # noqa: ARG002
        watching = self._seen.look()
        self._aside.keep(lambda key: watching.find(*key) is not None)

    def left_out(self) -> str:
        return self._aside.said()

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> int:
        """Judges the first of them; of the next one what the first rules see, where many do."""
        watching, now = self._current(connection), self._clock.now()
        part = read_part(connection, self.name)
        judged = judge_first(
            (_at_stations(watching, uplink) for uplink in uplinks),
            part,
            lambda keys: Evaluation(connection, watching, now, keys),
        )
        if judged.part != part:
            move_part(connection, self.name, judged.part)
        self._judge_zones(connection, watching, now)
        crash_point("alerts.applied")
        return judged.items

    def tick(self, connection: Connection, now: Instant) -> bool:
        """Judges new zone samples, then runs the timers that are due, then ends what is watched
        no more; each of it a few at a time. A rule that fails is left out."""
        watching = self._current(connection)
        more = (
            self._judge_zones(connection, watching, now)
            or self._run_timers(connection, watching, now)
            or self._end_unfounded(connection, watching, now)
            or self._await_first(connection, watching, now)
            or self._forget_former(connection, now)
        )
        crash_point("alerts.ticked")
        return more

    def require_resettable(self, connection: Connection) -> None:
        """It always is."""

    def before_reset(self) -> None:
        """Looks for the oldest samples of zones: of all samples, for which nobody may wait."""
        self._seen.look()
        with self._database.read() as connection:
            first = first_samples(connection)
        # Old ones are deleted while it goes on.
        self._samples = {zone_id: Instant(time + HOUR) for zone_id, time in first.items()}

    def reset(self, connection: Connection) -> bool:
        watching, samples = self._current(connection), self._samples
        if samples is None:
            samples = first_samples(connection)
        more = begin_anew(connection, watching, self._clock.now(), samples)
        self._samples = samples if more else None
        return more

    def _current(self, connection: Connection) -> Watching:
        """The rules as of this transaction: a new one judges from the next sample on."""
        repository.lock_rules(connection)
        return self._seen.as_of(connection)

    def _judge_zones(self, connection: Connection, watching: Watching, now: Instant) -> bool:
        """What the first of the new zone samples say; True: there are more."""
        # Also without rules: a rule made tomorrow must not begin with the samples of today.
        position = inputs_repository.input_position(connection, ZONE_SAMPLES)
        samples = samples_after(connection, position, _READ_AT_ONCE)
        if not samples:
            return False
        part = inputs_repository.input_position(connection, _ZONE_SAMPLES_PART)
        judged = judge_first(
            (self._in_zone(watching, sample) for sample in samples),
            part,
            lambda keys: Evaluation(connection, watching, now, keys, self._guard),
        )
        if judged.items:
            reached = samples[judged.items - 1].position
            inputs_repository.move_input(connection, ZONE_SAMPLES, reached)
        if judged.part != part:
            inputs_repository.move_input(connection, _ZONE_SAMPLES_PART, judged.part)
        return judged.items < len(samples) or len(samples) == _READ_AT_ONCE

    def _run_timers(self, connection: Connection, watching: Watching, now: Instant) -> bool:
        """Where time has something to do; True: there are more.

        Which states these are stands in the database: what a crash undoes is due afterwards.
        """
        due = incident_repository.due_or_edited(connection, now, self._ticked, TICKED_AT_ONCE)
        last = self._tick_some(connection, watching, now, due)
        more = last is not None and (last != due[-1] or len(due) == TICKED_AT_ONCE)
        self._ticked = last if more else None
        return more

    def _end_unfounded(self, connection: Connection, watching: Watching, now: Instant) -> bool:
        """States that stand on what changed or went since the registry changed, see decision 10;
        True: there are more.

        A change in the middle causes a further round: a registry that changes all the time delays
        none.
        """
        after = inputs_repository.round_position(connection, _ROUND)
        began = inputs_repository.input_position(connection, _REGISTRY)
        revision = watching.directory.revision
        if after == _NONE:
            if began >= revision:
                return False
            began = revision
            inputs_repository.move_input(connection, _REGISTRY, revision)
        found = incident_repository.footings(connection, after, LOOKED_AT_ONCE)
        changed = [one.key for one in found if _stands_otherwise(one, watching, now)]
        ticked = changed[:TICKED_AT_ONCE]
        last = self._tick_some(connection, watching, now, ticked)
        for key in ticked:
            if self._is_left_out(watching.by_id.get(key[0]), key):
                incident_repository.make_due(connection, key, now)  # once it works again
        if last is not None and last != changed[-1]:
            reached = last
        else:
            reached = found[-1].key if len(found) == LOOKED_AT_ONCE else _NONE
        inputs_repository.move_round(connection, _ROUND, reached)
        return reached != _NONE or began < revision

    def _await_first(self, connection: Connection, watching: Watching, now: Instant) -> bool:
        """Where rules wait for a first value, since the registry changed; True: there are more."""
        found, more = awaiting.unjudged(connection, watching, now)
        known = Evaluation(connection, watching, now, (), self._guard)
        for key in found:
            if not self._is_left_out(watching.by_id.get(key[0]), key):
                known.tick(key)
        known.write()
        return more

    def _forget_former(self, connection: Connection, now: Instant) -> bool:
        """True: there is more to delete."""
        if now - self._forgotten_at < _FORGET_EVERY:
            return False
        if forget_some(connection, now):
            return True
        self._forgotten_at = now
        return False

    def _tick_some(
        self, connection: Connection, watching: Watching, now: Instant, keys: Sequence[Key]
    ) -> Key | None:
        """Let time pass for the first of these states; the last one that it came to."""
        known = Evaluation(connection, watching, now, keys, self._guard)
        last = None
        for key in keys:
            last = key
            if not self._is_left_out(watching.by_id.get(key[0]), key):
                known.tick(key)
            if known.written >= WRITTEN_AT_ONCE:
                break
        known.write()
        return last

    def _is_left_out(self, stored: StoredRule | None, key: Key) -> bool:
        return stored is not None and self._aside.holds(key, stored.revision)

    def _guard(self, key: Key, stored: StoredRule | None) -> AbstractContextManager[None]:
        if stored is None:
            return self._aside.trying(key, None)
        return self._aside.trying(
            key, stored.revision, tenant=stored.tenant_id, rule=stored.rule.slug
        )

    def _in_zone(self, watching: Watching, sample: ZoneSample) -> list[Measured]:
        """What a zone sample says to the rules that watch the zone."""
        found = []
        for watched in watching.in_zone(sample.zone_id, sample.tenant_id):
            if watched.stored.rule.parameters.of_permit and not sample.permitted:
                continue  # there is nothing to compare with: its data is missing
            if self._is_left_out(watched.stored, watched.key):
                continue
            # The upper bound: a counter that misses people must not hide a crowd.
            judged, remarks = float(sample.to_judge), _remarks(sample)
            found.append(Measured(watched, sample.event_time, judged, remarks, sample.permitted))
        return found


def _stands_otherwise(one: Footing, watching: Watching, now: Instant) -> bool:
    """Whether it is to be looked at: it ends, or may end earlier or later than was thought."""
    watched = watching.find(*one.key)
    if watched is None or one.footing != watching.footing(watched):
        return True
    if not one.begun:
        awaits = watched.stored.rule.parameters.of_silence and one.due_at is None
        return awaits and watching.awaited_since(watched, now) != NEVER
    until = watching.measured_until(watched, now)
    is_due = one.due_at is not None and one.due_at <= until
    return watching.lost(watched, now) is not None or (until != FOR_EVER and not is_due)


def _read_watching(connection: Connection, directory: Directory) -> Watching:
    return Watching(repository.read_rules(connection), directory, read_zones(connection, directory))


def _at_stations(watching: Watching, uplink: LoggedUplink) -> list[Measured]:
    if not watching.watches_device(uplink.dev_eui):
        return []
    return sorted(_of_uplink(watching, uplink), key=lambda one: one.at)


def _of_uplink(watching: Watching, uplink: LoggedUplink) -> Iterator[Measured]:
    """The good values of an uplink that rules watch."""
    for reading in readings_at_stations(
        watching.directory, uplink.tenant_id, uplink.dev_eui, uplink.event_time, uplink.outcome
    ):
        if reading.quality is not Quality.GOOD:
            continue
        values = watching.values_of(reading.station)
        for heard in values.get((reading.quantity, reading.channel), ()):
            at = _moment(reading.time, uplink)
            yield measured(watching, heard, at, reading.value, uplink.dev_eui)


def _moment(event_time: Instant, uplink: LoggedUplink) -> Instant:
    if event_time > uplink.received_at + _CLOCKS_DIFFER:
        return uplink.received_at
    return event_time


_SILENT: Remark = {
    Language.DE: "Ein Zähler meldet nichts.",
    Language.EN: "One counter reports nothing.",
}


def _remarks(sample: ZoneSample) -> tuple[Remark, ...]:
    said = {Language.DE: "Geschätzt", Language.EN: "Estimated"}
    estimate: Remark = {
        language: f"{word} {number(sample.occupancy, language)}." for language, word in said.items()
    }
    found = (estimate,) if sample.occupancy != sample.to_judge else ()
    return (*found, _SILENT) if sample.degraded else found

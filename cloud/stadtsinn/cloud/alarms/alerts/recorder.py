"""Writes down what the state machine decided: incidents, and messages into the outbox.

Everything happens on the caller's connection, so that state, incident and messages commit
together or not at all. Sending is the outbox worker's part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.instant import HOUR, SECOND, Instant
from stadtsinn.cloud.alarms.alerts import (
    attention_repository,
    former_repository,
    incident_repository,
    wording,
)
from stadtsinn.cloud.alarms.alerts.former import as_it_was
from stadtsinn.cloud.alarms.alerts.happening import happened
from stadtsinn.cloud.alarms.alerts.incident_repository import Key, Place, incident_id
from stadtsinn.cloud.alarms.alerts.muting import mutes_of
from stadtsinn.cloud.alarms.alerts.repository import (
    ALARM,
    TECHNICAL,
    StoredRule,
    addressees_of,
    groups_of,
)
from stadtsinn.cloud.alarms.alerts.wording import About, Moment, Remark, in_each_language
from stadtsinn.cloud.alarms.duty.reaching import (
    Occasion,
    each_once,
    members_reached,
    with_pauses,
    with_quiet_hours,
)
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind
from stadtsinn.cloud.alarms.notify.sentence import Said, Sentence
from stadtsinn.rules import machine
from stadtsinn.rules.kind import FIRST_LEVEL, Notes
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    Effect,
    FellSilent,
    Opened,
    Raised,
    RuleState,
)

log = structlog.get_logger()

_opened = Counter("stadtsinn_incidents_opened_total", "Incidents opened", ["late"])

_GOES_ON = (CloseReason.RULE_CHANGED, CloseReason.ZONE_CHANGED, CloseReason.GROUP_CHANGED)
"""The rule judges anew from the next sample on."""

# How long a message that cannot be sent is worth trying, after it was written.
_ALARM_KEEPS = 6 * HOUR
_OTHERS_KEEP = 24 * HOUR


def end_what_was_open(
    connection: Connection,
    stored: StoredRule,
    key: Key,
    state: RuleState,
    now: Instant,
    reason: CloseReason,
    still_at: int | None = None,
) -> RuleState:
    """A rule was changed, or does not watch this any more: end its open incident, and tell those
    who got the alarm, by the names that it had. Returns the state to go on from.

    `still_at` is the station that the rule watches now under this key.
    """
    state = as_it_was(connection, key, state)
    fresh, effects = machine.edit(state, now, reason)
    opened = incident_repository.open_incident_of(connection, key) if effects else None
    if opened is not None:
        stored = replace(stored, rule=stored.rule.model_copy(update={"name": opened.rule_name}))
        place = opened.place
        goes_on = reason in _GOES_ON and (place is None or place.station_id == still_at)
        Recorder(connection, stored, key, place, state, now, goes_on=goes_on).record(effects)
    return fresh


class Recorder:
    """Records the effects at one station or zone of a rule. `state` is its state before them.

    `goes_on`: what it judges was changed, and it watches the same as before.
    """

    def __init__(
        self,
        connection: Connection,
        stored: StoredRule,
        key: Key,
        place: Place | None,
        state: RuleState,
        now: Instant,
        remarks: tuple[Remark, ...] = (),
        permitted: int | None = None,
        *,
        goes_on: bool = False,
        notes: Notes = MappingProxyType({}),
    ) -> None:
        self._connection = connection
        self._stored = stored
        self._key = key
        self._place = place
        self._about = About(stored.rule, place.name if place else "", permitted=permitted)
        self._before = state
        self._now = now
        self._remarks = remarks
        self._goes_on = goes_on
        self._notes = notes

    def record(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Opened):
                self._open(effect)
            elif isinstance(effect, Raised):
                self._raise(effect)
            elif isinstance(effect, Announced):
                self._announce(effect)
            elif isinstance(effect, Closed):
                self._close(effect)
            else:
                self._fell_silent(effect)

    def _incident(self, opened_at: Instant) -> str:
        return incident_id(self._key, opened_at)

    def _open(self, effect: Opened) -> None:
        incident = self._incident(effect.at)
        permitted = self._about.permitted if self._stored.rule.parameters.of_permit else None
        incident_repository.open_incident(
            self._connection,
            self._stored.tenant_id,
            self._key,
            self._stored.rule.name,
            self._place,
            effect,
            {"permitted": permitted, **former_repository.told_of(self._connection, incident)},
        )
        _opened.labels(str(effect.late).lower()).inc()
        log.info("incident_opened", incident=incident, rule=self._stored.id, late=effect.late)

    def _raise(self, effect: Raised) -> None:
        incident = self._incident(effect.opened_at)
        incident_repository.raise_level(self._connection, incident, effect.level)
        # A warning that has not left yet would only delay the alarm.
        outbox.supersede_waiting_alarms(self._connection, incident, effect.level)
        log.info("incident_raised", incident=incident, level=effect.level)

    def _about_incident(self, incident: str) -> About:
        level, permitted = incident_repository.worst_of(self._connection, incident)
        return replace(self._about, level=level, permitted_then=permitted)

    def _announce(self, effect: Announced) -> None:
        incident = self._incident(effect.opened_at)
        incident_repository.mark_announced(self._connection, incident, effect.at)
        moment = Moment(effect.value, effect.measured_at, self._now, flapping=effect.flapping)
        if effect.measured_at != self._before.last_event:
            # The sample that is judged now, not an earlier one: trend and remarks are about it.
            moment = replace(moment, before=self._before.last_value, remarks=self._remarks)
        about = replace(self._about, level=effect.level)
        moment = replace(moment, of_kind=wording.remarks_of_kind(about, self._notes))
        # A further level began with this message, whenever the incident did.
        first = effect.level == FIRST_LEVEL
        began = effect.opened_at if first else effect.at
        said = in_each_language(about, lambda about: wording.alarm(about, moment, began))
        sequence = 0 if first else (effect.at - effect.opened_at) // SECOND
        occasion = self._occasion(incident, Kind.ALARM, effect.level, sequence)
        to = self._held_back(self._reached(ALARM, occasion), Kind.ALARM)
        facts = self._happened(effect.value, effect.measured_at, effect.opened_at)
        self._enqueue(occasion, said, facts, effect.at, to)
        attention_repository.tell(
            self._connection,
            self._stored.tenant_id,
            incident,
            effect.level,
            muted=any(one.muted for one in to),
        )

    def _close(self, effect: Closed) -> None:
        incident = self._incident(effect.opened_at)
        incident_repository.close_incident(self._connection, incident, effect)
        log.info("incident_closed", incident=incident, reason=effect.reason.value)
        attention_repository.forget(self._connection, incident)
        if not effect.silent:
            self._announce_end(incident, effect)

    def _announce_end(self, incident: str, effect: Closed) -> None:
        """To those who got the alarm, and to no one else."""
        about, now = self._about_incident(incident), self._now
        if effect.reason is not CloseReason.RECOVERED:
            said = unsent = in_each_language(about, partial(self._no_all_clear, effect))
            kind = Kind.ENDED
        else:
            opened, closed, value = effect.opened_at, effect.at, effect.value
            unsent = in_each_language(
                about, lambda about: wording.ended_before_sent(about, opened, closed, now)
            )
            kind = Kind.ALL_CLEAR
            said = {}
            if about.rule.resolve_notice and value is not None:
                said = in_each_language(
                    about, lambda about: wording.all_clear(about, value, opened, closed, now)
                )
        outbox.give_up_quiet(self._connection, incident, now)
        outbox.give_up_reminders(self._connection, incident, "over")
        outbox.reword_waiting_alarms(self._connection, incident, unsent)
        if said:
            occasion = self._occasion(incident, kind)
            facts = self._happened(effect.value, effect.at, effect.opened_at, effect.at)
            self._enqueue(occasion, said, facts, effect.at, self._alarmed(occasion))

    def _no_all_clear(self, effect: Closed, about: About) -> Sentence:
        """The alarm ended although nothing is known to be well again."""
        if self._goes_on or effect.reason is CloseReason.NOT_ACTIVE:
            return wording.judged_anew(about, effect.reason, effect.opened_at, self._now)
        return wording.watched_no_more(about, effect.reason, effect.opened_at, self._now)

    def _fell_silent(self, effect: FellSilent) -> None:
        about, last, now = self._about, self._before.last, self._now
        assert last is not None  # data can only be missing after a sample
        value, at = last.value, effect.last_event
        if effect.opened_at is None:
            subject, sequence = self._incident(effect.last_event), 0
            said = in_each_language(
                about, lambda about: wording.near_alarm_missing(about, value, at, now)
            )
            occasion = self._occasion(subject, Kind.TECHNICAL, sequence=sequence)
            to = self._held_back(self._reached(TECHNICAL, occasion), Kind.TECHNICAL)
        else:
            subject = self._incident(effect.opened_at)
            # Each silence is another message, and the same one when the history is judged again.
            sequence = max(0, effect.last_event - effect.opened_at) // SECOND
            about = self._about_incident(subject)
            said = in_each_language(
                about, lambda about: wording.data_missing(about, value, at, now)
            )
            occasion = self._occasion(subject, Kind.STALE, sequence=sequence)
            everybody = [*self._alarmed(occasion), *self._reached(TECHNICAL, occasion)]
            to = self._held_back(everybody, Kind.STALE)
        facts = self._happened(value, at, effect.opened_at)
        self._enqueue(occasion, said, facts, effect.last_event, to)

    def _happened(
        self,
        value: float | None,
        measured_at: Instant | None,
        since: Instant | None,
        ended_at: Instant | None = None,
    ) -> Facts:
        return happened(self._stored.rule, self._place, value, measured_at, since, ended_at)

    def _occasion(
        self, incident: str, kind: Kind, level: int = FIRST_LEVEL, sequence: int = 0
    ) -> Occasion:
        return Occasion(incident, kind, level, sequence, self._stored.rule.severity)

    def _reached(self, purpose: str, occasion: Occasion) -> list[Addressee]:
        """Whom the rule tells: recipients, and who of its duty groups is on duty."""
        rule, connection = self._stored.id, self._connection
        named = addressees_of(connection, rule, purpose)
        groups = groups_of(connection, rule, purpose)
        return [*named, *members_reached(connection, groups, occasion, self._now)]

    def _alarmed(self, occasion: Occasion) -> list[Addressee]:
        """Those who got the alarm."""
        alarmed = outbox.alarmed_addressees(self._connection, occasion.incident)
        wait = with_quiet_hours(self._connection, alarmed, occasion.severity, self._now)
        return with_pauses(self._connection, wait, self._now)

    def _held_back(self, to: Sequence[Addressee], kind: Kind) -> list[Addressee]:
        """The same people; whom a mute keeps from being told is marked so."""
        station = self._place.station_id if self._place else None
        mutes = mutes_of(self._connection, self._stored, station, self._now)
        return mutes.hold_back(to, kind)

    def _enqueue(
        self,
        occasion: Occasion,
        said: Said,
        facts: Facts,
        event_time: Instant,
        to: Sequence[Addressee],
    ) -> None:
        keeps = _ALARM_KEEPS if occasion.kind is Kind.ALARM else _OTHERS_KEEP
        draft = Draft(
            tenant_id=self._stored.tenant_id,
            incident_id=occasion.incident,
            kind=occasion.kind,
            level=occasion.level,
            sequence=occasion.sequence,
            said=said,
            event_time=event_time,
            created_at=self._now,
            expires_at=Instant(self._now + keeps),
            facts=facts,
        )
        outbox.enqueue(self._connection, draft, each_once(to))

"""The messages of what happened to a rule: which, when, to whom and in which words.

To whom is said by the roster as it stands for that time: plans, stand-ins and quiet hours. What
depends on a message's way (a provider that is away, the next channel) is not tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts import wording
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.wording import About, Moment
from stadtsinn.cloud.alarms.duty import repository, service
from stadtsinn.cloud.alarms.duty.reaching import waits_until
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.duty.roster import Roster
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.text import compose
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.rules.history.course import Happened
from stadtsinn.rules.kind import FIRST_LEVEL
from stadtsinn.rules.state import (
    Announced,
    Closed,
    CloseReason,
    FellSilent,
    Opened,
    Raised,
)


@dataclass(frozen=True)
class Told:
    """Somebody who gets a message. `group` is the duty group as whose member; `waits_until` the end
    of its quiet hours."""

    person: str
    group: str | None = None
    waits_until: Instant | None = None


@dataclass(frozen=True)
class Message:
    """A message that would have been sent at `at`, about the incident that began at `opened_at`."""

    at: Instant
    kind: Kind
    level: int
    opened_at: Instant | None
    event_time: Instant
    to: tuple[Told, ...]
    text: str


@dataclass(frozen=True)
class _Group:
    stored: StoredGroup
    roster: Roster
    is_list: bool


class Desk:
    """Who gets a rule's messages at which time."""

    def __init__(self, connection: Connection, scope: Scope, rule: Rule, whole: Span) -> None:
        self._severity = rule.severity
        people = repository.people(connection, scope.tenant_id)
        groups = {
            one.group.slug: one for one in repository.groups_page(connection, scope, None, None)
        }
        # In quiet hours a message waits; a duty may begin after the whole then.
        ahead = Span(Instant(whole.start - DAY), Instant(whole.end + 16 * DAY))
        self._groups = {
            slug: _Group(
                stored,
                service.roster_of(connection, stored, ahead),
                service.is_list(connection, stored),
            )
            for slug, stored in groups.items()
            if slug in (*rule.recipients, *rule.technicians)
        }
        self._people = people

    def reached(self, slugs: Sequence[str], at: Instant, also: Sequence[Told] = ()) -> list[Told]:
        """Those of the recipients and groups who are told at a moment; `also` those who were told
        of the alarm as members of these groups."""
        found = [Told(one) for one in slugs if one in self._people]
        for slug in (one for one in slugs if one in self._groups):
            group = self._groups[slug]
            waits = waits_until(group.stored.group, self._severity, at)
            before = [one.person for one in also if one.group == slug]
            people = dict.fromkeys([*before, *self._on_duty(group, waits or at)])
            found += (Told(person, slug, waits) for person in people)
        return each_once(found)

    def waiting(self, told: Iterable[Told], at: Instant) -> list[Told]:
        """The same people, by the quiet hours of this moment."""
        return [
            Told(one.person, one.group, self._waits(one.group, at)) if one.group else one
            for one in told
        ]

    def _waits(self, slug: str, at: Instant) -> Instant | None:
        return waits_until(self._groups[slug].stored.group, self._severity, at)

    @staticmethod
    def _on_duty(group: _Group, at: Instant) -> list[str]:
        wanted = list(dict.fromkeys(turn.person for turn in group.roster.on_duty(at)))
        return wanted or [one.recipient for one in group.stored.group.members]


def each_once(told: Iterable[Told]) -> list[Told]:
    """Nobody twice: who is told at once by one way does not wait by another."""
    found: dict[str, Told] = {}
    for one in told:
        before = found.get(one.person)
        if before is None or (one.waits_until or 0) < (before.waits_until or 0):
            found[one.person] = one
    return list(found.values())


@dataclass
class _Open:
    """What is remembered of the incident that is open."""

    level: int = FIRST_LEVEL
    permitted: int | None = None
    told: list[Told] = field(default_factory=list)


def messages_of(
    happened: Iterable[Happened], desk: Desk, rule: Rule, station: str, language: Language
) -> Iterator[Message]:
    """The messages of one station or zone, in their order. `station` is its name."""
    opened = _Open()
    permitted: int | None = None
    for one in happened:
        if one.permitted is not None:
            permitted = int(one.permitted)
        about = About(rule, station, permitted=permitted, language=language)
        effect = one.effect
        if isinstance(effect, Opened):
            opened = _Open(effect.level, permitted if rule.parameters.of_permit else None)
        elif isinstance(effect, Raised):
            opened.level = max(opened.level, effect.level)
        elif isinstance(effect, Announced):
            yield _alarm(one, effect, desk, about, opened)
        elif isinstance(effect, Closed):
            if opened.told and (found := _ending(one, effect, desk, about, opened)):
                yield found
        else:
            yield _silence(one, effect, desk, about, opened)


def _alarm(one: Happened, effect: Announced, desk: Desk, about: About, opened: _Open) -> Message:
    first = effect.level == FIRST_LEVEL
    # The sample that is judged now, not an earlier one: the trend is about it.
    is_now = effect.measured_at != one.before.last_event
    about = _at_level(about, effect.level)
    moment = Moment(
        effect.value,
        effect.measured_at,
        one.now,
        before=one.before.last_value if is_now else None,
        of_kind=wording.remarks_of_kind(about, one.notes),
        flapping=effect.flapping,
    )
    said = wording.alarm(about, moment, effect.opened_at if first else effect.at)
    to = desk.reached(about.rule.recipients, one.now, opened.told)
    opened.told = each_once([*opened.told, *to])
    return Message(
        one.now, Kind.ALARM, effect.level, effect.opened_at, effect.at, tuple(to), compose(said)
    )


def _ending(
    one: Happened, effect: Closed, desk: Desk, about: About, opened: _Open
) -> Message | None:
    about = _at_level(about, opened.level, opened.permitted)
    at = effect.opened_at
    if effect.reason is CloseReason.NOT_ACTIVE:
        said = wording.judged_anew(about, effect.reason, at, one.now)
        kind = Kind.ENDED
    elif effect.reason is not CloseReason.RECOVERED:
        said = wording.watched_no_more(about, effect.reason, at, one.now)
        kind = Kind.ENDED
    elif about.rule.resolve_notice and effect.value is not None:
        said = wording.all_clear(about, effect.value, at, effect.at, one.now)
        kind = Kind.ALL_CLEAR
    else:
        return None
    to = desk.waiting(opened.told, one.now)
    return Message(one.now, kind, FIRST_LEVEL, at, effect.at, tuple(to), compose(said))


def _silence(one: Happened, effect: FellSilent, desk: Desk, about: About, opened: _Open) -> Message:
    value, at = one.before.last_value, effect.last_event
    assert value is not None  # data can only be missing after a sample
    technicians = desk.reached(about.rule.technicians, one.now)
    if effect.opened_at is None:
        said = wording.near_alarm_missing(about, value, at, one.now)
        to, kind = technicians, Kind.TECHNICAL
    else:
        said = wording.data_missing(_at_level(about, opened.level), value, at, one.now)
        to = each_once([*desk.waiting(opened.told, one.now), *technicians])
        kind = Kind.STALE
    return Message(one.now, kind, FIRST_LEVEL, effect.opened_at, at, tuple(to), compose(said))


def _at_level(about: About, level: int, permitted_then: int | None = None) -> About:
    return About(about.rule, about.station, level, about.permitted, permitted_then, about.language)

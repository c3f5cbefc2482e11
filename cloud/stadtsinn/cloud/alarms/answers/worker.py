"""Says again what nobody acknowledged, tells the next ones, and tells what was muted until now.

It goes by the machine's clock (`wall`), as people do; quiet hours and mutes by that of the
measurements. What it decides and the messages for it commit together: killed anywhere it does it
again, or has done it. Several workers may run at once; the key of each message is unique.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.health import Check
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.alarms.alerts import attention_repository as attending
from stadtsinn.cloud.alarms.alerts import mute_repository
from stadtsinn.cloud.alarms.alerts.attention_repository import Attended
from stadtsinn.cloud.alarms.alerts.repository import ALARM, addressees_of, groups_of, step
from stadtsinn.cloud.alarms.answers import repository, topics, wording
from stadtsinn.cloud.alarms.answers.acknowledging import write
from stadtsinn.cloud.alarms.answers.topics import Matter
from stadtsinn.cloud.alarms.duty.reaching import Occasion, members_reached
from stadtsinn.cloud.alarms.notify import facts
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Addressee, Kind
from stadtsinn.cloud.platform.database.engine import Database, serialize
from stadtsinn.rules import attention
from stadtsinn.rules.attention import Escalate, Repeat

log = structlog.get_logger()

AT_ONCE = 50
"""Incidents that one transaction deals with."""
_LOOK_S = 2.0
_BACKOFF = Backoff(first=5, longest=60)
_KEEPS = 6 * HOUR

_reminders = Counter("stadtsinn_alert_reminders_total", "Alarms said again or passed on", ["what"])


class AttentionWorker(Repeating):
    """Looks after open alarms that nobody has acknowledged."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        wall: Clock | None = None,
        look_s: float = _LOOK_S,
    ) -> None:
        super().__init__(
            "attention",
            _BACKOFF,
            failed="reminders_failed",
            remedy="it tries again by itself; alarms themselves are sent all the same",
        )
        self._database = database
        self._clock = clock
        self._wall = wall or SystemClock()
        self._look_s = look_s
        self._mutes: frozenset[int] = frozenset()
        self._looked_at = Instant(0)

    def check(self) -> Check:
        return self.untroubled(
            "open alarms are looked after", "alarms are not repeated or passed on"
        )

    def step(self) -> float:
        self.run_once()
        return self._look_s

    def run_once(self) -> int:
        """All that is due; how many incidents were looked at."""
        now = self._wall.now()
        with self._database.read() as connection:
            is_due = attending.has_due(connection, now)
            unmutes = self._may_unmute(connection, now)
        seen = self._each(now, muted=True, deal=_unmute) if unmutes else 0
        if not is_due:
            return seen
        with self._database.write() as connection:
            attending.wake_from_the_future(connection, now)
        seen += self._each(now, muted=False, deal=_remind)
        with self._database.write() as connection:
            attending.forget_ended(connection, AT_ONCE)
        return seen

    def _may_unmute(self, connection: Connection, now: Instant) -> bool:
        """Whether what is muted is to be looked at: a mute ended, or a minute passed. Not each
        time: there may be very many."""
        active = mute_repository.active_everywhere(connection, self._clock.now())
        ended, self._mutes = self._mutes - active, active
        waited = not self._looked_at <= now < self._looked_at + MINUTE
        if not (ended or waited):
            return False
        self._looked_at = now
        return attending.has_muted(connection)

    def _each(
        self,
        now: Instant,
        *,
        muted: bool,
        deal: Callable[[Connection, Attended, Instant, Instant], None],
    ) -> int:
        after, seen = "", 0
        while not self.stopping.is_set():
            with self._database.write() as connection:
                serialize(connection, "rules")  # nobody closes or acknowledges it meanwhile
                found = attending.due(connection, now, after, AT_ONCE, muted=muted)
                for one in found:
                    deal(connection, one, now, self._clock.now())
                crash_point("answers.reminding")
            seen += len(found)
            if len(found) < AT_ONCE:
                break
            after = found[-1].incident
        crash_point("answers.reminded")
        return seen


def _remind(connection: Connection, one: Attended, wall: Instant, now: Instant) -> None:
    """Rows 15 and 16 of the table."""
    matter = topics.matter(connection, one.incident, now)
    if matter is None:
        return
    plan, level = matter.stored.rule.plan, one.state.level
    known = repository.may_be_known(connection, one.incident, level, now)
    calm = matter.calm or bool(matter.mutes.for_all)
    state, due = attention.wait(plan, one.state, wall, known=known, calm=calm)
    muted = one.muted
    for what in due:
        if isinstance(what, Repeat):
            _repeat(connection, matter, level, what.number, state.steps, now)
        else:
            muted = _escalate(connection, matter, level, what, now) or muted
    after = Attended(one.incident, one.tenant_id, state, muted)
    attending.write(connection, after, attention.next_due(plan, state))


def _repeat(
    connection: Connection, matter: Matter, level: int, number: int, steps: int, now: Instant
) -> None:
    """To those who were told by name, and who of the groups that were told is on duty now."""
    rule = matter.stored
    occasion = Occasion(matter.incident, Kind.REPEAT, level, number, rule.rule.severity)
    by_name = [
        one
        for one in outbox.alarmed_addressees(connection, matter.incident)
        if one.group_id is None
    ]
    purposes = [ALARM, *(step(done) for done in range(1, steps + 1))]
    groups = [group for one in purposes for group in groups_of(connection, rule.id, one)]
    people = [*by_name, *members_reached(connection, sorted(set(groups)), occasion, now)]
    # Who is not to be disturbed now, or cannot be reached, is not told ten times afterwards.
    waiting = repository.still_waiting(connection, matter.incident)
    to = [
        one
        for one in matter.mutes.hold_back(people, Kind.REPEAT)
        if not one.muted and one.not_before is None and one.id not in waiting
    ]
    said = matter.topic.each(wording.repeat)
    write(connection, matter, Kind.REPEAT, said, to, now, level=level, sequence=number)
    _reminders.labels("repeat").inc()
    log.info("alarm_repeated", incident=matter.incident, number=number, told=len(to))


def _escalate(
    connection: Connection, matter: Matter, level: int, what: Escalate, now: Instant
) -> bool:
    """To those of the step. True: some are muted."""
    rule, purpose = matter.stored, step(what.step)
    occasion = Occasion(matter.incident, Kind.ESCALATION, level, what.step, rule.rule.severity)
    groups = groups_of(connection, rule.id, purpose)
    people = [
        *addressees_of(connection, rule.id, purpose),
        *members_reached(connection, groups, occasion, now),
    ]
    to = matter.mutes.hold_back(people, Kind.ESCALATION)
    said = matter.topic.each(wording.escalation)
    write(connection, matter, Kind.ESCALATION, said, to, now, level=level, sequence=what.step)
    _reminders.labels("escalation").inc()
    if to:
        log.info("alarm_escalated", incident=matter.incident, step=what.step, told=len(to))
    else:
        log.warning(
            "escalation_reaches_nobody",
            incident=matter.incident,
            rule=rule.rule.slug,
            step=what.step,
            remedy="its recipients were deleted: name others in 'escalation' of the rule",
        )
    return any(one.muted for one in to)


def _unmute(connection: Connection, one: Attended, _wall: Instant, now: Instant) -> None:
    """Row 17: what is not muted any more and still goes on is told now, at its highest level."""
    matter = topics.matter(connection, one.incident, now)
    if matter is None:
        return
    suppressed = repository.suppressed_alarms(connection, one.incident)
    to = _by_recipient(matter, suppressed)
    told = repository.have_alarm(connection, one.incident, one.state.level)
    still = False
    for row in suppressed:
        addressee = to[row.to.id]
        if row.level < one.state.level or row.to.id in told:
            continue
        if addressee.muted:
            still = True
            continue
        told.add(row.to.id)
        said = matter.topic.each(wording.unmuted)
        now_said = facts.written(matter.facts, said)
        repository.send_suppressed(connection, row.id, now_said, now, Instant(now + _KEEPS))
        log.info("muted_alarm_told", incident=one.incident)
    if not still:
        due_at = attention.next_due(matter.stored.rule.plan, one.state)
        attending.write(connection, Attended(one.incident, one.tenant_id, one.state), due_at)


def _by_recipient(
    matter: Matter, suppressed: Sequence[repository.Suppressed]
) -> dict[int, Addressee]:
    held = matter.mutes.hold_back([row.to for row in suppressed], Kind.ALARM)
    return {one.id: one for one in held}

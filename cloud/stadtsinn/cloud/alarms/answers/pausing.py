"""STOP: a person gets no messages of the shift any more, and the next ones take over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.alerts import attention_repository as attending
from stadtsinn.cloud.alarms.answers import repository, topics, wording
from stadtsinn.cloud.alarms.answers.acknowledging import write
from stadtsinn.cloud.alarms.answers.repository import Writer
from stadtsinn.cloud.alarms.duty import repository as duty
from stadtsinn.cloud.alarms.duty.reaching import Occasion, members_reached
from stadtsinn.cloud.alarms.duty.repository import StoredGroup
from stadtsinn.cloud.alarms.duty.service import roster_of
from stadtsinn.cloud.alarms.notify.message import Kind

_LOOKED_AHEAD = 15 * DAY
"""For the end of a shift."""
_BEYOND_STEPS = 1_000
"""Handing over is numbered behind the steps of any escalation."""


@dataclass(frozen=True)
class Paused:
    """Until when whoever wrote is left alone, by which groups."""

    writer: Writer
    groups: str
    end: Instant


def pause(
    connection: Connection, people: Sequence[Writer], number: int, now: Instant
) -> Paused | None:
    """In the town that wrote to this person last of those in which a shift is theirs just now;
    None: there is none."""
    for writer in people:
        shifts = list(_shifts(connection, writer, now))
        if not shifts:
            continue
        for group, end in shifts:
            duty.insert_pause(connection, group.id, writer.id, Span(now, end))
            _hand_over(connection, group, writer, number, now)
        names = ", ".join(group.group.name for group, _ in shifts)
        return Paused(writer, names, min(end for _, end in shifts))
    return None


def _shifts(
    connection: Connection, writer: Writer, now: Instant
) -> Iterator[tuple[StoredGroup, Instant]]:
    """The groups of which this person is on duty, and until when."""
    ahead = Span(now, Instant(now + _LOOKED_AHEAD))
    for stored in duty.groups_of_town(connection, writer.tenant_id):
        turns = roster_of(connection, stored, ahead).on_duty(now)
        ends = [turn.span.end for turn in turns if turn.person == writer.slug]
        if ends:
            yield stored, max(ends)


def _hand_over(
    connection: Connection, group: StoredGroup, writer: Writer, number: int, now: Instant
) -> None:
    """Open alarms that nobody has in hand go to the next ones of the group."""
    for incident in repository.unattended_through(connection, group.id, writer.id):
        matter, attended = (
            topics.matter(connection, incident, now),
            attending.find(connection, incident),
        )
        if matter is None or attended is None or attended.state.is_acknowledged:
            continue
        level, severity = attended.state.level, matter.stored.rule.severity
        sequence = _BEYOND_STEPS + number
        occasion = Occasion(incident, Kind.ESCALATION, level, sequence, severity)
        known = repository.have_alarm(connection, incident, level) | {writer.id}
        next_ones = [
            one
            for one in members_reached(connection, [group.id], occasion, now)
            if one.id not in known
        ]
        to = matter.mutes.hold_back(next_ones, Kind.ESCALATION)
        said = matter.topic.each(wording.escalation)
        write(connection, matter, Kind.ESCALATION, said, to, now, level=level, sequence=sequence)

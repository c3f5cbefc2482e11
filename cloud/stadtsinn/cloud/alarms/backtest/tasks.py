"""One station or zone of a rule that is tried over its history: what is judged, and by what.

A task holds all that is needed to judge it, so that another process can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.alarms.backtest.incidents import Incident, incidents_of
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesReader
from stadtsinn.rules import machine
from stadtsinn.rules.history.column import NOTHING, Column
from stadtsinn.rules.history.course import Course, Happened, Section
from stadtsinn.rules.history.scan import scan
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.state import CloseReason, RuleState
from stadtsinn.rules.terms import ALWAYS, NEVER


@dataclass(frozen=True)
class Subject:
    """What is judged: a station, or a zone."""

    slug: str
    name: str
    kind: str
    """Of the station; empty for a zone."""


@dataclass(frozen=True)
class Task:
    """`variants` are the rule itself and what else is tried, each as its sections. Values are read
    from `key`, or are there already: those of a zone. `measured_until`: when the last device
    leaves."""

    tenant_id: str
    subject: Subject
    key: SeriesKey | None
    start: Instant
    end: Instant
    measured_until: Instant
    variants: tuple[tuple[Section, ...], ...]
    column: Column | None = None
    second: SeriesKey | None = None
    """Of a comparison sensor, where the kind looks at one."""
    most: int | None = None
    """Values that are read at most."""
    most_judged: int | None = None
    """Values that the engine may judge itself, of each variant: else `run` raises Exhausted."""


@dataclass(frozen=True)
class Outcome:
    """What a task led to. `values` were there, of which the engine judged `judged` itself; the
    others could change nothing. `happened` is what the rule itself led to, `tried` the incidents of
    each variant."""

    subject: Subject
    values: int
    judged: int
    happened: tuple[Happened, ...]
    tried: tuple[tuple[Incident, ...], ...]


def sections(
    rule: Rule, watching: Watching, watched: Watched, start: Instant, end: Instant
) -> tuple[Section, ...]:
    """By which terms it is judged when: devices that come later may report otherwise often."""
    station = watched.station
    places = watching.directory.deployments_at(station.id) if station else ()
    changes = {edge for one in places for edge in (one.start, one.end) if start < edge < end}
    found: list[Section] = []
    for at in [start, *sorted(changes)]:
        terms = rule.terms(watching.interval_s(watched, at), Instant(0))
        if terms.kind.of_silence:
            terms = replace(terms, awaited_since=watching.awaited_since(watched, at))
        if not found or found[-1].terms != terms:
            found.append(Section(at, terms))
    return tuple(found)


def run(task: Task, reader: SeriesReader) -> Outcome:
    """Judge one task. Values before its start only say since when there was silence."""
    column = task.column if task.column is not None else _read(task, reader)
    beside = NOTHING
    if task.second is not None:
        span = (task.start, task.end)
        beside = reader.column(task.tenant_id, task.second, *span, limit=task.most)
    inside = _part(column, task.start, task.end)
    happened: tuple[Happened, ...] = ()
    tried = []
    judged = 0
    for number, variant in enumerate(task.variants):
        kind = variant[0].terms.kind
        course = Course(inside, scan(kind, inside), task.most_judged, beside)
        found = tuple(_course(task, column, course, variant))
        if number == 0:
            happened, judged = found, course.judged
        tried.append(tuple(incidents_of(found)))
    return Outcome(task.subject, len(inside), judged, happened, tuple(tried))


def _read(task: Task, reader: SeriesReader) -> Column:
    assert task.key is not None
    since = task.start - _silence(task.variants)
    return reader.column(
        task.tenant_id, task.key, Instant(max(0, since)), task.end, limit=task.most
    )


def _silence(variants: Sequence[Sequence[Section]]) -> int:
    """So far back the newest value matters."""
    kinds: list[RuleKind] = [one.terms.kind for variant in variants for one in variant]
    return max((kind.silence_s or 0 for kind in kinds), default=0) * SECOND


def _part(column: Column, start: Instant, end: Instant) -> Column:
    return column.where(slice(column.first_at(start), column.first_at(end)))


def _course(
    task: Task, column: Column, course: Course, variant: tuple[Section, ...]
) -> list[Happened]:
    course.state = _begun(task, column, variant[0])
    until = _until(task, column)
    sections = [one for one in variant if one.start < until] or list(variant[:1])
    found = list(course.run(sections, until))
    if until == task.end:
        return found
    before = course.state
    _, effects = machine.edit(before, until, CloseReason.NOT_MEASURED)
    return [*found, *(Happened(until, one, before, before.notes) for one in effects)]


def _until(task: Task, column: Column) -> Instant:
    """Until when it is judged: what begins is over when the last device leaves. Values that are
    there are judged, whatever the registry knows by now."""
    if task.measured_until == ALWAYS:
        return task.end
    last = int(column.times[-1]) + 1 if len(column) else 0
    return Instant(min(task.end, max(task.measured_until, task.start, last)))


def _begun(task: Task, column: Column, first: Section) -> RuleState:
    """A rule that fires for missing data knows since when there is none; others know nothing of
    what was before."""
    terms = first.terms
    if not terms.kind.of_silence or terms.awaited_since == NEVER:
        return RuleState()
    before = column.first_at(task.start) - 1
    heard = int(column.times[before]) if before >= 0 else task.start
    return RuleState(last_event=Instant(heard))

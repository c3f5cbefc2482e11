"""One station or zone of a rule that is tried over its history: what is judged, and by what.

A task holds all that is needed to judge it, so that another process can.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.alarms.backtest.incidents import Incident, incidents_of
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesReader
from stadtsinn.rules import machine
from stadtsinn.rules.history.column import NOTHING, Column
from stadtsinn.rules.history.course import Course, Exhausted, Happened, Section
from stadtsinn.rules.history.joined import Joined
from stadtsinn.rules.history.scan import scan
from stadtsinn.rules.joining import VALUES, Joining
from stadtsinn.rules.kind import RuleKind
from stadtsinn.rules.state import CloseReason, RuleState
from stadtsinn.rules.terms import ALWAYS, NEVER

_DAYS_OF_STREAMS = 20_000


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
    streams: Mapping[int, SeriesKey] = field(default_factory=dict)
    """What is read in the place of `key` where several datastreams are judged together, each by its
    number."""
    stations: int | None = None
    """How many there are in a group that is judged together."""
    most: int | None = None
    """Values that are read at most, of each datastream."""
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
    if task.streams:
        return run_joined(task, reader)
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
        course = Course(inside, scan(kind, inside, beside), task.most_judged, beside)
        found = tuple(_course(task, column, course, variant))
        if number == 0:
            happened, judged = found, course.judged
        tried.append(tuple(incidents_of(found)))
    return Outcome(task.subject, len(inside), judged, happened, tuple(tried))


def run_joined(task: Task, reader: SeriesReader) -> Outcome:
    """Several datastreams together, a part of the time after the other: the values of all of them
    would be too many to hold at once."""
    until = _until(task, _last(task, reader))
    courses = [_Parts(task, variant, until) for variant in task.variants]
    values = 0
    for start, end in _parts(task, until):
        read = {
            number: reader.column(task.tenant_id, key, start, end, limit=task.most)
            for number, key in task.streams.items()
        }
        values += sum(len(column) for column in read.values())
        if task.most is not None and values > task.most * len(task.streams):
            raise Exhausted
        for one in courses:
            one.go_on(read, start, end)
    return Outcome(
        task.subject,
        values,
        courses[0].judged,
        (*courses[0].happened, *_ended(task, courses[0].state, until)),
        tuple(
            tuple(incidents_of([*one.happened, *_ended(task, one.state, until)])) for one in courses
        ),
    )


def _parts(task: Task, until: Instant) -> Iterator[tuple[Instant, Instant]]:
    """Of so many days that some millions of values lie in each, where one comes every ten
    minutes."""
    length = max(1, _DAYS_OF_STREAMS // len(task.streams)) * DAY
    for start in range(task.start, until, length):
        yield Instant(start), Instant(min(until, start + length))


def _last(task: Task, reader: SeriesReader) -> int:
    """When something was measured last, as far as it matters."""
    since = Instant(max(task.start, min(task.measured_until, task.end)))
    last = 0
    for key in task.streams.values() if since < task.end else ():
        column = reader.column(task.tenant_id, key, since, task.end, limit=task.most)
        last = max(last, int(column.times[-1]) if len(column) else 0)
    return last


class _Parts:
    """A variant that is judged a part after the other."""

    def __init__(self, task: Task, variant: tuple[Section, ...], until: Instant) -> None:
        self.state = RuleState()
        self.judged = 0
        self.happened: list[Happened] = []
        self._task = task
        self._sections = [one for one in variant if one.start < until] or list(variant[:1])

    def go_on(self, read: Mapping[int, Column], start: Instant, end: Instant) -> None:
        """Judge what was read, which is what was measured from `start` to `end`."""
        kind = self._sections[0].terms.kind
        assert isinstance(kind, Joining)
        joined = Joined(read, self.state.notes.get(VALUES, {}), self._task.stations)
        left = None
        if self._task.most_judged is not None:
            left = self._task.most_judged - self.judged
        course = Course(joined.column, joined.scan(kind), left)
        course.state = self.state
        begun = [one for one in self._sections if one.start <= start][-1:]
        later = [one for one in self._sections if start < one.start < end]
        first = [Section(start, one.terms) for one in begun]
        self.happened += course.run([*first, *later], end)
        self.state, self.judged = course.state, self.judged + course.judged


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
    until = _until(task, int(column.times[-1]) if len(column) else 0)
    sections = [one for one in variant if one.start < until] or list(variant[:1])
    found = list(course.run(sections, until))
    return [*found, *_ended(task, course.state, until)]


def _until(task: Task, last: int) -> Instant:
    """Until when it is judged: what begins is over when the last device leaves. Values that are
    there are judged, whatever the registry knows by now; `last` is when the last was measured."""
    if task.measured_until == ALWAYS:
        return task.end
    return Instant(min(task.end, max(task.measured_until, task.start, last + 1)))


def _ended(task: Task, state: RuleState, until: Instant) -> list[Happened]:
    """What ends with the last device."""
    if until == task.end:
        return []
    _, effects = machine.edit(state, until, CloseReason.NOT_MEASURED)
    return [Happened(until, one, state, state.notes) for one in effects]


def _begun(task: Task, column: Column, first: Section) -> RuleState:
    """A rule that fires for missing data knows since when there is none; others know nothing of
    what was before."""
    terms = first.terms
    if not terms.kind.of_silence or terms.awaited_since == NEVER:
        return RuleState()
    before = column.first_at(task.start) - 1
    heard = int(column.times[before]) if before >= 0 else task.start
    return RuleState(last_event=Instant(heard))

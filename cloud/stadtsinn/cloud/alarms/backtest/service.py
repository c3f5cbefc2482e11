"""Tries a rule over the stored history. Reads only: nothing is written, nobody is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.calendar import Span
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.service import require_known, subject_of
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching, named
from stadtsinn.cloud.alarms.backtest.grid import Grid
from stadtsinn.cloud.alarms.backtest.incidents import Incident, incidents_of
from stadtsinn.cloud.alarms.backtest.labels import Label, Score, score
from stadtsinn.cloud.alarms.backtest.messages import Desk, Message, messages_of
from stadtsinn.cloud.alarms.backtest.repository import zone_history
from stadtsinn.cloud.alarms.backtest.tasks import Outcome, Subject, Task, sections
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.town.directory import read_directory
from stadtsinn.cloud.town.stations.model import FOR_EVER, comparison_of
from stadtsinn.rules.kind import OWN

SCANS_SAY = 0.5
"""Above this share of values that the engine judged itself a report says so."""


@dataclass(frozen=True)
class Question:
    """A rule, and the history that it is tried over. `labels` is None where there are none."""

    rule: Rule
    start: Instant
    end: Instant
    labels: Sequence[Label] | None = None
    grid: Grid | None = None
    language: Language = Language.DE
    most_stations: int | None = None
    most_values: int | None = None
    """Of each station."""
    most_judged: int | None = None
    """Of each station and variation: values that the engine may judge itself."""


@dataclass(frozen=True)
class Prepared:
    """What is to be judged; no database is needed any more."""

    question: Question
    tasks: tuple[Task, ...]
    desk: Desk


@dataclass(frozen=True)
class Found:
    """What the rule led to at one station or zone."""

    subject: Subject
    values: int
    judged: int
    incidents: tuple[Incident, ...]
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Cell:
    """What a variation would have done."""

    limit: float | None
    for_s: int
    is_own: bool
    incidents: int
    alarms: int
    score: Score | None
    possible: bool = True


@dataclass(frozen=True)
class Report:
    """All that a back-test found."""

    question: Question
    found: tuple[Found, ...]
    score: Score | None
    cells: tuple[Cell, ...]
    notes: tuple[Sentence, ...]

    @property
    def messages(self) -> list[tuple[Found, Message]]:
        """Of all stations, in the order of time."""
        every = [(one, message) for one in self.found for message in one.messages]
        return sorted(every, key=lambda pair: (pair[1].at, pair[0].subject.slug))

    @property
    def alarms(self) -> int:
        return sum(message.kind is Kind.ALARM for _, message in self.messages)


def prepare(connection: Connection, scope: Scope, question: Question) -> Prepared:
    """Raises Invalid for an unknown station, zone, quantity or recipient, as for a rule that is
    made."""
    rule = question.rule
    if question.end <= question.start:
        raise Invalid("'to' has to lie after 'from'.", "'to' muss nach 'from' liegen.")
    subject = subject_of(connection, scope, rule)
    require_known(connection, scope, rule)
    directory = read_directory(connection)
    stored = StoredRule(
        0, scope.tenant_id, subject.station_id, subject.zone_id, 1, Instant(0), rule
    )
    watching = Watching([stored], directory, read_zones(connection, directory))
    watched = _watched(watching, stored, question)
    tasks = tuple(_task(connection, watching, one, question) for one in watched)
    desk = Desk(connection, scope, rule, Span(question.start, question.end))
    return Prepared(question, tasks, desk)


def _watched(watching: Watching, stored: StoredRule, question: Question) -> list[Watched]:
    rule, directory = stored.rule, watching.directory
    if stored.zone_id is not None:
        return [Watched(stored)]
    if stored.station_id is not None:
        return [Watched(stored, station=directory.stations[stored.station_id])]
    members = watching.members(stored)
    if not members:
        raise NotFound(
            "no station is of this group: 'stadtsinn station list' shows the stations",
            "zu dieser Gruppe gehört keine Messstelle: 'stadtsinn station list' zeigt die "
            "Messstellen",
        )
    most = question.most_stations
    if most is not None and len(members) > most:
        raise Invalid(
            f"The rule watches {counted(len(members), 'station', 'stations')}; here it is too much "
            f"beyond {most}: name one station, or use 'stadtsinn rule backtest' on the server.",
            f"Die Regel beobachtet {counted(len(members), 'Messstelle', 'Messstellen')}; hier sind "
            f"mehr als {most} zu viel: eine Messstelle nennen, oder 'stadtsinn rule backtest' auf "
            "dem Server nehmen.",
        )
    if rule.parameters.of_group:
        return [Watched(stored)]
    return [
        Watched(stored, one.id, one) for one in sorted(members, key=lambda station: station.slug)
    ]


def _task(connection: Connection, watching: Watching, watched: Watched, question: Question) -> Task:
    rule, station, stored = question.rule, watched.station, watched.stored
    start, end = question.start, question.end
    variations = [rule, *_tried(question)]
    key = column = second = None
    streams = _streams(watching, watched)
    if rule.parameters.of_group:
        assert rule.group is not None
        given = (rule.group.kind, rule.group.site, rule.group.tag)
        subject = Subject(" ".join(one for one in given if one), "", "")
    elif station is not None:
        subject = Subject(station.slug, station.name, station.kind)
        key = SeriesKey(station.slug, rule.quantity, rule.channel)
        if rule.parameters.of_second_sensor:
            second = SeriesKey(station.slug, rule.quantity, comparison_of(rule.channel))
    else:
        assert stored.zone_id is not None
        subject = Subject(rule.zone or "", rule.zone or "", "")
        column = zone_history(connection, stored.zone_id, start, end, question.most_values)
        if rule.parameters.of_permit and column.permitted is not None:
            column = column.where(column.permitted > 0)
    return Task(
        stored.tenant_id,
        subject,
        key,
        start,
        end,
        # What ends a market day is not tried: alarms of zones last until the number is well again.
        FOR_EVER if stored.zone_id is not None else watching.measured_until(watched, start),
        tuple(sections(one, watching, watched, start, end) for one in variations),
        column,
        second,
        streams,
        len(watching.members(stored)) if rule.parameters.of_group else None,
        question.most_values,
        question.most_judged,
    )


def _streams(watching: Watching, watched: Watched) -> dict[int, SeriesKey]:
    """What is judged together, each by its number; empty where that is one datastream."""
    stored, rule = watched.stored, watched.stored.rule
    if rule.parameters.of_group:
        members = watching.members(stored)
        return {one.id: SeriesKey(one.slug, rule.quantity, rule.channel) for one in members}
    if not rule.parameters.joins or watched.station is None:
        return {}
    found = {OWN: SeriesKey(watched.station.slug, rule.quantity, rule.channel)}
    for number, other in enumerate(rule.parameters.others, OWN + 1):
        found[number] = SeriesKey(other.station or watched.station.slug, *named(rule, other))
    return found


def _tried(question: Question) -> list[Rule]:
    grid = question.grid
    return [] if grid is None else [one.rule for one in grid.variations if one.rule is not None]


def report(prepared: Prepared, outcomes: Iterable[Outcome]) -> Report:
    """`outcomes` are those of the tasks, in their order."""
    question, desk = prepared.question, prepared.desk
    every = list(outcomes)
    found = tuple(_found(one, desk, question) for one in every)
    announced = [(one.subject.slug, _announced(one.incidents)) for one in found]
    return Report(
        question,
        found,
        _scored(question, announced),
        tuple(_cells(question, every)),
        tuple(_notes(question, every)),
    )


def _found(outcome: Outcome, desk: Desk, question: Question) -> Found:
    name = outcome.subject.name if question.rule.zone is None else ""
    told = messages_of(outcome.happened, desk, question.rule, name, question.language)
    return Found(
        outcome.subject,
        outcome.values,
        outcome.judged,
        tuple(incidents_of(outcome.happened)),
        tuple(told),
    )


def _announced(incidents: Iterable[Incident]) -> list[Incident]:
    return [one for one in incidents if one.announcements]


def _scored(
    question: Question, announced: Sequence[tuple[str, Sequence[Incident]]]
) -> Score | None:
    if question.labels is None:
        return None
    inside = [
        one for one in question.labels if one.start < question.end and one.end > question.start
    ]
    return score(inside, announced, question.end)


def _cells(question: Question, outcomes: Sequence[Outcome]) -> Iterator[Cell]:
    if question.grid is None:
        return
    number = 0
    for variation in question.grid.variations:
        if variation.rule is None:
            yield Cell(variation.limit, variation.for_s, variation.is_own, 0, 0, None, False)
            continue
        number += 1
        tried = [(one.subject.slug, one.tried[number]) for one in outcomes]
        announced = [(slug, _announced(some)) for slug, some in tried]
        yield Cell(
            variation.limit,
            variation.for_s,
            variation.is_own,
            sum(len(some) for _, some in tried),
            sum(one.announcements for _, some in announced for one in some),
            _scored(question, announced),
        )


def _notes(question: Question, outcomes: Sequence[Outcome]) -> Iterator[Sentence]:
    values = sum(one.values for one in outcomes)
    if values == 0:
        yield Sentence(
            "no value lies in this time: nothing could be judged",
            "in dieser Zeit liegt kein Wert: es gab nichts zu beurteilen",
        )
    full = [one.subject.slug for one in outcomes if one.values == question.most_values]
    if full:
        most, names = question.most_values, ", ".join(full)
        yield Sentence(
            f"of {names} more is there than is judged here; judged values: {most}",
            f"von {names} ist mehr da, als hier beurteilt wird; beurteilte Werte: {most}",
        )
    if question.rule.zone is not None:
        yield Sentence(
            "the numbers of a zone are kept for a week: what is older was not judged",
            "die Zahlen einer Zone werden eine Woche aufbewahrt: Älteres wurde nicht beurteilt",
        )
    judged = sum(one.judged for one in outcomes)
    if values and judged > SCANS_SAY * values:
        yield Sentence(
            "nearly every value might have changed something, so each was judged by itself",
            "fast jeder Wert hätte etwas ändern können, deshalb wurde jeder einzeln beurteilt",
        )

"""What a rule judged in the last hours, found by judging the stored values once more.

The engine is the one that judges live, so each kind of rule shows what it compares with its limits:
a sum over a sliding window, the share of stations in a state, the persons in a zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import groupby

from stadtsinn.base.instant import DAY, HOUR, SECOND, Instant
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching, named
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesReader
from stadtsinn.rules import machine
from stadtsinn.rules.history.column import Column
from stadtsinn.rules.joining import Joining
from stadtsinn.rules.kind import OWN, Mark, RuleKind, Sample
from stadtsinn.rules.sliding import Sliding
from stadtsinn.rules.state import RuleState

_SPANS = (DAY, 6 * HOUR, HOUR)
"""What is shown: less of what measures very often."""
_MOST = 20_000
"""Values that are judged once more for a picture: a second of work."""
MOST_STATIONS = 300
"""Of a group that is judged together: each is a question to the store."""

ZoneHistory = Callable[[int, Instant, Instant, int], Column]
"""What rules judge of a zone, so many values at most."""


@dataclass(frozen=True)
class Course:
    """What was judged from `start` to `end`, with its times. `limits`: the marks that hold from
    each time on. Silence of more than `silence` microseconds is missing data."""

    start: Instant
    end: Instant
    points: tuple[tuple[Instant, float], ...]
    limits: tuple[tuple[Instant, tuple[Mark, ...]], ...]
    silence: int


@dataclass(frozen=True)
class Sources:
    """Where values are read. Raises SeriesUnavailable."""

    series: SeriesReader
    zones: ZoneHistory


def course(watching: Watching, watched: Watched, sources: Sources, end: Instant) -> Course | None:
    """What a rule judged there until `end`; None where nothing was measured, or more than can be
    looked at."""
    for span in _SPANS:
        start = Instant(max(0, end - span))
        samples = _samples(watching, watched, sources, start, end)
        if samples is not None:
            return _judged(watching, watched, samples, start, end) if samples else None
    return None


def _judged(
    watching: Watching, watched: Watched, samples: Iterable[Sample], start: Instant, end: Instant
) -> Course | None:
    rule = watched.stored.rule
    terms = rule.terms(watching.interval_s(watched, end), Instant(0))
    state = RuleState()
    points: dict[Instant, float] = {}
    limits: list[tuple[Instant, tuple[Mark, ...]]] = []
    for one in samples:
        state, _ = machine.sample(
            terms, state, one.at, one.value, one.at, one.permitted, one.source, one.streams
        )
        at, value = state.last_event, state.last_value
        if at is None or value is None or at < start:
            continue
        points[at] = value
        marks = terms.kind.marks(one.permitted)
        if not limits or limits[-1][1] != marks:
            limits.append((at if limits else start, marks))
    if not points:
        return None
    return Course(start, end, tuple(points.items()), tuple(limits), terms.stale_after)


def _samples(
    watching: Watching, watched: Watched, sources: Sources, start: Instant, end: Instant
) -> Sequence[Sample] | None:
    """All that is judged together, in the order of time; None: it is too much."""
    since = Instant(max(0, start - _looks_back(watched.stored.rule.parameters)))
    columns: list[tuple[int, Column]] = []
    left = _MOST
    for number, read in _streams(watching, watched, sources):
        column = read(since, Instant(end + 1), left + 1)
        left -= len(column)
        if left < 0:
            return None
        columns.append((number, column))
    if not watched.stored.rule.parameters.joins:
        return [one for _, column in columns for one in _each(column)]
    together = watching.permitted(watched, end)
    streams = ([(one, number) for one in _each(column)] for number, column in columns)
    return list(_at_once(merge(*streams, key=lambda pair: pair[0].at), together))


def _looks_back(kind: RuleKind) -> int:
    """So long before a value others matter to what is judged."""
    if not isinstance(kind, Sliding | Joining):
        return 0
    return max(kind.spans().values(), default=0) * SECOND


def _each(column: Column) -> Iterator[Sample]:
    return map(column.sample, range(len(column)))


def _at_once(found: Iterable[tuple[Sample, int]], permitted: float | None) -> Iterator[Sample]:
    """What was measured at one moment is judged at once, as an uplink's values are."""
    for at, some in groupby(found, key=lambda pair: pair[0].at):
        streams = {number: one.value for one, number in some}
        yield Sample(at, next(reversed(streams.values())), permitted, streams=streams)


_Reading = Callable[[Instant, Instant, int], Column]


def _streams(
    watching: Watching, watched: Watched, sources: Sources
) -> Iterator[tuple[int, _Reading]]:
    """The datastreams that are judged, each by its number."""
    stored, station = watched.stored, watched.station
    rule, town = stored.rule, stored.tenant_id
    if stored.zone_id is not None:
        yield OWN, _of_zone(sources, stored.zone_id)
    elif rule.parameters.of_group:
        for one in watching.members(stored):
            yield (
                one.id,
                _of_series(sources, town, SeriesKey(one.slug, rule.quantity, rule.channel)),
            )
    elif station is not None:
        own = SeriesKey(station.slug, rule.quantity, rule.channel)
        yield OWN, _of_series(sources, town, own)
        for number, other in enumerate(rule.parameters.others, OWN + 1):
            key = SeriesKey(other.station or station.slug, *named(rule, other))
            yield number, _of_series(sources, town, key)


def _of_zone(sources: Sources, zone_id: int) -> _Reading:
    return lambda start, end, most: sources.zones(zone_id, start, end, most)


def _of_series(sources: Sources, town: str, key: SeriesKey) -> _Reading:
    return lambda start, end, most: sources.series.column(town, key, start, end, limit=most)

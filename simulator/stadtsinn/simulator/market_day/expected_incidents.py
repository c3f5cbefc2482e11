"""Which incidents a rule must find, worked out from the truth and without the cloud's code.

What the cloud judges is not the truth itself: counters miscount, reports are a minute apart, an
occupancy is judged by its upper bound. So the truth is given as bounds, and an incident as the
span in which it must begin. A day on which the bounds leave open whether there is an incident
cannot test anything: `AmbiguousDay` is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stadtsinn.base.berlin import for_people
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.rules.kinds.threshold import Direction, Threshold
from stadtsinn.simulator.market_day.calendar import Span

_UNDER_WAY = 2 * MINUTE
"""What has to be known before the line is cut must have been measured this long before."""


class AmbiguousDay(ValueError):
    """The truth does not decide whether a rule has to fire."""


@dataclass(frozen=True)
class Bounds:
    """At `time` the value that a rule judges lies within [low, high]."""

    time: Instant
    low: float
    high: float


@dataclass(frozen=True)
class Incident:
    """An incident that has to be found.

    It is opened between `start` (the value may have reached the threshold) and `start_latest`
    (it has been there long enough for certain), and closed between `end` and `end_latest`.
    `visible_live` is False for one that began and ended while the line was cut: it belongs to
    history, and nobody may get a message about it.
    """

    rule: str
    start: Instant
    start_latest: Instant
    end: Instant
    end_latest: Instant
    visible_live: bool


def expected_incidents(
    rule: Rule, values: Iterable[Bounds], outage: Span, day_end: Instant
) -> list[Incident]:
    """The incidents of a rule over `values`, which are in the order of time.

    Raises AmbiguousDay when the values do not decide how many there are or who sees them.
    """
    judge = _Judge(rule)
    for value in _oriented(rule, values):
        judge.take(value)
    return [_incident(rule, opened, outage) for opened in judge.finish(day_end)]


def _oriented(rule: Rule, values: Iterable[Bounds]) -> Iterator[Bounds]:
    """The same bounds with a sign that makes higher values the worse ones."""
    for value in values:
        if _threshold(rule).direction is Direction.ABOVE:
            yield value
        else:
            yield Bounds(value.time, -value.high, -value.low)


def _threshold(rule: Rule) -> Threshold:
    assert isinstance(rule.parameters, Threshold)  # the day has no other kinds
    return rule.parameters


@dataclass
class _Opened:
    """What is known of an incident while the values pass by."""

    start: Instant
    start_latest: Instant | None = None
    end: Instant | None = None
    end_latest: Instant | None = None


class _Judge:
    """Follows the lower and the upper bound of the judged value."""

    def __init__(self, rule: Rule) -> None:
        threshold = _threshold(rule)
        sign = 1 if threshold.direction is Direction.ABOVE else -1
        self._rule = rule
        self._on, self._off = sign * threshold.on, sign * threshold.off
        self._found: list[_Opened] = []
        self._open: _Opened | None = None
        self._reached_since: Instant | None = None
        self._reached_samples = 0
        self._calm_since: Instant | None = None

    def take(self, value: Bounds) -> None:
        if self._open is None and value.high >= self._on:
            self._open = _Opened(value.time)
        if self._open is not None:
            self._judge_start(self._open, value)
            self._judge_end(self._open, value)

    def finish(self, day_end: Instant) -> list[_Opened]:
        if self._open is not None:
            self._open.end = self._open.end or day_end
            self._close(self._open, day_end)
        return self._found

    def _judge_start(self, opened: _Opened, value: Bounds) -> None:
        if value.low < self._on:
            self._reached_since, self._reached_samples = None, 0
            return
        if self._reached_since is None:
            self._reached_since = value.time
        self._reached_samples += 1
        held = value.time - self._reached_since >= self._rule.for_s * SECOND
        if opened.end is not None:
            raise AmbiguousDay(
                f"rule {self._rule.slug}: at {for_people(value.time)} the threshold is reached "
                "again, and the incident before may have ended or not"
            )
        if opened.start_latest is None and held and self._reached_samples >= self._rule.min_samples:
            opened.start_latest = value.time

    def _judge_end(self, opened: _Opened, value: Bounds) -> None:
        keep = self._rule.keep_firing_s * SECOND
        if opened.start_latest is not None and opened.end is None and value.low <= self._off:
            opened.end = value.time
        if value.high > self._off:
            self._calm_since = None
            return
        if self._calm_since is None:
            self._calm_since = value.time
        if value.time - self._calm_since >= keep:
            opened.end = opened.end or value.time
            self._close(opened, value.time)

    def _close(self, opened: _Opened, at: Instant) -> None:
        if opened.start_latest is None:
            raise AmbiguousDay(
                f"rule {self._rule.slug}: from {for_people(opened.start)} on the threshold may "
                "have been reached, but it is not certain"
            )
        opened.end_latest = at
        self._found.append(opened)
        self._open = self._calm_since = None


def _incident(rule: Rule, opened: _Opened, outage: Span) -> Incident:
    assert opened.start_latest is not None
    assert opened.end is not None
    assert opened.end_latest is not None
    return Incident(
        rule=rule.slug,
        start=opened.start,
        start_latest=opened.start_latest,
        end=opened.end,
        end_latest=opened.end_latest,
        visible_live=_visible(rule, opened, outage),
    )


def _visible(rule: Rule, opened: _Opened, outage: Span) -> bool:
    """Whether the alarm reaches people while it is current."""
    assert opened.start_latest is not None
    assert opened.end_latest is not None
    if opened.start_latest + _UNDER_WAY < outage.start or opened.start > outage.end:
        return True
    forgotten = opened.end_latest + rule.max_age_s * SECOND
    if opened.start > outage.start and forgotten < outage.end:
        return False
    raise AmbiguousDay(
        f"rule {rule.slug}: the incident from {for_people(opened.start)} to "
        f"{for_people(opened.end_latest)} begins neither clearly outside of the outage nor is "
        "it over before a message could be sent"
    )

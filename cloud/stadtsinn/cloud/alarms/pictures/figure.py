"""What a picture shows, before it is drawn: all its numbers, and all its words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stadtsinn.base.berlin import clock_time, local
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.wording import About, clock, measured_value, number
from stadtsinn.cloud.alarms.pictures.course import Course
from stadtsinn.cloud.alarms.pictures.scale import Scale, scale, times
from stadtsinn.cloud.alarms.pictures.words import WORDS
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import QUANTITIES
from stadtsinn.rules.kind import OVER

Line = tuple[tuple[Instant, float], ...]


@dataclass(frozen=True)
class Limit:
    """A limit along the time. `level` 0: there an alarm is over."""

    level: int
    label: str
    points: Line


@dataclass(frozen=True)
class Figure:
    """`lines` end where data is missing. `begins`: when the incident did; None: not in this time.
    `said` is the whole in a sentence."""

    title: str
    newest: str
    unit: str
    missing: str
    said: str
    start: Instant
    end: Instant
    lines: tuple[Line, ...]
    limits: tuple[Limit, ...]
    begins: Instant | None
    in_steps: bool
    silence: int
    """Microseconds: what lasts no longer is no missing data."""
    highest: int
    """The highest level of its limits."""
    scale: Scale
    heights: tuple[tuple[float, str], ...]
    times: tuple[tuple[Instant, str], ...]


def figure(about: About, found: Course, begins: Instant | None) -> Figure:
    """The picture of what was judged by the rule that `about` names."""
    words, language = WORDS[about.language], about.language
    kind = about.rule.parameters
    in_steps = kind.in_steps or about.rule.zone is not None
    limits = _limits(about, found)
    values = [value for _, value in found.points]
    heights = [value for one in limits for _, value in one.points]
    held = scale([*values, *heights], from_zero=in_steps)
    newest_at, newest = found.points[-1]
    return Figure(
        title=about.title,
        newest=words.newest.format(
            at=clock(newest_at, found.end, language), measured=measured_value(about, newest)
        ),
        unit=_unit(about),
        missing=words.missing,
        said=_said(about, found, limits),
        start=found.start,
        end=found.end,
        lines=tuple(_lines(found, in_steps=in_steps)),
        limits=limits,
        begins=begins if begins is not None and found.start < begins <= found.end else None,
        in_steps=in_steps,
        silence=found.silence,
        highest=max((one.level for one in limits), default=0),
        scale=held,
        heights=tuple((one, number(one, language, decimals=held.decimals)) for one in held.lines),
        times=tuple((at, _time(at, found)) for at in times(found.start, found.end)),
    )


def _lines(found: Course, *, in_steps: bool) -> list[Line]:
    """What belongs together: between two lines data was missing. A state lasts until then."""
    lines: list[list[tuple[Instant, float]]] = []
    for at, value in found.points:
        if not lines or at - lines[-1][-1][0] > found.silence:
            lines.append([])
        lines[-1].append((at, value))
    if in_steps:
        for one in lines:
            last_at, value = one[-1]
            one.append((Instant(min(last_at + found.silence, found.end)), value))
    return [tuple(one) for one in lines]


def _limits(about: About, found: Course) -> tuple[Limit, ...]:
    """Each limit as one line, however often a permit moved it."""
    words = WORDS[about.language]
    count = max((len(marks) for _, marks in found.limits), default=0)
    highest = max((one.level for _, marks in found.limits for one in marks), default=0)
    limits = []
    for place in range(count):
        points = [(at, marks[place].value) for at, marks in found.limits if len(marks) == count]
        level = next(marks[place].level for _, marks in found.limits if len(marks) == count)
        if level == OVER:
            name = words.over
        else:
            name = words.limit if highest == 1 else words.level.format(level=level)
        label = f"{name} {_number(about, points[-1][1])}"
        limits.append(Limit(level, label, (*points, (found.end, points[-1][1]))))
    return tuple(limits)


def _said(about: About, found: Course, limits: Sequence[Limit]) -> str:
    def at(moment: Instant) -> str:
        return clock(moment, found.end, about.language)

    words = WORDS[about.language]
    low = min(found.points, key=lambda point: point[1])
    high = max(found.points, key=lambda point: point[1])
    newest = found.points[-1]
    said = (words.constant if low[1] == high[1] else words.said).format(
        start=at(found.start),
        least=_number(about, low[1]),
        least_at=at(low[0]),
        most=_with_unit(about, high[1]),
        most_at=at(high[0]),
        newest=_with_unit(about, newest[1]),
        newest_at=at(newest[0]),
    )
    named = ", ".join(one.label for one in limits)
    return f"{said} {named[0].upper()}{named[1:]}." if named else said


def _time(at: Instant, found: Course) -> str:
    here = local(at)
    if found.end - found.start > 6 * 60 * MINUTE and here.hour == 0 and here.minute == 0:
        return f"{here.day}.{here.month}."
    return clock_time(at)


def _number(about: About, value: float) -> str:
    return number(value, about.language, decimals=2)


def _with_unit(about: About, value: float) -> str:
    return f"{_number(about, value)} {_unit(about)}".rstrip()


def _unit(about: About) -> str:
    if about.rule.zone is not None:
        return WORDS[about.language].persons
    own = about.rule.parameters.unit
    quantity = QUANTITIES.get(about.rule.quantity)
    return own if own is not None else unit_sign(quantity.unit) if quantity else ""

"""A plan as it was read from a file: shifts, what is wrong, and what is worth knowing. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span, first_moment, last_moment
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.duty.roster import Planned
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell

LONGEST = timedelta(days=62)
"""Of a shift: beyond that somebody mistook the year."""
MOST = 20_000
"""Shifts of one plan."""
FIRST_YEAR, LAST_YEAR = 1900, 2250
"""Of times in a file; others cannot be meant."""


@dataclass
class Plan:
    """What a file says."""

    shifts: set[Planned] = field(default_factory=set)
    errors: list[RowError] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)

    def note(self, sentence: Sentence) -> None:
        """Say it once."""
        if sentence not in self.notes:
            self.notes.append(sentence)


def span_of(start: datetime, end: datetime, plan: Plan) -> Span:
    """From one time on a clock in Berlin to another. Raises WrongCell; the plan notes a time that
    no clock shows."""
    for edge in (start, end):
        if not berlin.moments(edge):
            plan.note(
                Sentence(
                    f"{edge:%d.%m.%Y %H:%M} does not exist: clocks go from 2 to 3 then, and the "
                    "shift has its edge at that moment",
                    f"{edge:%d.%m.%Y %H:%M} gibt es nicht: die Uhr springt von 2 auf 3, und die "
                    "Schicht hat dort ihre Grenze",
                )
            )
    if end <= start:
        raise ends_first(start, end)
    return sound(Span(first_moment(start), last_moment(end)))


def ends_first(start: datetime, end: datetime) -> WrongCell:
    return WrongCell(
        f"the shift ends ({end:%d.%m.%Y %H:%M}) before it begins ({start:%d.%m.%Y %H:%M})",
        f"die Schicht endet ({end:%d.%m.%Y %H:%M}), bevor sie beginnt ({start:%d.%m.%Y %H:%M})",
    )


def sound(span: Span) -> Span:
    """The span, if it can be a shift. Raises WrongCell."""
    require_length(timedelta(microseconds=span.end - span.start))
    if span.end <= span.start:
        raise WrongCell(
            "the clock skips this whole shift: it lies in the hour that does not exist",
            "die Uhr überspringt diese ganze Schicht: sie liegt in der Stunde, die es nicht gibt",
        )
    return span


def require_length(length: timedelta) -> None:
    """Raises WrongCell for what is too long for a shift."""
    if length > LONGEST:
        raise WrongCell(
            f"a shift of {length.days} days: is the year right?",
            f"eine Schicht von {length.days} Tagen: stimmt das Jahr?",
        )

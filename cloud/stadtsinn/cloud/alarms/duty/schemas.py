"""Duty groups and who is on duty as the API shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.cloud.alarms.duty.coverage import Coverage
from stadtsinn.cloud.alarms.duty.importing import PlanChange
from stadtsinn.cloud.alarms.duty.repository import StoredSubstitution
from stadtsinn.cloud.alarms.duty.roster import Planned, Turn
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import GivenTime, ShownTime

MOST_TEXT = 2_000_000
"""Characters of a plan: those of a year for a hundred people."""


_PLAN: dict[str, JsonValue] = {
    "content": "Beginn;Ende;Name\n24.12.2026 08:00;25.12.2026 08:00;Meier, Anna\n",
    "dry_run": True,
}


class SpanView(BaseModel):
    """From `start` on, and before `end`."""

    start: ShownTime
    end: ShownTime


class TurnView(SpanView):
    """Somebody is on duty."""

    on_duty: str = Field(description="Slug of a recipient.", examples=["meier"])
    instead_of: str | None = Field(description="For whom it stands in.")


class OnDutyView(BaseModel):
    """Who of a group is on duty."""

    at: ShownTime
    on_duty: list[TurnView] = Field(description="Empty: messages go to all members.")
    is_list: bool = Field(description="Nobody has shifts: every message goes to all members.")
    turns: list[TurnView] = Field(description="From then on, for a week.")


class OverlapView(SpanView):
    on_duty: list[str]


class SkippedView(BaseModel):
    """A shift's edge that no clock shows: the moment of the change takes its place."""

    clock: str = Field(description="Local, without offset.", examples=["2026-03-29T02:30:00"])
    on_duty: str


class GapView(SpanView):
    holidays: list[str]


class CoverageView(BaseModel):
    """Whether somebody is on duty in every minute of a time."""

    start: ShownTime
    end: ShownTime
    is_list: bool
    covered: bool
    gaps: list[GapView]
    overlaps: list[OverlapView] = Field(description="They are allowed.")
    skipped_times: list[SkippedView]


class ImportBody(Model):
    """A shift plan to be imported."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PLAN]})

    content: Annotated[
        str,
        StringConstraints(max_length=MOST_TEXT),
        Field(description="iCalendar or CSV, as text."),
    ]
    dry_run: Annotated[bool, Field(description="Only answer what would change.")] = False
    start: Annotated[
        GivenTime | None, Field(description="The plan speaks of all time from here on.")
    ] = None
    end: Annotated[GivenTime | None, Field(description="And to here.")] = None


class ShiftView(SpanView):
    on_duty: str


class ImportView(BaseModel):
    """What an import changed, or would change."""

    dry_run: bool
    added: list[ShiftView]
    removed: list[ShiftView]
    unchanged: int
    notes: list[str]


class SubstitutionView(SpanView):
    """Who stands in for whom."""

    id: int
    absent: str
    stand_in: str


def span_of(span: Span) -> dict[str, str]:
    return {"start": berlin.isoformat(span.start), "end": berlin.isoformat(span.end)}


def turn_view(turn: Turn) -> TurnView:
    return TurnView(on_duty=turn.person, instead_of=turn.instead_of, **span_of(turn.span))


def coverage_view(found: Coverage) -> CoverageView:
    return CoverageView(
        **span_of(found.whole),
        is_list=found.is_list,
        covered=not found.gaps,
        gaps=[GapView(**span_of(one.span), holidays=list(one.holiday)) for one in found.gaps],
        overlaps=[
            OverlapView(**span_of(one.span), on_duty=list(one.people)) for one in found.overlaps
        ],
        skipped_times=[
            SkippedView(clock=one.shown.isoformat(), on_duty=one.person) for one in found.skipped
        ],
    )


def import_view(made: PlanChange, *, dry_run: bool) -> ImportView:
    return ImportView(
        dry_run=dry_run,
        added=[_shift(one) for one in made.new],
        removed=[_shift(one) for one in made.gone],
        unchanged=made.same,
        notes=[note.english for note in made.notes],
    )


def substitution_view(one: StoredSubstitution) -> SubstitutionView:
    return SubstitutionView(
        id=one.id, absent=one.absent, stand_in=one.stand_in, **span_of(one.span)
    )


def _shift(one: Planned) -> ShiftView:
    return ShiftView(on_duty=one.person, **span_of(one.span))

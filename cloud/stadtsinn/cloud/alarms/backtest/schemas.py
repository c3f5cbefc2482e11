"""A report as JSON: the same for the API and the command line."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.backtest.labels import Label, Score
from stadtsinn.cloud.alarms.backtest.service import Cell, Report
from stadtsinn.cloud.platform.api.times import ShownTime


class ToldView(BaseModel):
    """Who gets a message."""

    recipient: str
    group: str | None = Field(description="The duty group as whose member.")
    waits_until: ShownTime | None = Field(description="The end of quiet hours.")


class MessageView(BaseModel):
    """A message that would have been sent."""

    at: ShownTime
    station: str = Field(description="Slug of the station or zone.")
    kind: str = Field(examples=["ALARM"])
    level: int
    opened_at: ShownTime | None = Field(description="When its incident began.")
    event_time: ShownTime
    text: str
    to: list[ToldView]


class TriedIncidentView(BaseModel):
    """An alarm that there would have been."""

    station: str
    opened_at: ShownTime
    opening_value: float | None
    level: int
    flapping: bool
    closed_at: ShownTime | None
    close_reason: str | None
    closing_value: float | None


class LabelView(BaseModel):
    """A labelled event."""

    start: ShownTime
    end: ShownTime
    label: str
    station: str


class ScoreView(BaseModel):
    """Alarms against labelled events."""

    events: int
    met: int
    missed: list[LabelView]
    false_alarms: int = Field(description="Alarms that met no event.")


class CellView(BaseModel):
    """What the rule would have done with another limit and another hold."""

    limit: float | None = Field(description="Of `varied`.")
    for_s: int
    is_own: bool = Field(description="It is the rule as it was given.")
    possible: bool = Field(description="False: no rule may be so.")
    incidents: int
    alarms: int
    missed: int | None
    false_alarms: int | None


class BacktestView(BaseModel):
    """What a rule would have done."""

    start: ShownTime
    end: ShownTime
    values: int = Field(description="Values that were there.")
    alarms: int = Field(description="Messages of kind ALARM.")
    flapping: int = Field(description="Incidents that began again and again.")
    incidents: list[TriedIncidentView]
    messages: list[MessageView]
    score: ScoreView | None
    varied: str = Field(description="The parameter that `cells` vary; empty: only the hold.")
    cells: list[CellView]
    notes: list[str] = Field(description="What limits this answer.")


def view(report: Report) -> BacktestView:
    """The report as a document."""
    question = report.question
    incidents = [
        TriedIncidentView(
            station=found.subject.slug,
            opened_at=isoformat(one.opened_at),
            opening_value=one.opening_value,
            level=one.level,
            flapping=one.flapping,
            closed_at=write_time(one.closed_at),
            close_reason=one.reason,
            closing_value=one.closing_value,
        )
        for found in report.found
        for one in found.incidents
    ]
    german = question.language is Language.DE
    return BacktestView(
        start=isoformat(question.start),
        end=isoformat(question.end),
        values=sum(one.values for one in report.found),
        alarms=report.alarms,
        flapping=sum(one.flapping for one in incidents),
        incidents=incidents,
        messages=_messages(report),
        score=None if report.score is None else _score(report.score),
        varied=question.grid.parameter if question.grid else "",
        cells=[_cell(one) for one in report.cells],
        notes=[one.german if german else one.english for one in report.notes],
    )


def _messages(report: Report) -> list[MessageView]:
    return [
        MessageView(
            at=isoformat(one.at),
            station=found.subject.slug,
            kind=one.kind,
            level=one.level,
            opened_at=write_time(one.opened_at),
            event_time=isoformat(one.event_time),
            text=one.text,
            to=[
                ToldView(
                    recipient=told.person,
                    group=told.group,
                    waits_until=write_time(told.waits_until),
                )
                for told in one.to
            ],
        )
        for found, one in report.messages
    ]


def _score(score: Score) -> ScoreView:
    return ScoreView(
        events=score.events,
        met=score.met,
        missed=[_label(one) for one in score.missed],
        false_alarms=len(score.false),
    )


def _label(one: Label) -> LabelView:
    return LabelView(
        start=isoformat(one.start), end=isoformat(one.end), label=one.label, station=one.station
    )


def _cell(one: Cell) -> CellView:
    return CellView(
        limit=one.limit,
        for_s=one.for_s,
        is_own=one.is_own,
        possible=one.possible,
        incidents=one.incidents,
        alarms=one.alarms,
        missed=None if one.score is None else len(one.score.missed),
        false_alarms=None if one.score is None else len(one.score.false),
    )

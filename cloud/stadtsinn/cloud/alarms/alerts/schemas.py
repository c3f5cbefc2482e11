"""States of rules, and incidents, as the API shows them; `rule.py` has the rules."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.words import WORDS
from stadtsinn.cloud.platform.api.times import ShownTime
from stadtsinn.rules.state import CloseReason

_REASONS = "; ".join(
    f"`{reason}`: {english} ({WORDS[Language.DE].reasons[reason]})"
    for reason, english in WORDS[Language.EN].reasons.items()
)
"""What the messages call it."""


class RuleStateView(BaseModel):
    """The state of a rule."""

    phase: str = Field(examples=["firing"])
    level: int = Field(description="Of an open alarm: 1, or 2 after a warning; else 0.")
    stale: bool = Field(description="Data is missing; the phase stays as it was.")
    since: ShownTime | None
    last_event: ShownTime | None
    last_value: float | None


class MemberView(RuleStateView):
    """The state of a rule for a group at one of its stations."""

    station: str


class RuleView(Rule):
    """A rule and its state, which is null before its first sample and for groups."""

    state: RuleStateView | None
    members: tuple[MemberView, ...] = Field(
        description="Of a group: its stations that are not `ok`, or whose data is missing."
    )


class AcknowledgedView(BaseModel):
    """Who has it in hand."""

    level: int = Field(description="Up to this one; a higher one needs another.")
    at: ShownTime
    by: str = Field(description="Empty once numbers and names of messages are emptied.")
    via: str = Field(description="`api`, `command` or `sms`.", examples=["sms"])


class IncidentView(BaseModel):
    """An alarm from its beginning to its end. All times are event times."""

    id: str
    rule: str | None = Field(description="Slug of the rule; null if it was deleted since.")
    rule_name: str
    station: str | None = Field(
        description="Slug of the station; null for zones and for groups that are judged together."
    )
    station_name: str | None
    level: int = Field(description="The highest that it reached: 1, or 2 after a warning.")
    opened_at: ShownTime
    opening_value: float | None = Field(
        description="Null where no value ever came, and that is the alarm."
    )
    late: bool = Field(description="Found out too late for a message, after an outage.")
    announced_at: ShownTime | None = Field(description="The measurement that the message is about.")
    closed_at: ShownTime | None
    close_reason: CloseReason | None = Field(
        description=f"Null while it is open. {_REASONS}", examples=["recovered"]
    )
    closing_value: float | None
    acknowledged: AcknowledgedView | None = Field(
        description="Of the highest level that somebody acknowledged."
    )

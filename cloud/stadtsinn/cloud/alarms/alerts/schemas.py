"""Where rules stand, and incidents, as the API speaks them; `rule.py` has the rules."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.cloud.alarms.alerts.rule import Rule


class RuleStateView(BaseModel):
    """Where a rule stands. Times are RFC 3339, UTC."""

    phase: str = Field(examples=["firing"])
    stale: bool = Field(description="Data is missing; the phase stays as it was.")
    since: str | None
    last_event: str | None
    last_value: float | None


class RuleView(Rule):
    """A rule and where it stands; `state` is null before its first sample."""

    state: RuleStateView | None


class IncidentView(BaseModel):
    """An alarm from its beginning to its end. All times are event times, RFC 3339, UTC."""

    id: str
    rule: str | None = Field(description="Slug of the rule; null if it was deleted since.")
    rule_name: str
    level: int
    opened_at: str
    opening_value: float
    late: bool = Field(description="Found out too late for a message, after an outage.")
    announced_at: str | None = Field(description="The measurement that the message is about.")
    closed_at: str | None
    close_reason: str | None = Field(examples=["recovered"])
    closing_value: float | None

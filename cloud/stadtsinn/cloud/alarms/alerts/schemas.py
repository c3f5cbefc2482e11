"""Rules and incidents as the API speaks them. Also what a town file's rules are checked by."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from stadtsinn.cloud.alarms.alerts.rule import check_thresholds
from stadtsinn.cloud.platform.api.fields import DevEui, Name, ShortText, Slug
from stadtsinn.cloud.town_file.model import Direction

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Wochenmarkt voll",
    "zone": "wochenmarkt",
    "direction": "above",
    "on": 900,
    "off": 850,
    "for_s": 120,
    "keep_firing_s": 300,
    "recipients": ["ordnungsamt"],
}
_WEEK = 7 * 86_400

Level = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
Seconds = Annotated[int, Field(ge=0, le=_WEEK)]
Slugs = Annotated[tuple[Slug, ...], Field(max_length=50)]


class RuleBody(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Annotated[Name, Field(description="Stands in the message, e.g. 'Wochenmarkt voll'.")]
    device: Annotated[DevEui | None, Field(description="A device, with `quantity`.")] = None
    zone: Annotated[Slug | None, Field(description="Or a zone: its persons, upper bound.")] = None
    quantity: Annotated[ShortText, Field(description="Of the device, e.g. soil_moisture.")] = ""
    channel: Annotated[ShortText, Field(description="Of the quantity; empty for most.")] = ""
    direction: Direction = Direction.ABOVE
    on: Annotated[Level, Field(description="Here the alarm begins.")]
    off: Annotated[Level, Field(description="Here it ends; on the harmless side of `on`.")]
    for_s: Annotated[Seconds, Field(description="It has to last so long before the alarm.")] = 0
    min_samples: Annotated[
        int, Field(ge=1, le=1_000, description="And to be seen in so many samples.")
    ] = 1
    keep_firing_s: Annotated[Seconds, Field(description="It has to be over for so long.")] = 0
    stale_after_s: Annotated[
        int | None,
        Field(
            ge=1, le=_WEEK, description="Silence that counts as missing data; null: 3 intervals."
        ),
    ] = None
    max_age_s: Annotated[
        int, Field(ge=1, le=_WEEK, description="Older alarms are recorded and not sent.")
    ] = 900
    resolve_notice: Annotated[bool, Field(description="Send an all-clear (Entwarnung).")] = True
    alert_on_stale: Annotated[
        bool, Field(description="Data that stops while an alarm is near is an alarm.")
    ] = False
    enabled: bool = True
    recipients: Annotated[Slugs, Field(description="Who gets alarms and all-clears.")] = ()
    technicians: Annotated[Slugs, Field(description="Who is told of missing data.")] = ()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if (self.device is None) == (self.zone is None):
            raise ValueError("give either 'device' or 'zone'")
        if self.device is not None and not self.quantity:
            raise ValueError("name the 'quantity' of the device, e.g. soil_moisture")
        if self.zone is not None and (self.quantity or self.channel):
            raise ValueError("a zone has neither 'quantity' nor 'channel'")
        check_thresholds(self.on, self.off, self.direction)
        return self


class NewRule(RuleBody):
    """When to raise an alarm, and whom to tell. Wann Alarm ist, und wer es erfährt."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"slug": "wochenmarkt-voll", **_EXAMPLE}]}
    )
    slug: Slug


class RuleState(BaseModel):
    """Where a rule stands. Times are RFC 3339, UTC."""

    phase: str = Field(examples=["firing"])
    stale: bool = Field(description="Data is missing; the phase stays as it was.")
    since: str | None
    last_event: str | None
    last_value: float | None


class RuleView(NewRule):
    """A rule and where it stands; `state` is null before its first sample."""

    state: RuleState | None


class IncidentView(BaseModel):
    """An alarm from its beginning to its end. All times are event times, RFC 3339, UTC."""

    id: str
    rule: str | None = Field(description="Slug of the rule; null if it was deleted since.")
    rule_name: str
    level: int
    opened_at: str
    opening_value: float
    late: bool = Field(description="Found out too late for a message, after an outage.")
    announced_at: str | None = Field(description="The measurement that the message told of.")
    closed_at: str | None
    close_reason: str | None = Field(examples=["recovered"])
    closing_value: float | None

"""Acknowledgements, timelines, mutes and previews as the API shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.mute import Mute, Of
from stadtsinn.cloud.platform.api.fields import Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import ShownTime


class AcknowledgeBody(Model):
    """Who has it in hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recipient": "ordnungsamt"}]})

    recipient: Annotated[
        Slug | None,
        Field(description="Who it is; without, the key's name stands for them."),
    ] = None


class AcknowledgementView(BaseModel):
    """What came of an acknowledgement."""

    incident: str
    first: bool = Field(description="False: somebody was before, `by` and `at` say who and when.")
    by: str
    at: ShownTime
    level: int = Field(description="Acknowledged up to this one.")
    whole: bool = Field(description="Nothing of it waits for an acknowledgement any more.")


class TimelineEntry(BaseModel):
    """One thing that happened to an incident."""

    at: ShownTime
    what: str = Field(
        description="`opened`, `closed`, `acknowledged`, or `message` with its kind and status.",
        examples=["message"],
    )
    kind: str | None = Field(description="Of a message.", examples=["REPEAT"])
    who: str | None = Field(description="Who was told, or who acknowledged.")
    status: str | None = Field(description="Of a message.", examples=["SUPPRESSED"])
    level: int | None
    detail: str = Field(description="Why it ended, or why a message was not sent.")


class MuteView(BaseModel):
    """A mute."""

    id: int
    of: Of
    value: str = Field(examples=["linde-am-markt"])
    start: ShownTime
    end: ShownTime
    reason: str
    active: bool


class PreviewView(BaseModel):
    """A message as a rule would cause it."""

    what: str = Field(examples=["escalation"])
    language: Language
    text: str
    septets: int = Field(description="Of 160 in one text message.")


def mute_view(mute: Mute, *, active: bool) -> MuteView:
    return MuteView(
        id=mute.id,
        of=mute.of,
        value=mute.value,
        start=isoformat(mute.start),
        end=isoformat(mute.end),
        reason=mute.reason,
        active=active,
    )

"""Recipients and messages as the API shows them. Addresses go in and never come out."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.base.language import Language
from stadtsinn.cloud.platform.api.times import ShownTime


class WayView(BaseModel):
    """A further channel; of the address only the last three characters."""

    channel: str
    address: str = Field(examples=["…ple"])


class RecipientView(BaseModel):
    """A recipient; of the address only the last three digits."""

    slug: str
    name: str
    channel: str
    address: str = Field(examples=["…567"])
    language: Language
    channels: tuple[WayView, ...] = ()


class MessageView(BaseModel):
    """A message in the outbox."""

    id: int
    created_at: ShownTime
    event_time: ShownTime
    sent_at: ShownTime | None
    kind: str = Field(examples=["ALARM"])
    incident_id: str
    recipient: str = Field(description="Name of the recipient; empty if deleted since.")
    address: str = Field(description="Last three digits.", examples=["…567"])
    text: str = Field(description="Empty 90 days after the message was made.")
    status: str = Field(examples=["DELIVERED"])
    attempts: int
    reason: str = Field(description="Of the last failure.")

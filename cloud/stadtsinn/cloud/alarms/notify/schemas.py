"""Recipients and messages as the API speaks them. Telephone numbers go in and never come out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
)

from stadtsinn.cloud.alarms.notify.message import normalise_number
from stadtsinn.cloud.platform.api.fields import Name, Slug

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Ordnungsamt, Bereitschaft",
    "channel": "sms",
    "address": "+49 170 1234567",
}

Address = Annotated[
    str,
    StringConstraints(max_length=40),
    AfterValidator(normalise_number),
    Field(
        description="Telephone number with country code; 0… is taken for German. "
        "It can be written and is never shown again."
    ),
]


class RecipientBody(BaseModel):
    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [_EXAMPLE]}
    )
    name: Name
    channel: Literal["sms"] = "sms"
    address: Address


class NewRecipient(RecipientBody):
    """Somebody who is told of alarms. Jemand, der Alarme bekommt."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slug": "ordnungsamt", **_EXAMPLE}]})
    slug: Slug


class RecipientView(BaseModel):
    """A recipient; of the address only the last three digits."""

    slug: str
    name: str
    channel: str
    address: str = Field(examples=["…567"])


class MessageView(BaseModel):
    """A message in the outbox. Times are RFC 3339, UTC."""

    id: int
    created_at: str
    event_time: str
    sent_at: str | None
    kind: str = Field(examples=["ALARM"])
    incident_id: str
    recipient: str = Field(description="Name of the recipient; empty if deleted since.")
    address: str = Field(description="Last three digits.", examples=["…567"])
    text: str = Field(description="Empty 90 days after the message was made.")
    status: str = Field(examples=["DELIVERED"])
    attempts: int
    reason: str = Field(description="Of the last failure.")

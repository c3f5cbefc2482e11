"""What a recipient is, the same for API, town file and tables."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.platform.api.fields import Name, Slug
from stadtsinn.cloud.platform.api.model import Model

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Ordnungsamt, Bereitschaft",
    "channel": "sms",
    "address": "+49 170 1234567",
}


def _known_channel(name: str) -> str:
    if name not in CHANNELS:
        raise Unusable(
            f"there is no such channel: use one of {', '.join(sorted(CHANNELS))}",
            f"diesen Meldeweg gibt es nicht: möglich sind {', '.join(sorted(CHANNELS))}",
        )
    return name


def _list_channels(schema: dict[str, Any]) -> None:
    schema["enum"] = sorted(CHANNELS)


class RecipientBody(Model):
    """A recipient without its name in addresses. The repr shows nothing personal."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: Name
    channel: Annotated[
        str, AfterValidator(_known_channel), Field(json_schema_extra=_list_channels)
    ] = Sms.name
    address: Annotated[
        str,
        StringConstraints(max_length=254),
        Field(
            repr=False,
            description="For SMS a telephone number with country code; 0… is taken for German. "
            "It can be written and is never shown again.",
        ),
    ]
    language: Annotated[Language, Field(description="In which messages are written.")] = Language.DE

    @field_validator("address")
    @classmethod
    def _of_the_channel(cls, address: str, info: ValidationInfo) -> str:
        channel = CHANNELS.get(info.data.get("channel", ""))
        return channel.address(address) if channel else address  # else the channel is the error


class Recipient(RecipientBody):
    """Somebody who gets alarms. Jemand, der Alarme bekommt."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slug": "ordnungsamt", **_EXAMPLE}]})
    slug: Slug

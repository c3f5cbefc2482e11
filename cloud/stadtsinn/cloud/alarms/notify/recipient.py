"""What a recipient is, the same for API, town file and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
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


_Channel = Annotated[str, AfterValidator(_known_channel), Field(json_schema_extra=_list_channels)]


class Way(Model):
    """A further channel of a recipient. The repr shows nothing personal."""

    channel: _Channel
    address: Annotated[str, StringConstraints(max_length=254), Field(repr=False)]

    @field_validator("address")
    @classmethod
    def _of_the_channel(cls, address: str, info: ValidationInfo) -> str:
        return _checked(address, info.data.get("channel", ""))


def _checked(address: str, channel: str) -> str:
    known = CHANNELS.get(channel)
    return known.address(address) if known else address  # else the channel is the error


class RecipientBody(Model):
    """A recipient without its name in addresses. The repr shows nothing personal."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    name: Name
    channel: _Channel = Sms.name
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
    channels: Annotated[
        tuple[Way, ...],
        Field(
            max_length=5,
            description="Further ways, tried in this order where an alarm does not arrive. Without "
            "`channel` and `address` the first of them takes their place.",
        ),
    ] = ()

    @field_validator("address")
    @classmethod
    def _of_the_channel(cls, address: str, info: ValidationInfo) -> str:
        return _checked(address, info.data.get("channel", ""))

    @model_validator(mode="before")
    @classmethod
    def _first_of_the_channels(cls, given: Any) -> Any:
        """A list alone: its first is the one that is tried first."""
        if not isinstance(given, Mapping) or "address" in given or "channel" in given:
            return given
        listed = given.get("channels")
        if not isinstance(listed, list | tuple) or not listed or not isinstance(listed[0], Mapping):
            return given
        first = {name: listed[0][name] for name in ("channel", "address") if name in listed[0]}
        return {**given, **first, "channels": listed[1:]}

    @model_validator(mode="after")
    def _each_channel_once(self) -> Self:
        names = [self.channel, *(one.channel for one in self.channels)]
        if len(names) != len(set(names)):
            raise Unusable(
                "a channel stands twice: a recipient has one address of each",
                "ein Meldeweg steht zweimal: ein Empfänger hat von jedem eine Adresse",
            )
        return self


class Recipient(RecipientBody):
    """Somebody who gets alarms. Jemand, der Alarme bekommt."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"slug": "ordnungsamt", **_EXAMPLE}]})
    slug: Slug

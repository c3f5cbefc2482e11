"""Which sender serves a channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, InstanceOf, RootModel, create_model, field_validator

from stadtsinn.base.settings.reading import Section
from stadtsinn.cloud.alarms.notify.channels.registry import CHANNELS


class NotifySettings(RootModel[dict[str, InstanceOf[Section]]]):
    """The table of each channel, by its name. Without any, messages wait in the outbox."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    root: dict[str, InstanceOf[Section]] = {}

    @field_validator("root", mode="before")
    @classmethod
    def _of_the_channels(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        fields: dict[str, Any] = {
            name: (channel.settings | None, None) for name, channel in CHANNELS.items()
        }
        tables = create_model("NotifyTables", __base__=Section, **fields).model_validate(given)
        return {name: table for name, table in tables if table is not None}

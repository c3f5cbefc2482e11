"""How the senders of text messages are configured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.senders.provider import Provider


class SandboxSettings(Section):
    """Messages stay in the database and show on ``/sandbox-phone``."""

    kind: Literal["sandbox"] = "sandbox"


class HttpSettings(Section):
    """An HTTP provider: a preset's name, or all of `provider`."""

    kind: Literal["http"] = "http"
    preset: str = ""
    provider: Provider | None = None
    url: str = ""
    """In place of the preset's address."""
    values: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, Secret] = Field(default_factory=dict)
    """By placeholder. ``report_token`` is the last part of the report address, for providers
    that know one address for all messages."""
    public_url: str = ""
    """Where the provider reaches our API, e.g. ``https://daten.musterstadt.de``."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0

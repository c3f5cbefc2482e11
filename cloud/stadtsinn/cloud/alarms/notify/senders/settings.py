"""How the senders of text messages are configured."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.senders.provider import Provider

_FROM = "from"
_LONGEST_NAME = 11
_SHORT_CODE = range(3, 7)


def _from_somebody(values: dict[str, str]) -> dict[str, str]:
    """What recipients see as the sender: a short name, a short code or a telephone number."""
    shown = values.get(_FROM, "")
    if any(letter.isalpha() for letter in shown):
        if len(shown) > _LONGEST_NAME:
            raise Unusable(
                f"a sender's name has at most {_LONGEST_NAME} characters: shorten it",
                f"der Name eines Senders hat höchstens {_LONGEST_NAME} Zeichen: kürzen",
            )
        return values
    if not shown or (shown.isdigit() and len(shown) in _SHORT_CODE):
        return values
    from stadtsinn.cloud.alarms.notify.telephone import e164  # loads all numbering plans

    return {**values, _FROM: e164(shown)}


class SandboxSettings(Section):
    """Messages stay in the database. `phone` is for demos alone: the tenant whose messages anybody
    may read on ``/sandbox-phone``; without it there is no such page."""

    kind: Literal["sandbox"] = "sandbox"
    phone: Annotated[str, StringConstraints(pattern=f"^$|{SHORT_NAME}", max_length=63)] = ""


class HttpSettings(Section):
    """An HTTP provider: a preset's name, or all of `provider`."""

    kind: Literal["http"] = "http"
    preset: str = ""
    provider: Provider | None = None
    url: str = ""
    """In place of the preset's address."""
    values: Annotated[dict[str, str], AfterValidator(_from_somebody)] = Field(default_factory=dict)
    secrets: dict[str, Secret] = Field(default_factory=dict)
    """By placeholder. ``report_token`` is the last part of the report address, for providers
    that know one address for all messages."""
    public_url: str = ""
    """Where the provider reaches our API, e.g. ``https://daten.musterstadt.de``."""
    timeout_s: Annotated[float, Field(gt=0)] = 10.0


class GammuSettings(Section):
    """A modem of our own, through gammu-smsd's tables in PostgreSQL."""

    kind: Literal["gammu"] = "gammu"
    database: Secret = Field(default_factory=Secret)
    """``postgresql://user:password@host/name``; none: they lie in our own database."""
    schema_: Annotated[str, Field(alias="schema", pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")] = (
        "gammu"
    )
    phone: Annotated[str, Field(max_length=63)] = ""
    """The daemon's PhoneID, where several share the tables; none: any of them sends."""
    delivery_reports: bool = True
    """Whether the network says that a message arrived."""
    silent_minutes: Annotated[int, Field(ge=2, le=10_000)] = 10
    """The modem is missed after so long."""

"""What an HTTP provider of text messages looks like: data, so that a new one needs no code.

Templates hold ``{name}``: ``to``, ``text``, ``uuid`` and ``report_url`` come with each message,
everything else from the configuration's `values` and `secrets`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from stadtsinn.cloud.alarms.notify.message import Status

PER_MESSAGE = frozenset({"to", "text", "uuid", "report_url"})
# Data classes, because a field is called `json`; the configuration's reader validates them.
_STRICT = ConfigDict(extra="forbid")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True)
class Success:
    """When an answer means that the provider took the message."""

    __pydantic_config__ = _STRICT

    status: tuple[int, ...] = (200, 201, 202)
    json_path: str = ""
    """Dotted path into a JSON answer, e.g. ``success`` or ``messages.0.id``."""
    equals: tuple[str, ...] = ()
    body_matches: str = ""
    """A regular expression the body has to begin with."""


@dataclass(frozen=True)
class Reports:
    """How the provider reports delivery, and what its words mean."""

    __pydantic_config__ = _STRICT

    status_path: str = "status"
    """Name of the query or form field, or dotted path into the JSON body."""
    id_path: str = ""
    """Where the provider's own message id stands, if the report address is not per message."""
    meaning: dict[str, str] = field(default_factory=dict)
    """The provider's word → ACCEPTED, DELIVERED or FAILED."""

    def status_of(self, word: str) -> Status | None:
        """None for a word that says nothing final or new."""
        meant = self.meaning.get(word)
        return Status(meant) if meant else None


@dataclass(frozen=True)
class ReportFormat:
    """What the process that takes delivery reports has to know of a provider."""

    provider: str
    reports: Reports
    token_digest: str | None = None
    """Of the token for reports of all messages, where the provider knows but one address."""


@dataclass(frozen=True, kw_only=True)
class Provider:
    """One kind of provider."""

    __pydantic_config__ = _STRICT

    url: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    json: dict[str, str] = field(default_factory=dict)
    success: Success = Success()
    id_path: str = ""
    never_status: tuple[int, ...] = (400, 413, 414, 422)
    """Refusals that no repetition changes."""
    unknown_status: tuple[int, ...] = (500, 502, 504)
    """The provider may have taken the message before it failed."""
    never_codes: tuple[str, ...] = ()
    """Values at `success.json_path` that mean: wrong number, never."""
    unknown_codes: tuple[str, ...] = ()
    reports: Reports = Reports()


KANNEL = Provider(
    url="http://127.0.0.1:13013/cgi-bin/sendsms",
    method="GET",
    query={
        "username": "{username}",
        "password": "{password}",
        "to": "{to}",
        "text": "{text}",
        "charset": "UTF-8",
        "coding": "0",  # our texts always fit the GSM alphabet
        "dlr-mask": "31",
        "dlr-url": "{report_url}?status=%d",
    },
    # "0: Accepted for delivery" or "3: Queued for later delivery".
    success=Success(status=(202,), body_matches=r"[03]:"),
    reports=Reports(
        status_path="status",
        meaning={
            "1": "DELIVERED",
            "2": "FAILED",
            "4": "ACCEPTED",
            "8": "ACCEPTED",
            "16": "FAILED",
        },
    ),
)

SEVEN = Provider(
    url="https://gateway.seven.io/api/sms",
    headers={"X-Api-Key": "{api_key}", "Accept": "application/json"},
    json={"to": "{to}", "text": "{text}", "from": "{from}", "foreign_id": "{uuid}"},
    success=Success(status=(200,), json_path="success", equals=("100",)),
    id_path="messages.0.id",
    # Other codes than 100 are to be confirmed with a live account (docs/sms.md):
    # recipient invalid, recipient missing, text invalid ...
    never_codes=("202", "301", "305"),
    # ... sent to some, the same text was sent a moment ago, error while sending.
    unknown_codes=("101", "402", "600"),
    reports=Reports(
        status_path="data.status",
        id_path="data.msg_id",
        meaning={
            "DELIVERED": "DELIVERED",
            "TRANSMITTED": "ACCEPTED",
            "ACCEPTED": "ACCEPTED",
            "BUFFERED": "ACCEPTED",
            "NOTDELIVERED": "FAILED",
            "REJECTED": "FAILED",
            "FAILED": "FAILED",
            "EXPIRED": "FAILED",
        },
    ),
)

PRESETS: Mapping[str, Provider] = {"kannel": KANNEL, "seven": SEVEN}


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def placeholders(provider: Provider) -> set[str]:
    """The names a provider's templates ask for."""
    texts = [provider.url]
    for part in (provider.headers, provider.query, provider.form, provider.json):
        texts += part.values()
    return {name for text in texts for name in _PLACEHOLDER.findall(text)}


def fill(template: str, values: Mapping[str, str]) -> str:
    """A template with its placeholders filled; values are not looked at for placeholders."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def pick(document: Any, path: str) -> str | None:
    """The scalar at a dotted path (``messages.0.id``) of a JSON document, as text."""
    for step in path.split("."):
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return None
    if isinstance(document, str | int) and not isinstance(document, bool):
        return str(document)
    return None

"""What an HTTP provider of text messages looks like: data, so that a new one needs no code.

Templates hold ``{name}``: ``to``, ``to_00``, ``to_digits``, ``text``, ``uuid`` and ``report_url``
come with each message, everything else from the configuration's `values` and `secrets`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.message import Status

_NUMBER = frozenset({"to", "to_00", "to_digits"})
PER_MESSAGE = _NUMBER | {"text", "uuid", "report_url"}
# Data classes, because a field is called `json`; the configuration's reader validates them.
_STRICT = ConfigDict(extra="forbid")
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_REPORTED = frozenset({Status.ACCEPTED.value, Status.DELIVERED.value, Status.FAILED.value})
_METHODS = ("GET", "POST", "PUT")
_NO_SUCCESS = frozenset({"", "0", "false"})
"""What stands where an id or a word would, if there is none."""


@dataclass(frozen=True)
class Success:
    """When an answer means that the provider took the message."""

    __pydantic_config__ = _STRICT

    status: tuple[int, ...] = (200, 201, 202)
    json_path: str = ""
    """Dotted path into a JSON answer, e.g. ``success`` or ``messages.0.id``."""
    equals: tuple[str, ...] = ()
    """The values at `json_path` that mean success; without any, all but 0, false and nothing."""
    body_matches: str = ""
    """A regular expression the body has to begin with."""
    status_only: bool = False
    """The provider refuses by the status alone: its manual says so."""

    def __post_init__(self) -> None:
        """Raises ValueError. Many providers answer 200 to a message that they refuse."""
        if not self.status or not all(200 <= status < 300 for status in self.status):
            raise Unusable(
                "'status' has the answers that mean success: 200 to 299",
                "'status' nennt die Antworten, die Erfolg bedeuten: 200 bis 299",
            )
        if self.equals and not self.json_path:
            raise Unusable(
                "'equals' needs 'json_path': where in the answer the value stands",
                "'equals' braucht 'json_path': wo in der Antwort der Wert steht",
            )
        if bool(self.json_path or self.body_matches) == self.status_only:
            raise Unusable(
                "say how an answer with a good status shows that the message was taken: "
                "'json_path' (with 'equals') or 'body_matches'; or 'status_only = true' where the "
                "provider refuses by the status alone",
                "angeben, woran eine Antwort mit gutem Status zeigt, dass die Nachricht "
                "angenommen ist: 'json_path' (mit 'equals') oder 'body_matches'; oder "
                "'status_only = true', wo der Anbieter allein mit dem Status ablehnt",
            )
        if self.body_matches and _pattern(self.body_matches).match(""):
            raise Unusable(
                "'body_matches' also fits an empty answer: it proves nothing",
                "'body_matches' passt auch auf eine leere Antwort: das beweist nichts",
            )

    def says(self, body: str, code: str | None) -> bool:
        """Whether an answer with a good status means success; `code` is what is at `json_path`."""
        if self.json_path and not self._is_good(code):
            return False
        return not self.body_matches or bool(_pattern(self.body_matches).match(body))

    def _is_good(self, code: str | None) -> bool:
        if self.equals:
            return code in self.equals
        return code is not None and code.strip().lower() not in _NO_SUCCESS


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise Unusable(
            f"'body_matches' is no regular expression: {error}",
            f"'body_matches' ist kein regulärer Ausdruck: {error}",
        ) from None


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

    def __post_init__(self) -> None:
        """Raises ValueError."""
        if other := sorted(set(self.meaning.values()) - _REPORTED):
            raise Unusable(
                f"'{other[0]}' is no meaning: use {', '.join(sorted(_REPORTED))}",
                f"'{other[0]}' ist keine Bedeutung: möglich sind {', '.join(sorted(_REPORTED))}",
            )

    def status_of(self, word: str) -> Status | None:
        """None for a word that says nothing final or new."""
        meant = self.meaning.get(word)
        return Status(meant) if meant else None


@dataclass(frozen=True)
class Answers:
    """Where in a provider's request stands what somebody wrote to us. Dotted paths into a JSON
    body, or names of form and query fields."""

    __pydantic_config__ = _STRICT

    from_path: str
    text_path: str
    id_path: str = ""
    """The provider's own name of it: without, the same request twice is known by its words."""


@dataclass(frozen=True)
class ReportFormat:
    """What the process that takes delivery reports has to know of a provider."""

    provider: str
    reports: Reports
    token_digest: str | None = None
    """Of the token for reports of all messages, where the provider knows but one address."""
    answers: Answers | None = None


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
    success: Success
    id_path: str = ""
    never_status: tuple[int, ...] = (400, 413, 414, 422)
    """Refusals that no repetition changes."""
    unknown_status: tuple[int, ...] = (500, 502, 504)
    """The provider may have taken the message before it failed."""
    never_codes: tuple[str, ...] = ()
    """Values at `success.json_path` that mean: wrong number, never."""
    unknown_codes: tuple[str, ...] = ()
    reports: Reports = Reports()
    answers: Answers | None = None
    """None: it does not bring what people answer."""

    def __post_init__(self) -> None:
        """Raises ValueError for what could never send a message."""
        if self.method not in _METHODS:
            raise Unusable(
                f"'method' is one of {', '.join(_METHODS)}",
                f"'method' ist eines von {', '.join(_METHODS)}",
            )
        if self.form and self.json:
            raise Unusable(
                "a request has either 'form' or 'json'",
                "eine Anfrage hat entweder 'form' oder 'json'",
            )
        asked = placeholders(self)
        if not asked & _NUMBER:
            raise Unusable(
                "no template has the recipient's number: {to}, {to_00} or {to_digits}",
                "keine Vorlage enthält die Nummer des Empfängers: {to}, {to_00} oder {to_digits}",
            )
        if "text" not in asked:
            raise Unusable(
                "no template has the message: {text}",
                "keine Vorlage enthält die Nachricht: {text}",
            )


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def placeholders(provider: Provider) -> set[str]:
    """The names a provider's templates ask for."""
    texts = [provider.url]
    for part in (provider.headers, provider.query, provider.form, provider.json):
        texts += part.values()
    return {name for text in texts for name in _PLACEHOLDER.findall(text)}


def numbers(address: str) -> dict[str, str]:
    """An E.164 number in the forms that providers want."""
    digits = address.removeprefix("+")
    return {"to": address, "to_00": f"00{digits}", "to_digits": digits}


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
    if isinstance(document, bool):
        return str(document).lower()
    if isinstance(document, int) and abs(document) >= 2**63:
        return None  # no id and no status; Python refuses to write the longest ones
    return str(document) if isinstance(document, str | int) else None


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
    # sms-service: get-url = "…/inbound/kannel/TOKEN?from=%p&text=%a&id=%I"
    answers=Answers(from_path="from", text_path="text", id_path="id"),
)

SEVEN = Provider(
    url="https://gateway.seven.io/api/sms",
    headers={"X-Api-Key": "{api_key}", "Accept": "application/json"},
    json={"to": "{to}", "text": "{text}", "from": "{from}", "foreign_id": "{uuid}"},
    success=Success(status=(200,), json_path="success", equals=("100",)),
    id_path="messages.0.id",
    # Other codes than 100 are to be confirmed with a live account (docs/channels.md):
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
    answers=Answers(from_path="data.sender", text_path="data.text", id_path="data.id"),
)

PRESETS: Mapping[str, Provider] = {"kannel": KANNEL, "seven": SEVEN}

"""Sends text messages through an HTTP provider.

Whether a message was sent must be known exactly: without a connection it is "retry", without an
answer "unknown". Number, text and secrets are in requests only; reasons name
the kind of failure and the provider's host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, OpenedSender, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.provider import (
    PER_MESSAGE,
    PRESETS,
    Provider,
    ReportFormat,
    fill,
    numbers,
    pick,
    placeholders,
    token_digest,
)
from stadtsinn.cloud.alarms.notify.senders.settings import HttpSettings

REPORTS_PATH = "/api/v1/notify/delivery-reports"

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class HttpSmsSender:
    """One provider, ready to send.

    `values` fill the provider's placeholders and may be secret. `report_url` is the address,
    without the message's token, at which the provider reaches our API. Raises ValueError when
    a placeholder has no value.
    """

    def __init__(
        self,
        provider: Provider,
        values: Mapping[str, str],
        *,
        report_url: str = "",
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        missing = placeholders(provider) - PER_MESSAGE - values.keys()
        if missing:
            raise Unusable(
                f"the SMS provider needs {', '.join(sorted(missing))}: "
                "add them to 'values' or 'secrets' of the sender",
                f"der SMS-Anbieter braucht {', '.join(sorted(missing))}: in 'values' oder "
                "'secrets' des Senders eintragen",
            )
        self.reports_delivery = bool(provider.reports.meaning and report_url)
        self._provider = provider
        self._values = dict(values)
        self._report_url = report_url.rstrip("/")
        self._host = urlsplit(provider.url).hostname or "the provider"
        # No redirects: they would carry numbers and secrets to wherever they point.
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, transport=transport)

    def send(self, message: Message) -> Result:
        try:
            answer = self._call(message)
        except _NOT_SENT as error:
            return Result(Outcome.RETRY, reason=self._reason(type(error).__name__))
        except httpx.HTTPError as error:
            return Result(Outcome.UNKNOWN, reason=self._reason(type(error).__name__))
        return self._judge(answer)

    def lookup(self, uuid: str) -> Found:  # noqa: ARG002 (part of the protocol)
        """Providers have no common way to ask; their delivery reports settle most doubts."""
        return Found.CANNOT_TELL

    def close(self) -> None:
        self._client.close()

    def _call(self, message: Message) -> httpx.Response:
        provider = self._provider
        values = {
            **self._values,
            **numbers(message.address),
            "text": message.text,
            "uuid": message.uuid,
            "report_url": f"{self._report_url}/{message.report_token}",
        }

        def filled(part: Mapping[str, str]) -> dict[str, str]:
            return {name: fill(template, values) for name, template in part.items()}

        return self._client.request(
            provider.method,
            fill(provider.url, values),
            headers=filled(provider.headers),
            params=filled(provider.query) or None,
            data=filled(provider.form) or None,
            json=filled(provider.json) or None,
        )

    def _judge(self, answer: httpx.Response) -> Result:
        provider, success = self._provider, self._provider.success
        document = _json(answer)
        code = pick(document, success.json_path) if success.json_path else None
        if answer.status_code in success.status and success.says(answer.text, code):
            provider_id = pick(document, provider.id_path) if provider.id_path else None
            return Result(Outcome.SENT, provider_id=provider_id)
        reason = self._reason(f"status {answer.status_code}" + (f", code {code}" if code else ""))
        if answer.status_code in success.status and success.json_path and code is None:
            # The answer does not say in a form we know whether it was taken.
            return Result(Outcome.UNKNOWN, reason=reason)
        if answer.status_code in provider.unknown_status or code in provider.unknown_codes:
            return Result(Outcome.UNKNOWN, reason=reason)
        if answer.status_code in provider.never_status or code in provider.never_codes:
            return Result(Outcome.NEVER, reason=reason)
        return Result(Outcome.RETRY, reason=reason)

    def _reason(self, what: str) -> str:
        return f"{self._host}: {what}"[:200]


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except UNREADABLE:
        return None


def open_http(config: HttpSettings) -> OpenedSender:
    """Raises ValueError for an unknown preset or a secret that is not there."""
    secrets = {name: secret.read() or "" for name, secret in config.secrets.items()}
    provider, name = _provider(config), _name(config)
    sender = HttpSmsSender(
        provider,
        {**config.values, **secrets},
        report_url=_report_url(config.public_url, name),
        timeout_s=config.timeout_s,
    )
    token = secrets.get("report_token")
    digest = token_digest(token) if token else None
    return OpenedSender(sender, ReportFormat(name, provider.reports, digest, provider.answers))


def _report_url(public_url: str, provider: str) -> str:
    return f"{public_url.rstrip('/')}{REPORTS_PATH}/{provider}" if public_url else ""


def _name(config: HttpSettings) -> str:
    return "custom" if config.provider else config.preset


def _provider(config: HttpSettings) -> Provider:
    provider = config.provider or PRESETS.get(config.preset)
    if provider is None:
        raise Unusable(
            f"no SMS provider {config.preset!r}: use one of {', '.join(sorted(PRESETS))}, "
            "or describe yours in 'provider'",
            f"einen SMS-Anbieter {config.preset!r} gibt es nicht: möglich sind "
            f"{', '.join(sorted(PRESETS))}, oder den eigenen in 'provider' beschreiben",
        )
    return replace(provider, url=config.url) if config.url else provider

"""Makes the senders an installation has configured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, delete, insert

from stadtsinn.base.clock import Clock
from stadtsinn.cloud.alarms.notify.message import SMS
from stadtsinn.cloud.alarms.notify.senders.base import Sender
from stadtsinn.cloud.alarms.notify.senders.http_sms import HttpSmsSender
from stadtsinn.cloud.alarms.notify.senders.provider import PRESETS, Provider, secret
from stadtsinn.cloud.alarms.notify.senders.sandbox import SandboxSender, switch_phone
from stadtsinn.cloud.alarms.notify.tables import report_formats
from stadtsinn.cloud.platform.database.engine import Database

REPORTS_PATH = "/api/v1/notify/delivery-reports"


class SandboxConfig(
    msgspec.Struct, frozen=True, tag_field="kind", tag="sandbox", forbid_unknown_fields=True
):
    """Messages stay in the database and show on ``/sandbox-phone``."""


class HttpConfig(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="kind",
    tag="http",
    forbid_unknown_fields=True,
):
    """An HTTP provider: a preset's name, or all of `provider`."""

    preset: str = ""
    provider: Provider | None = None
    url: str = ""
    """In place of the preset's address."""
    values: dict[str, str] = {}
    secrets: dict[str, str] = {}
    """Placeholder → ``env:NAME`` or ``file:/path``. ``report_token`` is the last part of the
    report address, for providers that know one address for all messages."""
    public_url: str = ""
    """Where the provider reaches our API, e.g. ``https://daten.musterstadt.de``."""
    timeout_s: float = 10.0


class SendersConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which sender serves a channel. Without any, messages wait in the outbox."""

    sms: SandboxConfig | HttpConfig | None = None


def open_senders(config: SendersConfig, database: Database, clock: Clock) -> Mapping[str, Sender]:
    """Senders by channel. Raises ValueError, naming the remedy, when one cannot be made."""
    sender = _open(config.sms, database, clock)
    with database.write() as connection:
        sandbox = isinstance(config.sms, SandboxConfig)
        switch_phone(connection, clock.now() if sandbox else None)
        _publish_format(connection, config.sms if isinstance(config.sms, HttpConfig) else None)
    return {} if sender is None else {SMS: sender}


def _open(
    config: SandboxConfig | HttpConfig | None, database: Database, clock: Clock
) -> Sender | None:
    if config is None:
        return None
    if isinstance(config, SandboxConfig):
        return SandboxSender(database, clock)
    return open_http(config)


def open_http(config: HttpConfig) -> HttpSmsSender:
    """Raises ValueError for an unknown preset or a secret that is not there."""
    values = {
        **config.values,
        **{name: secret(reference) for name, reference in config.secrets.items()},
    }
    return HttpSmsSender(
        _provider(config),
        values,
        report_url=f"{config.public_url.rstrip('/')}{REPORTS_PATH}/{_name(config)}",
        timeout_s=config.timeout_s,
    )


def _name(config: HttpConfig) -> str:
    return "custom" if config.provider else config.preset


def _provider(config: HttpConfig) -> Provider:
    provider = config.provider or PRESETS.get(config.preset)
    if provider is None:
        raise ValueError(
            f"no SMS provider {config.preset!r}: use one of {', '.join(sorted(PRESETS))}, "
            "or describe yours in 'provider'"
        )
    return msgspec.structs.replace(provider, url=config.url) if config.url else provider


def _publish_format(connection: Connection, config: HttpConfig | None) -> None:
    connection.execute(delete(report_formats))
    if config is None:
        return
    reference = config.secrets.get("report_token")
    connection.execute(
        insert(report_formats).values(
            provider=_name(config),
            format=msgspec.json.encode(_provider(config).reports).decode(),
            token_digest=token_digest(secret(reference)) if reference else None,
        )
    )


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

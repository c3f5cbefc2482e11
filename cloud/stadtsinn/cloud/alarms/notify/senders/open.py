"""Makes the senders an installation has configured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

import msgspec
from sqlalchemy import Connection, delete, insert

from stadtsinn.base.clock import Clock
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.message import SMS
from stadtsinn.cloud.alarms.notify.senders.base import Sender
from stadtsinn.cloud.alarms.notify.senders.http_sms import HttpSmsSender
from stadtsinn.cloud.alarms.notify.senders.provider import PRESETS, Provider
from stadtsinn.cloud.alarms.notify.senders.sandbox import SandboxSender, switch_phone
from stadtsinn.cloud.alarms.notify.settings import HttpSettings, NotifySettings, SandboxSettings
from stadtsinn.cloud.alarms.notify.tables import report_formats
from stadtsinn.cloud.platform.database.engine import Database

REPORTS_PATH = "/api/v1/notify/delivery-reports"


def open_senders(config: NotifySettings, database: Database, clock: Clock) -> Mapping[str, Sender]:
    """Senders by channel. Raises ValueError, naming the remedy, when one cannot be made."""
    sender = _open(config.sms, database, clock)
    with database.write() as connection:
        sandbox = isinstance(config.sms, SandboxSettings)
        switch_phone(connection, clock.now() if sandbox else None)
        _publish_format(connection, config.sms if isinstance(config.sms, HttpSettings) else None)
    return {} if sender is None else {SMS: sender}


def _open(
    config: SandboxSettings | HttpSettings | None, database: Database, clock: Clock
) -> Sender | None:
    if config is None:
        return None
    if isinstance(config, SandboxSettings):
        return SandboxSender(database, clock)
    return open_http(config)


def open_http(config: HttpSettings) -> HttpSmsSender:
    """Raises ValueError for an unknown preset or a secret that is not there."""
    secrets = {name: secret.read() or "" for name, secret in config.secrets.items()}
    return HttpSmsSender(
        _provider(config),
        {**config.values, **secrets},
        report_url=f"{config.public_url.rstrip('/')}{REPORTS_PATH}/{_name(config)}",
        timeout_s=config.timeout_s,
    )


def _name(config: HttpSettings) -> str:
    return "custom" if config.provider else config.preset


def _provider(config: HttpSettings) -> Provider:
    provider = config.provider or PRESETS.get(config.preset)
    if provider is None:
        raise ValueError(
            f"no SMS provider {config.preset!r}: use one of {', '.join(sorted(PRESETS))}, "
            "or describe yours in 'provider'"
        )
    return replace(provider, url=config.url) if config.url else provider


def _publish_format(connection: Connection, config: HttpSettings | None) -> None:
    connection.execute(delete(report_formats))
    if config is None:
        return
    token = config.secrets.get("report_token", Secret()).read()
    connection.execute(
        insert(report_formats).values(
            provider=_name(config),
            format=msgspec.json.encode(_provider(config).reports).decode(),
            token_digest=token_digest(token) if token else None,
        )
    )


def token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Sends what happened as signed JSON. The receiver knows a copy by its id, so what is in doubt is
sent again.

An address leads where its owner wants: a name is resolved once, and the connection goes to what was
looked at, to no address of this network unless it is allowed, and to no other one by a redirect.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from pydantic import Field

from stadtsinn.base.clock import Clock
from stadtsinn.base.instant import SECOND, Instant, isoformat
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.places import Allowed, Place, is_public, may_change

SIGNATURE, MESSAGE_ID = "Stadtsinn-Signature", "Stadtsinn-Message"


class WebhookSettings(Section):
    """``[notify.webhook]``: with what messages are signed, and where they may go."""

    secret: Secret
    """At least 32 characters; the receiver has the same."""
    secrets: dict[str, Secret] = Field(default_factory=dict)
    """Of single towns, by their short names."""
    allow: tuple[Place, ...] = ()
    """Places inside of this network, and those without TLS, that may be called."""
    ca_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """``t=1790409660,v1=…``: HMAC-SHA256 of timestamp, a full stop and the body."""
    signed = f"{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class WebhookSender:
    """Calls the addresses of recipients."""

    reports_delivery = False

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._secret = settings.secret.read() or ""
        self._secrets = {town: one.read() or "" for town, one in settings.secrets.items()}
        self._tls = ssl.create_default_context(cafile=settings.ca_file)
        self._allowed = Allowed(settings.allow)

    def send(self, message: Message) -> Result:
        parts = urlsplit(message.address)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        inside = self._allowed.holds(host, port)
        if parts.scheme != "https" and not inside:
            return Result(Outcome.NEVER, reason=f"{host}: without TLS"[:200])
        try:
            place = self._resolved(host, port)
        except OSError as error:
            return Result(Outcome.RETRY, reason=f"{host}: {type(error).__name__}"[:200])
        except UnicodeError:
            return Result(Outcome.NEVER, reason=f"{host}: no name of a computer"[:200])
        if not inside and not is_public(place[0]):
            return Result(Outcome.NEVER, reason=f"{host}: an address inside of a network"[:200])
        tls = self._tls if parts.scheme == "https" else None
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection = _Pinned(host, place, tls, self._settings.timeout_s)
        try:
            return self._call(connection, host, target, message)
        finally:
            connection.close()

    def lookup(self, uuid: str) -> Found:  # noqa: ARG002 (part of the protocol)
        """The receiver knows a copy by its id: it may be sent again."""
        return Found.KNOWS_COPIES

    def close(self) -> None:
        """Nothing is open."""

    def _resolved(self, host: str, port: int) -> tuple[str, int]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        places: Sequence[tuple[str, int]] = [(str(one[4][0]), port) for one in found]
        # One address inside of a network is enough to refuse the name.
        return next((one for one in places if not is_public(one[0])), places[0])

    def _call(self, connection: _Pinned, host: str, target: str, message: Message) -> Result:
        body = document(message)
        timestamp = self._clock.now() // SECOND
        secret = self._secrets.get(message.tenant_id, self._secret)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "stadtsinn",
            MESSAGE_ID: message.uuid,
            SIGNATURE: signature(secret, timestamp, body),
        }
        try:
            connection.connect()
        except OSError as error:
            return Result(Outcome.RETRY, reason=f"{host}: {type(error).__name__}"[:200])
        try:
            with connection.ended_in_time():
                connection.request("POST", target, body=body, headers=headers)
                status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return Result(Outcome.UNKNOWN, reason=f"{host}: {type(error).__name__}"[:200])
        return _judged(status, host, message.uuid)


def document(message: Message) -> bytes:
    """What the receiver gets; the same message has the same body."""
    facts = msgspec.to_builtins(message.facts)
    del facts["said"]
    for name in ("measured_at", "since", "ended_at"):
        facts[name] = None if facts[name] is None else isoformat(facts[name])
    facts["link"] = message.link or None
    body = {
        "id": message.uuid,
        "kind": message.kind.value,
        "town": message.tenant_id,
        "incident": message.incident_id,
        "level": message.level,
        "written_at": isoformat(Instant(message.created_at)),
        "text": message.text,
        "language": message.language.value,
        "facts": facts,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True).encode()


def _judged(status: int, host: str, uuid: str) -> Result:
    reason = f"{host}: status {status}"[:200]
    if 200 <= status < 300:
        return Result(Outcome.SENT, provider_id=uuid, delivered=True)
    if may_change(status):
        return Result(Outcome.RETRY, reason=reason)
    return Result(Outcome.NEVER, reason=reason)  # a redirect too: it leads to somebody else


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was looked at, by the name that the certificate has."""

    def __init__(
        self, host: str, place: tuple[str, int], tls: ssl.SSLContext | None, timeout_s: float
    ) -> None:
        super().__init__(host, place[1], timeout=timeout_s)
        self.default_port = 80 if tls is None else 443
        self._place = place
        self._tls = tls
        self._patience = timeout_s

    def connect(self) -> None:
        if self.sock is not None:
            return
        plain = socket.create_connection(self._place, self._patience)
        self.sock = plain
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)

    @contextmanager
    def ended_in_time(self) -> Iterator[None]:
        """The timeout is for each piece of an answer; who sends one byte after the other would keep
        all messages of all towns waiting."""
        ending = threading.Timer(self._patience, self._hang_up)
        ending.daemon = True
        ending.start()
        try:
            yield
        finally:
            ending.cancel()

    def _hang_up(self) -> None:
        connected = self.sock
        if connected is not None:
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)  # below TLS: no farewell

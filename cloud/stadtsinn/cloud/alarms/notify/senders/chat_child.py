"""Hands messages to chat and push services through apprise, in a process of its own.

A line of JSON in is a message, a line out says what became of it. Apprise knows services of which
some run commands or speak to programs of this machine, and follows what an address says. Here
nothing of it is possible: no program is started, nothing but the places that `places.py` permits is
connected to, redirects lead nowhere, and certificates are checked whatever the address says. Who
waits too long for an answer ends the process.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO
from urllib.parse import urlsplit

import apprise
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

from stadtsinn.cloud.alarms.notify.senders.places import Allowed, is_public, may_change

SENT, RETRY, NEVER, UNKNOWN = "sent", "retry", "never", "unknown"
_STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork")
_NOT_CONNECTED = (NewConnectionError, ConnectTimeoutError, SSLError)


class Refused(OSError):
    """What may not be called."""


@dataclass
class Line:
    """What happened while one message was sent."""

    allowed: Allowed
    connected: bool = False
    refused: str = ""
    answered: bool = False
    status: int | None = None
    """Of the last answer that was no success: a service logs in and out around its message."""
    broke: str = ""
    """A connection, once something may have been sent over it."""
    not_sent: str = ""
    """Why a request did not leave."""

    def refuse(self, why: str) -> Refused:
        self.refused = self.refused or why
        return Refused(why)


class Guard:
    """Stands before every connection of this process. `line` is the message that is being sent."""

    def __init__(self) -> None:
        self.line = Line(Allowed(()))
        self._opened: set[tuple[str, int]] = set()
        self._look_up = socket.getaddrinfo
        self._send = HTTPAdapter.send

    def stand(self) -> None:
        def send(adapter: Any, request: Any, *given: Any, **named: Any) -> Any:
            return self._requested(adapter, request, *given, **named)

        sys.addaudithook(self._heard)
        socket.getaddrinfo = self._looked_up
        HTTPAdapter.send = send  # type: ignore[assignment, method-assign]
        # What an address leads on to was not looked at by whoever entered it.
        requests.Session.resolve_redirects = _nowhere  # type: ignore[assignment, method-assign]

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        if event in _STARTS:
            raise self.line.refuse("it starts a program")
        if event in ("socket.connect", "socket.sendto"):
            address = given[-1]
            if not isinstance(address, tuple):
                raise self.line.refuse("a program of this machine")
            host, port = str(address[0]), int(address[1])
            if not is_public(host) and (host, port) not in self._opened:
                raise self.line.refuse("an address inside of a network")
            self.line.connected = True

    def _looked_up(self, host: Any, port: Any, *given: Any, **named: Any) -> Any:
        found = self._look_up(host, port, *given, **named)
        places = {(str(one[4][0]), int(one[4][1])) for one in found}
        if isinstance(host, str) and port is not None and self.line.allowed.holds(host, int(port)):
            self._opened |= places
        elif not all(is_public(address) for address, _ in places):
            # One address inside of a network is enough to refuse the name.
            raise self.line.refuse("an address inside of a network")
        return found

    def _requested(self, adapter: Any, request: Any, *given: Any, **named: Any) -> Any:
        line, parts = self.line, urlsplit(request.url)
        if parts.scheme != "https" and not line.allowed.holds(
            parts.hostname or "", parts.port or 80
        ):
            raise line.refuse("without TLS")
        try:
            answer = self._send(adapter, request, *given, **named)
        except UnicodeError as error:
            line.refuse(f"its words cannot be sent ({type(error).__name__})")
            raise
        except Exception as error:
            kind = type(error).__name__
            reason = error.args[0] if error.args else None
            inner = reason.reason if isinstance(reason, MaxRetryError) else reason
            if isinstance(inner, _NOT_CONNECTED):
                line.not_sent = kind
            else:
                line.broke = kind
            raise
        line.answered = True
        if not 200 <= answer.status_code < 300:
            line.status = answer.status_code
        return answer


def _nowhere(*_given: Any, **_named: Any) -> Iterator[Any]:
    return iter(())


def main() -> None:
    """Serve until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what services print is no answer
    logging.disable(logging.CRITICAL)  # logs of apprise quote addresses
    guard = Guard()
    guard.stand()
    _serve(guard, sys.stdin, answers)


def _serve(guard: Guard, messages: TextIO, answers: TextIO) -> None:
    answers.write("ready\n")
    answers.flush()
    for one in messages:
        outcome, reason = _sent(guard, json.loads(one))
        answers.write(json.dumps([outcome, reason]) + "\n")
        answers.flush()


def _sent(guard: Guard, message: Mapping[str, Any]) -> tuple[str, str]:
    line = guard.line = Line(Allowed(message["allow"]))
    asset = apprise.AppriseAsset(
        app_id="stadtsinn",
        app_desc="stadtsinn",
        app_url="",
        # Else each telephone asks a third party for a picture.
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    service = apprise.Apprise.instantiate(message["url"], asset=asset)
    if service is None:
        return NEVER, "the address is not understood"
    # An address may ask for all of this; none of it is its business.
    service.verify_certificate, service.redirects = True, False
    service.retry, service.optional = 0, False
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    service.socket_connect_timeout = service.socket_read_timeout = message["timeout_s"]
    if len(service) != 1:
        return NEVER, "it names several targets: give each an address of its own"
    sending = apprise.Apprise(asset=asset)
    sending.add(service)
    result = sending.notify(
        body=message["body"],
        notify_type=apprise.NotifyType(message["type"]),
        body_format=apprise.NotifyFormat.TEXT,
    )
    return (SENT, "") if result else _judged(line)


def _judged(line: Line) -> tuple[str, str]:
    """Apprise only says that it did not work."""
    if line.refused:
        return NEVER, line.refused
    if line.broke:
        return UNKNOWN, line.broke
    if line.not_sent:
        return RETRY, line.not_sent
    if line.status is None:
        if line.answered:
            return NEVER, "the service says no"
        return (UNKNOWN, "no answer") if line.connected else (NEVER, "nothing was sent")
    return RETRY if may_change(line.status) else NEVER, f"status {line.status}"


if __name__ == "__main__":
    main()

"""Sends by chat and push services, through apprise in a process of its own (`chat_child.py`).

An address holds the service's secret. It is written to the process, never into its arguments, and
neither log nor reason has more of it than how it begins.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.message import ENDINGS, URGENT, Kind, Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.places import Place

USUAL = (
    *("gotifys", "matrixs", "mmosts", "msteams", "nctalks", "ntfys", "rockets", "signals"),
    *("slack", "tgram", "threema", "workflows"),
)
"""Chat and push, all over TLS."""
LOCAL = frozenset(
    (
        *("blink1", "dbus", "exec", "file", "glib", "gnome", "growl", "gtk", "kde", "macosx"),
        *("qt", "rsyslog", "script", "syslog", "windows"),
    )
)
"""Speak to this machine or its network, or start programs; some are only to be expected."""
_STARTS_S = 60.0
"""Services are many, and read from the disk."""
_CALLS = 3
"""Requests of one message that may each take as long as `timeout_s`: login, room, message."""


def _not_local(scheme: str) -> str:
    if scheme in LOCAL or not scheme.isalnum() or not scheme.islower():
        raise Unusable(
            f"{scheme!r} is no service that may be used: name those of chat and push, e.g. ntfys",
            f"{scheme!r} ist kein Dienst, der benutzt werden darf: die von Chat und Push nennen, "
            "z. B. ntfys",
        )
    return scheme


class AppriseSettings(Section):
    """``[notify.apprise]``: which services may be used, and where they may be."""

    schemes: tuple[Annotated[str, AfterValidator(_not_local)], ...] = USUAL
    """How addresses may begin, without ``://``."""
    allow: tuple[Place, ...] = ()
    """Places inside of this network, and those without TLS, that may be called."""
    addresses: dict[str, dict[str, Secret]] = Field(default_factory=dict)
    """By town and name: addresses that recipients have as a name."""
    ca_file: Path | None = None
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    """Of each request."""


class ChatSender:
    """Starts its process with the first message, and anew where it hung or died."""

    reports_delivery = False

    def __init__(self, settings: AppriseSettings) -> None:
        if find_spec("apprise") is None:
            raise Unusable(
                "[notify.apprise] needs apprise on this machine: pip install 'stadtsinn[chat]'",
                "[notify.apprise] braucht apprise auf diesem Rechner: pip install "
                "'stadtsinn[chat]'",
            )
        self._settings = settings
        self._named = {
            (town, name): secret.read() or ""
            for town, found in settings.addresses.items()
            for name, secret in found.items()
        }
        self._process: subprocess.Popen[str] | None = None

    def send(self, message: Message) -> Result:
        address = message.address
        if "://" not in address:
            address = self._named.get((message.tenant_id, address), "")
        scheme = address.partition("://")[0].lower()
        if not address:
            return Result(Outcome.NEVER, reason="no such name in [notify.apprise] addresses")
        if scheme not in self._settings.schemes:
            return Result(Outcome.NEVER, reason=f"{scheme[:20]}: not in [notify.apprise] schemes")
        outcome, reason = self._asked(_document(message, address, self._settings))
        return Result(Outcome(outcome), reason=f"{scheme}: {reason}"[:200] if reason else "")

    def lookup(self, uuid: str) -> Found:  # noqa: ARG002 (part of the protocol)
        """No service can be asked, and none knows a copy by its id."""
        return Found.CANNOT_TELL

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _asked(self, document: Mapping[str, object]) -> tuple[str, str]:
        """What the process says of a message: an outcome, and why."""
        try:
            process = self._running()
        except OSError as error:
            return Outcome.RETRY, type(error).__name__
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(document) + "\n")
            process.stdin.flush()
        except OSError as error:
            self.close()
            return Outcome.RETRY, type(error).__name__  # it did not read all of it
        answer = _line_of(process, _CALLS * self._settings.timeout_s)
        if answer is None:
            self.close()
            return Outcome.UNKNOWN, "no answer in time"
        outcome, reason = json.loads(answer)
        return outcome, reason

    def _running(self) -> subprocess.Popen[str]:
        """The process, once it has said that it is ready; raises OSError."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        module = "stadtsinn.cloud.alarms.notify.senders.chat_child"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # tracebacks quote what they were called with
            text=True,
            encoding="utf-8",
            env=_environment(self._settings.ca_file),
            cwd="/",
        )
        if _line_of(self._process, _STARTS_S) is None:
            self.close()
            raise TimeoutError
        return self._process


def _line_of(process: subprocess.Popen[str], patience_s: float) -> str | None:
    """The next line that it says; None where it does not in time, or ended."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], patience_s)
    return (process.stdout.readline() or None) if ready else None


def _environment(ca_file: Path | None) -> dict[str, str]:
    """Neither proxies nor passwords of this machine, nor what apprise would be told by it."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    files = {} if ca_file is None else {"REQUESTS_CA_BUNDLE": str(ca_file.absolute())}
    return {**kept, **files, "HOME": "/nonexistent", "NETRC": "/dev/null", "NO_PROXY": "*"}


def _document(message: Message, address: str, settings: AppriseSettings) -> dict[str, object]:
    return {
        "url": address,
        "body": "\n".join(filter(None, (message.text, message.link))),
        "type": _type_of(message.kind),
        "allow": settings.allow,
        "timeout_s": settings.timeout_s,
    }


def _type_of(kind: Kind) -> str:
    """Services show it as a colour or a sign."""
    if kind in URGENT or kind is Kind.REPEAT:
        return "failure"
    if kind is Kind.ALL_CLEAR:
        return "success"
    return "warning" if kind in (Kind.STALE, *ENDINGS) else "info"

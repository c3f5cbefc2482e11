"""A mail server that is really spoken to: aiosmtpd with STARTTLS and a login."""

from __future__ import annotations

import email
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from real_tls import ServerCertificate
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSettings
from stadtsinn.simulator.demo.ports import free_port

USERNAME, PASSWORD = "stadt", "nicht-raten"


@dataclass
class MailServer:
    """Use as a context manager. `answers` are given in turn to RCPT or DATA, then it takes all."""

    certificate: ServerCertificate
    to_rcpt: list[str] = field(default_factory=list)
    to_data: list[str] = field(default_factory=list)
    """``DROP``: the mail is taken and the connection breaks before the answer."""
    port: int = field(default_factory=free_port)
    taken: list[tuple[str, str, EmailMessage]] = field(default_factory=list)
    """Sender, recipient and mail."""

    def __enter__(self) -> Self:
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.certificate.context(),
            require_starttls=True,
            auth_required=True,
            authenticator=_authenticated,
        )
        self._controller.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        answer = self.to_rcpt.pop(0) if self.to_rcpt else "250 OK"
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.to_data.pop(0) if self.to_data else "250 OK"
        if answer == "DROP" or answer.startswith("2"):
            mail = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            self.taken.append((envelope.mail_from, envelope.rcpt_tos[0], mail))
        if answer == "DROP":
            server.transport.abort()
        return answer


def mail_settings(server: MailServer, **other: Any) -> SmtpSettings:
    """With which this server is spoken to."""
    values: dict[str, Any] = {
        "host": "localhost",
        "port": server.port,
        "username": USERNAME,
        "password": Secret(PASSWORD),
        "sender": "Stadt Mäuslingen <alarm@stadt.example>",
        "ca_file": server.certificate.ca,
        "timeout_s": 5,
        **other,
    }
    return SmtpSettings.model_validate(values)


def _authenticated(
    _server: Any, _session: Any, _envelope: Any, _mechanism: str, login: Any
) -> AuthResult:
    wanted = LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=login == wanted, handled=False)

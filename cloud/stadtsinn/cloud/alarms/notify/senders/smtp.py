"""Sends e-mail. What a server says before it has the whole mail is certain; a connection that
breaks later leaves a doubt. The mail is then sent again, and is the same one: its Message-ID is
made of the message's uuid, by which mail programs know a copy."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import AfterValidator, Field

from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.enclosed import Enclosed, Enclosing, nothing_enclosed
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.mail import Sender, composed, sender_of

log = structlog.get_logger()

_LATER = range(400, 500)
_NOT_MADE = {
    Language.DE: "Verlauf und Anlagen fehlen: Sie ließen sich nicht herstellen.",
    Language.EN: "Chart and attachments are missing: they could not be made.",
}
_TOO_LARGE = {
    Language.DE: "Verlauf und Anlagen fehlen: Sie sind dem Mailserver zu groß.",
    Language.EN: "Chart and attachments are missing: the mail server takes none so large.",
}


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """Only to this machine."""


def _a_sender(text: str) -> str:
    sender_of(text)
    return text


From = Annotated[str, AfterValidator(_a_sender)]


class SmtpSettings(Section):
    """``[notify.email]``: the mail server, and as whom mails are sent."""

    host: str
    port: Annotated[int, Field(gt=0, lt=65_536)] = 587
    security: Security = Security.STARTTLS
    username: str = ""
    password: Secret = Field(default_factory=Secret)
    sender: From
    """``Musterstadt <alarm@musterstadt.example>``"""
    senders: dict[str, From] = Field(default_factory=dict)
    """Of single towns, by their short names."""
    ca_file: Path | None = None
    """Whose certificates are trusted, where that is not what this machine trusts."""
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 20.0


class SmtpSender:
    """One mail server. Each mail has a connection of its own."""

    reports_delivery = False

    def __init__(self, settings: SmtpSettings, enclosing: Enclosing = nothing_enclosed) -> None:
        self._enclosing = enclosing
        if settings.security is Security.NONE and settings.host not in ("localhost", "127.0.0.1"):
            raise Unusable(
                '[notify.email] security = "none" is for a mail server on this machine only: use '
                '"starttls" or "tls"',
                '[notify.email] security = "none" ist nur für einen Mailserver auf diesem Rechner: '
                '"starttls" oder "tls" nehmen',
            )
        self._settings = settings
        self._default = sender_of(settings.sender)
        self._senders: Mapping[str, Sender] = {
            town: sender_of(one) for town, one in settings.senders.items()
        }
        self._password = settings.password.read() or ""
        self._tls = ssl.create_default_context(cafile=settings.ca_file)

    def send(self, message: Message) -> Result:
        sender = self._senders.get(message.tenant_id, self._default)
        enclosed = self._enclosed(message)
        handed_over = False
        try:
            with self._connected() as server:
                mail = _fitting(server, message, sender, enclosed)
                _refused_by(server.mail(sender.address))
                _refused_by(server.rcpt(message.address))
                handed_over = True
                answer = server.data(mail)
                handed_over = False
                _refused_by(answer)
        except _Refused as refused:
            return self._refusal(refused.code)
        except smtplib.SMTPResponseException as error:
            # Greeting, TLS or login: nothing is wrong with this mail, another hour may do.
            if isinstance(error, smtplib.SMTPDataError):
                return self._refusal(error.smtp_code)
            return Result(Outcome.RETRY, reason=self._reason(f"status {error.smtp_code}"))
        except (OSError, smtplib.SMTPException) as error:
            outcome = Outcome.UNKNOWN if handed_over else Outcome.RETRY
            return Result(outcome, reason=self._reason(said(error)))
        return Result(Outcome.SENT, provider_id=message.uuid)

    def _enclosed(self, message: Message) -> Enclosed:
        """Made before there is a connection, which would not wait. No picture keeps a mail back."""
        try:
            return self._enclosing(message)
        except Exception as error:
            log.warning("mail_goes_without", uuid=message.uuid, error=type(error).__name__)
            return Enclosed(no_picture=_NOT_MADE[message.language])

    def lookup(self, uuid: str) -> Found:  # noqa: ARG002 (part of the protocol)
        """A mail server cannot be asked. The copy has the same Message-ID: it may be sent again."""
        return Found.KNOWS_COPIES

    def close(self) -> None:
        """Nothing is open."""

    def examine(self) -> None:
        """Connect, check the certificate, log in. Raises OSError or SMTPException."""
        with self._connected() as server:
            server.noop()

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._open()
        try:
            yield server
        finally:
            # What was said before counts, however the server takes its leave.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _open(self) -> smtplib.SMTP:
        stated = self._settings
        if stated.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                stated.host, stated.port, timeout=stated.timeout_s, context=self._tls
            )
        else:
            server = smtplib.SMTP(stated.host, stated.port, timeout=stated.timeout_s)
        try:
            if stated.security is Security.STARTTLS:
                server.starttls(context=self._tls)
            server.ehlo_or_helo_if_needed()
            if stated.username:
                server.login(stated.username, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _refusal(self, code: int) -> Result:
        later = code in _LATER
        outcome = Outcome.RETRY if later else Outcome.NEVER
        return Result(outcome, reason=self._reason(f"status {code}"))

    def _reason(self, what: str) -> str:
        return f"{self._settings.host}: {what}"[:200]


def _fitting(server: smtplib.SMTP, message: Message, sender: Sender, enclosed: Enclosed) -> bytes:
    """The mail, without what is enclosed where the server says that it takes none so large."""
    mail = composed(message, sender, enclosed).as_bytes()
    stated = server.esmtp_features.get("size", "")
    if not stated.isdigit() or not 0 < int(stated) < len(mail):
        return mail
    log.warning("mail_goes_without", uuid=message.uuid, error=f"the server takes {stated} bytes")
    without = Enclosed(no_picture=_TOO_LARGE[message.language])
    return composed(message, sender, without).as_bytes()


class _Refused(Exception):
    """The server said no to sender, recipient or mail."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def _refused_by(answer: tuple[int, bytes]) -> None:
    if not 200 <= answer[0] < 300:
        raise _Refused(answer[0])


def said(error: Exception) -> str:
    """The kind of failure; a server's own words may repeat the address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"status {error.smtp_code}"
    return type(error).__name__

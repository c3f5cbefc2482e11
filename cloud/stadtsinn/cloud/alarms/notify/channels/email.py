"""E-mail: plain text and HTML, through the town's own mail server."""

from __future__ import annotations

import re

from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.senders.base import OpenedSender
from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSender, SmtpSettings
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_LOCAL = 64


class Email:
    """The channel ``email``."""

    name = "email"
    settings = SmtpSettings

    def address(self, text: str) -> str:
        return mail_address(text)

    def text(self, sentence: Sentence) -> str:
        return sentence.whole

    def append(self, text: str, suffix: str) -> str:
        return text + suffix

    def open_sender(self, settings: SmtpSettings, around: Surroundings) -> OpenedSender:
        return OpenedSender(SmtpSender(settings, around.enclosing))


def mail_address(text: str) -> str:
    """One address and nothing beside it; a domain with umlauts as DNS has it.

    Raises ValueError, without the address in it.
    """
    local, _, domain = text.strip().rpartition("@")
    host = _in_dns(domain)
    labels = host.split(".")
    if (
        not _LOCAL.fullmatch(local)
        or len(local) > _LONGEST_LOCAL
        or len(labels) < 2
        or not all(_LABEL.fullmatch(label) for label in labels)
    ):
        raise Unusable(
            "this is no e-mail address: write it like bereitschaft@stadt.example, without a name "
            "beside it",
            "das ist keine E-Mail-Adresse: so schreiben: bereitschaft@stadt.example, ohne Namen "
            "daneben",
        )
    return f"{local}@{host}"


def _in_dns(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""

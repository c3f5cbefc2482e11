"""What an e-mail looks like: plain text, and the same in HTML with the facts as a table."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.decimals import with_sign
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.platform.api.templates import templates_of

_LONGEST_SUBJECT = 120
_templates = templates_of("stadtsinn.cloud.alarms.notify", trimmed=True)
_LABELS = {
    Language.DE: {
        "station": "Messstelle",
        "rule": "Regel",
        "value": "Wert",
        "measured": "Gemessen",
        "since": "Seit",
        "ended": "Beendet",
        "automatic": "Diese Nachricht kommt von einem Programm. Antworten liest niemand.",
    },
    Language.EN: {
        "station": "Station",
        "rule": "Rule",
        "value": "Value",
        "measured": "Measured",
        "since": "Since",
        "ended": "Ended",
        "automatic": "This message comes from a program. Nobody reads answers.",
    },
}


@dataclass(frozen=True)
class Sender:
    """As whom a mail is sent."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def sender_of(text: str) -> Sender:
    """``Musterstadt <alarm@musterstadt.example>`` or the address alone; raises ValueError."""
    name, address = parseaddr(text)
    local, _, domain = address.rpartition("@")
    if not local or "." not in domain or not f"{name}{address}".isprintable() or " " in address:
        raise Unusable(
            f"{text!r} is no sender: write it like Musterstadt <alarm@musterstadt.example>",
            f"{text!r} ist kein Absender: so schreiben: Musterstadt <alarm@musterstadt.example>",
        )
    return Sender(name, address)


def composed(message: Message, sender: Sender) -> EmailMessage:
    """The same message makes the same mail, byte for byte: a copy can be known by it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=message.address)
    mail["Subject"] = subject_of(message.text)
    mail["Date"] = format_datetime(to_datetime(Instant(message.created_at)))
    mail["Message-ID"] = f"<{message.uuid}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    rows = _rows(message.facts, message.language)
    labels = _LABELS[message.language]
    paragraphs = _paragraphs(message)
    lines = [*paragraphs, "", *(f"{name}: {one}" for name, one in rows)]
    plain = "\n".join([*lines, "", labels["automatic"]]) + "\n"
    mail.set_content(plain, cte="quoted-printable")
    html = _templates.get_template("mail.html").render(
        language=message.language.value,
        subject=mail["Subject"],
        paragraphs=paragraphs,
        rows=rows,
        automatic=labels["automatic"],
    )
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{message.uuid}")
    return mail


def subject_of(text: str) -> str:
    """The first sentence in one line: no name can add a header of its own."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    head, found, _ = line.partition(". ")
    line = head + "." if found else line
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1].rstrip()}…"


def _paragraphs(message: Message) -> list[str]:
    """The message, and each further sentence in a line of its own: trend, since when, measures."""
    sentence = message.facts.sentence(message.language)
    further = sentence.extras if sentence else ()
    together = "".join(further)
    if not together or together not in message.text:
        return [message.text]
    before, _, after = message.text.partition(together)
    return [before + after, *(one.strip() for one in further)]


def _rows(facts: Facts, language: Language) -> list[tuple[str, str]]:
    labels = _LABELS[language]
    value = ""
    if facts.value is not None:
        shown = with_sign(f"{facts.value:.6g}", language)
        value = f"{shown} {facts.unit}".rstrip()
    found = {
        "station": facts.station_name,
        "rule": facts.rule_name,
        "value": value,
        "measured": _at(facts.measured_at),
        "since": _at(facts.since),
        "ended": _at(facts.ended_at),
    }
    return [(labels[name], one) for name, one in found.items() if one]


def _at(instant: Instant | None) -> str:
    return "" if instant is None else date_and_time(instant)

"""What an e-mail looks like: plain text, and the same in HTML with the facts as a table."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import TYPE_CHECKING

from stadtsinn.base.berlin import date_and_time
from stadtsinn.base.decimals import with_sign
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.notify.enclosed import NOTHING_ENCLOSED, Enclosed, File
from stadtsinn.cloud.alarms.notify.message import Message
from stadtsinn.cloud.alarms.notify.senders.mail_policy import MAIL

if TYPE_CHECKING:
    from jinja2 import Template

_LONGEST_SUBJECT = 120
_LABELS = {
    Language.DE: {
        "station": "Messstelle",
        "rule": "Regel",
        "value": "Wert",
        "measured": "Gemessen",
        "since": "Seit",
        "ended": "Beendet",
        "incident": "Vorgang",
        "automatic": "Diese Nachricht kommt von einem Programm. Antworten liest niemand.",
    },
    Language.EN: {
        "station": "Station",
        "rule": "Rule",
        "value": "Value",
        "measured": "Measured",
        "since": "Since",
        "ended": "Ended",
        "incident": "Incident",
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


def composed(
    message: Message, sender: Sender, enclosed: Enclosed = NOTHING_ENCLOSED
) -> EmailMessage:
    """The same message with the same enclosed makes the same mail, byte for byte: a copy can be
    known by it."""
    mail = EmailMessage(policy=MAIL)
    mail["From"] = Address(sender.name, addr_spec=sender.address)
    mail["To"] = Address(addr_spec=message.address)
    mail["Subject"] = subject_of(message)
    mail["Date"] = format_datetime(to_datetime(Instant(message.created_at)))
    mail["Message-ID"] = f"<{message.uuid}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_plain(message, enclosed), cte="quoted-printable")
    picture, cid = enclosed.picture, f"{message.uuid}.verlauf@{sender.domain}"
    html = _html(message, enclosed, f"cid:{cid}")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    if picture is not None:
        # Inside of the part that is HTML: else some programs show it as a file that was sent along.
        body = mail.get_body(("html",))
        assert body is not None
        body.add_related(
            picture.png,
            *("image", "png"),
            cid=f"<{cid}>",
            filename="verlauf.png",
            disposition="inline",
        )
    for one in enclosed.files:
        _attach(mail, one)
    for number, part in enumerate(one for one in mail.walk() if one.is_multipart()):
        part.set_boundary(f"=_{message.uuid}_{number}")
    return mail


def _plain(message: Message, enclosed: Enclosed) -> str:
    """All that the mail says, for who sees no picture."""
    labels = _LABELS[message.language]
    rows = [f"{name}: {one}" for name, one in _rows(message)]
    said = _said_of_picture(enclosed)
    blocks = [_paragraphs(message), [said] if said else [], rows, [labels["automatic"]]]
    return "\n\n".join("\n".join(map(_one_line, block)) for block in blocks if block) + "\n"


def _html(message: Message, enclosed: Enclosed, source: str) -> str:
    return _template().render(
        language=message.language.value,
        subject=subject_of(message),
        paragraphs=_paragraphs(message),
        rows=_rows(message),
        link=message.link,
        picture=enclosed.picture,
        source=source,
        no_picture=enclosed.no_picture,
        automatic=_LABELS[message.language]["automatic"],
    )


@cache
def _template() -> Template:
    from stadtsinn.cloud.platform.api.templates import templates_of  # only who sends needs Jinja

    return templates_of("stadtsinn.cloud.alarms.notify", trimmed=True).get_template("mail.html")


def _said_of_picture(enclosed: Enclosed) -> str:
    return enclosed.no_picture if enclosed.picture is None else enclosed.picture.said


def _attach(mail: EmailMessage, file: File) -> None:
    kind, _, parameters = file.media_type.partition(";")
    maintype, _, subtype = kind.partition("/")
    name, _, value = parameters.strip().partition("=")
    mail.add_attachment(
        file.content,
        maintype,
        subtype,
        filename=file.name,
        params={name: value} if name else None,
    )


def subject_of(message: Message) -> str:
    """What the first sentence says, in one line: no name can add a header of its own."""
    line = _one_line(_first_sentence(message))
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1].rstrip()}…"


def _first_sentence(message: Message) -> str:
    """Full stops of names end no sentence: ``Kita St. Anna``."""
    sentence = message.facts.sentence(message.language)
    begun = f"{sentence.head}{sentence.name}" if sentence else ""
    if not message.text.startswith(begun):
        begun = ""
    rest = message.text[len(begun) :]
    # What follows a name may begin with the full stop of the first sentence.
    first, found, _ = rest.partition(". ")
    return f"{begun}{first}." if found else message.text


def _one_line(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _paragraphs(message: Message) -> list[str]:
    """The message, and each further sentence in a line of its own: trend, since when, measures."""
    sentence = message.facts.sentence(message.language)
    further = sentence.extras if sentence else ()
    together = "".join(further)
    if not together or together not in message.text:
        return [message.text]
    before, _, after = message.text.partition(together)
    return [before + after, *(one.strip() for one in further)]


def _rows(message: Message) -> list[tuple[str, str]]:
    facts, language = message.facts, message.language
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
        "incident": message.link,
    }
    return [(labels[name], one) for name, one in found.items() if one]


def _at(instant: Instant | None) -> str:
    return "" if instant is None else date_and_time(instant)

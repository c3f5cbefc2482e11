"""E-mail, to a real server with STARTTLS and login.

Public cases behind single tests: greylisting answers 451 to the first try (RFC 6647); a 5xx to RCPT
is final (RFC 5321, 4.2.1); some servers drop the connection after the final dot, and senders that
count this as "not sent" send twice (RFC 1047); a header may be injected by line breaks in a name
(CWE-93); smtplib checks no certificate unless it is told to (Python's documentation of starttls).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from fake_senders import Outbox
from real_mail import PASSWORD, MailServer, mail_settings
from real_tls import ServerCertificate, server_certificate
from stadtsinn.base.language import Language
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.channels.email import mail_address
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome
from stadtsinn.cloud.alarms.notify.senders.mail import composed, sender_of, subject_of
from stadtsinn.cloud.alarms.notify.senders.smtp import Security, SmtpSender
from stadtsinn.cloud.alarms.notify.sentence import Sentence

TEXT = "ALARM Übergrößenträger: 21 °C (Grenze 20 °C). Stand 14:05 Uhr. Seit 13:55 Uhr."


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return server_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: ServerCertificate) -> Iterator[MailServer]:
    with MailServer(certificate) as running:
        yield running


def message(text: str = TEXT, **other: Any) -> Message:
    said = {Language.DE: Sentence("", "", text)}
    values: dict[str, Any] = {"tenant_id": "musterstadt", "facts": Facts(said=said), **other}
    return Message("a-b-c", Kind.ALARM, "dienst@stadt.example", text, "token", **values)


def test_a_mail_is_what_people_can_read(server: MailServer) -> None:
    sentence = Sentence("ALARM ", "Übergrößenträger", ": 21 °C.", (" Seit 13:55 Uhr.",))
    text = "ALARM Übergrößenträger: 21 °C. Seit 13:55 Uhr."
    facts = Facts(station_name="<b>Rathaus & Markt</b>", value=21.5, unit="°C")
    facts = Facts(**{**vars(facts), "said": {Language.DE: sentence}})
    sender = SmtpSender(mail_settings(server))
    assert sender.send(message(text, facts=facts)).outcome is Outcome.SENT
    ((envelope_from, to, mail),) = server.taken
    assert (envelope_from, to) == ("alarm@stadt.example", "dienst@stadt.example")
    assert mail["From"] == "Stadt Mäuslingen <alarm@stadt.example>"
    assert mail["Subject"] == "ALARM Übergrößenträger: 21 °C."
    assert mail["Message-ID"] == "<a-b-c@stadt.example>"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines()[:2] == [
        "ALARM Übergrößenträger: 21 °C.",
        "Seit 13:55 Uhr.",
    ]
    assert "Wert: 21,5 °C" in plain.get_content()
    assert "&lt;b&gt;Rathaus &amp; Markt&lt;/b&gt;" in html.get_content()


def test_each_town_has_its_sender(server: MailServer) -> None:
    sender = SmtpSender(mail_settings(server, senders={"nachbar": "alarm@nachbar.example"}))
    sender.send(message(tenant_id="nachbar"))
    sender.send(message(tenant_id="andere"))
    assert [one[0] for one in server.taken] == ["alarm@nachbar.example", "alarm@stadt.example"]


@pytest.mark.parametrize(
    ("to_rcpt", "to_data", "outcome"),
    [
        (["451 greylisted, try again"], [], Outcome.RETRY),
        (["550 no such user"], [], Outcome.NEVER),
        (["452 mailbox full"], [], Outcome.RETRY),
        ([], ["452 no space"], Outcome.RETRY),
        ([], ["554 spam"], Outcome.NEVER),
        ([], ["DROP"], Outcome.UNKNOWN),
    ],
)
def test_each_answer_means_what_it_says(
    server: MailServer, to_rcpt: list[str], to_data: list[str], outcome: Outcome
) -> None:
    server.to_rcpt, server.to_data = to_rcpt, to_data
    result = SmtpSender(mail_settings(server)).send(message())
    assert result.outcome is outcome
    assert "dienst@" not in result.reason
    assert len(server.taken) == (outcome is Outcome.UNKNOWN)


def test_what_was_in_doubt_is_sent_again_as_the_same_mail(server: MailServer, box: Outbox) -> None:
    """The receiver counts one: both copies have one Message-ID, and the same bytes."""
    server.to_data = ["DROP"]
    sender = SmtpSender(mail_settings(server))
    assert sender.lookup("a-b-c") is Found.KNOWS_COPIES
    assert sender.send(message()).outcome is Outcome.UNKNOWN
    assert sender.send(message()).outcome is Outcome.SENT
    first, second = (mail for _, _, mail in server.taken)
    assert first.as_bytes() == second.as_bytes()


def test_nothing_is_said_to_a_stranger(server: MailServer, tmp_path: Path) -> None:
    stranger = server_certificate(tmp_path, "mail.example")
    for other in ({"ca_file": stranger.ca}, {"host": "127.0.0.1"}, {"password": Secret("falsch")}):
        result = SmtpSender(mail_settings(server, **other)).send(message())
        assert result.outcome is Outcome.RETRY
        assert PASSWORD not in result.reason
    assert server.taken == []


def test_a_server_that_is_away_is_tried_again(server: MailServer) -> None:
    away = mail_settings(server, port=1)
    assert SmtpSender(away).send(message()).outcome is Outcome.RETRY


@pytest.mark.parametrize("name", ["L\r\nBcc: x@y.example", "L\nX: 1", "\x00\x1b[2J", "a" * 5000])
def test_no_name_adds_a_header(name: str) -> None:
    mail = composed(message(f"ALARM {name}: 5."), sender_of("alarm@stadt.example"))
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert len(subject_of(message(f"ALARM {name}"))) <= 120
    assert b"\r\nBcc" not in mail.as_bytes().partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" dienst@stadt.example ", "dienst@stadt.example"),
        ("a.b+c@STADT.Example", "a.b+c@stadt.example"),
        ("dienst@müslingen.example", "dienst@xn--mslingen-65a.example"),
    ],
)
def test_addresses(written: str, kept: str) -> None:
    assert mail_address(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        *("", "dienst", "@amt.example", "a@b", "A <a@b.example>", "a@b.example, c@d.example"),
        *("a@b.example\nBcc: c@d.example", "a b@c.example", "a..b@c.example", "a@-b.example"),
        "ü@b.example",
    ],
)
def test_what_is_no_single_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no e-mail address") as caught:
        mail_address(written)
    assert not written or written not in str(caught.value)


def test_only_this_machine_is_spoken_to_in_the_clear(server: MailServer) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        SmtpSender(mail_settings(server, host="mail.example", security=Security.NONE))
    with pytest.raises(ValidationError, match="is no sender"):
        mail_settings(server, sender="Musterstadt")

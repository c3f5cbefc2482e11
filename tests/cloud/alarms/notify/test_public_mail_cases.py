"""What went wrong with alarm mails elsewhere, tried here.

The number before each case is where it was reported:

1.  python/cpython#92081: a subject with umlauts loses spaces where it is folded.
2.  python/cpython#144156: two encoded words side by side, `?==?`; a large provider refuses the mail
    with 554 after DATA.
3.  digitalfox/pydici#96, thp/urlwatch#702: a line is longer than 998 bytes, the server says 550.
4.  lettre/lettre#723, roundcube/roundcubemail#5905: an inline picture is shown as a file, because
    it is not beside the HTML in a part `related`, or is no `inline`.
5.  bcit-ci/CodeIgniter#4583: iOS shows no files of a mail whose outermost part is `related`.
6.  nodemailer/nodemailer#552: `cid:` stands in the Content-ID as well, and no picture is found.
7.  metabase/metabase#69023: a transparent picture is black on black where a program is dark.
8.  grafana/grafana#6183: the picture cannot be made, and no mail is sent at all.
9.  louislam/uptime-kuma#2573: times in UTC, though the town lives elsewhere.
10. bugs.python.org/issue45551 (python/cpython#89714): a comma in a name breaks a folded header.
11. RFC 5321, 4.5.2: a line of one full stop ends the mail early; CVE-2023-51764: so does a lone
    line feed, and what follows is a second mail in the sender's name.
12. RFC 1870: a mail that is larger than the server takes is refused for good.
13. RFC 1047 and 3207: the connection breaks after the last full stop; 421 before RCPT.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from real_mail import MailServer, mail_settings
from real_tls import ServerCertificate, server_certificate
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.enclosed import Enclosed, File, Picture
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.message import Kind, Message, with_link
from stadtsinn.cloud.alarms.notify.senders.base import Outcome
from stadtsinn.cloud.alarms.notify.senders.mail import composed, sender_of, subject_of
from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSender
from stadtsinn.cloud.alarms.notify.sentence import Sentence

SENDER = sender_of("Stadt Mäuslingen <alarm@stadt.example>")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PICTURE = Picture(PNG, 600, 280, 'Verlauf "bis" 14:05 Uhr: zwischen 1,20 und 1,61 m.')
FILES = (
    File("giessliste.html", "text/html; charset=utf-8", "<p>Bäume</p>".encode()),
    File("giessliste.csv", "text/csv; charset=utf-8", "\ufeffTour;Baum\r\n1;L-1\r\n".encode()),
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return server_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def server(certificate: ServerCertificate) -> Iterator[MailServer]:
    with MailServer(certificate) as running:
        yield running


def message(name: str = "Pegel Mühlbach", **other: Any) -> Message:
    sentence = Sentence("ALARM ", name, ": 1,61 m (Grenze 1,60 m). Stand 14:05 Uhr.")
    values: dict[str, Any] = {
        "tenant_id": "musterstadt",
        "incident_id": "7-1790409600000000",
        "facts": Facts(said={Language.DE: sentence}, rule="x"),
        **other,
    }
    address = "dienst@stadt.example"
    return Message("a-b-c", Kind.ALARM, address, sentence.whole, "token", **values)


def written(one: Message, enclosed: Enclosed | None = None) -> bytes:
    return composed(one, SENDER, enclosed or Enclosed()).as_bytes()


def read(raw: bytes) -> EmailMessage:
    found = email.message_from_bytes(raw, policy=default)
    assert isinstance(found, EmailMessage)
    return found


def raw_header(raw: bytes, name: str) -> str:
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii")
    found = re.search(rf"^{name}: ([^\r]*(?:\r\n[ \t][^\r]*)*)", head, re.MULTILINE)
    assert found is not None
    return found[1]


NAMES = [
    "Pegel Mühlbach an der großen Brücke über die Schützenstraße in Überlingen",
    "Kita St. Anna, Außengelände (Süd)",
    *("ä" * number for number in range(1, 60, 4)),
    *(f"{'x' * number} ü ü {'x' * number} ß" for number in range(0, 40, 4)),
    "Tribune de Genève, Abo actualités d’abonnement à 24 heures",
    "Straße 1, Straße 2, Straße 3, Straße 4, Straße 5, Straße 6",
    "☂ 🌳 Bäume",
    "e\u0308 aus zwei Zeichen",
]


@pytest.mark.parametrize("name", NAMES)
def test_1_2_10_a_subject_is_read_as_it_was_written(name: str) -> None:
    one = message(name)
    raw = written(one)
    header = raw_header(raw, "Subject")
    assert "?==?" not in header
    assert all(len(line) <= 76 for line in f"Subject: {header}".split("\r\n")) or name.isascii()
    wanted = subject_of(one)
    assert read(raw)["Subject"] == wanted
    # A program that decodes by RFC 2047 alone.
    unfolded = header.replace("\r\n", "")
    assert str(make_header(decode_header(unfolded))) == wanted


@pytest.mark.parametrize("name", ["Stadt Mäuslingen", "Amt für öffentliche Ordnung, Übersee " * 4])
def test_1_10_so_is_the_name_of_the_sender(name: str) -> None:
    raw = composed(message(), sender_of(f'"{name.strip()}" <alarm@stadt.example>')).as_bytes()
    # Python itself reads a name of several encoded words with a space too many.
    unfolded = raw_header(raw, "From").replace("\r\n", "")
    found = str(make_header(decode_header(unfolded)))
    assert found == f"{name.strip()} <alarm@stadt.example>"
    (address,) = read(raw)["From"].addresses
    assert address.addr_spec == "alarm@stadt.example"
    assert "?==?" not in raw_header(raw, "From")


def test_3_no_line_is_longer_than_a_server_takes() -> None:
    sentence = Sentence("", "", "ü" * 3_000, (" " + "x" * 3_000,))
    one = message(facts=Facts(said={Language.DE: sentence}, rule_name="ß" * 2_000))
    one = Message(**{**vars(one), "text": sentence.whole})
    picture = Picture(PNG, 600, 280, "ö" * 2_000)
    raw = written(with_link(one, f"https://{'l' * 900}.example"), Enclosed(picture, files=FILES))
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    plain = read(raw).get_body(("plain",))
    assert plain is not None
    assert "ü" * 3_000 in plain.get_content()


def shape(part: Any) -> Any:
    if part.is_multipart():
        return {part.get_content_subtype(): [shape(one) for one in part.iter_parts()]}
    return part.get_content_type()


def test_4_5_6_a_picture_is_in_the_text_and_files_are_beside_it() -> None:
    found = read(written(message(), Enclosed(PICTURE, files=FILES)))
    related = {"related": ["text/html", "image/png"]}
    assert shape(found) == {
        "mixed": [{"alternative": ["text/plain", related]}, "text/html", "text/csv"]
    }
    html, (picture,) = (
        found.get_body(("html",)),
        [part for part in found.walk() if part.get_content_type() == "image/png"],
    )
    assert html is not None
    assert picture["Content-Disposition"].content_disposition == "inline"
    cid = picture["Content-ID"]
    assert re.fullmatch(r"<a-b-c\.verlauf@stadt\.example>", cid)
    assert f'src="cid:{cid[1:-1]}"' in html.get_content()
    assert 'width="600" height="280"' in html.get_content()  # Outlook goes by these alone
    assert picture.get_content() == PNG
    files = {one.get_filename(): one.get_content() for one in found.iter_attachments()}
    assert files["giessliste.csv"].startswith("\ufeffTour;Baum")
    assert files["giessliste.html"] == "<p>Bäume</p>"


def test_without_a_picture_the_mail_is_as_simple_as_before() -> None:
    assert shape(read(written(message()))) == {"alternative": ["text/plain", "text/html"]}


def test_7_a_mail_says_that_it_is_light() -> None:
    html = read(written(message(), Enclosed(PICTURE))).get_body(("html",))
    assert html is not None
    assert '<meta name="color-scheme" content="light only">' in html.get_content()


def test_the_plain_part_says_what_the_picture_shows() -> None:
    found = read(written(message(), Enclosed(PICTURE)))
    plain, html = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert PICTURE.said in plain.get_content()
    assert 'alt="Verlauf &#34;bis&#34; 14:05 Uhr' in html.get_content()
    found = read(written(message(), Enclosed(no_picture="Kein Verlauf: keine Messwerte.")))
    for kind in ("plain", "html"):
        body = found.get_body((kind,))
        assert body is not None
        assert "Kein Verlauf: keine Messwerte." in body.get_content()


def test_8_a_picture_that_cannot_be_made_keeps_no_mail_back(server: MailServer) -> None:
    def failing(_message: Message) -> Enclosed:
        raise MemoryError

    assert SmtpSender(mail_settings(server), failing).send(message()).outcome is Outcome.SENT
    ((_, _, mail),) = server.taken
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "Sie ließen sich nicht herstellen." in plain.get_content()


def test_9_times_are_those_of_the_town_and_the_header_says_its_zone() -> None:
    noon = 1_790_409_600_000_000  # 2026-09-26T08:00:00Z
    one = message(created_at=noon, facts=Facts(measured_at=noon, since=noon, rule="x"))  # type: ignore[arg-type]
    found = read(written(one))
    assert found["Date"] == "Sat, 26 Sep 2026 08:00:00 +0000"
    plain = found.get_body(("plain",))
    assert plain is not None
    assert "Gemessen: 26.09.2026, 10:00" in plain.get_content()


ENDS = [".", "..", ".\r\n.\r\nMAIL FROM:<x@y.example>", "a\n.\nb", "a\r.\rb", "\r\n.\r\n"]


@pytest.mark.parametrize("name", ENDS)
def test_11_no_name_ends_the_mail(server: MailServer, name: str) -> None:
    sentence = Sentence("", name, "", (" .",))
    facts = Facts(said={Language.DE: sentence}, rule_name=name, station_name=".", rule="x")
    one = Message(**{**vars(message()), "facts": facts, "text": sentence.whole})
    raw = written(one)
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert SmtpSender(mail_settings(server)).send(one).outcome is Outcome.SENT
    ((_, _, mail),) = server.taken
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "Regel:" in plain.get_content()
    assert plain.get_content().rstrip().endswith("Antworten liest niemand.")


def test_12_a_mail_that_is_too_large_goes_without_its_files(server: MailServer) -> None:
    large = Enclosed(PICTURE, files=(File("x.csv", "text/csv", b"x" * 40_000_000),))
    assert (
        SmtpSender(mail_settings(server), lambda _: large).send(message()).outcome is Outcome.SENT
    )
    ((_, _, mail),) = server.taken
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert "Sie sind dem Mailserver zu groß." in plain.get_content()
    assert list(mail.iter_attachments()) == []


def test_13_a_copy_is_the_same_mail(server: MailServer) -> None:
    server.to_data = ["DROP"]
    server.to_rcpt = ["421 too busy"]
    sender = SmtpSender(mail_settings(server), lambda _: Enclosed(PICTURE, files=FILES))
    found = [sender.send(message()).outcome for _ in range(3)]
    assert found == [Outcome.RETRY, Outcome.UNKNOWN, Outcome.SENT]
    first, second = (mail for _, _, mail in server.taken)
    assert first.as_bytes() == second.as_bytes()


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("Kita St. Anna", "ALARM Kita St. Anna: 1,61 m (Grenze 1,60 m)."),
        ("Nr. 5. Süd", "ALARM Nr. 5. Süd: 1,61 m (Grenze 1,60 m)."),
    ],
)
def test_full_stops_of_a_name_end_no_subject(name: str, subject: str) -> None:
    assert subject_of(message(name)) == subject


def test_a_link_leads_to_the_incident() -> None:
    linked = with_link(message(), "https://daten.stadt.example/")
    assert linked.link == "https://daten.stadt.example/api/v1/incidents/7-1790409600000000"
    found = read(written(linked))
    plain, html = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert f"Vorgang: {linked.link}" in plain.get_content()
    assert f'<a href="{linked.link}">' in html.get_content()
    assert with_link(message(), "").link == ""
    answer = Message(**{**vars(message()), "kind": Kind.ANSWER})
    assert with_link(answer, "https://daten.stadt.example").link == ""

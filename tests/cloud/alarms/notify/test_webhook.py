"""Signed webhooks, to a real receiver.

Public cases behind single tests: an address that leads into one's own network (SSRF, CWE-918), also
by its second DNS answer (DNS rebinding) and as an IPv6 form of an IPv4 address; a redirect that
carries a message elsewhere; a receiver that worked and answered too late, and gets it twice
(documentation of Stripe and GitHub: an id with which the receiver knows a copy).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from real_tls import server_certificate
from real_web_receiver import Receiver, running
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import parse
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.channels.webhook import web_address
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome
from stadtsinn.cloud.alarms.notify.senders.webhook import (
    MESSAGE_ID,
    SIGNATURE,
    WebhookSender,
    WebhookSettings,
)

NOW = parse("2026-09-26T12:00:00Z")
LINK = "https://daten.stadt.example/api/v1/incidents/7-1"
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running(Receiver()) as one:
        yield one


def sender(*allow: str, **other: Any) -> WebhookSender:
    values = {"secret": Secret(SECRET), "allow": allow, "timeout_s": 5, **other}
    return WebhookSender(WebhookSettings.model_validate(values), ManualClock(NOW))


def place(receiver: Receiver) -> str:
    return f"127.0.0.1:{receiver.server_port}"


def message(address: str, **other: Any) -> Message:
    facts = Facts(rule="voll", value=912.0, bounds={"on": 900.0}, since=NOW)
    values: dict[str, Any] = {"tenant_id": "musterstadt", "facts": facts, **other}
    return Message("a-b-c", Kind.ALARM, address, "ALARM Ümläut", "token", **values)


def at(receiver: Receiver, scheme: str = "http", host: str = "127.0.0.1") -> str:
    return f"{scheme}://{host}:{receiver.server_port}/alarme?ort=1"


def test_what_happened_arrives_signed(receiver: Receiver) -> None:
    """Verified here as docs/channels.md tells receivers to."""
    result = sender(place(receiver)).send(message(at(receiver), link=LINK))
    assert (result.outcome, result.delivered) == (Outcome.SENT, True)
    ((path, headers, body),) = receiver.taken
    assert path == "/alarme?ort=1"
    assert headers[MESSAGE_ID] == "a-b-c"
    parts = dict(one.split("=", 1) for one in headers[SIGNATURE].split(","))
    signed = f"{parts['t']}.".encode() + body
    assert parts["v1"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert int(parts["t"]) == NOW // 1_000_000
    found = json.loads(body)
    assert (found["id"], found["kind"], found["town"]) == ("a-b-c", "ALARM", "musterstadt")
    assert found["text"] == "ALARM Ümläut"
    assert found["facts"]["bounds"] == {"on": 900.0}
    assert found["facts"]["since"] == "2026-09-26T12:00:00Z"
    assert "said" not in found["facts"]
    assert found["facts"]["link"] == LINK


def test_a_town_may_have_a_secret_of_its_own(receiver: Receiver) -> None:
    for secrets in ({}, {"musterstadt": Secret("f" * 32)}):
        sender(place(receiver), secrets=secrets).send(message(at(receiver)))
    (one, other) = (headers[SIGNATURE] for _, headers, _ in receiver.taken)
    assert one != other


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, Outcome.SENT) for status in (200, 202, 204)),
        *((status, Outcome.RETRY) for status in (408, 425, 429, 500, 503)),
        *((status, Outcome.NEVER) for status in (301, 302, 307, 400, 401, 404, 410)),
        (-1, Outcome.UNKNOWN),
    ],
)
def test_each_answer_means_what_it_says(receiver: Receiver, status: int, outcome: Outcome) -> None:
    receiver.statuses = [status]
    result = sender(place(receiver)).send(message(at(receiver)))
    assert result.outcome is outcome
    assert len(receiver.taken) == 1  # no redirect was followed
    assert "alarme" not in result.reason


def test_what_was_in_doubt_is_sent_again_with_its_id(receiver: Receiver) -> None:
    receiver.statuses = [-1]
    one = sender(place(receiver))
    assert one.send(message(at(receiver))).outcome is Outcome.UNKNOWN
    assert one.lookup("a-b-c") is Found.KNOWS_COPIES
    assert one.send(message(at(receiver))).outcome is Outcome.SENT
    first, second = receiver.taken
    assert (first[1][MESSAGE_ID], first[2]) == (second[1][MESSAGE_ID], second[2])


INSIDE = (
    *("127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
    *("::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "224.0.0.1"),
    *("2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "fec0::1", "::7f00:1"),
    *("::ffff:0:7f00:1", "64:ff9b:1::7f00:1", "100::1", "::"),
)


def test_no_name_leads_into_this_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one of several answers."""
    one = sender()
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    for resolved in INSIDE:
        for answers in ([resolved], ["93.184.216.34", resolved]):
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 443)) for place in answers]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=found, **__: found)
            result = one.send(message("https://leitstelle.example/x"))
            assert result.outcome is Outcome.NEVER, resolved
            assert "inside of a network" in result.reason


PIECES = 1_000


@pytest.mark.parametrize("piece", [b"x", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_who_answers_bit_by_bit_keeps_nobody_waiting(piece: bytes) -> None:
    """One worker sends the messages of all towns. Each piece comes within the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        sent: list[int] = []

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                for number in range(PIECES):
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    sent.append(number)
                    time.sleep(0.01)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        allowed = f"127.0.0.1:{server.getsockname()[1]}"
        result = sender(allowed, timeout_s=0.2).send(message(address))
        thread.join()
    assert result.outcome is Outcome.UNKNOWN
    assert len(sent) < PIECES


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 64}.example", ".example"])
def test_what_no_name_server_can_be_asked_for_is_given_up(host: str) -> None:
    assert sender().send(message(f"https://{host}/")).outcome is Outcome.NEVER


def test_without_tls_only_where_it_is_allowed(receiver: Receiver) -> None:
    """An allowed host is no allowed port."""
    for allow in ((), ("127.0.0.1",), ("127.0.0.1:1",)):
        result = sender(*allow).send(message(at(receiver)))
        assert (result.outcome, "without TLS" in result.reason) == (Outcome.NEVER, True)
    assert receiver.taken == []


def test_a_certificate_has_to_be_trusted(tmp_path: Path) -> None:
    certificate = server_certificate(tmp_path)
    with running(Receiver(certificate)) as one:
        address = at(one, "https", "localhost")
        assert (
            sender(f"localhost:{one.server_port}").send(message(address)).outcome is Outcome.RETRY
        )
        assert one.taken == []
        trusting = sender(f"localhost:{one.server_port}", ca_file=certificate.ca)
        assert trusting.send(message(address)).outcome is Outcome.SENT


@pytest.mark.parametrize(
    "written",
    [
        *("", "leitstelle.example", "ftp://a.example", "https://", "https://u:p@a.example/"),
        *("https://a.example/#x", "https://a.example/\nX: 1", "https://a.example\\@b.example"),
        *("https://ä.example/", "https://a.example:99999/", "https://a b.example/"),
    ],
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="no address of a webhook"):
        web_address(written)


def test_addresses() -> None:
    assert web_address(" https://a.example:8443/x?y=1 ") == "https://a.example:8443/x?y=1"

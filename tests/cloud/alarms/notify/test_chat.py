"""Chat and push through apprise, to a real receiver that speaks as ntfy, Mattermost and Matrix do.

What went wrong with such messages elsewhere, tried here; where it was reported:

1.  caronc/apprise#306, #538: the answer is only yes or no, whether all, one or none of several
    targets got it, and whatever the reason was.
2.  caronc/apprise#1739: tried again, those targets get it twice that had it already.
3.  louislam/uptime-kuma#6557, spupuz/VibeNVR#265: an address that may be called redirects to one
    that may not.
4.  liketrek/TREK#1621, caronc/apprise#1308: umlauts in a header arrive as question marks, or break
    the request.
5.  caronc/apprise: an address may say `verify=no`, `optional=yes` (a failure is called a success)
    or `retry=5`; its pictures are fetched from a third party by each telephone.
6.  louislam/uptime-kuma#1440: "sent" is said, and nothing was.
7.  metabase/metabase#18249 and its like: the address, which is the secret, is in the log.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from real_tls import server_certificate
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.channels.apprise import chat_address
from stadtsinn.cloud.alarms.notify.message import Kind, Message, masked
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome
from stadtsinn.cloud.alarms.notify.senders.chat import LOCAL, USUAL, AppriseSettings, ChatSender
from stadtsinn.cloud.alarms.notify.senders.places import Allowed

TEXT = "ALARM Mühlbach: 1,61 m (Grenze 1,60 m) *x* <b> @all. Stand 14:05 Uhr."
LINK = "https://daten.stadt.example/api/v1/incidents/7-1"
TOKEN = "3ccdd113474722377935511fc85d3dd4"
_MATRIX = {"access_token": "t", "user_id": "@a:b", "home_server": "b", "room_id": "!r:b"}


class Service(ThreadingHTTPServer):
    """Answers with `statuses` in turn, then 200; -1: it takes the message and never answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.taken: list[tuple[str, str, dict[str, str], Any]] = []
        self.location = "http://127.0.0.1:1/elsewhere"

    def messages(self) -> list[Any]:
        return [body for _, _, _, body in self.taken]

    def handle_error(self, *_: Any) -> None:
        """Who trusts nobody leaves in the middle."""


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.server.taken.append((self.command, self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        if status == -1:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        answer = json.dumps({**_MATRIX, "event_id": "$1", "device_id": "d"}).encode()
        self.send_response(status)
        self.send_header("Location", self.server.location)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


def running(service: Service) -> Iterator[Service]:
    thread = Thread(target=service.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield service
    service.shutdown()
    service.server_close()
    thread.join()


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    yield from running(Service())


@pytest.fixture(autouse=True)
def fresh(service: Service) -> None:
    service.statuses, service.taken = [], []


@pytest.fixture(scope="module")
def sender(service: Service) -> Iterator[ChatSender]:
    """One for all: its process takes a while to start."""
    made = ChatSender(settings(f"127.0.0.1:{service.server_port}"))
    yield made
    made.close()


def settings(*allow: str, **other: Any) -> AppriseSettings:
    values = {
        "schemes": (*USUAL, "ntfy", "mmost", "matrix", "json"),
        "allow": allow,
        "timeout_s": 5,
        "addresses": {"musterstadt": {"leitung": Secret(f"ntfys://{TOKEN}@10.0.0.1/x")}},
        **other,
    }
    return AppriseSettings.model_validate(values)


def message(address: str, kind: Kind = Kind.ALARM) -> Message:
    return Message("a-b-c", kind, address, TEXT, "token", "musterstadt", link=LINK)


def at(service: Service, form: str) -> str:
    return form.format(place=f"127.0.0.1:{service.server_port}", token=TOKEN)


NTFY, MATTERMOST = "ntfy://{place}/feuerwehr", "mmost://{place}/{token}"
MATRIX = "matrix://alarm:geheim@{place}/%23alarme:stadt.example"


@pytest.mark.parametrize(
    ("form", "path", "words"),
    [
        (NTFY, "/", "message"),
        (MATTERMOST, f"/hooks/{TOKEN}", "text"),
        (MATRIX, "/_matrix/client/v3/rooms/%21r%3Ab/send/m.room.message/0", "body"),
    ],
)
def test_a_message_arrives_as_it_was_written(
    service: Service, sender: ChatSender, form: str, path: str, words: str
) -> None:
    assert sender.send(message(at(service, form))).outcome is Outcome.SENT
    (found,) = [one for one in service.taken if one[1] == path]
    assert found[3][words] == f"{TEXT}\n{LINK}"
    assert all(value.isascii() for value in found[2].values())
    assert "caronc" not in json.dumps(found[2:])


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([200], Outcome.SENT),
        ([500], Outcome.RETRY),
        ([429], Outcome.RETRY),
        ([401], Outcome.NEVER),
        ([404], Outcome.NEVER),
        ([302], Outcome.NEVER),
        ([-1], Outcome.UNKNOWN),
    ],
)
def test_each_answer_means_what_it_says(
    service: Service, sender: ChatSender, statuses: list[int], outcome: Outcome
) -> None:
    service.statuses = list(statuses)
    result = sender.send(message(at(service, MATTERMOST)))
    assert result.outcome is outcome
    assert len(service.taken) == 1
    assert TOKEN not in result.reason


def test_a_logout_does_not_hide_that_the_message_was_refused(
    service: Service, sender: ChatSender
) -> None:
    service.statuses = [200, 200, 403]
    result = sender.send(message(at(service, MATRIX)))
    assert (result.outcome, "403" in result.reason) == (Outcome.NEVER, True)


def test_several_targets_in_one_address_are_refused(service: Service, sender: ChatSender) -> None:
    for address in ("ntfy://{place}/feuerwehr/bauhof", "mmost://{place}/{token}?to=a,b"):
        result = sender.send(message(at(service, address)))
        assert (result.outcome, "several targets" in result.reason) == (Outcome.NEVER, True)
    assert service.taken == []


def test_an_address_cannot_ask_for_more_than_a_message(
    service: Service, sender: ChatSender
) -> None:
    service.statuses = [500, 500, 500]
    asked = "?optional=yes&retry=3&wait=0&verify=no&redirect=yes&overflow=split"
    assert sender.send(message(at(service, NTFY) + asked)).outcome is Outcome.RETRY
    assert len(service.taken) == 1


def test_a_redirect_leads_nowhere(service: Service, sender: ChatSender) -> None:
    service.location = at(service, "http://{place}/elsewhere")
    service.statuses = [307]
    result = sender.send(message(at(service, NTFY)))
    assert (result.outcome, result.reason) == (Outcome.NEVER, "ntfy: status 307")
    assert [path for _, path, _, _ in service.taken] == ["/"]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ntfys://127.0.0.1/x", "inside of a network"),
        ("ntfys://10.1.2.3:8443/x", "inside of a network"),
        ("ntfys://169.254.169.254/x", "inside of a network"),
        ("ntfys://[::1]/x", "inside of a network"),
        ("ntfys://localhost/x", "inside of a network"),
        ("mmosts://2130706433/{token}", "inside of a network"),
        ("ntfy://127.0.0.1:1/x", "without TLS"),
        ("ntfy://93.184.216.34/x", "without TLS"),
    ],
)
def test_nothing_of_this_network_is_called(sender: ChatSender, address: str, why: str) -> None:
    result = sender.send(message(address.format(token=TOKEN)))
    assert (result.outcome, why in result.reason) == (Outcome.NEVER, True)


def test_certificates_are_checked_whatever_an_address_says(
    service: Service, tmp_path: Path
) -> None:
    certificate = server_certificate(tmp_path)
    service = Service()
    service.socket = certificate.context().wrap_socket(service.socket, server_side=True)
    for one in running(service):
        place = f"localhost:{one.server_port}"
        for ca_file, outcome in ((None, Outcome.RETRY), (certificate.ca, Outcome.SENT)):
            made = ChatSender(settings(place, ca_file=ca_file))
            result = made.send(message(f"ntfys://{place}/x?verify=no"))
            made.close()
            assert result.outcome is outcome
    assert len(service.taken) == 1


def test_only_services_of_the_list_are_used(sender: ChatSender) -> None:
    for address in ("syslog://", "dbus://", "file:///etc/passwd", "mailto://a:b@c.example"):
        result = sender.send(message(address))
        assert (result.outcome, "schemes" in result.reason) == (Outcome.NEVER, True)
    for scheme in sorted(LOCAL):
        with pytest.raises(ValidationError, match="no service that may be used"):
            settings(schemes=(scheme,))
        with pytest.raises(ValueError, match="no address of a chat"):
            chat_address(f"{scheme}://x")


GUARDED = """
import os, socket, subprocess
from stadtsinn.cloud.alarms.notify.senders.chat_child import Guard
Guard().stand()
def unix():
    socket.socket(socket.AF_UNIX).connect("/run/dbus/system_bus_socket")
def udp():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 514))
tries = [unix, udp, os.fork, lambda: os.system("true"), lambda: subprocess.run(["true"])]
tries.append(lambda: os.posix_spawn("/bin/true", ["true"], {}))
tries.append(lambda: socket.create_connection(("127.0.0.1", 1)))
for one in tries:
    try:
        one()
    except OSError as error:
        print(type(error).__name__)
    else:
        print("done")
"""


def test_the_process_starts_no_program_and_speaks_to_none_here() -> None:
    found = subprocess.run(
        [sys.executable, "-c", GUARDED], check=True, capture_output=True, text=True
    )
    assert found.stdout.split() == ["Refused"] * 7


def test_who_hangs_is_hung_up_and_the_next_message_goes(service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        made = ChatSender(settings(place, f"127.0.0.1:{service.server_port}", timeout_s=0.5))
        assert made.send(message(f"ntfy://{place}/x")).outcome is Outcome.UNKNOWN
        assert made.send(message(at(service, NTFY))).outcome is Outcome.SENT
        assert made._process is not None
        made._process.kill()
        made._process.wait()
        assert made.send(message(at(service, NTFY))).outcome is Outcome.SENT
        made.close()


def test_nobody_there_is_tried_again(service: Service) -> None:
    made = ChatSender(settings("127.0.0.1:1", timeout_s=1))
    assert made.send(message("ntfy://127.0.0.1:1/x")).outcome is Outcome.RETRY
    made.close()


def test_a_name_stands_for_an_address_of_the_town_alone(sender: ChatSender) -> None:
    """It is the secret's address inside of a network that is refused: it was read."""
    assert "inside of a network" in sender.send(message("leitung")).reason
    other = Message("a", Kind.ALARM, "leitung", TEXT, "token", "nachbarstadt")
    assert "no such name" in sender.send(other).reason


def test_doubts_are_for_people_to_see(sender: ChatSender) -> None:
    assert sender.lookup("a-b-c") is Found.CANNOT_TELL


def test_the_address_is_nowhere_to_be_seen(
    service: Service, sender: ChatSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for statuses in ([500], [401], [-1]):
        service.statuses = list(statuses)
        assert TOKEN not in sender.send(message(at(service, MATTERMOST))).reason
    assert TOKEN not in caplog.text
    assert masked(f"mmosts://chat.example/{TOKEN}") == "mmosts://…"
    assert sender._process is not None
    arguments = Path(f"/proc/{sender._process.pid}/cmdline").read_text(encoding="utf-8")
    environment = Path(f"/proc/{sender._process.pid}/environ").read_text(encoding="utf-8")
    assert TOKEN not in arguments + environment
    assert TOKEN not in repr(message(at(service, MATTERMOST)))


@pytest.mark.parametrize(
    "written", ["", "tgram://", "ntfys://a b", "ntfys://a\nb", "Leitung", "ä", "nt-fy://x", "a://ü"]
)
def test_what_is_no_address_is_refused_without_being_repeated(written: str) -> None:
    with pytest.raises(ValueError, match="no address of a chat") as caught:
        chat_address(written)
    assert not written or written not in str(caught.value)


def test_addresses() -> None:
    assert chat_address(" tgram://123:abc/456 ") == "tgram://123:abc/456"
    assert chat_address("leitung-chat") == "leitung-chat"


def test_a_place_without_a_port_is_the_web_and_nothing_else() -> None:
    allowed = Allowed(("leitstelle.intern", "10.0.0.7:8065", "[fd00::7]:8065", "fd00::8"))
    assert allowed.holds("Leitstelle.intern", 443)
    assert allowed.holds("leitstelle.intern", 80)
    assert allowed.holds("10.0.0.7", 8065)
    assert allowed.holds("fd00::7", 8065)
    assert allowed.holds("fd00::8", 443)
    for host, port in (
        *(("leitstelle.intern", 22), ("leitstelle.intern", 8443), ("10.0.0.7", 443)),
        *(("fd00::7", 443), ("x.leitstelle.intern", 443)),
    ):
        assert not allowed.holds(host, port)
    for wrong in ("", ":80", "a:0", "a:99999", "https://a", "a/b", "u@a", "a b", "a:b:c"):
        with pytest.raises(ValidationError, match="is no place"):
            settings(wrong)

"""The HTTP sender: what each answer means, and that nothing secret or personal leaks."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import structlog
from pydantic import ValidationError

from stadtsinn.base.logs import configure_logs
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify.message import Kind, Message, Status
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome
from stadtsinn.cloud.alarms.notify.senders.http_sms import HttpSmsSender, open_http
from stadtsinn.cloud.alarms.notify.senders.provider import (
    KANNEL,
    PRESETS,
    SEVEN,
    Provider,
    Success,
    pick,
    placeholders,
)
from stadtsinn.cloud.alarms.notify.senders.settings import HttpSettings

NUMBER, TEXT, TOKEN = "+491701234567", "ALARM Markt: {to} & 912", "t" * 32
KEY = "geheimer-schluessel"
JSON = {"to": "{to}", "text": "{text}"}
BY_STATUS = Success(status_only=True)
MESSAGE = Message("11111111-2222-3333-4444-555555555555", Kind.ALARM, NUMBER, TEXT, TOKEN)
VALUES = {"username": "stadt", "password": KEY, "api_key": KEY, "from": "Musterstadt"}


def sender(provider: Provider, answer: httpx.Response | Exception) -> HttpSmsSender:
    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asked: list[httpx.Request] = []
    made = HttpSmsSender(
        provider,
        VALUES,
        report_url="https://daten.example/r",
        transport=httpx.MockTransport(handle),
    )
    made.asked = asked  # type: ignore[attr-defined]
    return made


def seven(status: int, body: object) -> httpx.Response:
    return httpx.Response(status, json=body)


SENT = {"success": "100", "messages": [{"id": "77", "parts": 1}]}


@pytest.mark.parametrize(
    ("provider", "answer", "outcome", "provider_id"),
    [
        (SEVEN, seven(200, SENT), Outcome.SENT, "77"),
        (SEVEN, seven(200, {"success": 100, "messages": [{"id": 78}]}), Outcome.SENT, "78"),
        (SEVEN, seven(200, {"success": "202"}), Outcome.NEVER, None),
        (SEVEN, seven(200, {"success": "600"}), Outcome.UNKNOWN, None),
        (SEVEN, seven(200, {"success": "500"}), Outcome.RETRY, None),
        (SEVEN, seven(200, {"success": "900"}), Outcome.RETRY, None),
        (SEVEN, httpx.Response(200, text="<html>proxy"), Outcome.UNKNOWN, None),
        (SEVEN, seven(401, {}), Outcome.RETRY, None),
        (SEVEN, seven(429, {}), Outcome.RETRY, None),
        (SEVEN, seven(503, {}), Outcome.RETRY, None),
        (SEVEN, seven(500, {}), Outcome.UNKNOWN, None),
        (SEVEN, seven(504, {}), Outcome.UNKNOWN, None),
        (SEVEN, seven(422, {}), Outcome.NEVER, None),
        (SEVEN, httpx.Response(302, headers={"Location": "http://evil"}), Outcome.RETRY, None),
        (KANNEL, httpx.Response(202, text="0: Accepted for delivery"), Outcome.SENT, None),
        (KANNEL, httpx.Response(202, text="3: Queued for later delivery"), Outcome.SENT, None),
        (KANNEL, httpx.Response(202, text="4: ?"), Outcome.RETRY, None),
        (KANNEL, httpx.Response(403, text="Authorization failed"), Outcome.RETRY, None),
        (KANNEL, httpx.Response(400, text="Missing receiver number"), Outcome.NEVER, None),
        (KANNEL, httpx.Response(503, text="Temporal failure"), Outcome.RETRY, None),
        (KANNEL, httpx.ConnectError(f"to={NUMBER}"), Outcome.RETRY, None),
        (KANNEL, httpx.ConnectTimeout(f"to={NUMBER}"), Outcome.RETRY, None),
        (KANNEL, httpx.ReadTimeout(f"password={KEY}"), Outcome.UNKNOWN, None),
        (KANNEL, httpx.WriteError("broken pipe"), Outcome.UNKNOWN, None),
        (KANNEL, httpx.RemoteProtocolError("closed"), Outcome.UNKNOWN, None),
    ],
)
def test_what_an_answer_means(
    provider: Provider,
    answer: httpx.Response | Exception,
    outcome: Outcome,
    provider_id: str | None,
) -> None:
    result = sender(provider, answer).send(MESSAGE)
    assert (result.outcome, result.provider_id) == (outcome, provider_id)
    for private in (NUMBER, NUMBER[1:], KEY, TEXT, TOKEN):
        assert private not in repr(result)


def test_seven_gets_json_and_its_key_in_a_header() -> None:
    made = sender(SEVEN, seven(200, SENT))
    made.send(MESSAGE)
    (asked,) = made.asked  # type: ignore[attr-defined]
    assert asked.method == "POST"
    assert asked.headers["X-Api-Key"] == KEY
    assert json.loads(asked.content) == {
        "to": NUMBER,
        "text": TEXT,  # a text is never taken for a template
        "from": "Musterstadt",
        "foreign_id": MESSAGE.uuid,
    }
    assert asked.url.query == b""


def test_kannel_gets_everything_encoded() -> None:
    made = sender(KANNEL, httpx.Response(202, text="0: ok"))
    made.send(MESSAGE)
    (asked,) = made.asked  # type: ignore[attr-defined]
    query = parse_qs(asked.url.query.decode())
    assert query["text"] == [TEXT]
    assert query["to"] == [NUMBER]
    assert query["dlr-url"] == [f"https://daten.example/r/{TOKEN}?status=%d"]


def test_a_form_provider_needs_no_code() -> None:
    provider = Provider(
        url="https://sms.example/{account}",
        form={"an": "{to}", "was": "{text}"},
        success=BY_STATUS,
    )
    made = HttpSmsSender(
        provider,
        {"account": "stadt"},
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=request.content)),
    )
    assert made.send(MESSAGE).outcome is Outcome.SENT
    assert made.lookup(MESSAGE.uuid) is Found.CANNOT_TELL
    made.close()


@contextmanager
def silent_server() -> Iterator[int]:
    """Takes requests and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        held = []

        def accept() -> None:
            try:
                while True:
                    held.append(server.accept()[0])
            except OSError:
                return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        for connection in held:
            connection.close()


def test_a_real_connection_refused_is_certain_and_a_real_silence_is_not() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        free = taken.getsockname()[1]
    refused = Provider(url=f"http://127.0.0.1:{free}/", json=JSON, success=BY_STATUS)
    assert HttpSmsSender(refused, {}).send(MESSAGE).outcome is Outcome.RETRY
    with silent_server() as port:
        silent = Provider(url=f"http://127.0.0.1:{port}/", json=JSON, success=BY_STATUS)
        made = HttpSmsSender(silent, {}, timeout_s=0.3)
        result = made.send(MESSAGE)
    assert result.outcome is Outcome.UNKNOWN
    assert result.reason == "127.0.0.1: ReadTimeout"


@pytest.fixture
def full_logs(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Everything is logged as a service would, and afterwards as before."""
    assert capsys is not None, "the log goes to the stderr that capsys holds"
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs("test", json=True, level="debug")
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("full_logs")
def test_no_log_line_holds_the_number_or_the_password(capsys: pytest.CaptureFixture[str]) -> None:
    sender(KANNEL, httpx.Response(403)).send(MESSAGE)
    HttpSmsSender(replace(KANNEL, url="http://127.0.0.1:9/"), VALUES).send(MESSAGE)
    printed = "".join(capsys.readouterr())
    assert "connect_tcp" in printed, "the HTTP library's own log is there too"
    assert NUMBER[1:] not in printed
    assert KEY not in printed


def test_a_placeholder_without_value_names_itself() -> None:
    with pytest.raises(ValueError, match="password, username"):
        HttpSmsSender(KANNEL, {})


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_complete(preset: str) -> None:
    provider = PRESETS[preset]
    assert {"to", "text"} <= placeholders(provider)
    for word in provider.reports.meaning:
        assert provider.reports.status_of(word) in (
            Status.DELIVERED,
            Status.ACCEPTED,
            Status.FAILED,
        )
    assert provider.reports.status_of("something else") is None


def test_secrets_come_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_KEY", KEY)
    (tmp_path / "key").write_text(f"{KEY}\n")
    assert Secret.at("env:SMS_KEY").read() == Secret.at(f"file:{tmp_path}/key").read() == KEY
    opened = open_http(
        HttpSettings(
            preset="seven", values={"from": "Stadt"}, secrets={"api_key": Secret.at("env:SMS_KEY")}
        )
    )
    opened.sender.close()


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/not/there", KEY, "env:", ""])
def test_a_missing_secret_is_named_but_never_repeated(reference: str) -> None:
    with pytest.raises(ValueError, match=r"secret|environment") as refused:
        Secret.at(reference).read()
    assert KEY not in str(refused.value)


def test_an_unknown_preset_names_the_known() -> None:
    with pytest.raises(ValueError, match="kannel, seven"):
        open_http(HttpSettings(preset="sevn"))


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", "1"),
        ("list.1.id", "x"),
        ("list.9.id", None),
        ("a", None),
        ("none", None),
        ("yes", "true"),
    ],
)
def test_picking_from_an_answer(path: str, found: str | None) -> None:
    assert (
        pick({"a": {"b": 1}, "list": [{}, {"id": "x"}], "none": None, "yes": True}, path) == found
    )


# --- descriptions of providers -----------------------------------------------------------

DESCRIBED: dict[str, Any] = {
    "url": "https://sms.example/send",
    "json": {"an": "{to}", "text": "{text}"},
    "success": {"json_path": "ok", "equals": ["true"]},
}


@pytest.mark.parametrize(
    ("changed", "remedy"),
    [
        ({"success": {}}, "status_only"),
        ({"success": {"status": [200]}}, "status_only"),
        ({"success": {"status_only": False}}, "status_only"),
        ({"success": {"status_only": True, "json_path": "ok"}}, "status_only"),
        ({"success": {"equals": ["0"], "status_only": True}}, "json_path"),
        ({"success": {"body_matches": ".*"}}, "proves nothing"),
        ({"success": {"body_matches": "(OK"}}, "regular expression"),
        ({"success": {"status": [], "body_matches": "OK"}}, "200 to 299"),
        ({"success": {"status": [200, 400], "body_matches": "OK"}}, "200 to 299"),
        ({"success": None}, "success"),
        ({"json": {"text": "{text}"}}, "{to}, {to_00} or {to_digits}"),
        ({"json": {"an": "{to}"}}, "{text}"),
        ({"method": "BREW"}, "GET, POST, PUT"),
        ({"form": {"a": "b"}}, "'form' or 'json'"),
        ({"reports": {"meaning": {"ok": "SENT"}}}, "ACCEPTED, DELIVERED, FAILED"),
    ],
)
def test_a_description_that_cannot_tell_success_or_cannot_send_is_refused(
    changed: dict[str, Any], remedy: str
) -> None:
    """Seven.io answers 200 to a refused message: a status alone proves nothing unless said."""
    given = {**DESCRIBED, **changed}
    given = {name: value for name, value in given.items() if value is not None}
    with pytest.raises(ValidationError) as refused:
        HttpSettings.model_validate({"kind": "http", "provider": given})
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    ("success", "answer", "outcome"),
    [
        ({"json_path": "ok", "equals": ["true"]}, {"ok": True}, Outcome.SENT),
        ({"json_path": "ok", "equals": ["true"]}, {"ok": False}, Outcome.RETRY),
        ({"json_path": "id"}, {"id": "4711"}, Outcome.SENT),
        ({"json_path": "id"}, {"id": 0}, Outcome.RETRY),
        ({"json_path": "id"}, {"id": ""}, Outcome.RETRY),
        ({"json_path": "id"}, {"id": False}, Outcome.RETRY),
        ({"json_path": "id"}, {"id": None}, Outcome.UNKNOWN),
        ({"json_path": "error", "equals": ["0"]}, {"error": 0}, Outcome.SENT),
        ({"body_matches": r'\{"id"'}, {"id": "4711"}, Outcome.SENT),
        ({"status_only": True}, {"whatever": 1}, Outcome.SENT),
    ],
)
def test_what_a_described_answer_means(
    success: dict[str, Any], answer: object, outcome: Outcome
) -> None:
    settings = HttpSettings.model_validate(
        {"kind": "http", "provider": {**DESCRIBED, "success": success}}
    )
    assert settings.provider is not None
    assert sender(settings.provider, seven(200, answer)).send(MESSAGE).outcome is outcome


def test_numbers_in_the_form_that_a_provider_wants() -> None:
    given = {**DESCRIBED, "json": {"a": "{to}", "b": "{to_00}", "c": "{to_digits}", "t": "{text}"}}
    settings = HttpSettings.model_validate({"kind": "http", "provider": given})
    assert settings.provider is not None
    made = sender(settings.provider, seven(200, {"ok": True}))
    made.send(MESSAGE)
    (asked,) = made.asked  # type: ignore[attr-defined]
    assert json.loads(asked.content) == {
        "a": "+491701234567",
        "b": "00491701234567",
        "c": "491701234567",
        "t": TEXT,
    }

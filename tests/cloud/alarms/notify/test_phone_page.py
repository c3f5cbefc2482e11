"""The sandbox phone: a page for the demo that must not outlive the sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_callers import ApiWorld
from databases import fresh_database
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.settings import NotifySettings

HOSTILE = "<script>alert(1)</script> & ALARM"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


def with_sandbox(world: ApiWorld, *texts: str) -> None:
    config = NotifySettings.model_validate({"sms": {"kind": "sandbox"}})
    sender = open_senders(config, world.database, world.clock)["sms"]
    for number, text in enumerate(texts):
        sender.send(Message(f"uuid-{number}", Kind.ALARM, "+491701234567", text, "t"))


def test_without_a_sandbox_there_is_no_phone(world: ApiWorld) -> None:
    assert world.nobody().get("/sandbox-phone").status_code == 404
    with_sandbox(world, "ALARM")
    assert world.nobody().get("/sandbox-phone").status_code == 200
    open_senders(NotifySettings(), world.database, world.clock)
    assert world.nobody().get("/sandbox-phone").status_code == 404


def test_messages_are_shown_newest_first_and_escaped(world: ApiWorld) -> None:
    with_sandbox(world, "erste", HOSTILE)
    page = world.nobody().get("/sandbox-phone").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.index("&lt;script") < page.index("erste")
    assert "26.09.2026, 12:00 Uhr" in page, "Berlin time"
    assert "…567" in page
    assert "1234567" not in page


def test_it_reloads_until_paused_in_both_languages(world: ApiWorld) -> None:
    with_sandbox(world)
    caller = world.nobody()
    german = caller.get("/sandbox-phone").text
    assert 'http-equiv="refresh"' in german
    assert "paused=true" in german
    assert 'lang="de"' in german
    english = caller.get("/sandbox-phone?lang=en&paused=true").text
    assert 'http-equiv="refresh"' not in english
    assert "No message yet." in english


def test_nothing_comes_from_elsewhere(world: ApiWorld) -> None:
    with_sandbox(world, "ALARM")
    answer = world.nobody().get("/sandbox-phone")
    assert not re.findall(r"(?:https?:)?//[a-z]", answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers

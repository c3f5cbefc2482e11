"""The sandbox phone: a page for the demo that must not outlive the sandbox."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import insert

from api_callers import AWAY, HOME, ApiWorld
from databases import fresh_database
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.alarms.notify.message import Kind, Message
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.settings import EXAMPLE
from stadtsinn.simulator.demo.configuration import Ports, cloud_toml

HOSTILE = "<script>alert(1)</script> & ALARM"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


def with_sandbox(world: ApiWorld, *texts: str, tenant: str = HOME, phone: str = HOME) -> None:
    """The sandbox took these messages of a tenant; its phone belongs to `phone`."""
    config = NotifySettings.model_validate({"sms": {"kind": "sandbox", "phone": phone}})
    sender = open_senders(config, Surroundings(world.database, world.clock))["sms"]
    for text in texts:
        uuid = str(uuid4())
        with world.database.write() as connection:
            connection.execute(insert(outbox).values(**_row(uuid, tenant)))
        sender.send(Message(uuid, Kind.ALARM, "+491701234567", text, "t"))


def _row(uuid: str, tenant: str) -> dict[str, object]:
    texts = ("incident_id", "subject", "kind", "channel", "address", "text", "status")
    numbers = ("level", "sequence", "recipient_id", "next_attempt")
    times = ("event_time", "created_at", "expires_at")
    return {
        **dict.fromkeys(texts, "x"),
        **dict.fromkeys((*numbers, *times), 0),
        **dict.fromkeys(("uuid", "dedup_key", "report_token"), uuid),
        "tenant_id": tenant,
    }


def test_without_a_demo_there_is_no_phone(world: ApiWorld) -> None:
    """Neither with a real provider, nor with the sandbox that the example configures."""
    assert world.nobody().get("/sandbox-phone").status_code == 404
    with_sandbox(world, "ALARM")
    assert world.nobody().get("/sandbox-phone").status_code == 200
    for config in ({}, {"sms": {"kind": "sandbox"}}, tomllib.loads(EXAMPLE)["notify"]):
        with_sandbox(world, "ALARM")
        open_senders(
            NotifySettings.model_validate(config), Surroundings(world.database, world.clock)
        )
        answer = world.nobody().get("/sandbox-phone")
        assert answer.status_code == 404
        assert "ALARM" not in answer.text


def test_a_demos_configuration_has_a_phone_for_its_own_town(tmp_path: Path) -> None:
    ports = Ports(*range(2001, 2007))
    text = cloud_toml(
        f"sqlite:///{tmp_path}/a", f"sqlite:///{tmp_path}/b", ports, Path("passwords")
    )
    assert tomllib.loads(text)["notify"]["sms"]["phone"] == "musterstadt"


def test_the_messages_of_another_town_are_never_shown(world: ApiWorld) -> None:
    with_sandbox(world, "ALARM of a neighbour", tenant=AWAY)
    with_sandbox(world, "ALARM at home")
    page = world.nobody().get("/sandbox-phone").text
    assert "ALARM at home" in page
    assert "neighbour" not in page


def test_a_message_steers_no_page(world: ApiWorld) -> None:
    with_sandbox(world, "a\u202eb\x1b[2J\u2028c")
    page = world.nobody().get("/sandbox-phone").text
    assert visible(page, lines=True) == page


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

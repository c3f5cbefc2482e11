"""Through a real SMS gateway: umlauts, delivery reports, and what happens when parts die."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from fake_senders import Outbox
from real_kannel import PASSWORD, USERNAME, Kannel
from real_outbox_child import load_senders, sent_elsewhere
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify.endpoints import report_router
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.worker import MAYBE_TWICE, OutboxWorker
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.api.errors import install_error_handlers
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.simulator.demo.ports import free_port

pytestmark = pytest.mark.slow

UMLAUTS = "ALARM Größe 5 §1 äöüÄÖÜß [€] {~}: bis zu 912 Personen"


@pytest.fixture
def kannel(tmp_path: Path) -> Iterator[Kannel]:
    with Kannel(tmp_path / "kannel") as running:
        yield running


@contextmanager
def report_server(database: Database, clock: Clock, folder: Path) -> Iterator[int]:
    """The API that takes delivery reports, on a real port."""
    app = FastAPI()
    app.state.services = Services(database, clock)
    app.include_router(report_router, prefix="/api/v1")
    install_error_handlers(app, {})
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the API answers")
    yield port
    server.should_exit = True
    thread.join(PATIENCE_S)


@pytest.fixture
def config(kannel: Kannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Senders that go to Kannel; reports go to a port where nobody listens."""
    monkeypatch.setenv("KANNEL_PASSWORD", PASSWORD)
    return write_config(tmp_path, kannel, 9)


def write_config(folder: Path, kannel: Kannel, report_port: int) -> Path:
    path = folder / "senders.toml"
    path.write_text(
        f"""
[sms]
kind = "http"
preset = "kannel"
url = "{kannel.url}"
public_url = "http://127.0.0.1:{report_port}"
timeout_s = 20

[sms.values]
username = "{USERNAME}"

[sms.secrets]
password = "env:KANNEL_PASSWORD"
"""
    )
    return path


def worker(box: Outbox, config: Path) -> OutboxWorker:
    return OutboxWorker(
        box.database,
        open_senders(load_senders(config), Surroundings(box.database, box.clock)),
        box.clock,
        wall=box.wall,
    )


def test_umlauts_arrive_and_the_report_makes_it_delivered(
    box: Outbox, kannel: Kannel, config: Path, tmp_path: Path
) -> None:
    with report_server(box.database, box.clock, tmp_path) as port:
        config = write_config(tmp_path, kannel, port)
        box.put(text=UMLAUTS, to=2)
        assert worker(box, config).run_once() == 2
        wait_until(lambda: box.statuses() == ["DELIVERED"] * 2, "both are delivered")
    assert sorted(kannel.received()) == [(p.address, UMLAUTS) for p in box.people[:2]]


def test_while_smsbox_is_down_messages_wait(box: Outbox, kannel: Kannel, config: Path) -> None:
    kannel.kill("smsbox")
    box.put()
    at_work = worker(box, config)
    at_work.run_once()
    assert box.row().status == "READY"
    assert box.row().reason == "127.0.0.1: ConnectError"
    kannel.start("smsbox")
    box.wait(10)
    at_work.run_once()
    wait_until(lambda: kannel.texts() == ["ALARM"], "it arrives")


def test_a_message_survives_the_gateways_death(box: Outbox, kannel: Kannel, config: Path) -> None:
    kannel.kill("fakesmsc")  # the network is away, so bearerbox has to keep the message
    box.put()
    worker(box, config).run_once()
    assert box.row().status == "ACCEPTED"
    kannel.kill("bearerbox")
    kannel.kill("smsbox")
    for part in ("bearerbox", "fakesmsc", "smsbox"):
        kannel.start(part)
    wait_until(lambda: kannel.texts() == ["ALARM"], "it arrives after the restart")


def test_a_wrong_password_is_tried_again_after_it_was_put_right(
    box: Outbox, kannel: Kannel, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KANNEL_PASSWORD", "falsch")
    box.put()
    worker(box, config).run_once()
    assert (box.row().status, box.row().reason) == ("READY", "127.0.0.1: status 403")
    monkeypatch.setenv("KANNEL_PASSWORD", PASSWORD)
    box.wait(10)
    worker(box, config).run_once()
    wait_until(lambda: kannel.texts() == ["ALARM"], "it arrives")


def after_the_kill(box: Outbox, config: Path) -> None:
    """Another worker, when leases and doubts are over."""
    box.wall.set(SystemClock().now())
    box.wait(3_600)
    later = worker(box, config)
    for _ in range(3):
        later.run_once()
        box.wait(3_600)


def test_killed_between_call_and_commit_the_report_prevents_a_second_message(
    box: Outbox, kannel: Kannel, config: Path, tmp_path: Path
) -> None:
    with report_server(box.database, box.clock, tmp_path) as port:
        config = write_config(tmp_path, kannel, port)
        box.put()
        assert sent_elsewhere(box.database, config, "notify.called") == -9
        wait_until(lambda: box.statuses() == ["DELIVERED"], "the report tells")
        after_the_kill(box, config)
    assert kannel.texts() == ["ALARM"]


def test_killed_between_call_and_commit_without_report_an_alarm_comes_twice_and_says_so(
    box: Outbox, kannel: Kannel, config: Path
) -> None:
    """A gateway without memory leaves no other choice: two are better than none."""
    box.put()
    box.put(incident="2-2", to=1)
    assert sent_elsewhere(box.database, config, "notify.called:2") == -9
    after_the_kill(box, config)
    expected = ["ALARM", "ALARM", f"ALARM{MAYBE_TWICE[Language.DE]}"]
    wait_until(lambda: len(kannel.texts()) >= 3, "all arrive")
    assert kannel.texts() == expected


def test_killed_before_the_call_an_alarm_comes_once(
    box: Outbox, kannel: Kannel, config: Path
) -> None:
    box.put()
    assert sent_elsewhere(box.database, config, "notify.claimed") == -9
    after_the_kill(box, config)
    wait_until(lambda: kannel.texts() == [f"ALARM{MAYBE_TWICE[Language.DE]}"], "it arrives")

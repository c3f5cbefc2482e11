"""SIGKILL at each commit point of the worker, with the sandbox phone as receiver: exactly one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from fake_senders import FakeSender, Outbox
from killing import killed_at
from real_outbox_child import sent_elsewhere
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.alarms.notify.senders.provider import PRESETS, ReportFormat
from stadtsinn.cloud.alarms.notify.senders.repository import publish_report_formats
from stadtsinn.cloud.alarms.notify.senders.sandbox import SandboxSender
from stadtsinn.cloud.alarms.notify.service import take_report
from stadtsinn.cloud.alarms.notify.tables import sandbox_messages

pytestmark = pytest.mark.slow

POINTS = ["notify.claiming", "notify.claimed", "notify.called", "notify.finished"]


@pytest.fixture
def senders(tmp_path: Path) -> Path:
    path = tmp_path / "senders.toml"
    path.write_text('[sms]\nkind = "sandbox"\n')
    return path


def arrived(box: Outbox) -> Counter[str]:
    with box.database.read() as connection:
        rows = connection.execute(select(sandbox_messages.c.address))
        return Counter(row.address for row in rows)


@pytest.mark.sweep
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("at_message", [1, 2])
def test_everybody_gets_one(box: Outbox, senders: Path, point: str, at_message: int) -> None:
    box.put(to=3)
    assert sent_elsewhere(box.database, senders, f"{point}:{at_message}") == -9
    box.wall.set(SystemClock().now())
    box.wait(3_600)  # leases and doubts are over
    worker = box.worker(SandboxSender(box.database, box.clock))
    worker.run_once()  # leases become doubts
    box.wait(3_600)
    worker.run_once()  # doubts are decided
    worker.run_once()
    assert arrived(box) == Counter(person.address for person in box.people)
    assert set(box.statuses()) <= {"ACCEPTED", "DELIVERED"}
    assert all("evtl. doppelt" not in row.text for row in box.rows())


def test_a_report_that_is_half_taken_is_taken_when_it_comes_again(box: Outbox) -> None:
    box.put()
    box.worker(FakeSender()).run_once()
    token = box.row().report_token
    with box.database.write() as connection:
        publish_report_formats(connection, [ReportFormat("kannel", PRESETS["kannel"].reports)])

    def report() -> None:
        with box.database.write() as connection:
            take_report(connection, "kannel", token, {"status": "1"}, b"")

    killed_at("notify.reported", report, box.database)
    assert box.statuses() == ["ACCEPTED"]
    report()
    assert box.statuses() == ["DELIVERED"]


def test_a_worker_that_is_not_killed_finishes(box: Outbox, senders: Path) -> None:
    box.put(to=3)
    assert sent_elsewhere(box.database, senders, "notify.finished:4") == 0
    assert box.statuses() == ["DELIVERED"] * 3

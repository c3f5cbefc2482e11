"""The worker: nobody gets two, nobody gets none, and doubt is decided once."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select, update

from counted import write_transactions
from fake_senders import PEOPLE, TENANT, FakeSender, Outbox
from real_parts import PATIENCE_S
from stadtsinn.base.instant import DAY, HOUR, SECOND, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import claim_repository
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Kind, Status
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.senders.sandbox import SandboxSender
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.tables import outbox as table
from stadtsinn.cloud.alarms.notify.tables import sandbox_messages
from stadtsinn.cloud.alarms.notify.worker import MAYBE_TWICE
from stadtsinn.cloud.erasure.keeping_repository import empty_messages

pytestmark = pytest.mark.slow

TWICE = MAYBE_TWICE[Language.DE]
OVER = {
    Language.DE: Sentence("", "", "vorbei"),
    Language.EN: Sentence("", "", "over", language=Language.EN),
}

REFUSED = Result(Outcome.RETRY, reason="busy")
UNKNOWN = Result(Outcome.UNKNOWN, reason="timeout")
NEVER = Result(Outcome.NEVER, reason="no such number")


def test_each_recipient_gets_one(box: Outbox, sender: FakeSender) -> None:
    assert box.put(to=3) == 3
    assert box.put(to=3) == 0, "the same message again is nobody's"
    worker = box.worker(sender)
    assert (worker.run_once(), worker.run_once()) == (3, 0)
    assert len({message.address for message in sender.taken}) == 3
    assert box.statuses() == ["ACCEPTED"] * 3
    assert [row.provider_id for row in box.rows()] == [f"id-{m.uuid}" for m in sender.taken]


@pytest.mark.parametrize("answer", [REFUSED, UNKNOWN])
def test_what_failed_is_tried_again_with_growing_waits(
    box: Outbox, sender: FakeSender, answer: Result
) -> None:
    """Also what was in doubt, where a copy does no harm: else one mail came thousands of times."""
    sender.answers, sender.found = [answer] * 4, Found.NO
    box.put(expires_at=Instant(box.clock.now() + DAY))
    worker = box.worker(sender)
    assert worker.run_once() == 1
    for wait in (10, 30, 90, 270):
        box.wait(wait - 0.1)
        assert worker.run_once() == 0
        box.wait(0.1)
        assert worker.run_once() == 1
    row = box.row()
    assert (row.status, row.attempts, row.reason) == ("ACCEPTED", 5, answer.reason)


def test_one_refusal_does_not_hold_up_the_others(box: Outbox, sender: FakeSender) -> None:
    sender.answers = [REFUSED]
    box.put(to=3)
    assert box.worker(sender).run_once() == 3
    assert sorted(box.statuses()) == ["ACCEPTED", "ACCEPTED", "READY"]


def test_never_is_never(box: Outbox, sender: FakeSender) -> None:
    sender.answers = [NEVER]
    box.put()
    worker = box.worker(sender)
    worker.run_once()
    box.wait(1e6)
    assert worker.run_once() == 0
    assert (box.row().status, box.row().reason) == ("FAILED", "no such number")


@pytest.mark.parametrize("answer", [UNKNOWN, ConnectionResetError("after sending")])
def test_an_alarm_in_doubt_is_sent_once_more_saying_so(
    box: Outbox, sender: FakeSender, answer: Result | Exception
) -> None:
    sender.answers = [answer, answer, answer]
    box.put(text="x" * 160)
    worker = box.worker(sender)
    for _ in range(5):
        worker.run_once()
        box.wait(60)
    assert sender.texts == ["x" * 160, "x" * 141 + "..." + TWICE]
    assert (box.row().status, box.row().settled) == ("UNKNOWN", True)


@pytest.mark.parametrize("kind", [Kind.ALL_CLEAR, Kind.STALE, Kind.TECHNICAL, Kind.ENDED])
def test_others_in_doubt_are_not_sent_again(box: Outbox, sender: FakeSender, kind: Kind) -> None:
    sender.answers = [UNKNOWN]
    box.put(kind)
    worker = box.worker(sender)
    worker.run_once()
    box.wait(60)
    assert worker.run_once() == 0
    assert box.row().settled


def test_a_channel_that_knows_decides_the_doubt(box: Outbox, sender: FakeSender) -> None:
    sender.answers, sender.found = [UNKNOWN, UNKNOWN], Found.YES
    box.put()
    box.put(Kind.ALL_CLEAR, incident="2-2")
    worker = box.worker(sender)
    worker.run_once()
    box.wait(60)
    assert worker.run_once() == 0
    assert box.statuses() == ["ACCEPTED", "ACCEPTED"]

    sender.answers, sender.found = [UNKNOWN], Found.NO
    box.put(Kind.ALL_CLEAR, incident="3-3", text="Entwarnung")
    worker.run_once()
    box.wait(60)
    assert worker.run_once() == 1
    assert sender.texts[-1] == "Entwarnung", "known not to be there: no doubt, no remark"
    assert box.statuses() == ["ACCEPTED"] * 3


def test_a_channel_that_is_away_is_asked_later(box: Outbox, sender: FakeSender) -> None:
    sender.answers, sender.found = [UNKNOWN], ConnectionError()
    box.put()
    worker = box.worker(sender)
    worker.run_once()
    box.wait(60)
    worker.run_once()
    assert (box.row().status, box.row().settled) == ("UNKNOWN", False)
    sender.found = Found.YES
    box.wait(60)
    worker.run_once()
    assert box.row().status == "ACCEPTED"


def test_a_worker_that_died_leaves_a_doubt(box: Outbox, sender: FakeSender) -> None:
    box.put()
    with box.database.write() as connection:
        lease = Instant(box.wall.now() + 120 * SECOND)
        claimed = claim_repository.claim(connection, box.row().id, ["sms"], box.now(), lease)
        assert claimed is not None
    worker = box.worker(sender)
    box.wait(119)
    assert worker.run_once() == 0, "the other one may be at work"
    box.wait(2)
    worker.run_once()
    box.wait(10)
    assert worker.run_once() == 1
    assert sender.texts == [f"ALARM{TWICE}"]


def test_a_lost_lease_does_not_undo_a_message_that_was_sent(
    box: Outbox, sender: FakeSender
) -> None:
    """The call took longer than the lease; another worker has written UNKNOWN meanwhile."""
    other = box.worker(FakeSender())

    def meanwhile(_: object) -> None:
        box.wait(121)
        other.run_once()

    sender.while_sending = meanwhile
    box.put()
    box.worker(sender).run_once()
    assert box.row().status == "ACCEPTED"
    box.wait(60)
    assert other.run_once() == 0


def test_several_workers_share_the_work(box: Outbox) -> None:
    for number in range(20):
        box.put(incident=f"1-{number}", to=3)
    senders = [FakeSender() for _ in range(4)]

    def work(sender: FakeSender) -> None:
        worker = box.worker(sender)
        while worker.run_once():
            pass

    threads = [threading.Thread(target=work, args=[sender]) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = Counter(message.uuid for sender in senders for message in sender.taken)
    assert len(counted) == 60
    assert set(counted.values()) == {1}
    assert box.statuses() == ["ACCEPTED"] * 60


def test_an_all_clear_never_overtakes_its_alarm(box: Outbox, sender: FakeSender) -> None:
    sender.answers = [REFUSED]
    box.put()
    box.put(Kind.ALL_CLEAR)
    worker = box.worker(sender)
    worker.run_once()
    assert sender.texts == ["ALARM"]
    box.wait(10)
    worker.run_once()
    assert sender.texts == ["ALARM", "ALARM", "ALL_CLEAR"]


def test_no_all_clear_for_an_alarm_that_never_arrived(box: Outbox, sender: FakeSender) -> None:
    sender.answers = [NEVER]
    box.put()
    box.put(Kind.ALL_CLEAR)
    worker = box.worker(sender)
    worker.run_once()
    worker.run_once()
    assert sender.texts == ["ALARM"]
    assert box.statuses() == ["FAILED", "EXPIRED"]


def test_alarms_go_before_everything_else(box: Outbox, sender: FakeSender) -> None:
    box.put(Kind.TECHNICAL, incident="1-1")
    box.put(Kind.ALARM, incident="2-2")
    box.worker(sender).run_once()
    assert sender.texts == ["ALARM", "TECHNICAL"]


def test_what_is_too_old_is_not_sent(box: Outbox, sender: FakeSender) -> None:
    box.put(expires_at=Instant(box.clock.now() + HOUR))
    box.clock.advance(HOUR)
    assert box.worker(sender).run_once() == 0
    assert box.statuses() == ["EXPIRED"]


def test_without_a_sender_messages_wait(box: Outbox, sender: FakeSender) -> None:
    box.put()
    assert box.worker(None).run_once() == 0
    assert box.statuses() == ["READY"]
    assert box.worker(sender).run_once() == 1


def test_health_tells_where_messages_got_stuck(box: Outbox, sender: FakeSender) -> None:
    assert box.worker(sender).check().ok
    box.put(to=2)
    unconfigured = box.worker(None).check()
    assert (unconfigured.ok, "docs/channels.md" in unconfigured.detail) == (False, True)
    sender.answers = [REFUSED, Result(Outcome.SENT), REFUSED, REFUSED]
    worker = box.worker(sender)
    for _ in range(3):
        assert worker.check().ok
        worker.run_once()
        box.wait(60)
    assert worker.check().detail == "1 waiting, 1 after three tries"
    assert not worker.check().ok
    box.wait(60)
    worker.run_once()
    assert worker.check().ok


def test_an_alarm_that_waits_is_reworded_when_its_incident_ends(
    box: Outbox, sender: FakeSender
) -> None:
    box.put(to=2)
    sender.answers = [Result(Outcome.SENT), REFUSED]
    worker = box.worker(sender)
    worker.run_once()
    with box.database.write() as connection:
        assert outbox.reword_waiting_alarms(connection, "1-1", OVER) == 1
        alarmed = outbox.alarmed_addressees(connection, "1-1")
    assert [one.address for one in alarmed] == [PEOPLE["ordnungsamt"]]
    box.wait(10)
    worker.run_once()
    assert sender.texts == ["ALARM", "ALARM", "vorbei"]


def test_a_resent_alarm_keeps_its_words(box: Outbox, sender: FakeSender) -> None:
    """The first copy may have arrived, so its recipient needs a real all-clear."""
    sender.answers = [UNKNOWN, REFUSED]
    box.put()
    worker = box.worker(sender)
    worker.run_once()
    box.wait(60)
    worker.run_once()
    with box.database.write() as connection:
        assert outbox.reword_waiting_alarms(connection, "1-1", OVER) == 0
        assert len(outbox.alarmed_addressees(connection, "1-1")) == 1


def test_the_sandbox_takes_a_message_once(box: Outbox) -> None:
    sandbox = SandboxSender(box.database, box.clock)
    box.put()
    worker = box.worker(sandbox)
    worker.run_once()
    assert box.statuses() == ["DELIVERED"]
    with box.database.write() as connection:  # as where the worker was killed after it
        connection.execute(update(table).values(status=Status.UNKNOWN, settled=False))
    box.wait(60)
    worker.run_once()
    assert box.statuses() == ["DELIVERED"], "it arrived: nobody else is told"
    with box.database.read() as connection:
        taken = select(func.count()).select_from(sandbox_messages)
        assert connection.scalar(taken) == 1


def test_nobody_gets_a_message_twice_whose_number_and_text_are_gone(
    box: Outbox, sender: FakeSender
) -> None:
    """Retention takes them out; that the message was sent stays."""
    box.put(text="ALARM Markt")
    box.worker(sender).run_once()
    tenant, later = box.row().tenant_id, Instant(box.clock.now() + HOUR)
    with box.database.write() as connection:
        assert empty_messages(connection, tenant, later, 10) == 1
        assert empty_messages(connection, tenant, later, 10) == 0
    row = box.row()
    assert (row.text, row.address, row.purged) == ("", "", True)
    assert (row.status, row.dedup_key) == ("ACCEPTED", f"1-1|ALARM|1|0|sms|{row.recipient_id}")
    assert box.put() == 0


def test_everybody_waits_for_one_message_not_for_a_look_through_all(
    box: Outbox, sender: FakeSender
) -> None:
    """Of a town whose provider is away tens of thousands may wait."""
    for number in range(3):
        box.put(incident=f"{number}-1", to=2)
    box.put(incident="9-1", expires_at=Instant(box.clock.now() - 1))
    with write_transactions(box.database) as found:
        assert box.worker(sender).run_once() == 6
    texts = [" ".join(text.split()) for one in found for text in one.texts]
    looking = [text for text in texts if "EXISTS" in text and text.startswith("SELECT")]
    assert len(looking) == 6
    assert all("WHERE outbox.id = " in text for text in looking)
    giving_up = [text for text in texts if "EXISTS" in text and text.startswith("UPDATE")]
    assert len(giving_up) == 2
    assert all("outbox.id IN (" in text and "IN (SELECT" not in text for text in giving_up)
    assert sorted(box.statuses()) == ["ACCEPTED"] * 6 + ["EXPIRED"]


def test_what_another_worker_has_taken_meanwhile_is_left_to_it(
    box: Outbox, sender: FakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.put(incident="1-1")
    box.put(incident="2-1")
    first, second = box.rows()
    look = claim_repository.due

    def taken_between(*arguments: Any) -> Any:
        found = look(*arguments)
        if first.id in {one.id for one in found}:
            with box.database.write() as connection:
                now = box.now()
                until = Instant(now.wall + 120 * SECOND)
                claim_repository.claim(connection, first.id, ["sms"], now, until)
        return found

    monkeypatch.setattr(claim_repository, "due", taken_between)
    assert box.worker(sender).run_once() == 1
    assert {row.id: row.status for row in box.rows()} == {
        first.id: "SENDING",
        second.id: "ACCEPTED",
    }


def test_the_thread_starts_and_stops(box: Outbox, sender: FakeSender) -> None:
    reached = threading.Event()
    sender.while_sending = lambda _: reached.set()
    worker = box.worker(sender, poll_s=0.01)
    worker.start()
    box.put()
    assert reached.wait(PATIENCE_S)
    worker.stop()
    assert box.statuses() == ["ACCEPTED"]


def test_a_round_that_breaks_does_not_stop_the_thread(
    box: Outbox,
    sender: FakeSender,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A database's error quotes values, so only its type is logged."""
    reached, broken = threading.Event(), threading.Event()
    sender.while_sending = lambda _: reached.set()
    worker = box.worker(sender, poll_s=0.01)
    real = claim_repository.claim

    def claim(*args: object) -> object:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("parameters: +491701111111")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(claim_repository, "claim", claim)
    box.put()
    worker.start()
    assert reached.wait(PATIENCE_S)
    worker.stop()
    printed = capsys.readouterr()
    assert "outbox_round_failed" in printed.out + printed.err
    assert "1111111" not in printed.out + printed.err


def test_other_towns_messages_are_separate_rows(box: Outbox) -> None:
    box.put(to=2)
    assert {row.tenant_id for row in box.rows()} == {TENANT}
    assert len({row.report_token for row in box.rows()}) == 2
    assert all(len(row.report_token) >= 32 for row in box.rows())
    assert table.c.dedup_key.unique


def test_everybody_is_written_to_in_their_language(box: Outbox, sender: FakeSender) -> None:
    """Also when a waiting alarm is reworded, and when it may be a copy."""
    box.people[1] = replace(box.people[1], language=Language.EN)
    said = {language: Sentence("", "", f"in {language}") for language in Language}
    box.put(to=2, said=said)
    worker = box.worker(sender)
    sender.answers = [UNKNOWN, UNKNOWN]
    worker.run_once()
    box.wait(60)
    worker.run_once()
    assert sender.texts == ["in de", "in en", f"in de{TWICE}", f"in en{MAYBE_TWICE[Language.EN]}"]
    box.put(to=2, incident="2-1", said=said)
    with box.database.write() as connection:
        assert outbox.reword_waiting_alarms(connection, "2-1", OVER) == 2
        alarmed = outbox.alarmed_addressees(connection, "1-1")
    assert [one.language for one in alarmed] == [Language.DE, Language.EN]
    worker.run_once()
    assert sender.texts[4:] == ["vorbei", "over"]

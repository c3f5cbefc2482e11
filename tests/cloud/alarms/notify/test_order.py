"""Nothing older leaves after a newer alarm of the same rule and recipient.

An all-clear that was refused waited for its next try while the next alarm went out; then it told
people that all is well. Others met the same kind:

- https://github.com/dotnetcore/CAP/issues/1251 (what failed once comes after later ones)
- https://github.com/MassTransit/MassTransit/issues/3512 (ten deliveries at once change the order)
- https://github.com/gruelbox/transaction-outbox/issues/624 (now and then out of order)
- https://github.com/prometheus/alertmanager/issues/878 (an end without its beginning)
"""

from __future__ import annotations

import threading

import pytest

from fake_senders import FakeSender, Outbox
from real_parts import PATIENCE_S
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.notify import outbox_repository as outbox
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result
from stadtsinn.cloud.alarms.notify.worker import MAYBE_TWICE

REFUSED = Result(Outcome.RETRY, reason="busy")
UNKNOWN = Result(Outcome.UNKNOWN, reason="timeout")
FIRST, SECOND_TIME = "7-100", "7-200"


def kept(box: Outbox) -> dict[str, Instant]:
    return {"expires_at": Instant(box.clock.now() + DAY)}


def first_incident(box: Outbox, sender: FakeSender) -> None:
    """Its alarm left; its all-clear is refused and waits."""
    box.put(incident=FIRST, text="first alarm")
    box.worker(sender).run_once()
    box.put(Kind.ALL_CLEAR, incident=FIRST, text="all clear", **kept(box))


@pytest.mark.parametrize("kind", [Kind.ALL_CLEAR, Kind.ENDED, Kind.STALE])
def test_what_waits_for_its_next_try_is_given_up_for_a_newer_alarm(
    box: Outbox, sender: FakeSender, kind: Kind
) -> None:
    box.put(incident=FIRST, text="first alarm")
    box.worker(sender).run_once()
    box.put(kind, incident=FIRST, text="older", **kept(box))
    sender.answers = [REFUSED]
    worker = box.worker(sender)
    worker.run_once()
    box.put(incident=SECOND_TIME, text="second alarm")
    worker.run_once()
    for _ in range(5):
        box.wait(600)
        worker.run_once()
    assert sender.texts == ["first alarm", "older", "second alarm"]
    assert box.statuses() == ["ACCEPTED", "EXPIRED", "ACCEPTED"]
    assert box.rows()[1].reason == "a newer alarm has left"


def test_what_is_due_goes_first(box: Outbox, sender: FakeSender) -> None:
    """The alarm is not held up by it, and nobody misses the all-clear."""
    first_incident(box, sender)
    box.put(incident="8-1", text="another rule's")
    box.put(incident=SECOND_TIME, text="second alarm")
    box.worker(sender).run_once()
    assert sender.texts == ["first alarm", "all clear", "another rule's", "second alarm"]


def test_an_alarm_does_not_wait_for_a_refused_one(box: Outbox, sender: FakeSender) -> None:
    first_incident(box, sender)
    sender.answers = [REFUSED]
    worker = box.worker(sender)
    worker.run_once()
    box.put(incident=SECOND_TIME, text="second alarm")
    assert worker.run_once() == 1
    assert sender.texts[-1] == "second alarm"


def test_a_doubt_about_an_older_one_is_not_sent_again(box: Outbox, sender: FakeSender) -> None:
    """Neither when the provider knows nothing of it, nor as a repetition of the older alarm."""
    sender.answers = [UNKNOWN]
    box.put(incident=FIRST, text="first alarm")
    worker = box.worker(sender)
    worker.run_once()
    box.put(incident=SECOND_TIME, text="second alarm")
    worker.run_once()
    box.wait(60)
    worker.run_once()
    assert sender.texts == ["first alarm", "second alarm"]
    assert not any(MAYBE_TWICE[Language.DE] in text for text in sender.texts)


def test_the_provider_that_lost_an_older_all_clear_gets_no_second(
    box: Outbox, sender: FakeSender
) -> None:
    first_incident(box, sender)
    sender.answers, sender.found = [UNKNOWN], Found.NO
    worker = box.worker(sender)
    worker.run_once()
    box.put(incident=SECOND_TIME, text="second alarm")
    for _ in range(4):
        worker.run_once()
        box.wait(60)
    assert sender.texts == ["first alarm", "all clear", "second alarm"]


def test_an_alarm_waits_for_what_is_being_sent(box: Outbox, sender: FakeSender) -> None:
    """A second worker is at it: at the provider the two could change places."""
    first_incident(box, sender)
    other = FakeSender()
    calls: list[int] = []

    def meanwhile(_message: object) -> None:
        if not calls:
            box.put(incident=SECOND_TIME, text="second alarm")
            calls.append(box.worker(other).run_once())

    sender.while_sending = meanwhile
    box.worker(sender).run_once()
    assert calls == [0]
    assert other.texts == []
    assert sender.texts == ["first alarm", "all clear", "second alarm"]


@pytest.mark.slow
def test_workers_that_choose_at_once_keep_the_order(box: Outbox) -> None:
    """Each sees what the others took."""
    order: list[str] = []
    lock = threading.Lock()

    def note(message: object) -> None:
        with lock:
            order.append(str(getattr(message, "text", "")))

    box.put(incident="7-1", text="alarm 1")
    for n in range(1, 12):
        box.put(Kind.ALL_CLEAR, incident=f"7-{n}", text=f"clear {n}", **kept(box))
        box.put(incident=f"7-{n + 1}", text=f"alarm {n + 1}")

    def work() -> None:
        worker = box.worker(FakeSender(while_sending=note))
        for _ in range(30):
            worker.run_once()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    numbers = [int(text.split()[1]) for text in order]
    assert numbers == sorted(numbers)
    assert order.index("alarm 12") == len(order) - 1


@pytest.mark.slow
def test_another_recipient_and_another_station_are_not_concerned(
    box: Outbox, sender: FakeSender
) -> None:
    """A group's stations have incidents of one rule side by side."""
    box.put(incident="7-100-1", text="alarm at 1")
    worker = box.worker(sender)
    worker.run_once()
    box.put(Kind.ALL_CLEAR, incident="7-100-1", text="clear at 1", **kept(box))
    sender.answers = [REFUSED]
    worker.run_once()
    box.put(incident="7-200-2", text="alarm at 2")
    worker.run_once()
    box.wait(600)
    worker.run_once()
    assert sender.texts == ["alarm at 1", "clear at 1", "alarm at 2", "clear at 1"]


def test_an_alarm_that_failed_takes_nothing_with_it(box: Outbox, sender: FakeSender) -> None:
    first_incident(box, sender)
    sender.answers = [REFUSED, Result(Outcome.NEVER, reason="no such number")]
    worker = box.worker(sender)
    worker.run_once()
    box.put(incident=SECOND_TIME, text="second alarm")
    worker.run_once()
    box.wait(600)
    worker.run_once()
    assert sender.texts[-1] == "all clear"


def test_the_subject_of_an_incident() -> None:
    assert outbox._subject("7-100") == outbox._subject("7-200") == "7"
    assert outbox._subject("7-100-3") == "7-3"

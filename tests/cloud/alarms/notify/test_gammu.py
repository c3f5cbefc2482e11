"""Through a real gammu-smsd, whose modem is a folder: what is handed over, sent and reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from fake_senders import FakeSender
from modem_outbox import OURS, PLACES, ModemOutbox, modem_outbox
from real_parts import wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.alarms.answers.modem import ModemPost
from stadtsinn.cloud.alarms.notify.claim_repository import doubt_what_waits
from stadtsinn.cloud.alarms.notify.message import Addressee, Kind
from stadtsinn.cloud.alarms.notify.senders.base import Found
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker

pytestmark = pytest.mark.slow

UMLAUTS = "ALARM Größe 5 §1 äöüÄÖÜß [€] {~}: bis zu 912 Personen"


@pytest.fixture(params=PLACES)
def modem(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModemOutbox]:
    with modem_outbox(tmp_path, request.param) as made:
        yield made


@pytest.fixture
def small(tmp_path: Path) -> Iterator[ModemOutbox]:
    with modem_outbox(tmp_path, OURS) as made:
        yield made


def test_umlauts_go_out_once_and_the_networks_report_makes_it_delivered(modem: ModemOutbox) -> None:
    box = modem.box
    box.put(text=UMLAUTS)
    modem.work()
    assert box.statuses() == ["ACCEPTED"]
    assert box.row().provider_id == "gammu-1"
    with modem.gammu as gammu:
        wait_until(lambda: bool(gammu.rows("sentitems")), "it is sent")
        modem.post.run_once()
        assert box.statuses() == ["ACCEPTED"]
        gammu.report_delivered(box.people[0].address)
        modem.until("DELIVERED")
        assert gammu.sent() == [(box.people[0].address, UMLAUTS)]
    (sent,) = gammu.rows("sentitems")
    assert sent["CreatorID"] == f"stadtsinn-{box.row().uuid}"
    assert sent["RelativeValidity"] == 11  # an hour: 12 times five minutes
    assert gammu.rows("outbox") == []


def test_what_the_modem_cannot_send_has_failed(modem: ModemOutbox) -> None:
    """So the next in line is told at once."""
    modem.box.put()
    modem.work()
    # As after two attempts in vain: a folder takes whatever it is given.
    modem.gammu.execute('UPDATE gammu.outbox SET "Retries" = 2')
    with modem.gammu:
        modem.until("FAILED")
    (sent,) = modem.gammu.rows("sentitems")
    assert (sent["Status"], modem.gammu.sent()) == ("SendingError", [])


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("SendingOK", "ACCEPTED"),
        ("DeliveryOK", "DELIVERED"),
        ("DeliveryFailed", "FAILED"),
        ("DeliveryPending", "ACCEPTED"),
        ("DeliveryUnknown", "ACCEPTED"),
        ("Error", "FAILED"),
        ("SendingError", "FAILED"),
    ],
)
def test_what_the_daemons_words_mean(small: ModemOutbox, word: str, status: str) -> None:
    small.box.put()
    small.work()
    with small.gammu:
        wait_until(lambda: bool(small.gammu.rows("sentitems")), "it is sent")
    small.gammu.execute('UPDATE gammu.sentitems SET "Status" = %s', word)
    small.post.run_once()
    assert small.box.statuses() == [status]
    assert small.box.row().watched is True


def test_without_reports_of_the_network_sent_is_as_far_as_it_goes(small: ModemOutbox) -> None:
    small.sender = small.new_sender(delivery_reports=False)
    small.box.put()
    small.work()
    small.post.run_once()
    assert small.box.row().watched, "still in the daemon's outbox: the next one is told in time"
    with small.gammu:

        def is_let_go() -> bool:
            small.post.run_once()
            return not small.box.row().watched

        wait_until(is_let_go, "nobody waits for it")
    assert small.box.statuses() == ["ACCEPTED"]


def test_of_one_number_one_waits_for_the_modem_at_a_time(modem: ModemOutbox) -> None:
    """The daemon keeps no order: an all-clear would overtake an alarm that is tried again."""
    box = modem.box
    box.put(to=2)
    box.put(Kind.ALL_CLEAR, to=2)
    modem.work()
    assert box.statuses() == ["ACCEPTED", "ACCEPTED", "READY", "READY"]
    with modem.gammu:
        wait_until(lambda: len(modem.gammu.texts()) == 2, "the alarms are sent")
        wait_until(lambda: not modem.gammu.rows("outbox"), "they are away")
        box.wait(10)
        modem.work()
        wait_until(lambda: len(modem.gammu.texts()) == 4, "all are sent")
    assert modem.gammu.texts() == ["ALARM", "ALARM", "ALL_CLEAR", "ALL_CLEAR"]


def test_what_comes_too_late_is_taken_back(modem: ModemOutbox) -> None:
    """The modem was away for a day: nobody gets the alarm of yesterday."""
    box = modem.box
    box.put(to=2)
    modem.work()
    # One of them it has in its hands just now.
    modem.gammu.execute('UPDATE gammu.outbox SET "SendingTimeOut" = now() WHERE "ID" = 2')
    box.clock.advance(HOUR)
    modem.post.run_once()
    assert box.statuses() == ["EXPIRED", "ACCEPTED"]
    assert [row["ID"] for row in modem.gammu.rows("outbox")] == [2]
    modem.gammu.execute(
        """UPDATE gammu.outbox SET "SendingTimeOut" = now() - interval '27 hours'"""
    )
    modem.post.run_once()
    assert box.statuses() == ["EXPIRED", "EXPIRED"]
    with modem.gammu:
        pass
    assert modem.gammu.sent() == []


def test_what_is_no_more_in_the_daemons_tables_has_failed(modem: ModemOutbox) -> None:
    modem.box.put()
    modem.work()
    modem.gammu.execute("DELETE FROM gammu.outbox")
    modem.post.run_once()
    assert modem.box.statuses() == ["FAILED"]


def test_it_is_asked_whether_it_has_a_message(modem: ModemOutbox) -> None:
    box, sender = modem.box, modem.sender
    box.put()
    uuid = box.row().uuid
    assert sender.lookup(uuid) is Found.NO
    modem.work()
    assert sender.lookup(uuid) is Found.YES
    with modem.gammu as gammu:
        wait_until(lambda: bool(gammu.rows("sentitems")), "it is sent")
        wait_until(lambda: not gammu.rows("outbox"), "it is away")
    assert sender.lookup(uuid) is Found.YES


def test_of_a_backup_what_was_handed_over_since_is_not_sent_again(modem: ModemOutbox) -> None:

    box = modem.box
    box.put(to=2)
    modem.work()
    with box.database.write() as connection:  # as in a database of before
        before = {"status": "READY", "settled": False, "attempts": 0, "provider_id": None}
        connection.execute(update(outbox).values(before))
        connection.execute(doubt_what_waits())
    modem.gammu.execute('DELETE FROM gammu.outbox WHERE "ID" = 2')
    modem.work()
    modem.work()
    assert box.statuses() == ["ACCEPTED", "ACCEPTED"]
    with modem.gammu:
        wait_until(lambda: not modem.gammu.rows("outbox"), "all is sent")
    assert sorted(modem.gammu.sent()) == [(one.address, "ALARM") for one in box.people[:2]]


def test_while_its_tables_are_away_messages_wait_and_other_channels_do_not(
    modem: ModemOutbox,
) -> None:
    box = modem.box
    box.put()
    box.people[1] = Addressee(box.people[1].id, "email", "bauhof@stadt.example")
    box.put(to=2)
    modem.gammu.execute("ALTER SCHEMA gammu RENAME TO elsewhere")
    mail = FakeSender()
    worker = OutboxWorker(
        box.database, {"sms": modem.sender, "email": mail}, box.clock, wall=box.wall
    )
    worker.run_once()
    assert box.statuses() == ["READY", "ACCEPTED"]
    assert box.rows()[0].reason == "gammu: UndefinedTable"
    modem.gammu.execute("ALTER SCHEMA elsewhere RENAME TO gammu")
    box.wait(10)
    worker.run_once()
    assert box.statuses() == ["ACCEPTED", "ACCEPTED"]


def test_a_silent_modem_is_missed_and_its_return_seen(small: ModemOutbox) -> None:
    wall = ManualClock(Instant(0))
    post = ModemPost(small.box.database, small.sender, small.box.clock, wall)

    def look(minutes: int) -> bool:
        wall.advance(minutes * MINUTE)
        post.run_once()
        return post.check().ok

    with small.gammu:
        assert look(0)
    small.gammu.kill()
    assert look(9)
    assert not look(2)
    assert post.silent_since() is not None
    small.gammu.start()
    wait_until(lambda: look(1), "the modem is heard again")
    small.gammu.kill()

"""What people reported who run gammu-smsd with SQL, tried with ours. The numbers are those of the
issues at github.com/gammu/gammu; versions 1.36 to 1.42 of the daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from modem_outbox import OURS, ModemOutbox, modem_outbox
from real_parts import wait_until
from stadtsinn.base.instant import HOUR
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.senders.gammu.incoming import sort
from stadtsinn.cloud.alarms.notify.senders.gammu.repository import unread

pytestmark = pytest.mark.slow


@pytest.fixture
def modem(tmp_path: Path) -> Iterator[ModemOutbox]:
    with modem_outbox(tmp_path, OURS) as made:
        yield made


def test_sessions_of_other_time_zones_send_at_once(modem: ModemOutbox) -> None:
    """1046, 226: times of a row had another zone than the daemon, which sent hours later."""
    url = modem.theirs.engine.url
    modem.gammu.execute(f"ALTER DATABASE \"{url.database}\" SET timezone = 'Pacific/Kiritimati'")
    modem.theirs.dispose()
    modem.box.put()
    modem.work()
    with modem.gammu as gammu:
        wait_until(lambda: gammu.texts() == ["ALARM"], "it is sent")


def test_numbers_are_written_so_that_reports_find_them(modem: ModemOutbox) -> None:
    """63, 319: 0170… and 0049… never found their delivery report."""
    modem.box.put()
    modem.work()
    (row,) = modem.gammu.rows("outbox")
    assert row["DestinationNumber"] == "+491701111111"


def test_a_number_that_nobody_has_holds_up_its_own_messages_alone(modem: ModemOutbox) -> None:
    """381: the daemon tries a dead number again and again; and 274: the same key came twice."""
    modem.box.put(to=1)
    modem.box.put(incident="2-2", to=2)
    modem.work()
    modem.gammu.execute(
        """UPDATE gammu.outbox SET "SendingTimeOut" = now() + interval '1 day', "Retries" = 1
        WHERE "DestinationNumber" = '+491701111111'"""
    )
    with modem.gammu as gammu:
        wait_until(lambda: bool(gammu.sent()), "the other one is sent")
    assert [number for number, _ in modem.gammu.sent()] == ["+491702222222"]
    modem.box.wait(10)
    modem.work()
    assert modem.box.statuses().count("READY") == 1


def test_a_report_that_the_daemon_does_not_match_leaves_it_as_sent(modem: ModemOutbox) -> None:
    """242, 403, 894: the report comes from another centre than the message went to."""
    modem.box.put()
    modem.work()
    with modem.gammu as gammu:
        wait_until(lambda: bool(gammu.rows("sentitems")), "it is sent")
        gammu._arrives(
            PDU="Status_Report",
            Number='"+491701111111"',
            Coding="Default_No_Compression",
            SMSC='"+491710760000"',
            MessageReference=255,
            Length=0,
            Text00="",
        )
        wait_until(lambda: "Failed to match SMSC" in gammu._log(), "the daemon has read it")
        modem.post.run_once()
    assert modem.box.statuses() == ["ACCEPTED"]
    assert modem.box.row().watched, "so the next in line is told after five minutes"


def test_an_emoji_at_the_border_of_two_parts(modem: ModemOutbox) -> None:
    """281, 389: PostgreSQL refuses half an emoji; the row comes with an empty TextDecoded."""
    whole = ("Ok 👍" * 2).encode("utf-16-be").hex()
    cut = 4 * 4
    for number, units in enumerate((whole[:cut], whole[cut:]), start=1):
        modem.gammu.execute(
            'INSERT INTO gammu.inbox ("Text", "SenderNumber", "Coding", "UDH", "RecipientID", '
            """"TextDecoded") VALUES (%s, '+491701111111', 'Unicode_No_Compression', %s, '', '')""",
            units,
            f"05000386020{number}",
        )
    with modem.theirs.read() as connection:
        (letter,) = sort(unread(connection, modem.sender.tables, ""), ()).letters
    assert letter.text == "Ok 👍Ok 👍"


def test_a_long_answer_in_parts_is_one_answer(modem: ModemOutbox) -> None:
    """301, 522: the daemon does not put parts together in the inbox."""
    with modem.gammu as gammu:
        gammu.receive("+491701111111", "OK, ich ", UDH="050003F30201")
        gammu.receive("+491701111111", "fahre hin", UDH="050003F30202")
        wait_until(lambda: len(gammu.rows("inbox")) == 2, "both parts are there")
    with modem.theirs.read() as connection:
        (letter,) = sort(unread(connection, modem.sender.tables, ""), ()).letters
    assert letter.text == "OK, ich fahre hin"
    modem.post.run_once()
    assert [row["Processed"] for row in modem.gammu.rows("inbox")] == [True, True]


def test_a_notice_of_a_picture_message_is_no_answer(modem: ModemOutbox) -> None:
    """200, 300: binary rows, in several parts, whose text is empty."""
    with modem.gammu as gammu:
        gammu.receive("+491701111111", "x", UDH="06050C0B8423F0"[:2] + "05040B8423F0")
        wait_until(lambda: bool(gammu.rows("inbox")), "it is there")
    modem.post.run_once()
    assert [row["Processed"] for row in modem.gammu.rows("inbox")] == [True]
    assert len(modem.box.rows()) == 0


def test_an_answer_of_the_network_is_no_answer_of_a_person(modem: ModemOutbox) -> None:
    """513: answers to USSD codes stand in the inbox, too."""
    modem.gammu.execute(
        'INSERT INTO gammu.inbox ("Text", "SenderNumber", "Coding", "UDH", "RecipientID", "Class")'
        """ VALUES ('004F004B', '+491701111111', 'Unicode_No_Compression', '', '', 127)"""
    )
    modem.post.run_once()
    assert (modem.gammu.rows("inbox")[0]["Processed"], modem.box.rows()) == (True, [])


def test_a_row_of_one_part_is_never_taken_for_a_part(modem: ModemOutbox) -> None:
    """112, 312, 493: who writes several parts by hand gets nothing sent, or half of it."""
    modem.box.put(text="ALARM " + "ä" * 400)
    modem.work()
    (row,) = modem.gammu.rows("outbox")
    assert (row["MultiPart"], row["UDH"], len(row["TextDecoded"])) == (False, None, 160)
    with modem.gammu as gammu:
        wait_until(lambda: gammu.texts() == [row["TextDecoded"]], "it is sent whole")


def test_a_message_that_nobody_needs_is_not_delivered_days_later(modem: ModemOutbox) -> None:
    """537: -1 leaves it to the network, which tries for days while a telephone is off."""
    modem.box.put(expires_at=modem.box.clock.now() + 6 * HOUR)
    modem.work()
    (row,) = modem.gammu.rows("outbox")
    assert row["RelativeValidity"] == 71


def test_what_was_sent_and_not_deleted_is_sent(modem: ModemOutbox) -> None:
    """345, 311, 274: the daemon died after it wrote sentitems; both tables have the row."""
    modem.box.put()
    modem.work()
    modem.gammu.execute(
        'INSERT INTO gammu.sentitems ("ID", "CreatorID", "Text", "UDH", "SenderID", "Status") '
        """SELECT "ID", "CreatorID", '', '', 'rathaus', 'DeliveryOK' FROM gammu.outbox"""
    )
    modem.post.run_once()
    assert modem.box.statuses() == ["DELIVERED"]


def test_somebody_who_holds_its_tables_holds_up_no_other_message(modem: ModemOutbox) -> None:
    """392: a backup or a clean-up of the daemon's tables; its own messages are tried again."""
    modem.box.put()
    with modem.gammu.connect() as other, other.transaction():
        other.execute("LOCK TABLE gammu.outbox IN ACCESS EXCLUSIVE MODE")
        modem.work()
        assert modem.box.statuses() == ["READY"]
        assert modem.box.row().reason == "gammu: LockNotAvailable"
    modem.box.put(Kind.TECHNICAL)
    modem.box.wait(10)
    modem.work()
    assert modem.box.statuses() == ["ACCEPTED", "READY"]


def test_other_programs_rows_in_the_same_tables_are_left_alone(modem: ModemOutbox) -> None:
    """301: a town's own programs send by the same modem."""
    modem.gammu.execute(
        """INSERT INTO gammu.outbox ("DestinationNumber", "TextDecoded", "CreatorID")
        VALUES ('+491701111111', 'Sommerfest', 'Kalkun')"""
    )
    modem.box.put()
    modem.work()
    assert modem.box.statuses() == ["ACCEPTED"]
    modem.box.clock.advance(HOUR)
    modem.post.run_once()
    assert [row["CreatorID"] for row in modem.gammu.rows("outbox")] == ["Kalkun"]

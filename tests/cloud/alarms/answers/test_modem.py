"""Answers that people send to a modem of our own, through a real gammu-smsd and a real alarm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from answered_town import AnsweredTown
from at_once import at_once
from databases import fresh_postgres, shared_cluster
from fake_alert_town import NUMBERS
from killing import killed_at
from real_gammu import Gammu, lay_tables
from real_parts import wait_until
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.alarms.answers.modem import ModemPost
from stadtsinn.cloud.alarms.answers.tables import inbound_messages
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import gammu_sender
from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings

OFFICE, YARD, STRANGER = NUMBERS["ordnungsamt"], NUMBERS["bauhof"], "+4915799999999"


class ModemTown(AnsweredTown):
    """Its alarms are told; what is written to it lies in the daemon's tables."""

    gammu: Gammu
    post: ModemPost

    def connect(self, folder: Path) -> None:
        lay_tables(self.database)
        self.gammu = Gammu(folder, self.database)
        sender = gammu_sender(GammuSettings(), self.database, self.clock)
        self.post = ModemPost(self.database, sender, self.clock, SystemClock())

    def write(self, number: str, text: str, coding: str = "Default_No_Compression") -> None:
        """As the daemon writes it down."""
        self.gammu.execute(
            'INSERT INTO gammu.inbox ("Text", "SenderNumber", "Coding", "UDH", "RecipientID") '
            "VALUES (%s, %s, %s, '', 'rathaus')",
            text.encode("utf-16-be").hex(),
            number,
            coding,
        )

    def read(self) -> None:
        self.post.run_once()

    def processed(self) -> list[bool]:
        return [row["Processed"] for row in self.gammu.rows("inbox")]

    def meant(self) -> list[str]:
        with self.database.read() as connection:
            return list(connection.scalars(select(inbound_messages.c.meant)))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[ModemTown]:
    with fresh_postgres(shared_cluster()) as database:
        made = ModemTown(database)
        made.connect(tmp_path / "gammu")
        yield made


def test_ok_to_the_modem_acknowledges_and_one_message_confirms_it(town: ModemTown) -> None:
    town.fire(recipients=["ordnungsamt", "bauhof"])
    with town.gammu as gammu:
        gammu.receive(OFFICE, "Ok, bin unterwegs")
        wait_until(lambda: bool(gammu.rows("inbox")), "the daemon has it")
    for _ in range(3):
        town.read()
    assert town.count("ANSWER") == {"ordnungsamt": 1}
    assert town.count("ACKNOWLEDGED") == {"bauhof": 1}
    assert town.processed() == [True]
    assert any(text.startswith("Danke, bestätigt") for text in town.texts("ANSWER"))


def test_stop_pauses_a_stranger_gets_nothing_and_machines_are_put_aside(town: ModemTown) -> None:
    town.group()
    town.fire(recipients=["bereitschaft"])
    town.write(OFFICE, "STOP")
    town.write(STRANGER, "OK")
    town.write("Vodafone", "Ihr Guthaben")
    town.write("", "")
    town.write(YARD, "00", "8bit")
    town.read()
    assert town.meant() == ["stop", "unknown", "unknown", "unknown"]
    assert town.count("ANSWER") == {"ordnungsamt": 1}
    assert town.processed() == [True] * 5


def test_numbers_as_modems_write_them_are_the_same(town: ModemTown) -> None:
    digits = OFFICE.removeprefix("+49")
    for written in (f"0049{digits}", f"0{digits}", f"49{digits}", OFFICE):
        town.write(written, "Wer ist da?")
    town.read()
    assert town.meant() == ["unclear"] * 4
    assert town.count("ANSWER") == {"ordnungsamt": 1}


@pytest.mark.parametrize("point", ["answers.taking", "answers.taken"])
def test_killed_on_the_way_an_answer_is_acted_on_once(town: ModemTown, point: str) -> None:
    town.fire(recipients=["ordnungsamt", "bauhof"])
    town.write(OFFICE, "OK")
    town.database.dispose()  # a fork shares no connections
    killed_at(point, town.read)
    assert town.processed() == [False]
    town.read()
    assert town.processed() == [True]
    assert town.count("ANSWER") == {"ordnungsamt": 1}
    assert town.count("ACKNOWLEDGED") == {"bauhof": 1}


def test_two_that_read_at_once_act_once(town: ModemTown) -> None:
    town.fire(recipients=["ordnungsamt", "bauhof"])
    town.write(OFFICE, "OK")
    other = ModemPost(
        town.database, gammu_sender(GammuSettings(), town.database, town.clock), town.clock
    )
    at_once(town.read, other.run_once)
    assert town.count("ANSWER") == {"ordnungsamt": 1}
    assert town.processed() == [True]


def test_what_is_read_goes_after_a_week_and_only_ours_of_what_was_sent(town: ModemTown) -> None:
    town.write(OFFICE, "OK")
    town.write(YARD, "OK")
    town.gammu.execute(
        'INSERT INTO gammu.sentitems ("Text", "UDH", "SenderID", "CreatorID", "ID") VALUES '
        "('', '', '', 'stadtsinn-1', 1), ('', '', '', 'Gammu 1.42', 2), "
        "('', '', '', 'stadtsinn-2', 3)"
    )
    town.gammu.execute(
        """UPDATE gammu.sentitems SET "SendingDateTime" = now() - interval '8 days'
        WHERE "ID" < 3"""
    )
    town.gammu.execute(
        """UPDATE gammu.inbox SET "ReceivingDateTime" = now() - interval '8 days' WHERE "ID" = 1"""
    )
    town.read()
    assert [row["ID"] for row in town.gammu.rows("inbox")] == [2]
    assert [row["ID"] for row in town.gammu.rows("sentitems")] == [2, 3]


def test_an_old_answer_acknowledges_nothing_newer(town: ModemTown) -> None:
    """It lay at the network while the modem was off."""
    town.fire(recipients=["ordnungsamt"])
    town.write(OFFICE, "OK")
    town.gammu.execute(
        """UPDATE gammu.inbox SET "ReceivingDateTime" = now() - interval '5 hours'"""
    )
    town.read()
    assert town.texts("ANSWER") == {
        "Zu bestätigen ist gerade nichts: kein Alarm an diese Nummer ist offen."
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_any_rows_are_read_once_and_never_stop_the_rest(town: ModemTown, seed: int) -> None:
    chance = random.Random(seed)
    signs = ["", "OK", "STOP", "\x00", "\ud800", "ä" * 200, "'; DROP TABLE inbox; --", "👍", "%s"]
    for _ in range(40):
        town.gammu.execute(
            "INSERT INTO gammu.inbox "
            '("Text", "SenderNumber", "Coding", "UDH", "RecipientID", "Class")'
            " VALUES (%s, %s, %s, %s, %s, %s)",
            chance.choice(signs).encode("utf-16-be", "surrogatepass").hex()
            + chance.choice(["", "", "", "0", "ZZ"]),
            chance.choice(
                [OFFICE, STRANGER, "", "*100#", "+49 170", "00", "Vodafone", "\u0660" * 20]
            ),
            chance.choice(["Default_No_Compression", "Unicode_No_Compression", "8bit"]),
            chance.choice(["", "", "050003F30201", "050003F30202", "FF", "05000", "0003F30201"]),
            chance.choice(["", "rathaus", "bauhof"]),
            chance.choice([-1, 0, 1, 127]),
        )
    town.read()
    town.post._first_seen = dict.fromkeys(town.post._first_seen, type(town.post._heard_at)(0))
    town.read()
    assert town.processed() == [True] * 40

"""The watering list as one e-mail to the crew: once a day, whatever is killed, with its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from api_callers import ApiWorld
from databases import fresh_database
from loaded_child import run_child
from real_mail import MailServer, mail_settings
from real_tls import server_certificate
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.alarms.notify.outbox_repository import text_of
from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSender
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.alarms.watering.service import WateringFiles
from stadtsinn.cloud.alarms.watering.worker import WateringMails
from stadtsinn.cloud.platform.database.engine import open_database
from watered_town import FIVE, TOMORROW, WateredTown


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


@pytest.fixture
def town(world: ApiWorld) -> WateredTown:
    return WateredTown(world)


def rows(town: WateredTown) -> list[Any]:
    with town.database.read() as connection:
        return list(connection.execute(select(outbox).order_by(outbox.c.id)))


def addresses(town: WateredTown) -> list[str]:
    return [row.address for row in rows(town)]


BOTH = ["lea@stadt.example", "ben@stadt.example"]


def test_each_of_the_crew_gets_one_a_day(town: WateredTown) -> None:
    town.measured(86)
    town.work(FIVE)
    assert rows(town) == []  # nobody has judged the trees yet
    town.judge()
    for minutes in (0, 1, 600):
        town.work(Instant(FIVE + minutes * MINUTE))
    assert addresses(town) == BOTH
    town.work(TOMORROW)
    assert addresses(town) == BOTH  # not before tomorrow's trees are judged
    town.measured(90, TOMORROW)
    town.judge(TOMORROW)
    town.work()
    assert addresses(town) == BOTH * 2


def test_the_words_have_the_totals(town: WateredTown) -> None:
    town.measured(86)
    town.judge()
    town.work()
    text = text_of(rows(town)[0])
    assert text == (
        "Gießliste für Mittwoch, 15.07.2026: 3 Bäume, 275 l in 1 Tour, etwa 0,1 km Luftlinie. "
        "Tour 1, dringend: 2 Bäume, 175 l, etwa 0,1 km Luftlinie. "
        "Ohne Koordinaten: 1 Baum, 100 l. "
        "1 Baum gehört zu keiner Gruppe: Kein Sensor steht für ihn. "
        "In der Anlage: die Liste zum Ausdrucken (A4) und als Tabelle (CSV)."
    )


def test_an_empty_list_is_sent_to_who_wants_it(town: WateredTown) -> None:
    town.measured(12)
    town.judge()
    town.work()
    assert rows(town) == []
    town.measured(86, Instant(FIVE + HOUR))  # judged anew by hand: the day is decided all the same
    town.work(Instant(FIVE + 2 * HOUR))
    assert rows(town) == []
    town.crew(send=True, when_empty=True)
    town.measured(12, TOMORROW)
    town.judge(TOMORROW)
    town.work()
    assert {text_of(row) for row in rows(town)} == {
        (
            "Gießliste für Donnerstag, 16.07.2026: Heute muss nichts gegossen werden. "
            "1 Baum gehört zu keiner Gruppe: Kein Sensor steht für ihn."
        )
    }


def test_who_is_in_two_crews_gets_one(town: WateredTown) -> None:
    town.crew("gruenamt", ("lea",), send=True)
    town.measured(86)
    town.judge()
    town.work()
    assert addresses(town) == BOTH


def test_a_crew_without_an_address_is_named(town: WateredTown) -> None:
    town.crew("gruenamt", ("ben",), send=True)
    town.ways("ben", [])
    town.measured(86)
    town.judge()
    check = town.work().check()
    assert not check.ok
    assert "musterstadt/gruenamt" in check.detail
    assert addresses(town) == ["lea@stadt.example"]
    town.ways("ben", [{"channel": "email", "address": "ben@stadt.example"}])
    assert town.work(Instant(FIVE + HOUR)).check().ok
    assert addresses(town) == BOTH


def test_who_did_not_ask_for_it_gets_none(world: ApiWorld) -> None:
    town = WateredTown(world, send=False)
    town.measured(86)
    town.judge()
    town.work()
    assert rows(town) == []


@pytest.mark.slow
@pytest.mark.parametrize("point", ["watering.listed", "watering.written"])
def test_killed_at_its_commit_it_is_written_once(town: WateredTown, point: str) -> None:
    town.measured(86)
    town.judge()
    url = town.database.engine.url.render_as_string(hide_password=False)
    assert run_child(work_elsewhere, url, crash_at=f"{point}:1") == -9
    town.work(Instant(FIVE + MINUTE))
    assert addresses(town) == BOTH


def work_elsewhere(url: str) -> None:
    WateringMails(open_database(url), ManualClock(FIVE)).step()


def test_two_at_once_write_one(town: WateredTown) -> None:
    town.measured(86)
    town.judge()
    for worker in [WateringMails(town.database, town.world.clock) for _ in range(2)]:
        worker.step()
    assert addresses(town) == BOTH


def test_the_mail_has_the_list_to_print_and_as_a_table(town: WateredTown, tmp_path: Path) -> None:
    town.measured(86)
    town.judge()
    town.work()
    with MailServer(server_certificate(tmp_path)) as server:
        sender = SmtpSender(mail_settings(server), WateringFiles(town.database))
        clock = ManualClock(FIVE)
        assert OutboxWorker(town.database, {"email": sender}, clock).run_once() == 2
        assert OutboxWorker(town.database, {"email": sender}, clock).run_once() == 0
    mails = {to: mail for _, to, mail in server.taken}
    assert set(mails) == set(BOTH)
    mail = mails["lea@stadt.example"]
    assert mail["Subject"] == (
        "Gießliste für Mittwoch, 15.07.2026: 3 Bäume, 275 l in 1 Tour, etwa 0,1 km Luftlinie."
    )
    files = {one.get_filename(): one.get_content() for one in mail.iter_attachments()}
    assert set(files) == {"giessliste-2026-07-15.html", "giessliste-2026-07-15.csv"}
    assert "Am Markt 1" in files["giessliste-2026-07-15.html"]
    assert "@page" in files["giessliste-2026-07-15.html"]
    table = files["giessliste-2026-07-15.csv"]
    assert table.startswith("\ufeffTour;Halt;Baumnummer")
    assert [row[2] for row in csv.reader(io.StringIO(table), delimiter=";")][1:] == [
        *("L-1", "L-2", "L-3")
    ]


def test_what_is_watered_after_the_mail_was_written_stays_on_its_list(town: WateredTown) -> None:
    """A mail that is sent again says the same."""
    town.measured(86)
    town.judge()
    town.work()
    town.world.clock.set(Instant(FIVE + HOUR))
    town.post("waterings", tree="L-1", litres=75)
    with town.database.read() as connection:
        assert "L-1" not in town.caller.get("/api/v1/watering-list").text
        row = connection.execute(select(outbox)).first()
    assert row is not None
    from stadtsinn.cloud.alarms.notify.claim_repository import _claim

    enclosed = WateringFiles(town.database)(_claim(row, 1, "").message)
    assert b"L-1" in enclosed.files[1].content

"""SIGKILL at each commit point of the worker: per message one row for the modem, and one sent."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from by_night import others_by_night
from killing import killed_at
from modem_outbox import OTHER, OURS, PLACES, ModemOutbox, modem_outbox
from real_parts import wait_until
from stadtsinn.base import crash_points
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker

pytestmark = pytest.mark.slow

POINTS = {
    OURS: ["notify.claiming", "notify.claimed"],
    OTHER: [
        "notify.claiming",
        "notify.claimed",
        "notify.handed_over",
        "notify.called",
        "notify.finished",
    ],
}
CASES = [(place, point) for place in PLACES for point in POINTS[place]]


@pytest.fixture
def modem(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ModemOutbox]:
    with modem_outbox(tmp_path, request.param) as made:
        yield made


def in_a_child(modem: ModemOutbox) -> None:
    """One round of a worker with connections of its own."""
    modem.box.database.dispose()
    modem.theirs.dispose()
    sender = modem.new_sender()
    database, clock = modem.box.database, modem.box.clock
    OutboxWorker(database, {"sms": sender}, clock, lease=SECOND, doubt_waits=SECOND).run_once()


def rounds(modem: ModemOutbox, count: int = 6) -> None:
    """Of another worker, when leases and doubts are over."""
    go_on(modem)
    worker = modem.box.worker(modem.sender)
    for _ in range(count):
        modem.box.wait(1_000)
        worker.run_once()


def go_on(modem: ModemOutbox) -> None:
    """Children go by the machine's clock: ours is never behind it, nor goes back."""
    modem.box.wall.set(Instant(max(modem.box.wall.now(), SystemClock().now())))


def handed_over(modem: ModemOutbox) -> Counter[str]:
    rows = [*modem.gammu.rows("outbox"), *modem.gammu.rows("sentitems")]
    return Counter(row["CreatorID"].removeprefix("stadtsinn-") for row in rows)


@pytest.mark.sweep
@pytest.mark.parametrize(("modem", "point"), CASES, indirect=["modem"])
def test_everybody_gets_one(modem: ModemOutbox, point: str) -> None:
    modem.box.put(to=3)
    modem.box.database.dispose()
    modem.theirs.dispose()
    killed_at(f"{point}:2", lambda: in_a_child(modem))
    rounds(modem)
    assert handed_over(modem) == Counter(row.uuid for row in modem.box.rows())
    assert set(modem.box.statuses()) == {"ACCEPTED"}
    assert all("evtl. doppelt" not in row.text for row in modem.box.rows())


@pytest.mark.parametrize("modem", others_by_night(PLACES, [OURS]), indirect=True)
def test_killed_at_random_every_message_is_handed_over_once_and_sent_once(
    modem: ModemOutbox,
) -> None:
    """Workers die 24 times at whatever point, two may be at work with one message."""
    chance = random.Random(20261127)
    point_of = POINTS[modem.place]
    for number in range(24):
        if number % 2 == 0:
            kind = chance.choice([Kind.ALARM, Kind.TECHNICAL, Kind.REPEAT])
            modem.box.put(kind, incident=f"{number}-1", to=chance.randint(1, 3))
        point = f"{chance.choice(point_of)}:{chance.randint(1, 3)}"
        die_or_finish(modem, point)
        go_on(modem)
        modem.box.wait(chance.choice([0, 5, 200]))
        if chance.random() < 0.3:
            modem.box.worker(modem.sender).run_once()
        if chance.random() < 0.4:  # the modem sent what waited
            as_if_sent(modem)
    for _ in range(80):
        rounds(modem, 1)
        as_if_sent(modem)
        if set(modem.box.statuses()) == {"ACCEPTED"}:
            break
    assert handed_over(modem) == Counter(row.uuid for row in modem.box.rows())
    assert set(modem.box.statuses()) == {"ACCEPTED"}


def die_or_finish(modem: ModemOutbox, point: str) -> None:
    """In a fork, killed at the point if it comes so far."""
    name, _, count = point.partition(":")
    modem.box.database.dispose()
    modem.theirs.dispose()
    modem.sender.database.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            crash_points._name, crash_points._left = name, int(count)
            in_a_child(modem)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def as_if_sent(modem: ModemOutbox) -> None:
    """Quicker than the daemon, which takes a second for each: in its two steps."""
    modem.gammu.execute(
        'INSERT INTO gammu.sentitems ("ID", "CreatorID", "Text", "UDH", "SenderID", "Status") '
        """SELECT "ID", "CreatorID", '', '', 'rathaus', 'SendingOK' FROM gammu.outbox"""
    )
    modem.gammu.execute('DELETE FROM gammu.outbox WHERE "ID" IN (SELECT "ID" FROM gammu.sentitems)')


@pytest.mark.parametrize("modem", [OURS], indirect=True)
def test_while_the_daemon_is_killed_again_and_again_nothing_is_lost_or_sent_twice(
    modem: ModemOutbox,
) -> None:
    """It dies where it will; only between the radio and its own table could it send again."""
    modem.box.put(to=3)
    rounds(modem, 1)
    for _ in range(3):
        modem.gammu.start()
        modem.gammu.kill()
        modem.gammu.execute("""UPDATE gammu.outbox SET "SendingTimeOut" = '2000-01-01'""")
    with modem.gammu as gammu:
        wait_until(lambda: not gammu.rows("outbox"), "all is sent")
    numbers = Counter(number for number, _ in modem.gammu.sent())
    assert numbers == Counter(person.address for person in modem.box.people)

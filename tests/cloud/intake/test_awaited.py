"""What waited in quarantine is taken by itself once its device is registered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import update

from fake_arrivals import event_arrival
from fake_uplinks import LSE01_PAYLOAD, at, chirpstack_event, event_topic, register, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY
from stadtsinn.cloud.intake import awaited
from stadtsinn.cloud.intake.arrival import Arrival, Original
from stadtsinn.cloud.intake.awaited import Awaited
from stadtsinn.cloud.intake.quarantine import replay_rows
from stadtsinn.cloud.intake.reading import read_original
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.repository import QuarantineRow, quarantined
from stadtsinn.cloud.intake.service import Ingestor
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.tables import devices

NEW = "70b3d50000000900"
OTHER = "70b3d50000000901"


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each transaction had."""
    counted: list[int] = []

    def counting(*arguments: Any) -> None:
        counted.append(len(arguments[3]))
        replay_rows(*arguments)

    monkeypatch.setattr(awaited, "replay_rows", counting)
    return counted


@pytest.fixture
def waiting(
    database: Database, ingestor: Ingestor, clock: ManualClock, slices: list[int]
) -> Awaited:
    """As a process has it that has looked at the registry before."""
    made = Awaited(database, ingestor, clock, LogSignal())
    done(made)
    return made


def done(waiting: Awaited) -> None:
    """Until it waits for the registry to change."""
    while waiting.step() < 1:
        pass


def event(n: int, dev_eui: str = NEW, tenant: str | None = None) -> Arrival:
    up = uplink(n, n * 60, dev_eui=dev_eui, payload=LSE01_PAYLOAD)
    return event_arrival(event_topic(dev_eui), chirpstack_event(up), up.received_at, tenant=tenant)


def logged(database: Database) -> list[int]:
    with database.read() as connection:
        return [one.event_time for one in read_after(connection, 0, 1000)]


def rows(database: Database) -> Sequence[QuarantineRow]:
    with database.read() as connection:
        return quarantined(connection, limit=1000)


def test_it_is_taken_with_its_true_times_when_the_device_is_registered(
    database: Database, ingestor: Ingestor, clock: ManualClock, waiting: Awaited
) -> None:
    ingestor.take([event(n) for n in range(3)] + [event(7, OTHER)])
    clock.advance(DAY)
    done(waiting)
    assert logged(database) == []
    register(database, NEW)
    done(waiting)
    assert logged(database) == [at(0), at(60), at(120)]
    assert [row.dev_eui for row in rows(database)] == [OTHER]


def test_what_waited_before_the_process_started_is_taken_too(
    database: Database, ingestor: Ingestor, clock: ManualClock
) -> None:
    ingestor.take([event(1)])
    register(database, NEW)
    done(Awaited(database, ingestor, clock, LogSignal()))
    assert logged(database) == [at(60)]


def test_a_transaction_has_a_bounded_number_of_rows(
    database: Database,
    ingestor: Ingestor,
    waiting: Awaited,
    slices: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(awaited, "SLICE", 4)
    ingestor.take([event(n, dev_eui) for n in range(5) for dev_eui in (NEW, OTHER)])
    register(database, NEW, OTHER)
    done(waiting)
    assert slices == [4, 4, 2]
    assert len(logged(database)) == 10


def test_towns_take_turns(
    database: Database, ingestor: Ingestor, waiting: Awaited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has much waits for it alone, whatever is registered first."""
    monkeypatch.setattr(awaited, "SLICE", 2)
    ingestor.take([event(n) for n in range(20)] + [event(30, OTHER)])
    register(database, NEW)
    waiting.step()
    register(database, OTHER, tenant_id="nachbar")
    for _ in range(2):
        waiting.step()
    assert at(30 * 60) in logged(database)
    done(waiting)
    assert len(logged(database)) == 21


def test_rows_of_one_town_that_cannot_be_taken_stop_no_other(
    database: Database, ingestor: Ingestor, waiting: Awaited, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestor.take([event(1), event(2, OTHER)])
    register(database, NEW)
    register(database, OTHER, tenant_id="nachbar")

    def failing(*arguments: Any) -> None:
        if any(row.dev_eui == NEW for row in arguments[3]):
            raise ZeroDivisionError
        replay_rows(*arguments)

    monkeypatch.setattr(awaited, "replay_rows", failing)
    failed = 0
    for _ in range(4):
        try:
            waiting.step()
        except ZeroDivisionError:
            failed += 1
    assert failed >= 1
    assert logged(database) == [at(120)]


def test_what_comes_while_the_device_is_being_registered_is_taken(
    database: Database, ingestor: Ingestor, waiting: Awaited
) -> None:
    """It was judged by the registry of a moment before, and is put away after the look."""
    judged = ingestor.judge([event(1)])
    register(database, NEW)
    done(waiting)
    waiting.note(ingestor.commit(judged).rejections)
    done(waiting)
    assert logged(database) == [at(60)]
    assert rows(database) == []


def test_a_town_gets_what_came_to_it_and_each_change_is_tried_once(
    database: Database, ingestor: Ingestor, waiting: Awaited, slices: list[int]
) -> None:
    """The rows of a device that another town has stay, until it is given away."""
    ingestor.take([event(1, tenant="musterstadt"), event(2)])
    register(database, NEW, tenant_id="nachbar")
    done(waiting)
    assert logged(database) == [at(120)]
    with database.write() as connection:
        bump_revision(connection)
    done(waiting)
    assert slices == [1], "another change of the registry is none of this device"
    with database.write() as connection:
        given = update(devices).where(devices.c.dev_eui == NEW).values(tenant_id="musterstadt")
        connection.execute(given)
        bump_revision(connection)
    done(waiting)
    assert logged(database) == [at(120), at(60)]


def test_a_row_that_is_refused_again_is_not_tried_for_ever(
    database: Database, ingestor: Ingestor, clock: ManualClock, waiting: Awaited, slices: list[int]
) -> None:
    late = uplink(1, 400 * 86_400, dev_eui=NEW)
    arrival = event_arrival(event_topic(NEW), chirpstack_event(late), at(0))
    ingestor.take([arrival, event(2)])
    register(database, NEW)
    for _ in range(3):
        done(waiting)
    assert len(slices) == 1
    assert logged(database) != []


def test_a_row_that_nobody_can_read_stops_no_other(
    database: Database, ingestor: Ingestor, waiting: Awaited, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours in reading one: its row says so, and the others are taken."""
    ingestor.take([event(n) for n in range(3)])
    second = sorted(row.id for row in rows(database))[1]

    def picky(original: Original, directory: Directory) -> Arrival:
        if original.received_at == at(60):
            raise ZeroDivisionError
        return read_original(original, directory)

    monkeypatch.setattr("stadtsinn.cloud.intake.quarantine.read_original", picky)
    register(database, NEW)
    done(waiting)
    assert logged(database) == [at(0), at(120)]
    assert [(row.id, row.reason) for row in rows(database)] == [(second, Reason.INTERNAL_ERROR)]

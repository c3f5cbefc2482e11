"""Appending and reading the uplink log, on SQLite and PostgreSQL."""

from __future__ import annotations

import threading

import pytest

from databases import add_tenant
from fake_uplinks import LSE01_PAYLOAD, NINE, at, entry, uplink
from stadtsinn.cloud.log.uplinks.repository import append, head, history, read_after
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.reading import Decoded, Quality, Reading
from stadtsinn.decoders.uplink import Reception, TimeSource

SCOPE = Scope("musterstadt", Role.READER, 1)


def log_all(database: Database, *entries: object, committed: float = 0) -> None:
    with database.write() as connection:
        append(connection, list(entries), at(committed))  # type: ignore[arg-type]


def test_what_was_appended_is_read_back_in_order_and_whole(database: Database) -> None:
    outcome = Decoded(
        "dragino/lse01@1",
        (
            Reading("soil_moisture", 24.59),
            Reading("temperature", 3.5, "probe", Quality.BAD, "no_sensor", at(-60)),
        ),
    )
    first = uplink(2**32 - 1, 1.5, payload=LSE01_PAYLOAD, time_source=TimeSource.GPS, received=2)
    log_all(database, entry(first, outcome=outcome), entry(uplink(3, 0)), committed=9)
    with database.read() as connection:
        one, two = read_after(connection, 0, 10)
        assert head(connection) == two.position
    assert two.position > one.position
    assert one.f_cnt == 2**32 - 1
    assert one.payload == LSE01_PAYLOAD
    assert one.event_time == at(1.5)
    assert one.received_at == at(2)
    assert one.committed_at == at(9)
    assert one.time_source is TimeSource.GPS
    assert one.outcome == outcome
    assert one.device_type == "dragino/lse01"
    assert two.f_cnt == 3


def test_reading_goes_on_after_a_position_and_stops_at_the_limit(database: Database) -> None:
    log_all(database, *(entry(uplink(n, n)) for n in range(10)))
    with database.read() as connection:
        first = read_after(connection, 0, 4)
        rest = read_after(connection, first[-1].position, 100)
        assert [u.f_cnt for u in first] == [0, 1, 2, 3]
        assert [u.f_cnt for u in rest] == [4, 5, 6, 7, 8, 9]
        assert read_after(connection, rest[-1].position, 100) == []


def test_an_empty_log_stands_at_position_0(database: Database) -> None:
    with database.write() as connection:
        assert append(connection, [], NINE) == []
        assert head(connection) == 0


def test_a_rolled_back_append_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as connection:
            append(connection, [entry(uplink(1))], NINE)
            raise RuntimeError("the process stumbles")

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as connection:
        assert head(connection) == 0


def test_history_shows_only_the_callers_tenant(database: Database) -> None:
    add_tenant(database, "nachbar")
    log_all(
        database,
        *(entry(uplink(n, n * 60)) for n in range(5)),
        entry(uplink(9, 9, dev_eui="70b3d500000000ff"), tenant_id="nachbar"),
    )
    with database.read() as connection:
        mine = history(connection, SCOPE, "70b3d50000000100")
        foreign = history(connection, SCOPE, "70b3d500000000ff")
        window = history(connection, SCOPE, "70b3d50000000100", start=at(60), end=at(180))
        older = history(
            connection, SCOPE, "70b3d50000000100", before_position=mine[1].uplink.position, limit=2
        )
    assert [item.uplink.f_cnt for item in mine] == [4, 3, 2, 1, 0]
    assert mine[0].radio.receptions == (Reception("0016c001f1000001", -71, 9.2),)
    assert mine[0].radio.frequency == 868_100_000
    assert foreign == []
    assert [item.uplink.f_cnt for item in window] == [2, 1]
    assert [item.uplink.f_cnt for item in older] == [2, 1]


def test_writers_at_once_log_each_frame_once_and_readers_miss_none(database: Database) -> None:
    """Four writers append the same frames in other orders while a reader follows by position."""
    frames = [entry(uplink(n, n)) for n in range(60)]
    done = threading.Event()
    failures: list[BaseException] = []

    def write(shift: int) -> None:
        try:
            for n in range(0, 60, 5):
                part = [frames[(n * (shift * 2 + 1) + k + shift * 15) % 60] for k in range(5)]
                log_all(database, *part)
            for n in range(0, 60, 20):
                log_all(database, *frames[n : n + 20])
        except BaseException as error:
            failures.append(error)

    followed: list[int] = []

    def follow() -> None:
        position = 0
        while True:
            last_look = done.is_set()
            with database.read() as connection:
                newer = read_after(connection, position, 7)
            followed.extend(u.f_cnt for u in newer)
            position = newer[-1].position if newer else position
            if last_look and not newer:
                return

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    reader = threading.Thread(target=follow)
    for thread in (*writers, reader):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    assert not failures
    assert sorted(followed) == list(range(60))


def test_identity_is_a_constraint_of_the_database_too(database: Database) -> None:
    """The database itself refuses a second row with the same key."""
    from sqlalchemy.exc import IntegrityError

    from stadtsinn.cloud.log.uplinks.rows import row_of
    from stadtsinn.cloud.log.uplinks.statements import statements

    row = row_of(entry(uplink(1)), 0, NINE)

    def insert_twice() -> None:
        with database.write() as connection:
            statements(connection).insert(connection, [row])
            statements(connection).insert(connection, [row])

    with pytest.raises(IntegrityError):
        insert_twice()

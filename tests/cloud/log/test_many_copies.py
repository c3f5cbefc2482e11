"""Thousands of frames with one counter cost each new one nothing.

Devices that begin their counters again at every uplink have them, and an edge may make them up:
four batches of 4,000 once held the log for minutes.
"""

from __future__ import annotations

import pytest

from counted import statements as statements_of
from fake_uplinks import at, entry, uplink
from stadtsinn.cloud.log.uplinks import repository
from stadtsinn.cloud.log.uplinks.known_copies import NEAREST, KnownCopies
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.rows import Entry, copy_of_entry
from stadtsinn.cloud.log.uplinks.statements import GENERATIONS, statements
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.decoders.uplink import TimeSource

KEY = ("70b3d50000000100", "01020304", 0)


def restarted(number: int, seconds: float | None = None) -> Entry:
    """The uplink of a device whose counter is 0 each time."""
    moment = 60 * number if seconds is None else seconds
    return entry(uplink(0, moment, payload=number.to_bytes(4, "big")))


def log(database: Database, *entries: Entry) -> list[bool]:
    with database.write() as connection:
        return append(connection, entries, at(0))


def test_of_very_many_frames_with_one_counter_the_newest_are_read(database: Database) -> None:
    many = 1_100  # more than are read before the newest are asked for
    assert all(log(database, *(restarted(number) for number in range(many))))
    with database.read() as connection:
        found = statements(connection).copies(connection, [KEY])
    assert len(found) == GENERATIONS
    assert sorted(row[3] for row in found) == list(range(many - GENERATIONS, many))


def test_a_resend_of_one_of_them_is_known_by_its_time(database: Database) -> None:
    log(database, *(restarted(number) for number in range(1_100)))
    assert log(database, restarted(3), restarted(1_099), restarted(2_000)) == [False, False, True]


def test_equal_frames_are_looked_at_where_they_are_near_in_time() -> None:
    known = KnownCopies()
    for minute in range(1_000):
        known.add(copy_of_entry(entry(uplink(0, 60 * minute)), minute))
    near = known.candidates(copy_of_entry(entry(uplink(0, 60 * 500 + 5))))
    assert [copy.generation for copy in near] == [499, 500, 501, 502]
    assert len(near) == 2 * NEAREST
    assert known.generation == 999


def test_the_event_of_a_server_is_known_however_far_away() -> None:
    known = KnownCopies()
    for minute in range(100):
        up = uplink(0, 60 * minute, deduplication_id=f"event-{minute}")
        known.add(copy_of_entry(entry(up), minute))
    again = uplink(0, 99_999, deduplication_id="event-7")
    assert known.has_event(copy_of_entry(entry(again)))
    assert not known.has_event(copy_of_entry(entry(uplink(0, 60))))


def test_one_transaction_asks_so_many_questions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal frames far apart, of which none says when it was received."""
    monkeypatch.setattr(repository, "QUESTIONS", 10)
    apart = [
        entry(uplink(0, 100 * number, time_source=TimeSource.NETWORK_SERVER))
        for number in range(50)
    ]
    with statements_of(database) as seen:
        log(database, *apart)
    assert len([one for one in seen if "EXISTS" in one]) <= 10

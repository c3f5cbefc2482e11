"""Datastreams are made by their first value, with few statements in the transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, select

from databases import add_tenant, database  # noqa: F401
from fake_uplinks import register
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.datastreams import NewStreams
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.tables import datastreams

TOWN = "musterstadt"
NOON = Instant(1_780_000_000_000_000)
QUANTITIES = ("soil_moisture", "temperature", "battery_voltage")


def slugs(count: int) -> list[str]:
    return [f"70b3d5b0000{number:05x}" for number in range(count)]


def furnish(database: Database, stations: list[str]) -> None:  # noqa: F811
    add_tenant(database, TOWN)
    for slug in stations:
        register(database, slug)


def streams(stations: list[str]) -> dict[tuple[str, SeriesKey], Instant]:
    return {(TOWN, SeriesKey(slug, name)): NOON for slug in stations for name in QUANTITIES}


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:  # noqa: F811
    """The statements that the driver is called with."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def stored(database: Database) -> set[tuple[str, str, int]]:  # noqa: F811
    columns = (datastreams.c.quantity, datastreams.c.channel, datastreams.c.first_at)
    with database.read() as connection:
        return {tuple(row) for row in connection.execute(select(*columns))}


def test_ten_times_the_streams_take_no_more_statements(database: Database) -> None:  # noqa: F811
    """Others wait for this transaction: a restart once held it for seconds."""
    towns = slugs(200)
    furnish(database, towns)
    statements: list[int] = []
    for some in (towns[:20], towns):
        with counted(database) as seen, database.write() as connection:
            make_streams(connection, streams(some))
        statements.append(len(seen))
    assert statements[1] == statements[0]
    with database.read() as connection:
        found = connection.execute(select(datastreams.c.id)).all()
    assert len(found) == len(towns) * len(QUANTITIES)


def test_those_that_were_there_keep_their_first_value(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(2))
    first, second = slugs(2)
    with database.write() as connection:
        assert make_streams(connection, streams([first])) == set()
    later = {stream: Instant(NOON + 5) for stream in streams([first, second])}
    with database.write() as connection:
        assert make_streams(connection, later) == set(streams([first]))
    assert {row[2] for row in stored(database)} == {NOON, NOON + 5}


def test_only_what_was_asked_for_is_said_to_be_there(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    everything = streams(slugs(1))
    with database.write() as connection:
        make_streams(connection, everything)
    one = dict([next(iter(everything.items()))])
    with database.write() as connection:
        assert make_streams(connection, one) == set(one)


def test_a_station_that_is_gone_gets_none(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    with database.write() as connection:
        make_streams(connection, streams([*slugs(1), "gone"]))
    assert len(stored(database)) == len(QUANTITIES)


def test_what_was_rolled_back_is_made_the_next_time(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    directory = DirectoryCache(database).current()
    (slug,) = slugs(1)
    point = Point(TOWN, "soil", SeriesKey(slug, "soil_moisture"), NOON, 1.0)
    new = NewStreams()
    new.note([point], directory)
    with database.engine.connect() as connection:  # a transaction that nobody commits
        new.make(connection)
        connection.rollback()
    assert stored(database) == set()
    new.note([point], directory)
    with database.write() as connection:
        new.make(connection)
    assert stored(database) == {("soil_moisture", "", NOON)}

"""Datastreams are made by their first value, with few statements in the transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select, update

from counted import statements as statements_of
from databases import add_tenant, database  # noqa: F401
from fake_uplinks import register
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.datastreams import NewStreams
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.stations.tables import datastreams, deployments, series_corrections

TOWN = "musterstadt"
NOON = Instant(1_780_000_000_000_000)
ASKED = {"requested_at": NOON, "requested_by": "office"}
QUANTITIES = ("soil_moisture", "temperature", "battery_voltage")


def slugs(count: int) -> list[str]:
    return [f"70b3d5b0000{number:05x}" for number in range(count)]


def furnish(database: Database, stations: list[str]) -> None:  # noqa: F811
    add_tenant(database, TOWN)
    for slug in stations:
        register(database, slug)


def streams(stations: list[str]) -> dict[tuple[str, SeriesKey], Instant]:
    return {(TOWN, SeriesKey(slug, name)): NOON for slug in stations for name in QUANTITIES}


def stored(database: Database) -> set[tuple[str, str, int]]:  # noqa: F811
    columns = (datastreams.c.quantity, datastreams.c.channel, datastreams.c.first_at)
    with database.read() as connection:
        return {tuple(row) for row in connection.execute(select(*columns))}


@pytest.mark.slow
def test_ten_times_the_streams_take_no_more_statements(database: Database) -> None:  # noqa: F811
    """Others wait for this transaction: a restart once held it for seconds."""
    towns = slugs(200)
    furnish(database, towns)
    statements: list[int] = []
    for some in (towns[:20], towns):
        with statements_of(database) as seen, database.write() as connection:
            make_streams(connection, streams(some))
        statements.append(len(seen))
    assert statements[1] == statements[0]
    with database.read() as connection:
        found = connection.execute(select(datastreams.c.id)).all()
    assert len(found) == len(towns) * len(QUANTITIES)


def test_those_that_were_there_keep_their_first_value(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(2))
    first, second = slugs(2)
    later = {stream: Instant(NOON + 5) for stream in streams([first, second])}
    for some in (streams([first]), later):
        with database.write() as connection:
            make_streams(connection, some)
    assert {row[2] for row in stored(database)} == {NOON, NOON + 5}


def test_a_station_that_is_gone_gets_none(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    with database.write() as connection:
        make_streams(connection, streams([*slugs(1), "gone"]))
    assert len(stored(database)) == len(QUANTITIES)


class Batches:
    """What the follower of the series does with each batch of uplinks."""

    def __init__(self, database: Database) -> None:  # noqa: F811
        self.database = database
        self.directory = DirectoryCache(database)
        self.new = NewStreams()
        (slug,) = slugs(1)
        self.point = Point(TOWN, "soil", SeriesKey(slug, "soil_moisture"), NOON, 1.0)

    def load(self) -> None:
        """As a process does when it starts."""
        directory = self.directory.current()
        with self.database.read() as connection:
            self.new.load(connection, directory)

    def run(self, first: int, last: int, *, rolled_back: bool = False) -> int:
        """Uplinks at these positions, one stream in all; how many statements it took."""
        self.directory.renew()
        self.new.begin(first)
        self.new.note([self.point], self.directory.current())
        if rolled_back:
            with self.database.engine.connect() as connection:
                self.new.make(connection, last)
                connection.rollback()
            return 0
        with self.database.write() as connection, statements_of(self.database) as seen:
            self.new.make(connection, last)
        return len([one for one in seen if "datastreams" in one])


def test_what_was_made_is_not_asked_for_again(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    batches = Batches(database)
    assert batches.run(1, 10) > 0
    assert batches.run(11, 20) == 0
    assert len(stored(database)) == 1


def test_what_was_rolled_back_is_made_the_next_time(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    batches = Batches(database)
    batches.run(1, 10, rolled_back=True)
    assert stored(database) == set()
    batches.run(1, 3)  # after a failure batches are smaller
    assert stored(database) == {("soil_moisture", "", NOON)}
    assert batches.run(4, 10) == 0


def test_another_station_changes_nothing(database: Database) -> None:  # noqa: F811
    """Editing a town of thousands of stations asks for no stream again."""
    furnish(database, slugs(1))
    batches = Batches(database)
    batches.run(1, 10)
    register(database, "70b3d5b000000fff")
    assert batches.run(11, 20) == 0


def test_a_station_with_other_deployments_is_asked_about(
    database: Database,  # noqa: F811
) -> None:
    """The correction may have taken the stream away."""
    furnish(database, slugs(1))
    batches = Batches(database)
    batches.run(1, 10)
    batches.run(11, 20)
    with database.write() as connection:
        connection.execute(delete(datastreams))
        connection.execute(update(deployments).values(start=5))
        bump_revision(connection)
    assert batches.run(21, 30) > 0
    assert len(stored(database)) == 1


def test_after_a_start_nothing_is_asked_about(database: Database) -> None:  # noqa: F811
    furnish(database, slugs(1))
    Batches(database).run(1, 10)
    restarted = Batches(database)
    restarted.load()
    assert restarted.run(11, 20) == 0


def test_a_start_while_a_station_is_corrected(database: Database) -> None:  # noqa: F811
    """What the correction takes away after the start is made again by its next value."""
    furnish(database, slugs(1))
    Batches(database).run(1, 10)
    (slug,) = slugs(1)
    row = {"tenant_id": TOWN, "station": slug, "start": NOON, "end": NOON + 1}
    with database.write() as connection:
        connection.execute(insert(series_corrections).values(**row, **ASKED))
    restarted = Batches(database)
    restarted.load()
    with database.write() as connection:
        connection.execute(delete(datastreams))
    assert restarted.run(11, 20) > 0
    assert len(stored(database)) == 1

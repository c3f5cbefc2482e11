"""What SQLite does in the other tests, PostgreSQL does as well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fake_uplinks import at, furnish
from operated_town import DEVICE, OFFLINE, Town, status
from stadtsinn.cloud.intake.repository import write_streams
from stadtsinn.cloud.intake.streams import StreamState
from stadtsinn.cloud.operations import repository
from stadtsinn.cloud.operations.devices import devices
from stadtsinn.cloud.operations.edges import Presence, edges
from stadtsinn.cloud.operations.told import Told
from stadtsinn.cloud.platform.database.engine import Database


@pytest.mark.slow
def test_statements(database: Database) -> None:
    furnish(database)
    town = Town(database)
    town.log(0)
    town.log(100)
    town.says(0, status())
    town.says(10, OFFLINE)
    row = Told("k", "s", at(1), at(1), 1, "")
    with database.write() as connection:
        write_streams(connection, {("rathaus", "s"): StreamState()}, at(100))
        repository.note_told(connection, [row])
        repository.note_told(connection, [replace(row, times=2)])
        repository.note_disk_samples(connection, [("m:/a", 2**40)], at(0), at(-1))
        repository.note_disk_samples(connection, [("m:/a", 7)], at(1), at(1))
    with database.read() as connection:
        (edge,) = edges(connection, at(20))
        assert (edge.presence, edge.seen_at) == (Presence.AWAY, at(100))
        assert [one.seen_at for one in devices(connection, at(101))] == [at(100), None, None]
        assert repository.told(connection)["k", "s"].times == 2
        assert repository.disk_samples(connection, "m:/a") == [(at(1), 7)]
        assert repository.logged_since(connection, at(50)) == 1
        assert repository.newest_commit(connection) == at(101)
        assert repository.last_archived_day(connection, DEVICE) is None
        assert repository.addressees(connection, "musterstadt", ["it"]) == {}
    with database.write() as connection:
        repository.forget_told(connection, [("k", "s")])
        assert repository.told(connection) == {}

"""A station gets so many series at most, whatever its device says, and keeps those it has.

The way in is a device type that the cloud does not know: what its edge says of it is taken, and an
edge can invent a channel in each uplink.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from counted import write_transactions
from databases import fresh_database
from fake_uplinks import at, furnish
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.platform.limits.service import change_limit
from stadtsinn.cloud.series import datastreams as datastreams_module
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.tables import datastreams
from stadtsinn.decoders.reading import Decoded, Reading
from stadtsinn.decoders.uplink import TimeSource

HERE, BESIDE, ELSEWHERE = "70b3d50000000100", "70b3d50000000101", "70b3d50000000200"
TOWN_OF = {HERE: "musterstadt", BESIDE: "musterstadt", ELSEWHERE: "nachbar"}


class Town:
    """The follower of the series with a log of its own making."""

    def __init__(self, folder: Path) -> None:
        self.database: Database = fresh_database(folder)
        furnish(self.database)
        self.store: SeriesStore = open_store(str(folder / "series.sqlite"))
        self.position = 0
        self.start(Limits(station_series=5, series=8))

    def start(self, limits: Limits) -> None:
        """A process begins."""
        directory = DirectoryCache(self.database)
        self.follower = SeriesFollower(self.store, directory, ManualClock(at(3600)), limits)
        self.follower.load(self.database)

    def measure(self, dev_eui: str, *channels: str, kept: bool = True) -> None:
        """One uplink with a value on each channel, in a batch of its own."""
        uplinks = [self.uplink(dev_eui, channels)]
        self.follower.prepare(uplinks)
        if kept:
            with self.database.write() as connection:
                self.follower.apply(connection, uplinks)
        else:
            self.position -= 1

    def uplink(self, dev_eui: str, channels: tuple[str, ...]) -> LoggedUplink:
        self.position += 1
        readings = tuple(Reading("temperature", 20.0, channel=channel) for channel in channels)
        return LoggedUplink(
            position=self.position,
            tenant_id=TOWN_OF[dev_eui],
            dev_eui=dev_eui,
            dev_addr="01020304",
            generation=0,
            f_cnt=self.position,
            f_port=2,
            payload=b"",
            event_time=at(self.position),
            time_source=TimeSource.GATEWAY,
            received_at=at(self.position),
            committed_at=at(self.position),
            source="edge:rathaus",
            device_type="acme/unknown",
            outcome=Decoded("acme/unknown@1", readings),
        )

    def stored(self, dev_eui: str) -> list[str]:
        return [key.channel for key in self.store.series(TOWN_OF[dev_eui], dev_eui)]

    def rows(self) -> int:
        with self.database.read() as connection:
            return int(connection.scalar(select(func.count()).select_from(datastreams)) or 0)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    made.store.close()


def test_a_station_with_as_many_as_it_may_have_gets_no_more_and_keeps_measuring(town: Town) -> None:
    for number in range(20):
        town.measure(HERE, "a", f"invented-{number}")
    assert town.stored(HERE) == ["a", *(f"invented-{n}" for n in range(4))]
    assert town.rows() == 5
    key = town.store.series("musterstadt", HERE)[0]
    assert len(town.store.read("musterstadt", key, at(0), at(3600))) == 20
    warnings = town.follower.check().warnings
    assert f"the station '{HERE}' of 'musterstadt' gets no more series" in warnings[0]
    assert "stadtsinn tenant limit" in warnings[0]


def test_one_uplink_with_too_many_is_stored_as_far_as_there_is_room(town: Town) -> None:
    town.measure(HERE, *(f"c{n}" for n in range(50)))
    assert town.stored(HERE) == [f"c{n}" for n in range(5)]


def test_a_town_has_so_many_and_its_neighbour_its_own(town: Town) -> None:
    town.measure(HERE, *(f"c{n}" for n in range(5)))
    town.measure(BESIDE, *(f"c{n}" for n in range(5)))
    town.measure(ELSEWHERE, *(f"c{n}" for n in range(5)))
    assert [len(town.stored(one)) for one in (HERE, BESIDE, ELSEWHERE)] == [5, 3, 5]


def test_what_was_there_counts_after_a_start(town: Town) -> None:
    town.measure(HERE, *(f"c{n}" for n in range(5)))
    town.start(Limits(station_series=5))
    town.measure(HERE, "c0", "c4", "one more")
    assert town.stored(HERE) == [f"c{n}" for n in range(5)]


def test_a_batch_that_was_not_kept_takes_no_room(town: Town) -> None:
    for _ in range(3):
        town.measure(HERE, *(f"c{n}" for n in range(5)), kept=False)
    town.measure(HERE, *(f"c{n}" for n in range(5)))
    assert town.rows() == 5


def test_the_operators_word_makes_room(town: Town) -> None:
    town.measure(HERE, *(f"c{n}" for n in range(6)))
    with town.database.write() as connection:
        change_limit(connection, "musterstadt", "station_series", 6)
    town.measure(HERE, "c5")  # refused once more; with it the new limit is read
    town.measure(HERE, "c5")
    assert town.stored(HERE) == [f"c{n}" for n in range(6)]


def test_very_many_new_series_are_made_a_few_in_each_transaction(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A town may begin as many as it may have in one batch; a batch that comes again changes
    nothing."""
    monkeypatch.setattr(datastreams_module, "MADE_AT_ONCE", 2)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    for kept in (False, True):
        with write_transactions(town.database) as found:
            town.measure(HERE, "a", "b", "c", "d", "e", kept=kept)
        making = [one for one in found if any("INTO datastreams" in text for text in one.texts)]
        assert len(making) == (1 if kept else 2), "what is made stays"
        assert town.rows() == (5 if kept else 4)
    town.measure(HERE, "a", "f")
    assert town.rows() == 5, "there is no room for a sixth"
    town.measure(BESIDE, "a", "b", "c", "d")
    assert town.rows() == 8

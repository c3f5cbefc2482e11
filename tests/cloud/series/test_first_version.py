"""An installation of the first version: its series are made again, by station."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import HOUR, Instant, parse
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.filling import fill_if_outdated
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache

FIXTURES = Path(__file__).parent / "fixtures"
DEVICES = ("70b3d50000000100", "70b3d50000000101")
AFTERWARDS = Instant(parse("2026-09-26T10:00:00+02:00") + HOUR)
EVER = (Instant(0), Instant(2**52))


def test_its_series_are_made_again_from_its_log(tmp_path: Path) -> None:
    """Database and series file as its own code made them."""
    for name, dump in (("town", "first_version"), ("series", "series_layout_2")):
        made = sqlite3.connect(tmp_path / f"{name}.sqlite")
        made.executescript((FIXTURES / f"{dump}.sql").read_text())
        made.close()
    clock = ManualClock(AFTERWARDS)  # the series file keeps 30 days
    database = open_database(str(tmp_path / "town.sqlite"))
    upgrade(database)
    store = open_store(str(tmp_path / "series.sqlite"), clock=clock)
    directory = DirectoryCache(database)
    follower = SeriesFollower(store, directory)
    fill_if_outdated(database, follower, clock, None)
    loop = FollowerLoop(database, follower, clock)
    while loop.run_once():
        pass
    for dev_eui in DEVICES:
        (place,) = directory.current().deployments_of(dev_eui)
        key = SeriesKey(place.station.slug, "soil_moisture")
        found = store.read("musterstadt", key, *EVER, include_doubtful=True)
        assert [sample.dev_eui for sample in found] == [dev_eui] * 3
    assert {key.station for key in store.latest("musterstadt", None)} == {
        directory.current().deployments_of(dev_eui)[0].station.slug for dev_eui in DEVICES
    }
    assert follower.check().detail == "complete"
    store.close()
    database.dispose()

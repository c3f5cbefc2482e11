"""A town's series move from one store to another: rebuilt from the log, also what is archived."""

from __future__ import annotations

import pytest

from by_night import others_by_night
from fake_history import TOWN, History
from fake_uplinks import at
from influx_servers import GENERATIONS
from real_series import SeriesAddress, fresh_address, open_at
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.series.follower import SeriesFollower


@pytest.mark.parametrize("target", others_by_night([*GENERATIONS, "embedded"], ["influxdb_1_8"]))
def test_all_values_are_in_the_new_store(
    history: History, target: str, request: pytest.FixtureRequest
) -> None:
    history.archive_days(at(30 * 3600))
    old, before = history.store, history.state()
    history.address = (
        SeriesAddress(str(history.folder / "moved.sqlite"))
        if target == "embedded"
        else fresh_address(request.getfixturevalue(target))
    )
    history.store = history.open_again()
    follower = SeriesFollower(history.store, history.directory, history.clock)
    rebuild(history.database, follower, history.clock, history.archive)
    history.follow()
    assert history.state() == before != {}
    assert history.state(old) == before  # it stays as it was: nobody writes there any more
    old.drop_tenant(TOWN)
    assert history.state(open_at(history.address, history.database)) == before

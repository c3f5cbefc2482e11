"""Values that no sensor measures, through the real log and all three followers."""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import fresh_database
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.set_aside.repository import listed
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Decoded, Reading, encode_outcome
from stadtsinn.decoders.uplink import Uplink


def entry_of(up: LoggedUplink, total: float | None = None) -> Entry:
    """An entry of the log as this uplink, with another total of those who came."""
    outcome = up.outcome
    assert isinstance(outcome, Decoded)
    if total is not None:
        readings = tuple(
            Reading(one.quantity, total, one.channel) if one.quantity == "people_in_total" else one
            for one in outcome.readings
        )
        outcome = Decoded(outcome.decoder, readings)
    made = Uplink(
        dev_eui=up.dev_eui,
        dev_addr=up.dev_addr,
        f_cnt=up.f_cnt,
        f_port=up.f_port,
        payload=up.payload,
        event_time=up.event_time,
        time_source=up.time_source,
        received_at=up.received_at,
    )
    return Entry(up.tenant_id, up.source, up.device_type or "", made, encode_outcome(outcome))


@pytest.mark.parametrize(
    "totals",
    [(1e300,), (-7e18, 9e18), (9e18,), (-1e300, 1e300), (2.0**31 - 1, 0.0, 2.0**31 - 1)],
    ids=str,
)
def test_values_beyond_every_column_stop_no_follower(
    tmp_path: Path, totals: tuple[float, ...]
) -> None:
    database = fresh_database(tmp_path)
    market = Market(database)
    entries = [entry_of(market.uplink(NORTH, 0, 100, 50)), entry_of(market.uplink(SOUTH, 0, 1, 1))]
    for number, total in enumerate(totals, start=1):
        entries.append(entry_of(market.uplink(NORTH, number, 100, 50), total))
    entries += [entry_of(market.uplink(SOUTH, 8, 21, 1)), entry_of(market.uplink(SOUTH, 9, 26, 1))]
    with database.write() as connection:
        append(connection, entries, OPENING)
    clock = ManualClock(Instant(OPENING + 10 * MINUTE))
    directory = DirectoryCache(database)
    store = EmbeddedStore(tmp_path / "series.sqlite", clock)
    followers = (
        SeriesFollower(store, directory),
        market.follower,
        AlertsFollower(directory, clock),
    )
    for follower in followers:
        loop = FollowerLoop(database, follower, clock)
        attempts = 0
        while loop._attempt() != 0:
            attempts += 1
            assert attempts < 20, f"{follower.name}: {loop.check().detail}"
        assert loop.check().ok
        with database.read() as connection:
            assert f"at position {head(connection)}" in loop.check().detail
    with database.read() as connection:
        assert listed(connection, None, 10) == []
    assert market.latest().event_time >= OPENING + 9 * MINUTE, "the other gate is counted"
    store.close()
    database.dispose()

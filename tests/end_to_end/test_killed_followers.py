"""The real followers and the sender, killed at each of their commit points.

A log with a morning of the simulated day is followed by real processes. Each is killed at each of
its commit points; after a restart the results are the same as without the kill. So are those of
two processes of each role.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from by_night import others_by_night
from morning import Morning, Outcome
from real_cloud import wait_dead
from real_parts import mosquitto
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.simulator.market_day.day import MarketDay
from two_processes import follow_by_two, ingest_by_two, shared_at

pytestmark = pytest.mark.slow

POINTS = (
    "series.prepared",
    "series.applied",
    "live.prepared",
    "live.applied",
    "alerts.prepared",
    "alerts.applied",
    "notify.claiming",
    "notify.claimed",
    "notify.called",
    "notify.finished",
)
TELLING = ("series.applied", "live.prepared", "alerts.applied", "notify.claimed", "notify.called")


@pytest.fixture(scope="module")
def day() -> MarketDay:
    return MarketDay()


@pytest.fixture(scope="module")
def undisturbed(day: MarketDay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    morning = Morning(tmp_path_factory.mktemp("undisturbed"), day)
    morning.follow()
    yield morning.outcome()
    morning.database.dispose()


def test_an_undisturbed_morning_has_an_alarm(undisturbed: Outcome) -> None:
    """What the kills are compared with is not empty."""
    assert len(undisturbed.latest) > 50
    assert len(undisturbed.history) > 100
    assert len(undisturbed.incidents) == 1
    assert sum(undisturbed.arrived.values()) == sum(undisturbed.messages.values()) == 1


@pytest.mark.parametrize("point", others_by_night(POINTS, TELLING))
def test_killed_there_nothing_is_lost_or_doubled(
    undisturbed: Outcome, day: MarketDay, tmp_path: Path, point: str
) -> None:
    """SIGKILL at the point, then a restart: the same values, occupancy, incidents, messages."""
    morning = Morning(tmp_path, day)
    to_kill = morning.process(crash_at=point)
    to_kill.start()
    try:
        wait_dead(to_kill)
    finally:
        to_kill.stop()
    # The sender dies with the followers, wherever it was: it may hold a lease at any point,
    # and the morning's clock stands still.
    _end_leases(morning.database)
    morning.follow()
    assert morning.outcome() == undisturbed
    morning.database.dispose()


def test_two_processes_of_each_role_make_what_one_makes(
    undisturbed: Outcome, day: MarketDay, tmp_path: Path
) -> None:
    """Log, series, occupancy, incidents and messages; nothing is doubled."""
    with mosquitto(tmp_path / "broker") as broker:
        morning = Morning(tmp_path / "two", day, is_logged=False, extra=shared_at(broker.port))
        ingest_by_two(morning, broker.port)
        follow_by_two(morning)
        assert morning.outcome() == undisturbed
        morning.database.dispose()


def _end_leases(database: Database) -> None:
    """As if the two minutes of a dead worker's lease were over."""
    with database.write() as connection:
        connection.execute(
            outbox.update().where(outbox.c.lease_until.is_not(None)).values(lease_until=1)
        )

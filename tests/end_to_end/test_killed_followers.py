"""The real followers and the sender, killed at each of their commit points.

A log with a morning of the simulated day is followed by real processes. Each is killed at each of
its commit points; after a restart the results are the same as without the kill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from real_cloud import wait_dead
from real_parts import wait_until
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, sandbox_messages
from stadtsinn.cloud.domains.crowd.repository import latest_sample, occupancy_history
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.migrations.upgrade import upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.progress import look
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.market_day.town import TREE_RULE

pytestmark = pytest.mark.slow

ROLES = ("series", "live", "alerts", "notify")
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

read_event = ChirpStack().read


@dataclass(frozen=True)
class Outcome:
    """Everything the followers and the sender made of the morning."""

    latest: dict[SeriesKey, Sample]
    history: list[tuple[int, ...]]
    now: tuple[int, ...]
    incidents: list[str]
    messages: Counter[tuple[str, int]]
    arrived: Counter[str]


class Morning:
    """A database with the log of a morning, and processes that follow it."""

    def __init__(self, folder: Path, day: MarketDay) -> None:
        self.folder = folder
        self.day = day
        # A tree has just become too dry: the alarm is fresh, so it must be sent.
        (alarm, *_rest) = day.truth.incidents(TREE_RULE)
        self.now = Instant(alarm.start_latest + 3 * MINUTE)
        self.database = open_database(str(folder / "cloud.sqlite"))
        upgrade(self.database)
        apply_town(self.database, day.town, day.span.start)
        self.uplinks = _fill(self.database, day, self.now)
        SharedClock.create(folder / "clock", self.now)
        self.config = folder / "cloud.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///cloud.sqlite"\n[series]\nurl = "sqlite:///series.sqlite"\n'
            f'[health]\nbind = "127.0.0.1:{free_port()}"\n[notify.sms]\nkind = "sandbox"\n'
            "[pace]\nlook_seconds = 0.01\ntick_seconds = 0.05\noutbox_seconds = 0.02\n"
        )

    def process(self, crash_at: str = "") -> Child:
        only = [argument for role in ROLES for argument in ("--only", role)]
        clock = ["--clock", f"shared:{self.folder / 'clock'}"]
        return Child(
            "followers",
            ["cloud", "run", "--config", str(self.config), *clock, *only],
            self.folder / "followers.log",
            {"STADTSINN_CRASH_AT": crash_at},
        )

    def follow(self) -> None:
        """Run until everything is done."""
        child = self.process()
        child.start()

        def settled() -> bool:
            child.check()
            with self.database.read() as connection:
                states = set(connection.execute(select(outbox.c.status)).scalars())
                sent = bool(states) and states <= {Status.ACCEPTED, Status.DELIVERED}
                return look(connection).settled(self.uplinks) and sent

        try:
            wait_until(settled, "followers and sender are through")
        finally:
            child.stop()

    def outcome(self) -> Outcome:
        store = open_store(f"sqlite:///{self.folder / 'series.sqlite'}")
        try:
            latest = store.latest(self.day.town.tenant, None)
        finally:
            store.close()
        with self.database.read() as connection:
            sample = latest_sample(connection, 1)
            assert sample is not None
            history = occupancy_history(connection, 1, self.day.span.start, self.now)
            rows = connection.execute(select(outbox.c.kind, outbox.c.recipient_id))
            return Outcome(
                latest=latest,
                history=[(one.event_time, one.occupancy, one.low, one.high) for one in history],
                now=(sample.event_time, sample.occupancy, sample.low, sample.high),
                incidents=sorted(connection.execute(select(incidents.c.id)).scalars()),
                messages=Counter((row.kind, row.recipient_id) for row in rows),
                arrived=_arrived(self.database),
            )


def _arrived(database: Database) -> Counter[str]:
    with database.read() as connection:
        return Counter(connection.execute(select(sandbox_messages.c.address)).scalars())


def _fill(database: Database, day: MarketDay, until: Instant) -> int:
    """Log what the town's server heard until then; answers how many uplinks that are."""
    types = {device.dev_eui: device.device_type for device in day.town.devices}
    entries = []
    for simulated in day.uplinks():
        if simulated.event.time >= until:
            break
        event = read_event(simulated.event.topic, simulated.event.payload, simulated.event.time)
        assert isinstance(event, Uplink)
        kind = types[event.dev_eui]
        outcome = encode_outcome(catalogue().decode(*event.frame(kind)))
        entries.append(Entry(day.town.tenant, "edge:edge-rathaus", kind, event, outcome))
    with database.write() as connection:
        append(connection, entries, until)
    return len(entries)


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


@pytest.mark.parametrize("point", POINTS)
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


def _end_leases(database: Database) -> None:
    """As if the two minutes of a dead worker's lease were over."""
    with database.write() as connection:
        connection.execute(
            outbox.update().where(outbox.c.lease_until.is_not(None)).values(lease_until=1)
        )

"""The cloud's own parts in one process, called step by step through a simulated day.

No broker, no edge agent, no thread: every message of the network servers is read, logged and
followed in the order it would arrive, with the town's messages held back while its line is cut.
What comes out must agree with the simulator's truth, and is what tests then damage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from databases import fresh_database
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.notify.senders.sandbox import SandboxSender
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.uplinks.repository import append, read_after
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.format import OtherEvent
from stadtsinn.simulator.demo.duty import answer_alarm
from stadtsinn.simulator.demo.swap import replace_sensor
from stadtsinn.simulator.demo.watering import enter_trees, judge_now, water_tree
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.radio.network_servers import NetworkServer, Publication

_DATABASE, _SERIES = "stadtsinn.sqlite", "series.sqlite"


@dataclass(frozen=True)
class TownCloud:
    """What the cloud holds at the end of the day."""

    folder: Path
    database: Database
    series: SeriesStore

    def close(self) -> None:
        self.series.close()
        self.database.dispose()


def reopen(folder: Path, clock: ManualClock) -> TownCloud:
    """Open the stores of a day in `folder`."""
    database = open_database(f"sqlite:///{folder / _DATABASE}")
    return TownCloud(folder, database, EmbeddedStore(folder / _SERIES, clock))


def play_day(day: MarketDay, folder: Path, *, backlog_per_minute: int = 100_000) -> TownCloud:
    """Run the whole day; every message of both servers arrives.

    After the outage so many messages of the town's backlog arrive per minute, oldest first, and
    new ones queue behind it, while the county's come at once.
    """
    clock = ManualClock(day.span.start)
    database = fresh_database(folder)
    series = EmbeddedStore(folder / _SERIES, clock)
    apply_town(database, day.town, clock.now())
    enter_trees(database, clock.now())
    _Player(day, database, series, clock, backlog_per_minute).run()
    return TownCloud(folder, database, series)


class _Player:
    """Hands messages on minute by minute, as `demo --check` does."""

    def __init__(
        self,
        day: MarketDay,
        database: Database,
        series: SeriesStore,
        clock: ManualClock,
        backlog_per_minute: int,
    ) -> None:
        self._day = day
        self._database = database
        self._series = series
        self._clock = clock
        self._backlog_per_minute = backlog_per_minute
        directory = DirectoryCache(database)
        self._followers = [
            FollowerLoop(database, LiveFollower(directory, clock), clock),
            FollowerLoop(database, AlertsFollower(directory, clock), clock),
        ]
        senders = {"sms": SandboxSender(database, clock)}
        self._outbox = OutboxWorker(database, senders, clock, wall=clock)
        self._types = {device.dev_eui: device.device_type for device in day.town.devices}

    def run(self) -> None:
        outage = self._day.plan.outage
        arrived: list[Publication] = []
        backlog: list[Publication] = []
        minute = Instant(self._day.span.start + MINUTE)
        for publication in self._day.publications():
            while publication.time >= minute:
                if minute >= outage.end:
                    arrived += backlog[: self._backlog_per_minute]
                    backlog = backlog[self._backlog_per_minute :]
                self._take(arrived)
                arrived = []
                self._pass(minute)
                minute = Instant(minute + MINUTE)
            from_town = publication.server is NetworkServer.TOWN
            waits = from_town and (backlog or publication.time in outage)
            (backlog if waits else arrived).append(publication)
        self._take([*arrived, *backlog])
        for _ in range(10):
            self._pass(minute)
            minute = Instant(minute + MINUTE)
        self._fill_series()
        judge_now(self._database, self._series, self._day.plan.watering_list)
        water_tree(self._database, self._clock.now())

    def _take(self, publications: Sequence[Publication]) -> None:
        """Read and log what arrived, at the time it now is."""
        entries = []
        for publication in publications:
            if publication.time > self._clock.now():
                self._clock.set(publication.time)
            event = ChirpStack().read(publication.topic, publication.payload, self._clock.now())
            if isinstance(event, OtherEvent):
                continue
            device_type = self._types[event.dev_eui]
            outcome = encode_outcome(catalogue().decode(*event.frame(device_type)))
            source = f"chirpstack:{publication.server}"
            entries.append(Entry(self._day.town.tenant, source, device_type, event, outcome))
        if entries:
            with self._database.write() as connection:
                append(connection, entries, self._clock.now())

    def _pass(self, minute: Instant) -> None:
        """Let followers catch up and time pass until `minute`."""
        self._clock.set(minute)
        if minute == self._day.plan.swap:
            replace_sensor(self._database, minute)
        for follower in self._followers:
            while follower.run_once():
                pass
            follower.tick()
        self._outbox.run_once()
        answer_alarm(self._database, minute)

    def _fill_series(self) -> None:
        """What the series follower does, in one go."""
        position = 0
        maker = PointMaker(DirectoryCache(self._database))
        with self._database.read() as connection:
            while uplinks := read_after(connection, position, 1000):
                position = uplinks[-1].position
                self._series.write(
                    [
                        point
                        for up in uplinks
                        for point in maker.points(
                            up.tenant_id, up.dev_eui, up.event_time, up.outcome
                        )
                    ]
                )

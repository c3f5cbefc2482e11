"""Plays the market day: in time-lapse for viewers, or as a check at full speed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.base.private_files import private_folder
from stadtsinn.cloud.domains.crowd.repository import latest_sample
from stadtsinn.cloud.domains.crowd.sample import ZoneSample
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.domains.trees.watering_list import WateringList
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.simulator.demo.check import Disasters
from stadtsinn.simulator.demo.duty import answer_alarm
from stadtsinn.simulator.demo.mosquitto import find_mosquitto
from stadtsinn.simulator.demo.progress import last_message, look
from stadtsinn.simulator.demo.stage import Setting, Stage
from stadtsinn.simulator.demo.swap import replace_sensor
from stadtsinn.simulator.demo.watering import judge_now, print_list, water_tree
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.market_day.town import MARKET, REPLACED_SENSOR, TENANT, station_of
from stadtsinn.simulator.radio.network_servers import NetworkServer
from stadtsinn.simulator.radio.publisher import AsFastAsPossible, Publisher, TimeLapse
from stadtsinn.simulator.verification.report import Report
from stadtsinn.simulator.verification.verify import verify

_CONNECT_S = 900
"""Bounds hanging only: a busy machine may be slow."""


@dataclass(frozen=True)
class Printed:
    """The watering list that the crew takes along."""

    made: WateringList
    page: Path


@dataclass(frozen=True)
class Scene:
    """What there is to see at one moment of the show."""

    now: Instant
    published: int
    committed: int
    spooled: int
    line_up: bool
    zone: ZoneSample | None
    truth: int
    last_message: str | None
    tree: tuple[float, ...]
    """Soil moisture at the tree whose sensor is replaced, in Vol.-%, in the order of time."""
    sensor_replaced: bool
    watering: Printed | None
    finished: bool


class Show:
    """The day in time-lapse. Made by `open_show`; `scene` may be called at any time."""

    def __init__(self, stage: Stage, day: MarketDay, clock: SharedClock, speed: float) -> None:
        self.stage = stage
        self.day = day
        self._clock = clock
        self._line_up = True
        self._failure: Exception | None = None
        self._watering: Printed | None = None
        self._database = stage.open_database()
        self._series = stage.open_series()
        self._zone_id = _zone_id(self._database)
        self._publisher, self._links = _publisher(stage, clock)
        self._finished = threading.Event()
        self._thread = threading.Thread(target=self._play, args=(speed,), daemon=True)

    def start(self) -> None:
        self._thread.start()

    def scene(self) -> Scene:
        """The present state; raises the exception that ended the show, if there was one."""
        if self._failure is not None:
            raise self._failure
        self.stage.check()
        now = self._clock.now()
        with self._database.read() as connection:
            return Scene(
                now=now,
                published=self._publisher.published,
                committed=look(connection).committed,
                spooled=self.stage.spooled() or 0,
                line_up=self._line_up,
                zone=latest_sample(connection, self._zone_id),
                truth=self.day.truth.occupancy(Instant(now - now % MINUTE)),
                last_message=last_message(connection),
                tree=self._tree(now),
                sensor_replaced=now >= self.day.plan.swap,
                watering=self._watering,
                finished=self._finished.is_set(),
            )

    def _tree(self, now: Instant) -> tuple[float, ...]:
        key = SeriesKey(station_of(REPLACED_SENSOR), "soil_moisture")
        samples = self._series.read(TENANT, key, self.day.span.start, now)
        return tuple(sample.value for sample in samples)

    def _print(self, now: Instant) -> Printed:
        made = judge_now(self._database, self._series, now)
        page = self.stage.folder / "giessliste.html"
        print_list(made, self.day.town.name, page)
        return Printed(made, page)

    def stop(self) -> None:
        self._publisher.stop()
        self._thread.join(timeout=10)
        for link in self._links:
            link.stop()
        self._series.close()
        self._database.dispose()

    def _play(self, speed: float) -> None:
        try:
            self._publisher.run(
                self.day, TimeLapse(speed, quick_until=self.day.plan.opening), self._minute
            )
            self._finished.set()
        except Exception as error:
            self._failure = error

    def _minute(self, moment: Instant) -> None:
        if moment == self.day.plan.swap:
            replace_sensor(self._database, moment)
        if moment == self.day.plan.watering_list:
            self._watering = self._print(moment)
        if moment == self.day.plan.watering:
            water_tree(self._database, moment)
        answer_alarm(self._database, moment)
        outage = self.day.plan.outage
        if moment == outage.start:
            self._line_up = False
            self.stage.backhaul.cut()
        elif moment == outage.end:
            self.stage.backhaul.restore()
            self._line_up = True


@contextmanager
def open_show(
    folder: Path, cache: Path, *, seed: int, speed: float, api_port: int | None
) -> Iterator[Show]:
    """A running show; everything it started ends with the block."""
    day, clock, setting = _prepare(folder, seed, api_port)
    with Stage(folder, find_mosquitto(cache), setting, clock) as stage:
        show = Show(stage, day, clock, speed)
        show.start()
        try:
            yield show
        finally:
            show.stop()


def check_day(folder: Path, cache: Path, *, seed: int, report: Callable[[str], None]) -> Report:
    """Play the day with its failures and compare; `report` gets each step as one line.

    Raises Stuck, ChildFailed or PublishingStuck when the day cannot be played to its end.
    """
    day, clock, setting = _prepare(folder, seed, None)
    with Stage(folder, find_mosquitto(cache), setting, clock) as stage:
        database, series = stage.open_database(), stage.open_series()
        publisher, links = _publisher(stage, clock)
        try:
            report(f"{len(list(day.uplinks()))} uplinks to send")
            disasters = Disasters(stage, day, database, series, report)
            publisher.run(day, AsFastAsPossible(), disasters.minute)
            report("comparing with the truth")
            return verify(day.truth, database, series)
        finally:
            for link in links:
                link.stop()
            series.close()
            database.dispose()


def _prepare(
    folder: Path, seed: int, api_port: int | None
) -> tuple[MarketDay, SharedClock, Setting]:
    private_folder(folder)
    day = MarketDay(seed)
    path = folder / "clock"
    clock = SharedClock.create(path, day.span.start)
    return day, clock, Setting(day.town, clock_spec=f"shared:{path}", api_port=api_port, trees=True)


def _publisher(stage: Stage, clock: SharedClock) -> tuple[Publisher, list[MqttLink]]:
    links = {
        NetworkServer.TOWN: _link(
            Broker("127.0.0.1", stage.local_broker.port, client_id="chirpstack-town")
        ),
        NetworkServer.COUNTY: _link(stage.network_server("chirpstack-county")),
    }
    return Publisher(links, clock), list(links.values())


def _link(broker: Broker) -> MqttLink:
    link = MqttLink(broker)
    link.start()
    if not link.wait_connected(_CONNECT_S):
        raise TimeoutError(f"the broker on port {broker.port} did not answer within {_CONNECT_S} s")
    return link


def _zone_id(database: Database) -> int:
    zones = DirectoryCache(database).part(read_zones).by_id.values()
    return next(zone.id for zone in zones if zone.slug == MARKET)

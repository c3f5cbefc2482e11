"""A town whose sensors come and go: what tests of corrected series change, log and compare."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api_callers import HOME, NOW
from databases import add_tenant, fresh_database
from fake_uplinks import at, entry, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import authenticate, create_key
from stadtsinn.cloud.series.corrections.service import Corrector
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore
from stadtsinn.cloud.town import service as town
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.stations import service
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import CLOCK_WRONG
from stadtsinn.decoders.reading import Decoded, Quality, Reading

DEVICES = tuple(f"70b3d5000000040{number}" for number in range(3))
STATIONS = ("linde", "eiche")
DEVICE_TYPE = catalogue().device("axioma/w1")
"""A type whose values can be older than their frame."""

_DAY_MINUTES = 1440

State = dict[SeriesKey, list[tuple[int, float, str, str]]]
"""Every point of a store: time, value, quality and device."""


@dataclass
class MovingSensors:
    """Devices, two stations and the log. The follower sees a change of deployments only when a
    correction makes it look: as stale as a cache can be."""

    folder: Path
    given_store: SeriesStore | None = None
    database: Any = None
    count: int = 0
    numbers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database = self.database or fresh_database(self.folder)
        add_tenant(self.database, HOME)
        token = create_key(self.database, HOME, "Bauhof", Role.EDITOR, NOW)[1]
        self.scope = authenticate(self.database, token, NOW)
        self.clock = ManualClock(NOW)
        self.archive = Archive(self.folder / "archive")
        self.store = self.given_store or open_store(str(self.folder / "moving.sqlite"))
        with town.change(self.database) as connection:
            for slug in STATIONS:
                station = Station(slug=slug, name=slug.title())
                service.create_station(connection, self.editor, station)
            for number, dev_eui in enumerate(DEVICES):
                device = Device(
                    dev_eui=dev_eui,
                    device_type=DEVICE_TYPE.id,
                    name=f"Sensor {number}",
                    interval_s=600,
                )
                town.create_device(connection, self.scope, device, NOW)
        self.directory = DirectoryCache(self.database, monotonic=lambda: 0.0)
        self.follower = SeriesFollower(self.store, self.directory, self.clock)
        self.loop = FollowerLoop(
            self.database, self.follower, self.clock, window=LogWindow(self.archive)
        )
        self.corrector = self.make_corrector()

    def make_corrector(self) -> Corrector:
        return Corrector(
            self.database,
            self.archive,
            self.store,
            self.directory,
            self.clock,
            self.follower.barrier,
        )

    @property
    def editor(self) -> Editor:
        return Editor(self.scope, NOW, "Bauhof")

    def change(self, what: Any, *arguments: Any) -> bool:
        """Change deployments; False where that may not be."""
        with suppress(Conflict, Invalid):
            with town.change(self.database) as connection:
                what(connection, self.editor, *arguments)
            return True
        return False

    def send(self, device: int, minute: int, own_minute: int | None = None) -> None:
        """Log an uplink of that minute, also afterwards, with a sample of its own time.

        One that is more than a day ahead of its frame has a wrong clock, as decoders say of it:
        no rewriting looks so far for uplinks.
        """
        self.count += 1
        value = float(self.count % 90)
        readings = [
            Reading("soil_moisture", value),
            Reading("soil_temperature", value - 40),
        ]
        if own_minute is not None:
            own = at(own_minute * 60)
            ahead = own_minute - minute > _DAY_MINUTES
            quality, reason = (Quality.BAD, CLOCK_WRONG) if ahead else (Quality.SUSPECT, "")
            readings.append(
                Reading("soil_moisture", value / 2, "", quality, reason, event_time=own)
            )
        up = uplink(self.count, minute * 60, dev_eui=DEVICES[device])
        logged = entry(up, tenant_id=HOME, outcome=Decoded(DEVICE_TYPE.decoder, tuple(readings)))
        with self.database.write() as connection:
            append(connection, [logged], NOW)

    def follow(self) -> None:
        while self.loop.run_once():
            pass

    def correct(self) -> None:
        while self.corrector.run_once():
            pass

    def archive_days(self, before: Instant) -> None:
        list(archive_before(self.database, self.archive, before, ("series",), self.clock))

    def state(self, store: SeriesStore | None = None) -> State:
        asked = store or self.store
        found: State = {}
        slugs = DirectoryCache(self.database).current().places.by_slug
        for slug in {name for _, name in slugs} | {"sensor-0", "sensor-1", "sensor-2"}:
            for key in asked.series(HOME, slug):
                samples = asked.read(HOME, key, Instant(0), Instant(2**52), include_doubtful=True)
                found[key] = [(s.time, s.value, s.quality.value, s.dev_eui) for s in samples]
        return found

    def built_from_the_log(self) -> State:
        """What a new store holds that followed the log from its beginning, with the deployments
        of now."""
        fresh = open_store(str(self.folder / f"fresh-{self.count}.sqlite"))
        follower = SeriesFollower(fresh, DirectoryCache(self.database), self.clock)
        position = 0
        with self.database.read() as connection:
            while found := read_after(connection, self.archive, position, 500):
                follower.prepare(found)
                position = found[-1].position
        state = self.state(fresh)
        fresh.close()
        return state


def minute(number: int) -> Instant:
    return Instant(at(0) + number * MINUTE)

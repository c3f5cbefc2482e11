"""An installation with a history: three days of four devices, decoded by an older catalogue."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from fake_uplinks import NINE, at, entry, register, uplink
from real_series import SeriesAddress, open_at
from redecode_devices import LOGGER, SOIL, STABLE, write_catalogue
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.redecode.service import Redecoder, Wanted
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.tables import devices
from stadtsinn.decoders.catalogue import Catalogue

TOWN = "musterstadt"
BED, TREE, WELL, ROOF = (f"70b3d5000000030{n}" for n in range(4))
"""A bed and a tree with soil sensors, a well with a logger, a roof whose decoder stays."""
TYPES = {BED: SOIL, TREE: SOIL, WELL: LOGGER, ROOF: STABLE}

HOURS = 72
EVER = Wanted(Instant(0), Instant(2**52))
FIRST_DAY = Wanted(Instant(NINE - 9 * HOUR), Instant(NINE + 15 * HOUR))
"""The first day in Berlin."""

State = dict[SeriesKey, list[tuple[int, float, str]]]
"""Every point of a store."""


@dataclass
class History:
    """Database, archive, store and the two catalogues."""

    database: Database
    folder: Path
    address: SeriesAddress
    clock: ManualClock = field(default_factory=lambda: ManualClock(Instant(NINE + 30 * DAY)))
    _opened: list[SeriesStore] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.then = write_catalogue(self.folder / "then", 1)
        self.now = write_catalogue(self.folder / "now", 2)
        self.archive = Archive(self.folder / "archive")
        self.directory = DirectoryCache(self.database)
        self.store = self.open_again()
        self.window = LogWindow(self.archive)

    def open_again(self) -> SeriesStore:
        """The same store once more, as another process does."""
        self._opened.append(open_at(self.address, self.database))
        return self._opened[-1]

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def furnish(self) -> None:
        """Register the devices and log three days of theirs, each hour."""
        for dev_eui, kind in TYPES.items():
            register(self.database, dev_eui, tenant_id=TOWN, device_type=kind)
        self.log([made for hour in range(HOURS) for made in frames_of(hour)], self.then)

    def log(self, frames: Sequence[tuple[str, int, float, bytes]], known: Catalogue) -> None:
        """Append frames (device, port, hours since nine, payload) as a catalogue decodes them."""
        entries: list[Entry] = []
        for number, (dev_eui, port, hours, payload) in enumerate(frames):
            kind = TYPES[dev_eui]
            up = uplink(
                int(hours * 1000) + number,
                hours * 3600,
                dev_eui=dev_eui,
                payload=payload,
                f_port=port,
                device_type=kind,
            )
            outcome = known.decode(kind, port, payload, up.event_time)
            entries.append(entry(up, outcome=outcome, tenant_id=TOWN))
        with self.database.write() as connection:
            append(connection, entries, at(0))

    def follow(self) -> None:
        """Let the series follower catch up."""
        follower = SeriesFollower(self.store, self.directory, self.clock)
        loop = FollowerLoop(self.database, follower, self.clock, window=self.window)
        while loop.run_once():
            pass

    def archive_days(self, before: Instant) -> None:
        list(archive_before(self.database, self.archive, before, ("series",), self.clock))

    def redecoder(self, known: Catalogue | None = None) -> Redecoder:
        return Redecoder(
            self.database,
            self.archive,
            self.store,
            self.directory,
            known or self.now,
            self.clock,
        )

    def logged(self) -> list[LoggedUplink]:
        found: list[LoggedUplink] = []
        with self.database.read() as connection:
            while newer := read_after(
                connection, self.archive, found[-1].position if found else 0, 500
            ):
                found += newer
        return found

    def state(self, store: SeriesStore | None = None) -> State:
        """Everything that a store holds of these devices."""
        asked = store or self.store
        return {
            key: [
                (sample.time, sample.value, sample.quality.value)
                for sample in asked.read(TOWN, key, Instant(0), EVER.end, include_doubtful=True)
            ]
            for dev_eui in TYPES
            for key in asked.series(TOWN, dev_eui)
        }

    def rebuilt(self) -> State:
        """What a new store would hold that followed the log from its beginning."""
        fresh = open_store(str(self.folder / f"fresh-{len(list(self.folder.iterdir()))}.sqlite"))
        SeriesFollower(fresh, self.directory, self.clock).prepare(self.logged())
        found = self.state(fresh)
        fresh.close()
        return found

    def types(self) -> dict[str, str]:
        with self.database.read() as connection:
            rows = connection.execute(select(devices.c.dev_eui, devices.c.device_type))
            return {row.dev_eui: row.device_type for row in rows}


def frames_of(hour: int) -> list[tuple[str, int, float, bytes]]:
    """What the devices send in an hour. The bed's port 3 was unknown then, the tree's port 4 is
    unknown now; each evening the well sends its values of the day again."""
    bed_port = 3 if hour % 10 == 0 else 2
    tree_port = 4 if hour % 6 == 0 else 2
    soil = struct.pack(">HhH", 100 + 10 * (hour % 50), 20 * (hour % 24) - 60, 3000 + hour)
    made = [
        (BED, bed_port, float(hour), soil),
        (TREE, tree_port, hour + 0.1, soil[::-1][:6] if hour % 7 == 0 else soil),
        (ROOF, 2, hour + 0.2, struct.pack(">h", hour)),
        (WELL, 6, hour + 0.3, struct.pack(">H", 200 + hour)),
    ]
    if hour % 24 == 12:
        backs = range(1, 6)
        made += [(WELL, 5, hour + 0.3 + back / 100, value_of(hour - back)) for back in backs]
    return made


def value_of(hour: int) -> bytes:
    """The well's value of an hour, sent later with its time."""
    seconds = (at(hour * 3600) + 5 * MINUTE) // SECOND
    return struct.pack(">IH", seconds, 300 + hour)

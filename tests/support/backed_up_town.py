"""An installation on SQLite that is filled, backed up, lost and restored, without processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from databases import migrated_database
from fake_uplinks import NINE, at, entry, furnish, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.cloud.backup.making import Made, Wishes, make_backup
from stadtsinn.cloud.backup.restoring import Restored, restore
from stadtsinn.cloud.backup.verifying import verified
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.settings import CloudSettings, load_settings

DAY_S = DAY // SECOND
KEY = SeriesKey("linde", "soil_moisture", "30cm")

CONFIG = """
[database]
url = "sqlite:///data/stadtsinn.sqlite"
[series]
url = "sqlite:///data/series.sqlite"
[archive]
folder = "data/archive"
[broker]
username = "ingest"
password_file = "ingest.password"
"""


class BackedUpTown:
    """`folder` holds the configuration, `data` all that the installation writes."""

    def __init__(self, folder: Path, *, filled: bool = False) -> None:
        """`filled`: the folder is a copy of such a town."""
        self.folder = folder
        self.data = folder / "data"
        self.path = self.data / "stadtsinn.sqlite"
        self.config = folder / "cloud.toml"
        self.backups = folder.parent / "backups"
        self.clock = ManualClock(Instant(NINE + 100 * DAY))
        if filled:
            return
        self.data.mkdir(parents=True)
        self.config.write_text(CONFIG)
        (folder / "ingest.password").write_text("geheim")
        database = migrated_database(self.data / "stadtsinn.sqlite")
        furnish(database)
        database.dispose()

    @property
    def settings(self) -> CloudSettings:
        return load_settings(self.config)

    @property
    def archive(self) -> Archive:
        return Archive(self.settings.archive.folder)

    def open(self) -> Database:
        return open_database(self.settings.database.url)

    def add(self, counters: Iterable[int]) -> None:
        """Ten uplinks a day, and their values."""
        database, store = self.open(), open_store(self.settings.series.url)
        with database.write() as connection:
            for n in counters:
                append(connection, [entry(uplink(n, n * DAY_S / 10))], at(n))
                moment = at(n * DAY_S / 10)
                store.write([Point("musterstadt", "soil", KEY, moment, n)])
        store.close()
        database.dispose()

    def archive_days(self, days: int) -> None:
        database = self.open()
        before = Instant(NINE + days * DAY)
        list(archive_before(database, self.archive, before, (), self.clock))
        database.dispose()

    def counters(self) -> list[int]:
        """Of the whole log, archive included; in the order of positions."""
        database = self.open()
        with database.read() as connection:
            found = [up.f_cnt for up in read_after(connection, self.archive, 0, 100_000)]
        database.dispose()
        return found

    def values(self) -> list[float]:
        store = open_store(self.settings.series.url)
        found = store.read("musterstadt", KEY, at(-DAY_S), at(1000 * DAY_S))
        store.close()
        return [sample.value for sample in found]

    def back_up(self, folder: Path | None = None, **wishes: Any) -> Made:
        self.clock.advance(SECOND)
        target = folder or self.backups
        return make_backup(self.config, self.settings, target, self.clock, Wishes(**wishes))

    def restore(self, backup: Path, *, overwrite: bool = False) -> Restored:
        manifest, sums = verified(backup)
        return restore(backup, manifest, sums, self.settings, self.clock, overwrite=overwrite)

    def lose(self) -> None:
        shutil.rmtree(self.data)

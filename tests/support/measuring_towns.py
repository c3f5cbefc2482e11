"""Two towns with a device each that has measured for days, in log, archive and series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from databases import add_tenant, fresh_database
from fake_uplinks import LSE01_PAYLOAD, at, entry, register, uplink
from filled_towns import NEIGHBOUR, NOW, TOWN
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.cloud.erasure.slices import Storage
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

OURS, THEIRS = "70b3d50000000100", "70b3d50000000101"


def opened(folder: Path) -> Storage:
    """What lies in a folder."""
    return Storage(
        open_database(f"sqlite:///{folder / 'stadtsinn.sqlite'}"),
        Archive(folder / "archive"),
        open_store(str(folder / "series.sqlite"), clock=ManualClock(NOW)),
        ManualClock(NOW),
    )


def furnished(folder: Path) -> Storage:
    """Both towns with three days of a device each, two of them archived, and series."""
    fresh_database(folder).dispose()
    storage = opened(folder)
    for tenant, dev_eui in ((TOWN, OURS), (NEIGHBOUR, THEIRS)):
        add_tenant(storage.database, tenant)
        register(storage.database, dev_eui, tenant_id=tenant)
    with storage.database.write() as connection:
        for n in range(30):
            tenant, dev_eui = ((TOWN, OURS), (NEIGHBOUR, THEIRS))[n % 2 if n < 20 else 0]
            seconds = n * DAY // SECOND / 10
            up = uplink(n, seconds, dev_eui=dev_eui, payload=LSE01_PAYLOAD)
            append(connection, [entry(up, tenant_id=tenant)], at(n))
    for _ in archive_before(
        storage.database, storage.archive, at(10 * DAY // SECOND), (), storage.clock
    ):
        pass
    points = [
        Point(tenant, "soil", SeriesKey(dev_eui, "soil_moisture"), at(n), 1.0, dev_eui=dev_eui)
        for tenant, dev_eui in ((TOWN, OURS), (NEIGHBOUR, THEIRS))
        for n in range(5)
    ]
    storage.series.write(points)
    return storage


def neighbours(storage: Storage) -> tuple[list[LoggedUplink], list[Any]]:
    """All uplinks and values of the neighbour."""
    with storage.database.read() as connection:
        logged = read_after(connection, storage.archive, 0, 1_000)
    key = SeriesKey(THEIRS, "soil_moisture")
    values = storage.series.read(NEIGHBOUR, key, Instant(0), Instant(2**52))
    return [one for one in logged if one.tenant_id == NEIGHBOUR], values

"""A device's uplinks over HTTP, after their days went into the archive."""

from __future__ import annotations

import pytest

from api_callers import HOME, ApiWorld
from fake_uplinks import LSE01_PAYLOAD, NINE, entry, register, uplink
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.publish.application import create_app

DEVICE = "70b3d50000000100"
PATH = f"/api/v1/devices/{DEVICE}/uplinks"


@pytest.mark.slow
def test_pages_are_the_same_before_and_after(world: ApiWorld) -> None:
    register(world.database, DEVICE, tenant_id=HOME)
    ups = [uplink(n, n * 7200, dev_eui=DEVICE, payload=LSE01_PAYLOAD) for n in range(30)]
    with world.database.write() as connection:
        append(connection, [entry(up, tenant_id=HOME) for up in ups], NINE)
    before = world.client().get(PATH, params={"limit": 20}).json()
    list(archive_before(world.database, world.archive, Instant(NINE + 9 * DAY), (), world.clock))
    elsewhere = Archive(world.folder / "elsewhere")
    world.app = create_app(Services(world.database, world.clock), world.series, elsewhere)
    without = world.client().get(PATH)
    assert without.status_code == 503
    assert "Archived uplinks cannot be read" in without.json()["detail"]
    world.app = create_app(Services(world.database, world.clock), world.series, world.archive)
    after = world.client().get(PATH, params={"limit": 20}).json()
    assert after == before
    rest = world.client().get(PATH, params={"limit": 20, "cursor": after["next"]}).json()
    assert [item["f_cnt"] for item in after["items"] + rest["items"]] == list(range(29, -1, -1))

"""A town of many devices is applied in a process of its own, to be killed between two slices."""

from __future__ import annotations

from loaded_child import run_child
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.town_file import apply
from stadtsinn.cloud.town_file.model import DeviceSection, Town

SLICE = 4


def town_of(devices: int) -> Town:
    """Many lime trees of one name, as a delivery list has them."""
    return Town(
        tenant="musterstadt",
        name="Musterstadt",
        devices=tuple(
            DeviceSection(dev_eui=f"70b3d57ed0{n:06x}", device_type="dragino/lse01", name="Linde")
            for n in range(devices)
        ),
    )


def applied_elsewhere(database: Database, devices: int, crash_at: str) -> int:
    """Returns how the process ended."""
    url = database.engine.url.render_as_string(hide_password=False)
    return run_child(main, url, str(devices), crash_at=crash_at)


def main(url: str, devices: str) -> None:
    apply._SLICE = SLICE
    apply.apply_town(open_database(url), town_of(int(devices)), Instant(1))

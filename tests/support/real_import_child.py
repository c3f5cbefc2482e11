"""A town of many devices is applied in a process of its own, to be killed between two slices."""

from __future__ import annotations

import os
import subprocess
import sys

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.database.engine import Database, open_database
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


def run_child(database: Database, devices: int, crash_at: str) -> int:
    """Returns how the process ended."""
    url = database.engine.url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, __file__, url, str(devices)],
        env={**os.environ, "STADTSINN_CRASH_AT": crash_at},
        check=False,
    ).returncode


def main() -> None:
    from stadtsinn.cloud.town_file import apply

    apply._SLICE = SLICE
    apply.apply_town(open_database(sys.argv[1]), town_of(int(sys.argv[2])), Instant(1))


if __name__ == "__main__":
    main()

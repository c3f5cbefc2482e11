"""10,000 devices of a delivery, brought to a ChirpStack and into the registry, and once more.

    .venv/bin/python bench/provisioning.py [--devices 10000]

ChirpStack is the tests' stand-in, a process of its own; it answers from memory, so what is measured
is stadtsinn and gRPC. A real server has a limit of its own, near 120 devices a second.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
SUPPORT = str(Path(__file__).parents[1] / "tests" / "support")
SERVER = f"""
import sys
sys.path.insert(0, {SUPPORT!r})
from fake_chirpstack_server import FakeChirpstackServer
with FakeChirpstackServer() as server:
    print(server.address, server.admin_key(), flush=True)
    sys.stdin.read()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=10_000)
    devices = parser.parse_args().devices
    with tempfile.TemporaryDirectory() as folder, server() as (address, key):
        measure(Path(folder), devices, address, key)


@contextmanager
def server() -> Iterator[tuple[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        address, key = child.stdout.readline().split()
        yield address, key
    finally:
        child.stdin.close()
        child.wait()


def measure(folder: Path, devices: int, address: str, key: str) -> None:
    from stadtsinn.base.instant import Instant
    from stadtsinn.base.settings.secret import Secret
    from stadtsinn.cloud.migrations import upgrade
    from stadtsinn.cloud.platform.database.engine import open_database
    from stadtsinn.cloud.platform.limits.model import DEFAULTS
    from stadtsinn.cloud.platform.tenants.service import create_tenant
    from stadtsinn.cloud.provisioning.order import Order
    from stadtsinn.cloud.provisioning.service import Installation, apply_order, import_list
    from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
    from stadtsinn.cloud.town.service import change

    now = Instant(1_780_000_000_000_000)
    database = open_database(f"sqlite:///{folder}/town.sqlite")
    upgrade(database)
    with change(database) as connection:
        create_tenant(connection, "town", "Town", now)
    settings = ProvisioningSettings(address=address, api_key=Secret(key))
    parts = Installation(database, DEFAULTS, settings, now)
    rows = (f"02{n:014x};Baum {n};{n + 1:032x}" for n in range(devices))
    delivery = "\n".join(("DevEUI;Name;AppKey", *rows))

    seconds, imported = timed(
        lambda: import_list(
            parts,
            "town",
            delivery,
            Order(applied=True),
            columns={},
            types=("dragino/lse01",),
        )
    )
    print(f"device import: {devices:,} devices checked in {seconds:.1f} s")
    order = imported.order
    seconds, applied = timed(lambda: apply_order(parts, "town", order))
    assert len(applied.server) == 3 + 2 * devices
    assert len(applied.registry) == devices
    print(
        f"device apply: {devices:,} devices with keys in {seconds:.1f} s, {devices / seconds:.0f}/s"
    )
    before = resident_mb()
    seconds, again = timed(lambda: apply_order(parts, "town", order))
    assert len(again.server) == len(again.registry) == 0
    print(
        f"device apply, again: nothing to change in {seconds:.1f} s; most memory "
        f"{resident_mb():.0f} MB, {resident_mb() - before:.0f} MB of it by the second time"
    )


def timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


def resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()

"""Town B of `isolation.py` at work, until a line comes on standard input. Prints what it did.

All at once: uplinks of January 2020 for 1,000 zones, uplinks that 3,000 rules judge, a flood of
batches from one edge, an import of 10,000 devices, the nightly reset of all zones within a minute,
histories from the beginning, and lists of 20,000 series.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import towns
from side import NOW
from sqlalchemy import func, select, update
from towns import EDGE_B, B, Size
from traffic import BATCH

from stadtsinn.base.berlin import local
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY, MINUTE, Instant, parse, to_datetime
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.domains.crowd.tables import zone_corrections
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.town.service import change
from stadtsinn.edge.messages.delivery import batch_topic

LONG_AGO = parse("2020-01-15T12:00:00+01:00")


WORKS = ("backfill", "rules", "flood", "import", "resets", "histories", "uplinks", "lists")


class Hostile:
    """What B does, each in a thread of its own."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given
        self._size = Size(**given["size"])
        self._clock = SystemClock()
        self._database = open_database(given["url"])
        self._link = MqttLink(Broker("127.0.0.1", given["broker"], "bench-b"))
        self._positions: Counter[str] = Counter()
        self._ending = threading.Event()
        self.did: Counter[str] = Counter()

    def run(self) -> None:
        self._link.start()
        if not self._link.wait_connected(20):
            raise TimeoutError("no broker")
        before = _counts(self._database)
        threads = [
            threading.Thread(target=work)
            for name, work in self._works().items()
            if name in self._given["works"]
        ]
        for thread in threads:
            thread.start()
        print("begun", flush=True)
        sys.stdin.readline()
        self._ending.set()
        for thread in threads:
            thread.join()
        self._link.stop()
        self.did.update(_counts(self._database))
        self.did.subtract(before)
        print(json.dumps({name: count for name, count in self.did.items() if count}))

    def _works(self) -> dict[str, Callable[[], None]]:
        year = to_datetime(Instant(self._clock.now() - 399 * DAY)).date()
        asked = {
            "histories": f"/zones/platz-0/history?start={year}&format=csv",
            "uplinks": f"/devices/{towns.MANY}/uplinks?limit=1000",
            "lists": f"/devices/{towns.MANY}/series?limit=1000",
        }
        return {
            "backfill": self._backfill,
            "rules": self._rules,
            "flood": self._flood,
            "import": self._import,
            "resets": self._reset,
            **{name: partial(self._ask, path, name) for name, path in asked.items()},
        }

    def _send(self, stream: str, make: Callable[[int, Instant], list[Any]]) -> None:
        """One batch of a stream, once the broker has the one before."""
        now, first = self._clock.now(), self._positions[stream] + 1
        made = make(first, now)
        self._positions[stream] += len(made)
        payload = towns.batch(EDGE_B, stream, first, made, now)
        self._link.publish(batch_topic(EDGE_B), payload).wait_for_publish(60)

    def _backfill(self) -> None:
        """Years ago and now by turns, for all zones."""
        while not self._ending.wait(1):
            self._send("backfill", self._then_and_now)

    def _then_and_now(self, first: int, now: Instant) -> list[Any]:
        old = Instant(LONG_AGO + first * DAY)
        return [
            towns.uplink(towns.COUNTER_B, towns.COUNTER, n, towns.counted(n), at, now)
            for n, at in ((first, old), (first + 1, now))
        ]

    def _rules(self) -> None:
        while not self._ending.wait(1):
            self._send("rules", lambda first, now: [_soil(towns.TREE, first, now)])

    def _flood(self) -> None:
        while not self._ending.is_set():
            self._send(
                "flood",
                lambda first, now: [_soil(towns.MANY, first + n, now) for n in range(BATCH)],
            )

    def _import(self) -> None:
        with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as folder:
            path = Path(folder, "delivery.csv")
            lines = [
                "dev_eui,type,name",
                *(
                    f"70b3d5cccc{number:06x},{towns.SOIL},Linde"
                    for number in range(self._size.devices)
                ),
            ]
            path.write_text("\n".join(lines))
            began = time.monotonic()
            config = ("--config", self._given["config"])
            NOW.run("registry", "import-devices", B, str(path), *config)
            self.did["seconds for the import"] = round(time.monotonic() - began)
            self.did["devices imported"] = self._size.devices

    def _reset(self) -> None:
        """The hour at which the areas are empty comes with the next minute."""
        soon = local(self._clock.now() + MINUTE).strftime("%H:%M")
        with change(self._database) as connection:
            connection.execute(update(zones).where(zones.c.tenant_id == B).values(reset_at=soon))

    def _ask(self, path: str, name: str) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._given['api']}/api/v1{path}",
            headers={"Authorization": f"Bearer {self._given['key']}"},
        )
        while not self._ending.is_set():
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                    answer.read()
                self.did[name] += 1
            except OSError as refused:  # a limit is an answer, too
                self.did[
                    f"{name} refused ({getattr(refused, 'code', type(refused).__name__)})"
                ] += 1
                self._ending.wait(0.1)


def _soil(dev_eui: str, number: int, now: Instant) -> Any:
    return towns.uplink(dev_eui, towns.SOIL, number, towns.DRY, now, now)


def _counts(database: Database) -> dict[str, int]:
    """What became of it."""
    queries = {
        "uplinks taken": select(func.count()).where(uplinks.c.tenant_id == B),
        "alarms": select(func.count()).where(incidents.c.tenant_id == B),
        "resets": select(func.count()).where(
            zone_corrections.c.tenant_id == B, zone_corrections.c.kind == "reset"
        ),
    }
    with database.read() as connection:
        return {name: connection.scalar(query) or 0 for name, query in queries.items()}


if __name__ == "__main__":
    Hostile(json.loads(sys.argv[1])).run()

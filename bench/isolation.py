"""Whether one town keeps another one waiting: `.venv/bin/python bench/isolation.py`.

A real broker and a real `stadtsinn cloud run` with all its roles, on SQLite and on PostgreSQL.
Town A sends an uplink every 0.2 s as an edge agent does, and somebody looks at its public page.
That is measured twice in the same run: while town B does nothing, and while B does everything
that keeps a server busy (`hostile.py`), from a process of its own.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import towns
from hostile import WORKS
from public import Caller
from side import NOW, ROOT
from towns import Size

import real_parts
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.edge.messages.delivery import ack_topic, batch_topic, decode_ack
from stadtsinn.simulator.demo.mosquitto import Mosquitto, find_mosquitto
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.probe import metric

HOLD_ACKNOWLEDGED_MS = 2_000
HOLD_PAGE_MS = 1_000
_EVERY_S = 0.2
_STRAGGLERS_S = 60
_TIMEOUT_S = 120

_CLOUD = """\
[database]
url = {database}
[series]
url = {series}
[archive]
folder = {archive}
[broker]
port = {broker}
[api]
bind = "127.0.0.1:{api}"
[health]
bind = "127.0.0.1:{health}"
[notify.sms]
kind = "sandbox"
[limits]
zones = {zones}
rules = {rules}
station_series = {series_each}
"""


class Cloud:
    """`stadtsinn cloud run`, with both towns registered."""

    def __init__(self, folder: Path, url: str, broker_port: int, size: Size) -> None:
        self.api, self._health = free_port(), free_port()
        self.url = url
        self.config = folder / "cloud.toml"
        series = f"sqlite:///{folder / 'series.sqlite'}"
        self.config.write_text(
            _CLOUD.format(
                database=json.dumps(url),
                series=json.dumps(series),
                archive=json.dumps(str(folder / "archive")),
                broker=broker_port,
                api=self.api,
                health=self._health,
                zones=towns.LIMITS.zones,
                rules=towns.LIMITS.rules,
                series_each=towns.LIMITS.station_series,
            )
        )
        self.key = towns.prepare(url, series, size)
        arguments = ["cloud", "run", "--config", str(self.config)]
        self._process = NOW.child("cloud", arguments, folder / "cloud.log")

    def __enter__(self) -> Self:
        self._process.start()
        deadline = time.monotonic() + _TIMEOUT_S
        while not (metric(self._health, "stadtsinn_ingest_broker_connected") and self._answers()):
            self._process.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the cloud did not connect: see {self._process.log}")
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        try:
            Caller(self.api).get(towns.PAGE_A)
        except ConnectionError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        self._process.stop()


class TownA:
    """Sends uplinks as an edge agent does, looks at the public page, and takes the times (ms)."""

    def __init__(self, broker_port: int, api_port: int) -> None:
        self._api_port = api_port
        self._sent: dict[int, float] = {}
        self._acknowledged: dict[int, float] = {}
        self._last = 0
        self._news = threading.Condition()
        self._link = MqttLink(
            Broker("127.0.0.1", broker_port, "bench-a"),
            subscriptions=[ack_topic(towns.EDGE_A)],
            on_message=self._take,
        )

    def __enter__(self) -> Self:
        self._link.start()
        if not self._link.wait_connected(20):
            raise TimeoutError("no broker")
        return self

    def __exit__(self, *_: object) -> None:
        self._link.stop()

    def measure(self, seconds: float) -> tuple[list[float], list[float]]:
        """How long acknowledgements and pages took."""
        pages: list[float] = []
        ending = threading.Event()
        visitor = threading.Thread(target=self._visit, args=(pages, ending))
        visitor.start()
        before, began = self._last, time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            self._send()
            time.sleep(max(0.0, _EVERY_S - (time.monotonic() - began - passed)))
        with self._news:
            self._news.wait_for(lambda: self._last in self._acknowledged, _STRAGGLERS_S)
            now = time.monotonic()
            took = [
                1e3 * (self._acknowledged.get(number, now) - self._sent[number])
                for number in range(before + 1, self._last + 1)
            ]
        ending.set()
        visitor.join()
        return took, pages

    def _send(self) -> None:
        self._last += 1
        payload = towns.batch_of_a(self._last, SystemClock().now())
        self._sent[self._last] = time.monotonic()
        self._link.publish(batch_topic(towns.EDGE_A), payload)

    def _take(self, message: Message) -> None:
        arrived, ack = time.monotonic(), decode_ack(message.payload)
        with self._news:
            for number in range(ack.position, 0, -1):
                if number in self._acknowledged:
                    break
                self._acknowledged[number] = arrived
            self._news.notify_all()
        self._link.acknowledge(message)

    def _visit(self, pages: list[float], ending: threading.Event) -> None:
        caller = Caller(self._api_port)
        while not ending.wait(_EVERY_S):
            pages.append(1e3 * caller.get(towns.PAGE_A))


@contextmanager
def hostile(
    cloud: Cloud, broker_port: int, size: Size, works: Sequence[str]
) -> Iterator[Callable[[], dict[str, Any]]]:
    """Town B at work during the block; afterwards call what it yields for what B did."""
    given = {
        "config": str(cloud.config),
        "url": cloud.url,
        "broker": broker_port,
        "api": cloud.api,
        "key": cloud.key,
        "size": asdict(size),
        "works": works,
    }
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "bench" / "hostile.py"), json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()  # it has begun
        said: list[str] = []

        def end() -> dict[str, Any]:
            said.append(process.communicate("\n", timeout=_TIMEOUT_S)[0])
            return dict(json.loads(said[0]))

        yield end
    finally:
        process.kill()
        process.wait()


def run(kind: str, url: str, folder: Path, size: Size, works: Sequence[str]) -> None:
    """One database: print A's times with B idle and with B hostile."""
    print(f"isolation, {kind}: {size.seconds} s each with town B idle and hostile", flush=True)
    program = find_mosquitto(ROOT / ".cache")
    with ExitStack() as running:
        broker = Mosquitto(program, folder / "broker", port=free_port())
        running.enter_context(broker)
        cloud = running.enter_context(Cloud(folder, url, broker.port, size))
        town = running.enter_context(TownA(broker.port, cloud.api))
        town.measure(min(5, size.seconds))  # what is loaded once is loaded
        idle = town.measure(size.seconds)
        with hostile(cloud, broker.port, size, works) as end:
            busy = town.measure(size.seconds)
            did = end()
    holds = (HOLD_ACKNOWLEDGED_MS, HOLD_PAGE_MS)
    for what, quiet, loud, hold in zip(
        ("A's uplink acknowledged", "A's public page"), idle, busy, holds, strict=True
    ):
        print(f"  {what}, B idle:     {times(quiet)}")
        print(f"  {what}, B hostile:  {times(loud)} (hold: worst {hold:,} ms)")
        print(f"  {what}, hostile / idle: {ratios(loud, quiet)}")
    print("  meanwhile B: " + ", ".join(f"{name} {count:,}" for name, count in did.items()))


def _cuts(took: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile, worst."""
    cuts = statistics.quantiles(took, n=100, method="inclusive")
    return cuts[49], cuts[98], max(took)


def times(took: list[float]) -> str:
    median, most, worst = _cuts(took)
    return f"median {median:,.1f} ms, p99 {most:,.1f} ms, worst {worst:,.1f} ms of {len(took):,}"


def ratios(loud: list[float], quiet: list[float]) -> str:
    pairs = zip(_cuts(loud), _cuts(quiet), strict=True)
    median, most, worst = (a / b for a, b in pairs)
    return f"median {median:.1f} ×, p99 {most:.1f} ×, worst {worst:.1f} ×"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--tiny", action="store_true", help="only shows that it runs")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--works", nargs="+", choices=WORKS, default=WORKS, help="only these of B")
    given = parser.parse_args()
    size = Size.tiny() if given.tiny else Size(seconds=given.seconds)
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as a user of its own
        if given.only != "postgresql":
            folder = Path(name, "sqlite")
            folder.mkdir()
            run("SQLite", f"sqlite:///{folder / 'cloud.sqlite'}", folder, size, given.works)
        if given.only != "sqlite":
            folder = Path(name, "postgresql")
            folder.mkdir()
            with real_parts.postgres_cluster(Path(name, "server")) as url:
                run("PostgreSQL", url, folder, size, given.works)


if __name__ == "__main__":
    main()

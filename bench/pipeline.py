"""The whole pipeline, measured: real Mosquitto, InfluxDB 1.8, edge agent, ingest and followers.

    .venv/bin/python bench/pipeline.py [--uplinks N] [--rounds N] [--against REVISION]

Messages wait at the broker while the ingest is down, as after an outage. Then it is started, and
the time from its connection to the last commit is taken, and until the series follower has
written the same uplinks. Telegraf drains the same events from its own session at the same broker
into the same InfluxDB. All of them take turns, so that other load on the machine affects all of
them. The mix is 60 % LSE01, 20 % VS133, 10 % ATM41, 10 % TPS110.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import telegraf
from installation import EdgeAgent, Installation, Rates, SecureBroker, prepare
from side import NOW, ROOT, Side, sides
from traffic import BATCH, batches, connect, event, events, make_uplinks, publish

import real_parts
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.simulator.demo.mosquitto import Mosquitto, Program, find_mosquitto

RATE = 500
"""Single events a second where latency is measured."""
KERNEL_SECONDS = 5
"""How long an agent needs to load the kernel after its start."""

Measured = dict[tuple[str, str], list[float]]
"""Values of all rounds by (what, side)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--uplinks", type=int, default=50_000, help="drained at a time")
    parser.add_argument("--devices", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=20, help="how long latency is measured")
    parser.add_argument("--against", help="a revision to measure in turn with this checkout")
    given = parser.parse_args()
    program = find_mosquitto(ROOT / ".cache")
    with (
        sides(given.against) as compared,
        tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name,
    ):
        print(f"pipeline: {given.devices:,} devices, {given.rounds} rounds, medians")
        folder = Path(name)
        prepared = {
            side.name: prepare(side, folder / f"town-{side.name}", given.devices)
            for side in compared
        }
        drains(compared, folder / "influx", program, given, prepared, influx=True)
        drains(compared, folder / "embedded", program, given, prepared, influx=False)
        singly(compared, folder / "singly", program, given, prepared)


def drains(
    compared: list[Side],
    folder: Path,
    program: Program,
    given: argparse.Namespace,
    prepared: dict[str, Path],
    *,
    influx: bool,
) -> None:
    """Single events and edge batches, queued at the broker while no subscriber was running."""
    count = given.uplinks
    print(f"\n{count:,} uplinks waiting at the broker, {'InfluxDB 1.8' if influx else 'embedded'}")
    with ExitStack() as running:
        broker = running.enter_context(SecureBroker(program, folder))
        server = running.enter_context(real_parts.influxdb(folder)) if influx else None
        url = server.url.replace("http", "influxdb") if server else None
        places = [
            Installation(side, folder / side.name, broker.port, prepared[side.name], url)
            for side in compared
        ]
        for place in places:
            running.callback(place.close)
            place.subscribe()
        found = telegraf.install() if server else None
        other = (
            telegraf.Telegraf(found, folder / "telegraf", broker.port, server.url)
            if found and server
            else None
        )
        if other:
            other.subscribe()
        measured: Measured = defaultdict(list)
        for number in range(given.rounds):
            turn = places if number % 2 == 0 else places[::-1]
            drain_events(turn, other, broker.port, given, number, measured)
            drain_batches(turn, broker.port, given, number, measured)
        report_drains(compared, measured)


def drain_events(
    places: list[Installation],
    other: telegraf.Telegraf | None,
    port: int,
    given: argparse.Namespace,
    number: int,
    measured: Measured,
) -> None:
    base = Instant(SystemClock().now() - HOUR)
    made = list(make_uplinks(given.devices, base, given.uplinks, f"0000010{number}"))
    publish(port, events(made))
    if other:
        measured["Telegraf", ""].append(other.drain(given.uplinks))
    for place in places:
        note(measured, "single events", place.side, place.drain(given.uplinks))


def drain_batches(
    places: list[Installation],
    port: int,
    given: argparse.Namespace,
    number: int,
    measured: Measured,
) -> None:
    now = SystemClock().now()
    made = list(make_uplinks(given.devices, Instant(now - HOUR), given.uplinks, f"0000020{number}"))
    for place in places:
        publish(port, batches(place.edge_id, f"bench-{number}", made, now))
        rates = place.drain(given.uplinks)
        note(measured, f"edge batches of {BATCH}", place.side, rates)


def note(measured: Measured, what: str, side: Side, rates: Rates) -> None:
    measured[f"{what} → committed", side.name].append(rates.committed)
    measured[f"{what} → in series", side.name].append(rates.in_series)


def report_drains(compared: list[Side], measured: Measured) -> None:
    """Medians; ratios are those of the same round."""
    other = measured.pop(("Telegraf", ""), None)
    if other:
        print(f"  {'Telegraf ' + telegraf.VERSION:<42}{statistics.median(other):10,.0f}/s")
    for what in dict.fromkeys(what for what, _ in measured):
        rates = measured[what, NOW.name]
        line = f"  {what:<42}{statistics.median(rates):10,.0f}/s"
        if other:
            line += f"   {ratio(rates, other)} × Telegraf"
        if len(compared) > 1:
            line += f"   {ratio(rates, measured[what, compared[0].name])} × before"
        print(line)


def ratio(ours: list[float], theirs: list[float]) -> str:
    """The median of the rounds' ratios, with the lowest and the highest."""
    ratios = sorted(a / b for a, b in zip(ours, theirs, strict=True))
    return f"{statistics.median(ratios):5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def singly(
    compared: list[Side],
    folder: Path,
    program: Program,
    given: argparse.Namespace,
    prepared: dict[str, Path],
) -> None:
    """Latency and the edge agent, which are measured with one installation at a time."""
    with (
        SecureBroker(program, folder) as broker,
        Mosquitto(program, folder / "local", port=real_parts.free_port()) as local,
    ):
        for side in compared:
            place = Installation(side, folder / side.name, broker.port, prepared[side.name], None)
            place.start()
            try:
                latency(place, broker.port, given)
                edge_agent(place, local, broker, given)
            finally:
                place.close()


def latency(place: Installation, port: int, given: argparse.Namespace) -> None:
    """Events one by one: from publishing to the commit."""
    before = place.head()
    clock = SystemClock()
    link = connect(port)
    frames = list(make_uplinks(given.devices, clock.now(), RATE * given.seconds, "00000003"))
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        topic, payload = event(msgspec.structs.replace(frame, event_time=clock.now()))
        link.publish(topic, payload)
    place.wait_for("alerts", before + len(frames))
    link.stop()
    took = place.delays(before)
    cuts = statistics.quantiles(took, n=100)
    print(f"\n{place.side.name}: {RATE} single events/s for {given.seconds} s, publish → committed")
    print(
        f"  median {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, worst {max(took):.1f} ms (hold: 250)"
    )


def edge_agent(
    place: Installation, local: Mosquitto, broker: SecureBroker, given: argparse.Namespace
) -> None:
    """The agent's memory and throughput: local broker → spool → cloud → acknowledged."""
    agent = EdgeAgent(place, local, broker)
    agent.process.start()
    try:
        while not agent.ready():
            time.sleep(0.05)
        time.sleep(KERNEL_SECONDS)
        count = given.uplinks // 5
        base = Instant(SystemClock().now() - HOUR // 2)
        made = events(list(make_uplinks(given.devices, base, count, "00000004")))
        before = agent.delivered()
        written = written_bytes(agent.process.pid)
        began = time.perf_counter()
        publish(local.port, made)
        while agent.delivered() < before + count:
            time.sleep(0.05)
        took = time.perf_counter() - began
        per_uplink = (written_bytes(agent.process.pid) - written) / count
        resident = resident_bytes(agent.process.pid)
    finally:
        agent.process.stop()
    print(f"{place.side.name}: edge agent, {count:,} events published, spooled, acknowledged")
    print(f"  {count / took:,.0f}/s; resident {resident / 2**20:.0f} MiB (hold: 200 MB)")
    print(f"  {per_uplink / 1024:.2f} KiB written to disk per uplink (hold: 1 KiB when batched)")


def written_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def resident_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024


if __name__ == "__main__":
    main()

"""The whole way, measured: real Mosquitto, edge agent, ingest and followers as processes.

    .venv/bin/python bench/pipeline.py [--uplinks N] [--seconds N]

Messages wait at the broker while the ingest is down, as after an outage; then it is started and
the time from its first commit to the last is taken, and until the series follower has written
the same uplinks. The mix is 60 % LSE01, 20 % VS133, 10 % ATM41, 10 % TPS110.

Telegraf (mqtt_consumer, QoS 1, JSON into InfluxDB 1.8, decoding nothing) drained 9,800 events a
second on such a machine; that figure is quoted, not measured here.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection, func, select

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import real_parts
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import SECOND, Instant, isoformat
from stadtsinn.base.mqtt.link import Broker, MqttLink
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town_file.model import DeviceSpec, EdgeSpec, Town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.uplink import Reception, TimeSource, Uplink
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic, encode
from stadtsinn.simulator.demo.mosquitto import find_mosquitto
from stadtsinn.simulator.demo.stage import Setting, Stage

TELEGRAF = 9_800
EDGE = "bench"
BATCH = 500
MIX = (
    ("dragino/lse01", 2, "CE2900F107A5099B6E2890", 6),
    ("milesight/vs133", 85, "03D24800000004D2C800000006D20000000007D200000000", 2),
    (
        "decentlab/dl-atm41",
        1,
        "02035A0003800A8000800080008009812B8014810880B4A57C820C810980027FE88056800880040BF5",
        1,
    ),
    ("bosch/tps110", 1, "01", 1),
)
DEVICES = tuple(
    (f"70b3d5b0000{number:05x}", *device[:3])
    for number, device in enumerate([mix for mix in MIX for _ in range(mix[3] * 50)])
)
TOWN = Town(
    tenant="bench",
    name="Bench",
    edges=(EdgeSpec(id=EDGE, name="Bench"),),
    devices=tuple(DeviceSpec(dev_eui=eui, type=kind, name=eui) for eui, kind, _, _ in DEVICES),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--uplinks", type=int, default=40_000)
    parser.add_argument("--seconds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as name:
        folder = Path(name)
        with stage(folder / "embedded") as embedded:
            drains(embedded, "embedded store", given.uplinks)
            latency(embedded, given.seconds)
            edge_agent(embedded, given.uplinks // 4)
        with (
            real_parts.influxdb(folder / "influx") as server,
            stage(folder / "with-influx", server.url.replace("http", "influxdb")) as influx,
        ):
            drains(influx, "InfluxDB 1.8", given.uplinks)


@contextlib.contextmanager
def stage(folder: Path, series_url: str | None = None) -> Iterator[Stage]:
    program = find_mosquitto(Path(__file__).parents[1] / ".cache")
    with Stage(folder, program, Setting(TOWN, series_url=series_url), SystemClock()) as running:
        yield running


def drains(running: Stage, store: str, count: int) -> None:
    """Edge batches, then single events, queued at the broker while the ingest was down."""
    print(f"\n{store}: {count} uplinks of {len(DEVICES)} devices waiting at the broker")
    base = Instant(SystemClock().now() - 3600 * SECOND)
    made = list(make_uplinks(base, count, "00000001"))
    drain(running, f"edge batches of {BATCH}", batches(made), count)
    singles = list(make_uplinks(base, count // 2, "00000002"))
    events = [(topic_of(one), event_json(one)) for one in singles]
    drain(running, "single ChirpStack events", events, len(singles))


def drain(running: Stage, what: str, messages: Sequence[tuple[str, bytes]], count: int) -> None:
    running.ingest.stop()
    database = running.open_database()
    with database.read() as connection:
        before = head(connection)
    publish(running.cloud_broker.port, messages)
    running.ingest.start()
    wait(running, database, "series", before + count)
    in_series = SystemClock().now()
    with database.read() as connection:
        first, last, copies = commits(connection, before)
    database.dispose()
    committed = count / ((last - first) / SECOND)
    whole = count / ((in_series - first) / SECOND)
    assert copies == count
    report(f"{what} → committed", committed)
    report(f"{what} → in series", whole)


def report(what: str, per_second: float) -> None:
    ratio = per_second / TELEGRAF
    print(f"  {what:<42}{per_second:10,.0f}/s   {ratio:5.2f} × Telegraf's quoted {TELEGRAF:,}/s")


def commits(connection: Connection, before: int) -> tuple[int, int, int]:
    """First and last commit behind a position, and how many uplinks there are.

    The first transaction's own duration is missing from the span; with hundreds of
    transactions that does not matter.
    """
    query = select(
        func.min(uplinks.c.committed_at), func.max(uplinks.c.committed_at), func.count()
    ).where(uplinks.c.position > before)
    first, last, count = connection.execute(query).one()
    return first, last, count


def wait(running: Stage, database: Database, follower: str, position: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with database.read() as connection:
            if read_cursor(connection, follower) >= position:
                return
        running.check()
        time.sleep(0.02)
    raise TimeoutError(f"{follower} did not reach {position}")


def latency(running: Stage, seconds: int) -> None:
    """500 events a second, one by one: from publishing to the commit."""
    rate = 500
    database = running.open_database()
    with database.read() as connection:
        before = head(connection)
    clock = SystemClock()
    link = connect(running.cloud_broker.port)
    frames = list(make_uplinks(clock.now(), rate * seconds, "00000003"))
    began = time.perf_counter()
    for number, frame in enumerate(frames):
        time.sleep(max(0.0, began + number / rate - time.perf_counter()))
        sent = msgspec.structs.replace(frame, event_time=clock.now())
        link.publish(topic_of(sent), event_json(sent))
    wait(running, database, "alerts", before + len(frames))
    link.stop()
    with database.read() as connection:
        query = select(uplinks.c.committed_at - uplinks.c.event_time)
        took = [
            row[0] / 1000 for row in connection.execute(query.where(uplinks.c.position > before))
        ]
    database.dispose()
    cuts = statistics.quantiles(took, n=100)
    print(f"\n{rate} single events/s for {seconds} s, publish → committed")
    print(
        f"  median {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, worst {max(took):.1f} ms (hold: 250)"
    )


def edge_agent(running: Stage, count: int) -> None:
    """The agent's memory and pace: local broker → spool → cloud → acknowledged."""
    before = running.delivered()
    base = Instant(SystemClock().now() - 1800 * SECOND)
    events = [(topic_of(one), event_json(one)) for one in make_uplinks(base, count, "00000004")]
    written = written_bytes(running.edge.pid)
    began = time.perf_counter()
    publish(running.local_broker.port, events)
    while running.delivered() < before + count:
        running.check()
        time.sleep(0.05)
    took = time.perf_counter() - began
    status = Path(f"/proc/{running.edge.pid}/status").read_text()
    resident = next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    per_uplink = (written_bytes(running.edge.pid) - written) / count
    print(f"\nEdge agent, {count} events published, spooled, delivered, acknowledged")
    print(f"  {count / took:,.0f}/s; resident {resident / 1024:.0f} MiB (hold: 200 MB)")
    print(f"  {per_uplink / 1024:.2f} KiB written to disk per uplink (hold: 1 KiB when batched)")


def written_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def make_uplinks(base: Instant, count: int, dev_addr: str) -> Iterator[Uplink]:
    for number in range(count):
        dev_eui, device_type, f_port, payload = DEVICES[number % len(DEVICES)]
        yield Uplink(
            dev_eui=dev_eui,
            dev_addr=dev_addr,
            f_cnt=number // len(DEVICES),
            f_port=f_port,
            payload=bytes.fromhex(payload),
            event_time=Instant(base + number * 50_000),
            time_source=TimeSource.GATEWAY,
            received_at=base,
            deduplication_id=f"{dev_addr}-{number}",
            device_type=device_type,
            device_name=dev_eui,
            device_profile=device_type,
            data_rate=5,
            frequency=868_100_000,
            receptions=(Reception("0016c001f1000001", -90, 7.5),),
        )


def batches(made: Sequence[Uplink]) -> list[tuple[str, bytes]]:
    """As an edge agent sends them."""
    frames = [one.frame(one.device_type) for one in made]
    outcomes = catalogue().decode_batch(frames)
    items = [
        UplinkItem(position, one, outcome)
        for position, (one, outcome) in enumerate(zip(made, outcomes, strict=True), start=1)
    ]
    now = SystemClock().now()
    return [
        (
            batch_topic(EDGE),
            encode(Batch(edge_id=EDGE, stream="bench", sent_at=now, items=tuple(part))),
        )
        for part in (items[start : start + BATCH] for start in range(0, len(items), BATCH))
    ]


def topic_of(uplink: Uplink) -> str:
    return f"application/bench/device/{uplink.dev_eui}/event/up"


def event_json(uplink: Uplink) -> bytes:
    """The event as ChirpStack's JSON marshaler writes it."""
    moment = isoformat(uplink.event_time).replace("Z", "+00:00")
    return msgspec.json.encode(
        {
            "deduplicationId": uplink.deduplication_id,
            "time": moment,
            "deviceInfo": {
                "tenantId": "t",
                "tenantName": "Bench",
                "applicationId": "bench",
                "applicationName": "bench",
                "deviceProfileName": uplink.device_profile,
                "deviceName": uplink.device_name,
                "devEui": uplink.dev_eui,
                "deviceClassEnabled": "CLASS_A",
                "tags": {},
            },
            "devAddr": uplink.dev_addr,
            "adr": True,
            "dr": uplink.data_rate,
            "fCnt": uplink.f_cnt,
            "fPort": uplink.f_port,
            "confirmed": False,
            "data": uplink.payload,
            "rxInfo": [
                {
                    "gatewayId": one.gateway_id,
                    "uplinkId": 7,
                    "gwTime": moment,
                    "nsTime": moment,
                    "rssi": one.rssi,
                    "snr": one.snr,
                    "location": {},
                    "context": b"\0\0\0\1",
                    "crcStatus": "CRC_OK",
                }
                for one in uplink.receptions
            ],
            "txInfo": {
                "frequency": uplink.frequency,
                "modulation": {
                    "lora": {
                        "bandwidth": 125_000,
                        "spreadingFactor": 7,
                        "codeRate": "CR_4_5",
                    }
                },
            },
            "regionConfigId": "eu868",
        }
    )


def connect(port: int) -> MqttLink:
    link = MqttLink(Broker("127.0.0.1", port, client_id=f"bench-{os.getpid()}"))
    link.start()
    if not link.wait_connected(20):
        raise TimeoutError(f"no broker on port {port}")
    return link


def publish(port: int, messages: Sequence[tuple[str, bytes]]) -> None:
    """Hand everything to the broker and wait until it has it."""
    link = connect(port)
    pending = []
    for topic, payload in messages:
        pending.append(link.publish(topic, payload))
        if len(pending) >= 200:
            pending.pop(0).wait_for_publish(60)
    for info in pending:
        info.wait_for_publish(60)
    link.stop()


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))

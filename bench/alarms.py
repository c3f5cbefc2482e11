"""Alarms, measured: how fast rules are judged, and how long a message takes to its provider.

    .venv/bin/python bench/alarms.py [--rules N] [--uplinks N] [--seconds N]

A town has one rule for each of its soil sensors. First uplinks wait at the broker, and the time is
taken until all are judged, with and without the rules. Then every second one sensor crosses its
limit while others report at `RATE` a second; a provider on this machine notes when it is asked to
send. Real Mosquitto, ingest, followers and outbox; embedded series.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from installation import Installation, SecureBroker, name_of
from side import NOW, ROOT
from traffic import BATCH, batches, connect, event, publish

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.decoders.uplink import Reception, TimeSource, Uplink
from stadtsinn.simulator.demo.mosquitto import find_mosquitto

RATE = 200
"""Uplinks a second beside those that cross a limit."""
DEVICE_TYPE, F_PORT = "dragino/lse01", 2
MOIST, DRY = (bytes.fromhex(f"CE2900F1{moisture:04X}099B6E2890") for moisture in (2_500, 1_200))
"""25 and 12 Vol.-%."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--uplinks", type=int, default=50_000)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    program = find_mosquitto(ROOT / ".cache")
    with tempfile.TemporaryDirectory(prefix="stadtsinn-alarms-") as name:
        folder = Path(name)
        with SecureBroker(program, folder / "broker") as broker, provider() as (url, asked):
            rates = {}
            for rules in (0, given.rules):
                prepared = town(folder / f"town-{rules}", given.rules, rules)
                place = Installation(
                    NOW, folder / f"cloud-{rules}", broker.port, prepared, None, sms_to(url)
                )
                try:
                    rates[rules] = judged(place, broker.port, given)
                    if rules:
                        latency(broker.port, given, asked)
                finally:
                    place.close()
    ratio = rates[given.rules] / rates[0]
    print(f"  with rules / without: {ratio:.2f}")


def judged(place: Installation, port: int, given: argparse.Namespace) -> float:
    """Uplinks a second from the connection to the broker until all are judged."""
    now = SystemClock().now()
    place.subscribe()
    made = [
        uplink(number % given.rules, number // given.rules, MOIST, Instant(now - MINUTE))
        for number in range(given.uplinks)
    ]
    publish(port, batches(place.edge_id, "bench", made, now))
    before = place.head()
    place.start()
    began = time.perf_counter()
    place.wait_for("alerts", before + given.uplinks)
    rate = given.uplinks / (time.perf_counter() - began)
    print(f"  {given.uplinks:,} uplinks in batches of {BATCH} judged: {rate:,.0f}/s")
    return rate


def latency(port: int, given: argparse.Namespace, asked: dict[str, float]) -> None:
    """From the publication of the value that crosses its limit to the provider."""
    clock, link, crossed = SystemClock(), connect(port), {}
    first = given.uplinks // given.rules
    began = time.perf_counter()
    for number in range(RATE * given.seconds):
        time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
        crosses = number % RATE == 0
        # The sensors that cross a limit are not among those that report beside them.
        sensor = number // RATE if crosses else given.seconds + number % (given.rules // 2)
        made = uplink(sensor, first + number, DRY if crosses else MOIST, clock.now())
        if crosses:
            crossed[name_of_sensor(sensor)] = time.time()
        link.publish(*event(made))
    deadline = time.monotonic() + 60
    while len(asked) < len(crossed) and time.monotonic() < deadline:
        time.sleep(0.05)
    link.stop()
    print(f"  {len(asked)} of {len(crossed)} alarms, crossing → provider, {RATE} uplinks/s beside:")
    took = [asked[name] - moment for name, moment in crossed.items() if name in asked]
    cuts = statistics.quantiles(took, n=100)
    print(f"  median {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s, worst {max(took):.2f} s (hold: 10)")


# --- what is sent ----------------------------------------------------------------------


def dev_eui(number: int) -> str:
    return f"70b3d5c0000{number:05x}"


def name_of_sensor(number: int) -> str:
    return f"Baum {number}"


def uplink(number: int, f_cnt: int, payload: bytes, at: Instant) -> Uplink:
    return Uplink(
        dev_eui=dev_eui(number),
        dev_addr="00000005",
        f_cnt=f_cnt,
        f_port=F_PORT,
        payload=payload,
        event_time=at,
        time_source=TimeSource.GATEWAY,
        received_at=at,
        deduplication_id=f"{number}-{f_cnt}",
        device_type=DEVICE_TYPE,
        device_name=name_of_sensor(number),
        device_profile=DEVICE_TYPE,
        data_rate=5,
        frequency=868_100_000,
        receptions=(Reception("0016c001f1000001", -90, 7.5),),
    )


def town(folder: Path, devices: int, rules: int) -> Path:
    """A database with so many soil sensors, and a rule for each of the first `rules`."""
    folder.mkdir()
    database, config, file = (folder / name for name in ("db.sqlite", "cloud.toml", "town.toml"))
    config.write_text(f'[database]\nurl = "sqlite:///{database}"\n')
    name = name_of(NOW)
    empty = f'tenant = "{name}"\nname = "Bench"\n'
    file.write_text(empty)
    NOW.run("registry", "apply", str(file), "--config", str(config))
    if rules:
        NOW.run("tenant", "limit", name, "rules", str(rules), "--config", str(config))
    file.write_text(empty + "\n".join(_town(name, devices, rules)))
    NOW.run("registry", "apply", str(file), "--config", str(config))
    return database


def _town(name: str, devices: int, rules: int) -> Iterator[str]:
    yield f'[[edges]]\nid = "{name}"\nname = "B"'
    yield '[[recipients]]\nslug = "amt"\nname = "Amt"\nchannel = "sms"\naddress = "+4917604069001"'
    for number in range(devices):
        yield f'[[stations]]\nslug = "baum-{number}"\nname = "{name_of_sensor(number)}"'
        yield 'kind = "tree"'
        yield f'[[devices]]\ndev_eui = "{dev_eui(number)}"\ntype = "{DEVICE_TYPE}"'
        yield f'name = "Sensor {number}"\nstation = "baum-{number}"'
    for number in range(rules):
        yield f'[[rules]]\nslug = "trocken-{number}"\nname = "{name_of_sensor(number)}"'
        yield f'station = "baum-{number}"\nquantity = "soil_moisture"\nkind = "threshold"'
        yield 'direction = "below"\non = 15\noff = 20\nrecipients = ["amt"]'


# --- the provider ----------------------------------------------------------------------


def sms_to(url: str) -> str:
    return f"""\
kind = "http"
[notify.sms.provider]
url = "{url}"
json = {{ to = "{{to}}", text = "{{text}}" }}
success = {{ body_matches = "ok" }}"""


@contextmanager
def provider() -> Iterator[tuple[str, dict[str, float]]]:
    """A provider's address, and when it was first asked to send about each sensor."""
    asked: dict[str, float] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            words = body.partition("Baum ")[2]
            number = "".join(letter for letter in words[:6] if letter.isdigit())
            asked.setdefault(f"Baum {number}", time.time())
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/send", asked
    finally:
        server.shutdown()


if __name__ == "__main__":
    main()

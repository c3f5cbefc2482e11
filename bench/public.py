"""The public number and page of a zone over kept-alive connections, from memory and computed anew.

    .venv/bin/python bench/public.py [--requests N]

The server is a process of its own without a proxy, with a town A of one public zone and a town B
of 1,000. "Computed" is the same server with an empty memory, as it was before answers were kept.
Requests per second depend on what else the machine does; the server's processor time does not.
"""

# ruff: noqa: T201 printing is what it is for
from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOWN, OTHER = "musterstadt", "nebenan"
DATA = f"/public/{TOWN}/zones/marktplatz"
PAGE = f"/{TOWN}/zaehler/marktplatz?lang=de"
OTHERS = 1_000
_TICK = os.sysconf("SC_CLK_TCK")


def serve(folder: Path, capacity: int) -> None:
    """Fill a database and serve it until standard input ends. Prints the port."""
    from stadtsinn.base.clock import SystemClock
    from stadtsinn.base.instant import MINUTE, Instant
    from stadtsinn.base.logs import configure_logs
    from stadtsinn.cloud.domains.crowd.zone_repository import insert_samples
    from stadtsinn.cloud.domains.crowd.zones.model import Zone
    from stadtsinn.cloud.domains.crowd.zones.repository import insert_zone
    from stadtsinn.cloud.log.archive_files.archive import Archive
    from stadtsinn.cloud.migrations import upgrade
    from stadtsinn.cloud.platform.access.dependencies import Services
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.platform.database.engine import open_database
    from stadtsinn.cloud.platform.tenants.service import create_tenant
    from stadtsinn.cloud.publish.application import create_app
    from stadtsinn.cloud.publish.serving import ApiServer
    from stadtsinn.cloud.series.stores.opening import open_store
    from stadtsinn.cloud.town.repository import bump_revision

    configure_logs("bench")  # to standard error: nobody reads standard output after the port
    database = open_database(f"sqlite:///{folder / 'cloud.sqlite'}")
    upgrade(database)
    clock = SystemClock()
    now = clock.now()
    for tenant, slugs in (
        (TOWN, ["marktplatz"]),
        (OTHER, [f"platz-{number}" for number in range(OTHERS)]),
    ):
        with database.write() as connection:
            create_tenant(connection, tenant, tenant.title(), now)
            for slug in slugs:
                zone = Zone(slug=slug, name=slug.title(), permitted=1000, public=True)
                zone_id = insert_zone(connection, operator_scope(tenant), zone)
                sample = {
                    "tenant_id": tenant,
                    "zone_id": zone_id,
                    "event_time": Instant(now - MINUTE),
                    "occupancy": 640,
                    "low": 620,
                    "high": 660,
                    "degraded": False,
                    "permitted": 1000,
                    "reported_at": Instant(now + 60 * MINUTE),
                }
                insert_samples(connection, [sample])
            bump_revision(connection)
    series = open_store(f"sqlite:///{folder / 'series.sqlite'}")
    app = create_app(Services(database, clock), series, Archive(folder / "archive"))
    app.state.public_memory.capacity = capacity
    server = ApiServer(app, "127.0.0.1:0")
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()
    server.stop()


@dataclass(frozen=True)
class Server:
    """A server process."""

    port: int
    pid: int

    def processor_s(self) -> float:
        """Processor time used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK


@contextmanager
def server(capacity: int) -> Iterator[Server]:
    """A server process that keeps so many answers."""
    with tempfile.TemporaryDirectory(prefix="stadtsinn-bench-") as folder:
        command = [sys.executable, __file__, "--serve", folder, "--capacity", str(capacity)]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            line = b""
            while not line.strip().isdigit():  # log lines come before
                line = child.stdout.readline()
                assert line, "the server did not start"
            yield Server(int(line), child.pid)
        finally:
            child.stdin.close()
            child.wait(30)


class Caller:
    """A client with one kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def get(self, path: str) -> float:
        """Seconds until the whole answer is here."""
        started = time.perf_counter()
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n".encode())
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._more()
        head, _, body = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        missing = length - len(body)
        while missing > 0:
            missing -= len(self._more())
        return time.perf_counter() - started

    def _more(self) -> bytes:
        more = self._socket.recv(262_144)
        assert more, "the server closed the connection"
        return more


def measure(of: Server, path: str, requests: int) -> str:
    """One line of numbers."""
    caller = Caller(of.port)
    for _ in range(20):
        caller.get(path)
    used, started = of.processor_s(), time.perf_counter()
    taken = [caller.get(path) for _ in range(requests)]
    wall, used = time.perf_counter() - started, of.processor_s() - used
    return (
        f"{requests / wall:,.0f} requests/s, median {1e3 * statistics.median(taken):.2f} ms, "
        f"{1e6 * used / requests:,.0f} µs of one core each"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--capacity", type=int, default=1_000, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.capacity)
        return
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(
        f"public answers, one process, kept alive, beside {OTHERS:,} public zones of another town"
    )
    with server(0) as computing, server(1_000) as remembering:
        for name, path in (("number (JSON)", DATA), ("page", PAGE)):
            print(f"   {name}, computed:     {measure(computing, path, given.requests // 10)}")
            print(f"   {name}, from memory:  {measure(remembering, path, given.requests)}")
        with others_visited(remembering):
            after = measure(remembering, PAGE, given.requests // 10)
        print(f"   page, while all {OTHERS:,} others are visited: {after}")


@contextmanager
def others_visited(of: Server) -> Iterator[None]:
    """A process calls all zones of the other town, one after the other, during the block."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from public import Caller, OTHER, OTHERS\n"
        "c = Caller(int(sys.argv[2]))\n"
        "for n in range(OTHERS): c.get(f'/{OTHER}/zaehler/platz-{n}?lang=de')"
    )
    folder = str(Path(__file__).parent)
    visitor = subprocess.Popen([sys.executable, "-c", code, folder, str(of.port)])
    try:
        yield
    finally:
        visitor.kill()
        visitor.wait()


if __name__ == "__main__":
    main()

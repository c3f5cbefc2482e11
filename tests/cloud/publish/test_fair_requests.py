"""What one town asks for keeps no other waiting: requests at a time, their range and their size.

On real sockets where it matters when an answer is at its end.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import AWAY, HOME, NOW, ApiWorld
from databases import fresh_database
from fake_uplinks import LSE01_PAYLOAD, NINE, entry, register, uplink
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.platform.limits.service import change_limit
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.publish.serving import ApiServer
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey

pytestmark = pytest.mark.slow

DEVICE = "70b3d50000000100"
THEIRS = "70b3d50000000200"
VALUES = f"/api/v1/stations/{DEVICE}/series/soil_moisture"


class Stopped:
    """A series store whose reads wait until they are let go, and are counted."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.go = threading.Event()
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def read(self, *given: Any, **named: Any) -> list[Sample]:
        self.reads += 1
        assert self.go.wait(PATIENCE_S)
        return list(self._store.read(*given, **named))


class Endless(Stopped):
    """It has ten thousand values for each of 500 reads."""

    def read(self, *given: Any, **named: Any) -> list[Sample]:
        self.reads += 1
        start, count = given[2], 1 if self.reads == 500 else 10_001
        return [Sample(Instant(start + n), 20.0) for n in range(count)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    register(made.database, DEVICE, tenant_id=HOME)
    register(made.database, THEIRS, tenant_id=AWAY)
    yield made
    made.series.close()


@pytest.fixture
def ending() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def served(world: ApiWorld, ending: ExitStack, store: Any, limits: Limits) -> ApiServer:
    services = Services(world.database, world.clock, limits)
    world.app = create_app(services, store, world.archive)
    server = ApiServer(world.app, "127.0.0.1:0")
    server.start()
    ending.callback(server.stop)
    return server


def ask(server: ApiServer, token: str, path: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    head = f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    client.sendall(f"{head}Authorization: Bearer {token}\r\n\r\n".encode())
    return client


def read(client: socket.socket) -> tuple[int, str, str]:
    """Status, head and body of the whole answer."""
    found = b""
    while more := client.recv(65_536):
        found += more
    head, _, body = found.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body.decode()


def open_now(world: ApiWorld) -> int:
    return int(world.app.state.services.open_requests.count())


@pytest.mark.parametrize(
    ("limits", "keys", "named"),
    [
        ({"key_open_requests": 3}, 1, "key_open_requests"),
        ({"open_requests": 3}, 3, "open_requests"),
    ],
)
def test_one_request_more_than_a_key_or_town_may_have_open_is_told_to_come_back(
    world: ApiWorld, ending: ExitStack, limits: dict[str, int], keys: int, named: str
) -> None:
    store = Stopped(world.series)
    server = served(world, ending, store, Limits(**limits))
    tokens = [world.token(Role.READER) for _ in range(keys)]
    waiting = [ask(server, tokens[n % keys], VALUES) for n in range(3)]
    wait_until(lambda: store.reads == 3, "three are being answered")
    status, head, body = read(ask(server, tokens[0], "/api/v1/me"))
    assert status == 429
    assert "retry-after: " in head
    assert "application/problem+json" in head
    assert f"('{named}')" in json.loads(body)["detail"]
    neighbour = world.token(Role.READER, AWAY)
    assert read(ask(server, neighbour, "/api/v1/me"))[0] == 200
    store.go.set()
    assert [read(one)[0] for one in waiting] == [200] * 3
    wait_until(lambda: open_now(world) == 0, "their places are free")
    assert read(ask(server, tokens[0], "/api/v1/me"))[0] == 200


def test_the_operator_gives_one_town_more(world: ApiWorld, ending: ExitStack) -> None:
    with world.database.write() as connection:
        change_limit(connection, HOME, "open_requests", 2)
    store = Stopped(world.series)
    server = served(world, ending, store, Limits(open_requests=1))
    token = world.token(Role.READER)
    waiting = [ask(server, token, VALUES) for _ in range(2)]
    wait_until(lambda: store.reads == 2, "two are being answered")
    assert read(ask(server, token, "/api/v1/me"))[0] == 429
    store.go.set()
    assert [read(one)[0] for one in waiting] == [200] * 2


def test_refused_and_failed_requests_leave_no_place_taken(world: ApiWorld) -> None:
    caller = world.client(Role.READER)
    for path in ("me", "sites/none", "sites?limit=-1", "nothing"):
        caller.get(f"/api/v1/{path}")
    assert caller.post("/api/v1/sites", json={}).status_code == 403
    assert open_now(world) == 0


def test_a_caller_who_leaves_in_the_middle_of_a_table_ends_its_reading(
    world: ApiWorld, ending: ExitStack
) -> None:
    """A table of 500 reads; who leaves at its beginning is not read for any more."""
    store = Endless(world.series)
    server = served(world, ending, store, Limits())
    client = ask(server, world.token(Role.READER), f"{VALUES}?format=csv")
    assert b"200 OK" in client.recv(1_000)
    assert open_now(world) == 1, "open until the table is sent"
    client.close()
    wait_until(lambda: open_now(world) == 0, "its answer has ended")
    assert store.reads < 200, "what its buffers take, and no more"


def test_a_caller_who_leaves_ends_the_reading_of_archived_days(
    world: ApiWorld, ending: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ups = [uplink(n, n * DAY / 10**6, dev_eui=DEVICE, payload=LSE01_PAYLOAD) for n in range(12)]
    with world.database.write() as connection:
        append(connection, [entry(up, tenant_id=HOME) for up in ups], NINE)
    list(archive_before(world.database, world.archive, Instant(NINE + 20 * DAY), (), world.clock))
    reached, go, days = threading.Event(), threading.Event(), []
    of_device = Archive.of_device

    def slowly(archive: Archive, day: ArchivedDay, *given: Any) -> Any:
        days.append(day)
        reached.set()
        assert go.wait(PATIENCE_S)
        return of_device(archive, day, *given)

    monkeypatch.setattr(Archive, "of_device", slowly)
    server = served(world, ending, world.series, Limits())
    path = f"/api/v1/devices/{DEVICE}/uplinks?limit=1000"
    client = ask(server, world.token(Role.READER), path)
    assert reached.wait(PATIENCE_S)
    client.close()
    wait_until(lambda: not server._server.server_state.connections, "the server knows")
    go.set()
    wait_until(lambda: open_now(world) == 0, "its answer has ended")
    assert len(days) == 1
    status, _, body = read(ask(server, world.token(Role.READER), path))
    assert (status, len(json.loads(body)["items"]), len(days)) == (200, 12, 12), (
        "eleven are archived"
    )


# --- range and size --------------------------------------------------------------------


def limited(world: ApiWorld, **limits: int) -> TestClient:
    services = Services(world.database, world.clock, Limits(**limits))
    world.app = create_app(services, world.series, world.archive)
    return world.client()


@pytest.mark.parametrize(
    "path",
    [
        VALUES,
        f"{VALUES}?format=csv",
        f"{VALUES}?window=1d",
        f"/api/v1/devices/{DEVICE}/uplinks",
        "/api/v1/zones/markt/history",
        "/api/v1/zones/markt/history?format=csv",
    ],
)
def test_a_request_for_too_long_a_time_names_the_limit(world: ApiWorld, path: str) -> None:
    caller = limited(world, query_days=10)
    assert caller.post("/api/v1/zones", json={"slug": "markt", "name": "M"}).status_code == 201
    given = {"start": "2026-09-01", "end": "2026-09-11"}
    assert caller.get(path, params=given).status_code == 200
    refused = caller.get(path, params={"start": "2026-09-01"})
    assert refused.status_code == 422
    assert "10 days apart ('query_days')" in refused.json()["detail"]


def test_the_newest_values_come_in_pages_of_so_many_values(world: ApiWorld) -> None:
    stations = [f"70b3d500000003{n:02x}" for n in range(6)]
    register(world.database, *stations, tenant_id=HOME)
    streams = {
        (HOME, SeriesKey(station, "soil_moisture", str(n))): NOW
        for number, station in enumerate(stations)
        for n in range(number + 1)
    }
    with world.database.write() as connection:
        make_streams(connection, streams)
    caller = limited(world, query_values=5)
    pages, cursor = [], None
    while True:
        page = caller.get("/api/v1/latest", params={"cursor": cursor} if cursor else {}).json()
        pages.append([one["station"] for one in page["items"]])
        cursor = page["next"]
        if cursor is None:
            break
    assert [*chain(*pages)] == sorted([DEVICE, *stations])
    assert [len(page) for page in pages] == [3, 1, 1, 1, 1], "0+1+2, 3, 4, 5, and 6 alone"
    assert len(limited(world).get("/api/v1/latest").json()["items"]) == 7

"""Who a request comes from, and how much one client may ask for at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from api_callers import HOME, ApiWorld
from databases import fresh_database
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.fair_share import AT_ONCE, FairShare
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.publish.clients import NO_PROXIES, Proxies, client_of
from stadtsinn.cloud.publish.serving import ApiServer
from stadtsinn.cloud.settings import parse_settings

OURS = Proxies([ip_network("127.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("unknown" * 100, ("unknown" * 100)[:64]),
        ("", ""),
    ],
)
def test_an_ipv6_client_is_its_network(host: str, client: str) -> None:
    assert client_of(host) == client


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "fd12::1"])
def test_proxies_are_known_by_their_networks(host: str) -> None:
    assert host in OURS
    assert host not in NO_PROXIES


@pytest.mark.parametrize("host", ["192.0.2.1", "::1", "fe00::1", "localhost", ""])
def test_nobody_else_is_believed(host: str) -> None:
    assert host not in OURS


def test_proxies_are_configured(tmp_path: Path) -> None:
    file = tmp_path / "cloud.toml"
    assert "127.0.0.1" in parse_settings("", file).api.trusted
    stated = parse_settings('[api]\nproxies = ["192.0.2.0/24", "::1"]', file).api.trusted
    assert "192.0.2.9" in stated
    assert "::1" in stated
    assert "127.0.0.1" not in stated
    assert "127.0.0.1" not in parse_settings("[api]\nproxies = []", file).api.trusted


class Waiting:
    """An application whose requests stay open until the test releases them."""

    def __init__(self) -> None:
        self.open = 0
        self.release = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.open += 1
        await self.release.wait()
        self.open -= 1
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


async def ask(app: Any, address: str, key: str | None = None) -> int:
    transport = httpx.ASGITransport(app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return (await client.get("/", headers=headers)).status_code


async def filled(app: Any, waiting: Waiting, *callers: tuple[str, str | None]) -> list[Any]:
    tasks = [asyncio.create_task(ask(app, *caller)) for caller in callers]
    while waiting.open < len(callers):
        await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize(
    ("taken", "refused", "served"),
    [
        (("192.0.2.1", None), ("192.0.2.1", "own"), ("192.0.2.2", None)),
        (("2001:db8::1", None), ("2001:db8::2", None), ("2001:db8:0:1::1", None)),
        (("192.0.2.1", "stolen"), ("192.0.2.2", "stolen"), ("192.0.2.2", "own")),
        (("127.0.0.1", "one"), ("127.0.0.1", "one"), ("127.0.0.1", "two")),
    ],
    ids=["address", "IPv6 network", "key", "key behind a proxy that names nobody"],
)
def test_open_requests_are_counted_by_client_and_key(
    taken: tuple[str, str | None], refused: tuple[str, str | None], served: tuple[str, str | None]
) -> None:
    async def run() -> None:
        waiting = Waiting()
        app = FairShare(waiting, OURS, at_once=2)
        first = await filled(app, waiting, taken, taken)
        assert await ask(app, *refused) == 429
        other = asyncio.create_task(ask(app, *served))
        while waiting.open < 3:
            await asyncio.sleep(0)
        waiting.release.set()
        assert await asyncio.gather(*first, other) == [204, 204, 204]
        assert await ask(app, *refused) == 204
        assert not app._open

    asyncio.run(run())


def test_a_request_that_fails_is_not_open_any_more() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    async def run() -> None:
        app = FairShare(broken, OURS, at_once=1)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await ask(app, "192.0.2.1", "key")
        assert not app._open

    asyncio.run(run())


# --- the whole application, on real sockets -------------------------------------------------------


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Iterator[tuple[ApiServer, str]]:
    """A server that believes this machine, and a reader's key."""
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    services = Services(world.database, world.clock)
    app = create_app(services, world.series, world.archive, proxies=OURS)
    server = ApiServer(app, "127.0.0.1:0", proxies=OURS)
    server.start()
    yield server, world.token(Role.READER)
    server.stop()
    world.series.close()
    world.database.dispose()


def test_slow_bodies_behind_a_proxy_are_one_clients(behind_proxy: tuple[ApiServer, str]) -> None:
    """Their keys are not looked at before the body is here, so nothing else would count them."""
    server, key = behind_proxy
    head = "POST /api/v1/sites HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {}\r\n"
    unfinished = head + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    get = "GET /api/v1/me HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {}\r\n{}\r\n"

    def status(of: socket.socket, text: str) -> int:
        of.sendall(text.encode())
        return int(of.recv(16).split()[1])

    with ExitStack() as ending:

        def connection() -> socket.socket:
            made = socket.create_connection(("127.0.0.1", server.port), 60)
            return ending.enter_context(made)

        for number in range(AT_ONCE):
            connection().sendall(unfinished.format(f"2001:db8::{number}").encode())
            # Answered after what came before it was read.
            assert status(connection(), get.format("192.0.2.9", "")) == 401
        authorised = f"Authorization: Bearer {key}\r\n"
        assert status(connection(), get.format("2001:db8::ffff", authorised)) == 429
        assert status(connection(), get.format("192.0.2.9", authorised)) == 200
        # The last one is the one our proxy wrote; what the client wrote before it says nothing.
        assert status(connection(), get.format("192.0.2.8, 2001:db8::1", authorised)) == 429


def test_a_refusal_is_a_problem_document(tmp_path: Path) -> None:
    world = ApiWorld(fresh_database(tmp_path), tmp_path)

    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(world.app, client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
            await client.get("/healthz")  # the application is put together
            share = _share_of(world.app)
            share._open["192.0.2.1"] = AT_ONCE
            return await client.get(f"/public/{HOME}/zones/a")

    answer = asyncio.run(run())
    world.series.close()
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def _share_of(app: Any) -> FairShare:
    """The middleware within the others."""
    found = app.middleware_stack
    while not isinstance(found, FairShare):
        found = getattr(found, "_app", None) or found.app
    return found

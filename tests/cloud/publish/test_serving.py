"""The server on real sockets: no delay, no client that holds it, no more than it can bear."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from api_callers import ApiWorld
from databases import fresh_database
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.middleware import MAX_BODY
from stadtsinn.cloud.publish.connections import BoundedProtocol, Limits
from stadtsinn.cloud.publish.serving import ApiServer

GET = b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n"
PATIENCE = 60
"""Seconds after which a test that hangs has failed; none of them is waited for."""

Start = Callable[[Limits], ApiServer]


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as ending:

        def make(limits: Limits) -> ApiServer:
            app = FastAPI()

            @app.get("/ready")
            async def ready() -> str:
                return "ready"

            @app.post("/body")
            async def body(request: Request) -> int:
                return len(await request.body())

            @app.get("/endless")
            async def endless() -> StreamingResponse:
                return StreamingResponse(repeat(b"x" * 65_536))

            server = ApiServer(app, "127.0.0.1:0", limits)
            server.start()
            ending.callback(server.stop)
            return server

        yield make


def connect(server: ApiServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def answered(client: socket.socket) -> bytes:
    """The answer's head and the beginning of its body; empty when the connection is closed."""
    try:
        return client.recv(4096)
    except ConnectionResetError:
        return b""


def ask(client: socket.socket) -> bytes:
    client.sendall(GET)
    found = answered(client)
    while found and b"ready" not in found:
        more = answered(client)
        if not more:
            break
        found += more
    return found


def closed(client: socket.socket) -> bool:
    """Reads to the end; False when `PATIENCE` was over first."""
    try:
        while client.recv(65_536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0"])
def test_answers_never_wait_for_an_acknowledgement(start: Start, bind: str) -> None:
    if bind.startswith("[") and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    server = start(Limits())
    client = connect(server)
    assert b"200 OK" in ask(client)
    (connection,) = server._server.server_state.connections
    accepted = connection.transport.get_extra_info("socket")
    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    client.close()


@pytest.mark.parametrize(
    "sent", [b"", b"G", b"GET /ready HTTP/1.1\r\nHost: a\r\n", GET + b"GET /ready HTTP/1.1\r\n"]
)
def test_who_does_not_finish_a_head_is_sent_away(start: Start, sent: bytes) -> None:
    client = connect(start(Limits(head_s=0.2)))
    client.sendall(sent)
    assert closed(client)


def test_single_bytes_do_not_extend_the_time_for_a_head(start: Start) -> None:
    client = connect(start(Limits(head_s=0.3)))
    client.settimeout(0.05)
    sent = 0
    try:
        for sent in range(2_000):
            client.sendall(b"GET /ready HTTP/1.1\r\nX: " if sent == 0 else b"a")
            try:
                if not client.recv(100) or sent:
                    break
            except TimeoutError:
                continue
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert 0 < sent < 1_999


def test_who_does_not_finish_a_body_is_sent_away(start: Start) -> None:
    client = connect(start(Limits(body_s=0.2)))
    client.sendall(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
    assert closed(client)


def test_who_does_not_read_is_sent_away(start: Start) -> None:
    server = start(Limits(unread_s=0.2))
    client = connect(server)
    client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b"200 OK" in answered(client)
    with connect(server) as other:  # the server is not the slow one
        assert b"200 OK" in ask(other)
    watched = server._server.server_state.connections
    while any(isinstance(one, BoundedProtocol) and not one.is_waiting for one in list(watched)):
        with connect(server) as other:
            assert b"200 OK" in ask(other)
    assert closed(client)


def test_a_slow_but_honest_client_is_served(start: Start) -> None:
    client = connect(start(Limits(head_s=30, body_s=30)))
    for part in (
        b"POST /bo",
        b"dy HTTP/1.1\r\nHost: a\r\nContent-",
        b"Length: 6\r\n\r\nabc",
        b"def",
    ):
        client.sendall(part)
    assert b"200 OK" in answered(client)


def test_connections_that_only_wait_make_room_for_who_asks(start: Start) -> None:
    server = start(Limits(head_s=600, connections=20))
    idle = [connect(server) for _ in range(40)]
    for _ in range(3):
        with connect(server) as client:
            assert b"200 OK" in ask(client)
    assert len(server._server.server_state.connections) <= 21
    assert closed(idle[0])
    for one in idle:
        one.close()


def test_a_head_without_end_is_refused(start: Start) -> None:
    client = connect(start(Limits()))
    client.sendall(b"GET /ready HTTP/1.1\r\nX: " + b"a" * 40_000)
    assert b"400" in answered(client)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[ApiServer, str]]:
    """The real application, and an editor's key."""
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    server = ApiServer(world.app, "127.0.0.1:0")
    server.start()
    yield server, world.token(Role.EDITOR)
    server.stop()
    world.series.close()
    world.database.dispose()


@pytest.mark.parametrize("framing", ["Content-Length: 2000000", "Transfer-Encoding: chunked"])
def test_a_body_beyond_the_limit_is_refused(served: tuple[ApiServer, str], framing: str) -> None:
    server, key = served
    client = connect(server)
    head = f"POST /api/v1/stations HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n"
    client.sendall(f"{head}Content-Type: application/json\r\n{framing}\r\n\r\n".encode())
    if "chunked" in framing:
        block = b"10000\r\n" + b"a" * 65_536 + b"\r\n"
        try:
            for _ in range(MAX_BODY // 65_536 + 2):
                client.sendall(block)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert b"413" in answered(client)

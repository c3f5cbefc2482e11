"""The server on real sockets: no delay, no client that holds it, no more than it can bear."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from itertools import repeat
from pathlib import Path
from typing import Any, Protocol, cast

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from api_callers import ApiWorld
from databases import fresh_database
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.middleware import MAX_BODY
from stadtsinn.cloud.publish.clients import NO_PROXIES, Proxies
from stadtsinn.cloud.publish.connections import BoundedProtocol, Limits
from stadtsinn.cloud.publish.serving import ApiServer

pytestmark = pytest.mark.slow

GET = b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
PATIENCE = 60
"""Seconds after which a test that hangs has failed; none of them is waited for."""
LIMITS = Limits()
HERE, ELSEWHERE = "127.0.0.1", "127.0.0.2"


@dataclass
class Server:
    """A server whose clock the test sets."""

    api: ApiServer
    clock: list[float]
    release: asyncio.Event
    """Ends `/waiting`."""

    @property
    def port(self) -> int:
        return self.api.port

    @property
    def connections(self) -> list[BoundedProtocol]:
        return [
            one
            for one in list(self.api._server.server_state.connections)
            if isinstance(one, BoundedProtocol)
        ]

    def after(self, seconds: float) -> None:
        """Let so much time pass and the server look at its connections."""
        self.clock[0] += seconds
        for one in self.connections:
            looked = asyncio.run_coroutine_threadsafe(_look(one), cast(Any, one.loop))
            looked.result(PATIENCE)


def tick(clock: list[float]) -> float:
    """No two moments are the same."""
    clock[0] += 1e-6
    return clock[0]


async def _look(connection: BoundedProtocol) -> None:
    connection.look()


class Start(Protocol):
    def __call__(self, limits: Limits = LIMITS, proxies: Proxies = NO_PROXIES) -> Server: ...


@pytest.fixture
def start() -> Iterator[Start]:
    with ExitStack() as ending:

        def make(limits: Limits = LIMITS, proxies: Proxies = NO_PROXIES) -> Server:
            app, release = FastAPI(), asyncio.Event()

            @app.get("/ready")
            async def ready() -> str:
                return "ready"

            @app.post("/body")
            async def body(request: Request) -> int:
                return len(await request.body())

            @app.get("/endless")
            async def endless() -> StreamingResponse:
                return StreamingResponse(repeat(b"x" * 65_536))

            @app.get("/bytes/{count}")
            async def some_bytes(count: int) -> Response:
                return Response(b"x" * count)

            @app.get("/waiting")
            async def waiting() -> None:
                await release.wait()

            clock = [1_000.0]
            server = ApiServer(app, "127.0.0.1:0", limits, proxies, monotonic=partial(tick, clock))
            server.start()
            ending.callback(server.stop)
            return Server(server, clock, release)

        yield make


def connect(server: Server | ApiServer, source: str = HERE) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE, (source, 0))


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


def held(server: Server, count: int, source: str = HERE) -> list[socket.socket]:
    """So many connections, all of which the server has taken."""
    made = []
    for _ in range(count):
        made.append(connect(server, source))
        with connect(server, "127.0.0.9") as other:
            assert b"200 OK" in ask(other)
    return made


def still_open(client: socket.socket) -> bool:
    """Whether a request on it is answered."""
    try:
        return b"200 OK" in ask(client)
    except (BrokenPipeError, ConnectionResetError):
        return False


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0"])
def test_answers_never_wait_for_an_acknowledgement(bind: str) -> None:
    if bind.startswith("[") and not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    app = FastAPI()
    server = ApiServer(app, bind)
    server.start()
    host = "::1" if bind.startswith("[") else "127.0.0.1"
    with socket.create_connection((host, server.port), PATIENCE) as client:
        client.sendall(GET)
        assert b"404" in answered(client)
        (connection,) = server._server.server_state.connections
        accepted = connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
    server.stop()


# --- heads --------------------------------------------------------------------------------------

BEGUN = [
    b"",
    b"G",
    b"\r\n",
    b"GET /ready HTTP/1.1\r\nHost: a\r\n",
    GET + b"GET /ready HTTP/1.1\r\n",
]


@pytest.mark.parametrize("sent", BEGUN)
def test_who_does_not_finish_a_head_is_sent_away(start: Start, sent: bytes) -> None:
    server = start()
    (client,) = held(server, 1)
    client.sendall(sent)
    with connect(server) as other:  # what was sent has arrived
        assert b"200 OK" in ask(other)
    server.after(LIMITS.head_s + 1)
    assert closed(client)


@pytest.mark.parametrize("trickle", [b"a", b"a: b\r\n"])
def test_single_bytes_do_not_extend_the_time_for_a_head(start: Start, trickle: bytes) -> None:
    server = start()
    client = connect(server)
    client.sendall(b"GET /ready HTTP/1.1\r\nX: " + trickle)
    _wait_until(server, lambda one: one._received > 20)
    for _ in range(9):
        server.after(1)
        client.sendall(trickle)
        assert len(server.connections) == 1
    server.after(2)
    assert closed(client)


def test_empty_lines_between_requests_are_no_sign_of_life(start: Start) -> None:
    server = start()
    client = connect(server)
    assert b"200 OK" in ask(client)
    client.sendall(b"\r\n")
    _wait_until(server, lambda one: one._received > 0)
    server.after(9)
    client.sendall(b"\r\n")
    server.after(2)
    assert closed(client)


@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["without end", "whole"])
@pytest.mark.parametrize("piece", [b"X: " + b"a" * 40_000, b"X: a\r\n" * 7_000])
def test_a_long_head_is_refused(start: Start, piece: bytes, end: bytes) -> None:
    client = connect(start())
    client.sendall(b"GET /ready HTTP/1.1\r\n" + piece + end)
    assert b"400" in answered(client)


# --- bodies -------------------------------------------------------------------------------------


def test_single_bytes_do_not_extend_the_time_for_a_body(start: Start) -> None:
    server = start()
    client = connect(server)
    client.sendall(POST % 1_000 + b"a")
    _wait_until(server, lambda one: one._owed.value == "body")
    for _ in range(3):
        server.after(10)
        client.sendall(b"a")
        assert len(server.connections) == 1
    server.after(1)
    assert closed(client)


def test_a_slow_body_that_keeps_coming_is_waited_for(start: Start) -> None:
    server = start()
    client = connect(server)
    size = 60 * LIMITS.rate
    client.sendall(POST % size + b"a" * (size - 1))
    _wait_until(server, lambda one: one._received >= size)
    server.after(LIMITS.body_s + 59)
    client.sendall(b"a")
    assert b"200 OK" in answered(client)


def test_a_body_without_end_is_not_read_for_ever(start: Start) -> None:
    """What is more than any endpoint takes gives no more time."""
    server = start()
    client = connect(server)
    client.sendall(b"POST /ready HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n")
    assert b"405" in answered(client)  # before the body
    block = b"a" * 65_536
    for number in range(1, 65):
        client.sendall(block)
        _wait_until(server, lambda one, sent=number: one._received >= sent * 65_536)  # type: ignore[misc]
    server.after(LIMITS.body_s + 1_048_576 / LIMITS.rate + 1)
    assert closed(client)


def test_a_request_that_we_do_not_read_yet_is_not_overdue(start: Start) -> None:
    """A further request on a connection whose answer is not finished: reading pauses."""
    server = start()
    client = connect(server)
    client.sendall(b"GET /waiting HTTP/1.1\r\nHost: a\r\n\r\n" + POST % 2 + b"a")
    _wait_until(server, lambda one: one.flow.read_paused and one._owed.value == "body")
    server.after(LIMITS.body_s - 1)
    server.after(LIMITS.body_s - 1)
    client.sendall(b"a")
    (connection,) = server.connections
    connection.loop.call_soon_threadsafe(server.release.set)
    found = b""
    while found.count(b"200 OK") < 2:
        found += _some(client)


# --- answers ------------------------------------------------------------------------------------


def test_who_does_not_read_is_sent_away(start: Start) -> None:
    server = start()
    client = connect(server)
    client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    _wait_until(server, lambda one: one.flow.write_paused)
    server.after(LIMITS.unread_s - 1)
    with connect(server) as other:  # the server is not the slow one
        assert b"200 OK" in ask(other)
    assert len(_busy(server)) == 1
    server.after(2)
    assert not _busy(server)
    assert closed(client)


def test_who_reads_a_trickle_is_sent_away(start: Start) -> None:
    """Also if a little is read just before the time is over, again and again."""
    server = start()
    client = _with_small_buffers(server, 65_536)
    client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
    _wait_until(server, lambda one: one.flow.write_paused)
    rounds = 0
    while _busy(server):
        _wait_until(server, lambda one: one.flow.write_paused)
        server.after(29)
        rounds += 1
        _read(client, 65_536)
    assert 1 < rounds < 5


def test_a_reader_that_is_slow_but_not_too_slow_gets_all(start: Start) -> None:
    server = start()
    client = _with_small_buffers(server, 65_536)
    size = 4_000_000
    client.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
    _wait_until(server, lambda one: one.flow.write_paused)
    read = 0
    while read < size:
        read += _read(client, min(10 * LIMITS.rate, size - read))
        if any(one.transport.get_write_buffer_size() for one in _writing(server)):
            server.after(5)
    assert server.clock[0] > 1_000 + LIMITS.unread_s


@pytest.mark.parametrize("size", [40_000, 4_000_000])
def test_a_last_answer_that_nobody_reads_is_dropped(start: Start, size: int) -> None:
    """Its connection is closed already, but for the bytes that wait for their reader."""
    server = start()
    client = _with_small_buffers(server, 1)
    client.sendall(b"GET /bytes/%d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % size)
    _wait_until(server, lambda one: one.transport.is_closing())
    assert all(one.transport.get_write_buffer_size() for one in server.connections)
    server.after(0)
    server.after(LIMITS.unread_s - 1)
    assert len(server.connections) == 1
    server.after(2)
    _wait_for(lambda: not server.connections)
    assert closed(client)


def test_a_slow_but_honest_client_is_served(start: Start) -> None:
    client = connect(start())
    for part in (
        b"POST /bo",
        b"dy HTTP/1.1\r\nHost: a\r\nContent-",
        b"Length: 6\r\n\r\nabc",
        b"def",
    ):
        client.sendall(part)
    assert b"200 OK" in answered(client)


# --- many connections ---------------------------------------------------------------------------


def test_connections_that_only_wait_make_room_for_who_asks(start: Start) -> None:
    server = start(Limits(connections=20))
    idle = [connect(server, f"127.0.1.{number}") for number in range(1, 41)]
    for _ in range(3):
        with connect(server) as client:
            assert b"200 OK" in ask(client)
    assert len(server.connections) <= 21
    assert closed(idle[0])
    for one in idle:
        one.close()


def test_one_client_takes_no_connection_of_others(start: Start) -> None:
    server = start(Limits(connections=30, per_client=10))
    others = held(server, 10, ELSEWHERE)
    many = held(server, 40)
    assert sum(one.of == HERE for one in server.connections) == 10
    assert all(still_open(one) for one in others)
    assert closed(many[0])
    assert still_open(many[-1])


def test_a_client_whose_requests_all_run_gets_no_further_connection(start: Start) -> None:
    server = start(Limits(per_client=3))
    clients = held(server, 3)
    for client in clients:
        client.sendall(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" in answered(client)
    with connect(server) as further:
        assert closed(further)
    with connect(server, ELSEWHERE) as other:
        assert b"200 OK" in ask(other)
    assert len(_busy(server)) == 3


def test_a_proxy_holds_connections_for_many(start: Start) -> None:
    server = start(Limits(per_client=3), Proxies([ip_network(f"{HERE}/32")]))
    assert all(still_open(one) for one in held(server, 10))
    assert [still_open(one) for one in held(server, 4, ELSEWHERE)] == [False, True, True, True]


def _busy(server: Server) -> list[BoundedProtocol]:
    return [one for one in server.connections if not one.is_waiting]


def _writing(server: Server) -> list[BoundedProtocol]:
    return [one for one in server.connections if one.flow.write_paused]


def _wait_for(reached: Callable[[], bool]) -> None:
    """Not by sleeping: the server runs meanwhile, and `PATIENCE` bounds a test that hangs."""
    end = time.monotonic() + PATIENCE
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.001)


def _wait_until(server: Server, reached: Callable[[BoundedProtocol], bool]) -> None:
    """Until a connection of the server is so far."""
    _wait_for(lambda: any(reached(one) for one in server.connections))


def _with_small_buffers(server: Server, size: int) -> socket.socket:
    """A connection whose kernel buffers hold little, so that an unread answer waits in the
    server soon."""
    assert server.api._socket is not None
    server.api._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    client = socket.socket()
    client.settimeout(PATIENCE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
    client.connect(("127.0.0.1", server.port))
    return client


def _some(client: socket.socket) -> bytes:
    """What comes next; fails when nothing does."""
    found = client.recv(4096)
    assert found
    return found


def _read(client: socket.socket, count: int) -> int:
    """Read so many bytes, or what there is before the end."""
    missing = count
    while missing > 0 and (got := len(client.recv(missing))):
        missing -= got
    return count - missing


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

"""The line that can be cut: real sockets on both ends."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from real_parts import PATIENCE_S, wait_until
from stadtsinn.simulator.radio.backhaul import Backhaul


class Echo:
    """Answers what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(1024):
                connection.sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def line(echo: Echo) -> Iterator[Backhaul]:
    with Backhaul(0, echo.address) as backhaul:
        yield backhaul


def connect(line: Backhaul) -> socket.socket:
    return socket.create_connection(("127.0.0.1", line.port), timeout=PATIENCE_S)


def asked(connection: socket.socket, question: bytes) -> bytes:
    connection.sendall(question)
    return connection.recv(1024)


def dead(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"?")
        return connection.recv(1024) == b""
    except ConnectionError:
        return True


def refused(line: Backhaul) -> bool:
    """The reset may come before the caller knows that it was connected, or after."""
    try:
        with connect(line) as connection:
            return dead(connection)
    except ConnectionError:
        return True


def test_it_passes_bytes_both_ways(line: Backhaul) -> None:
    with connect(line) as one, connect(line) as two:
        assert asked(one, b"eins") == b"eins"
        assert asked(two, b"zwei") == b"zwei"
        assert line.connections == 2


def test_a_cut_ends_open_connections_and_refuses_new_ones(line: Backhaul) -> None:
    with connect(line) as before:
        assert asked(before, b"da") == b"da"
        line.cut()
        assert dead(before)
    assert refused(line)


def test_it_works_again_after_a_restore(line: Backhaul) -> None:
    line.cut()
    line.restore()
    with connect(line) as after:
        assert asked(after, b"wieder da") == b"wieder da"


def test_a_silent_cut_delays_what_was_sent_until_the_restore(line: Backhaul) -> None:
    with connect(line) as connection:
        assert asked(connection, b"da") == b"da"
        line.cut(silently=True)
        connection.sendall(b"spaeter")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1024)
        connection.settimeout(PATIENCE_S)
        line.restore()
        assert connection.recv(1024) == b"spaeter"


def test_a_target_that_is_away_ends_the_connection(echo: Echo) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with Backhaul(0, ("127.0.0.1", port)) as line:
        assert refused(line)


def test_the_end_of_one_side_reaches_the_other(line: Backhaul) -> None:
    with connect(line) as connection:
        assert asked(connection, b"da") == b"da"
    wait_until(lambda: line.connections == 0, "the line forgets a closed connection")

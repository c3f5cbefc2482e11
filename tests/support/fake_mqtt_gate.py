"""A TCP gate before a real broker: cuts connections, or plays a broker that knows only 3.1.1."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Literal, Self

Manner = Literal["open", "refuse_mqtt5", "hang_up_on_mqtt5"]

_VERSION_5 = 5
_PROTOCOL_LEVEL = 8  # offset behind fixed header of two bytes: length, "MQTT", level
_REFUSED_VERSION = b"\x20\x02\x00\x01"  # CONNACK of 3.1.1: unacceptable protocol version


class FakeMqttGate:
    """Listens on `port` and passes everything to the broker at `target`."""

    def __init__(self, target: int, manner: Manner = "open") -> None:
        self.manner = manner
        self.versions: list[int] = []
        self._target = target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._closed = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed = True
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections as they are."""
        for connection in list(self._open):
            _close(connection)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._try_serve, args=(client,), daemon=True).start()

    def _try_serve(self, client: socket.socket) -> None:
        try:
            self._serve(client)
        except OSError:  # either side may be gone already
            _close(client)

    def _serve(self, client: socket.socket) -> None:
        first = client.recv(65_536)
        if len(first) <= _PROTOCOL_LEVEL:
            client.close()
            return
        version = _protocol_level(first)
        self.versions.append(version)
        if version == _VERSION_5 and self.manner != "open":
            if self.manner == "refuse_mqtt5":
                client.sendall(_REFUSED_VERSION)
            client.close()
            return
        broker = socket.create_connection(("127.0.0.1", self._target))
        self._open |= {client, broker}
        broker.sendall(first)
        threading.Thread(target=self._pump, args=(broker, client), daemon=True).start()
        self._pump(client, broker)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
        for end in (source, sink):
            _close(end)
            self._open.discard(end)


def _protocol_level(connect: bytes) -> int:
    name = connect.index(b"MQTT")
    return connect[name + 4]


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""The line between town hall and cloud: a TCP relay that can be cut and restored."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Backhaul:
    """Relays connections on `listen_port` of 127.0.0.1 to `target`; 0 takes a free port.

    `cut` is a broken line: connections are reset immediately, new ones are refused. With
    ``silently=True`` connections stay open and no data pass, as with a fibre cut far away; data
    sent meanwhile pass after `restore`, as TCP would send them again.
    """

    def __init__(self, listen_port: int, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", listen_port))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._refusing = False
        self._passing = threading.Event()
        self._passing.set()
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="backhaul", daemon=True)

    @property
    def connections(self) -> int:
        """How many clients are connected through the line."""
        with self._lock:
            return len(self._open) // 2

    def start(self) -> None:
        self._acceptor.start()

    def cut(self, *, silently: bool = False) -> None:
        """Break the line."""
        if silently:
            self._passing.clear()
            return
        with self._lock:
            self._refusing = True
            broken = list(self._open)
        for connection in broken:
            _reset(connection)

    def restore(self) -> None:
        """Mend the line."""
        with self._lock:
            self._refusing = False
        self._passing.set()

    def stop(self) -> None:
        """Close everything."""
        self._stopping = True
        self.cut()
        self._passing.set()
        # Closing the socket does not wake a blocked accept(): connect to it first.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._listener.close()
        if self._acceptor.is_alive():
            self._acceptor.join(timeout=5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._stopping:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            # Connecting may take its time; the next client does not wait for it.
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _reset(client)
            return
        server.settimeout(None)
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            refused = self._refusing
            if not refused:
                self._open |= {client, server}
        if refused:
            _reset(client)
            _reset(server)
            return
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._passing.wait()
                sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        _reset(source)
        _reset(sink)


def _reset(connection: socket.socket) -> None:
    """Reset a connection, so that the other side notices immediately."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        # Wakes a thread that is blocked in recv(); close() alone does not.
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()

"""A web server that takes what is posted to it, and answers as a test says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from real_tls import ServerCertificate


class Receiver(ThreadingHTTPServer):
    """Answers with `statuses` in turn, then 204; -1: it works and never answers."""

    def __init__(self, certificate: ServerCertificate | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.taken: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers and body."""
        self.kept: list[tuple[str, dict[str, str], bytes]] = []
        """Those that were not refused."""
        if certificate is not None:
            self.socket = certificate.context().wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: Any) -> None:
        """A client that trusts nobody leaves in the middle."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        if status < 300:
            self.server.kept.append(self.server.taken[-1])
        if status == -1:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@contextmanager
def running(receiver: Receiver) -> Iterator[Receiver]:
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()
    thread.join()

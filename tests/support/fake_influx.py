"""An InfluxDB that answers as it was told, for what a real one cannot be made to say."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ScriptedInflux(ThreadingHTTPServer):
    """Answers every request with the next of the statuses it was given, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, str]] = []
        self.version = "v2.7.1"
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedInflux

    def do_GET(self) -> None:
        self._answer(204, "")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.server.bodies.append(self.rfile.read(length))
        status, body = self.server.script.pop(0) if self.server.script else (204, "")
        self._answer(status, body)

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("X-Influxdb-Version", self.server.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output quiet."""


@contextlib.contextmanager
def serving() -> Iterator[ScriptedInflux]:
    """One that listens for the length of the block."""
    server = ScriptedInflux()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

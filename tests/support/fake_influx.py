"""An InfluxDB with scripted answers, for errors that a real one cannot be made to give."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit


class ScriptedInflux(ThreadingHTTPServer):
    """An InfluxDB 2 that answers every POST with the next status it was given, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[tuple[int, str]] = []
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
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output quiet."""


class KeepingInflux(ThreadingHTTPServer):
    """Keeps buckets as InfluxDB 2 does or databases as InfluxDB 3 does, and no points.

    `says` is what it tells of its version, nothing where it is None. `buckets` is bucket →
    seconds of retention; `deleted` lists what was to be deleted. Every query has an empty answer.
    """

    ORGANISATION = "0123456789abcdef"

    def __init__(self, version: str, says: str | None) -> None:
        super().__init__(("127.0.0.1", 0), _KeepingHandler)
        self.generation = int(version.lstrip("v")[0])
        self.says = says
        self.buckets: dict[str, int | None] = {}
        self.refused: set[str] = set()
        """Paths that the token may not use."""
        self.written: list[tuple[str, bytes]] = []
        self.deleted: list[tuple[str, str]] = []
        self.deleted_times: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _KeepingHandler(BaseHTTPRequestHandler):
    server: KeepingInflux

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        own = {2: "/api/v2/orgs", 3: "/api/v3/"}
        foreign = [path for number, path in own.items() if number != self.server.generation]
        match self.command, parts.path:
            case _, path if path.startswith(tuple(foreign)):
                self._unknown()
            case _, path if path in self.server.refused and b"q=SHOW+DATABASES" not in body:
                self._answer(403, {"message": "insufficient permissions"})
            case "POST", "/query" if self.server.generation:
                self._query(parse_qs(body.decode()))
            case _, "/ping":
                self._answer(204)
            case "GET", "/api/v2/orgs":
                town = asked.get("org") == "town"
                organisation = {"id": self.server.ORGANISATION, "name": "town"}
                self._answer(200, {"orgs": [organisation] if town else []})
            case _, "/api/v2/buckets" | "/api/v2/write" if self._foreign(asked):
                self._answer(404, {"message": f'organization name "{asked["org"]}" not found'})
            case "GET", "/api/v2/buckets":
                self._buckets(asked.get("name"))
            case "GET", "/api/v2/dbrps":
                self._answer(200, {"content": []})
            case "POST", "/api/v2/buckets":
                wanted = json.loads(body)
                assert wanted["orgID"] == self.server.ORGANISATION
                self.server.buckets[wanted["name"]] = 0
                self._answer(201, self._bucket(wanted["name"]))
            case "PATCH", _:
                name, (rule,) = parts.path.split("/")[-1], json.loads(body)["retentionRules"]
                self.server.buckets[name] = rule["everySeconds"]
                self._answer(200, self._bucket(name))
            case "POST", "/api/v2/write":
                self._write(asked["bucket"], body)
            case "POST", "/api/v2/delete":
                said = json.loads(body)
                self.server.deleted.append((asked["bucket"], said["predicate"]))
                self.server.deleted_times.append((said["start"], said["stop"]))
                self._answer(204)
            case "GET", "/api/v3/configure/database":
                self._answer(200, {})
            case command, "/api/v3/configure/database":
                self._database(command, asked, json.loads(body or b"{}"))
            case _:
                self._answer(404, {"error": "no such path"})

    def _foreign(self, asked: dict[str, str]) -> bool:
        """Only 2 looks at the organisation."""
        return self.server.generation == 2 and asked.get("org", "town") != "town"

    def _unknown(self) -> None:
        """InfluxDB 2 shows its web page for paths that it does not know; 3 knows no such path."""
        if self.server.generation == 2:
            self._answer(200, kind="text/html; charset=utf-8")
        else:
            self._answer(404)

    def _query(self, asked: dict[str, list[str]]) -> None:
        if asked.get("db", [""])[0] in {"", *self.server.buckets}:
            return self._answer(200, {"results": [{}]})
        return self._answer(200, {"results": [{"error": "database not found"}]})

    def _buckets(self, name: str | None) -> None:
        if name is not None and name not in self.server.buckets:
            return self._answer(404, {"message": f'bucket "{name}" not found'})
        names = self.server.buckets if name is None else [name]
        return self._answer(200, {"buckets": [self._bucket(one) for one in names]})

    def _write(self, bucket: str, body: bytes) -> None:
        if bucket not in self.server.buckets:
            return self._answer(404, {"message": f'bucket "{bucket}" not found'})
        self.server.written.append((bucket, body))
        return self._answer(204)

    def _database(self, command: str, asked: dict[str, str], body: dict[str, Any]) -> None:
        name = asked.get("db") or body["db"]
        if command == "POST":
            self.server.buckets.setdefault(name, None)
        elif name not in self.server.buckets:
            return self._answer(404, {"error": "database not found"})
        elif command == "PUT":
            period = body["retention_period"]
            self.server.buckets[name] = int(period.removesuffix("d")) * 86_400 if period else None
        else:
            del self.server.buckets[name]
            self.server.deleted.append((name, ""))
        return self._answer(200, {})

    def _bucket(self, name: str) -> dict[str, Any]:
        rule = {"type": "expire", "everySeconds": self.server.buckets[name]}
        return {
            "id": name,
            "name": name,
            "orgID": self.server.ORGANISATION,
            "retentionRules": [rule],
        }

    def _answer(
        self, status: int, body: dict[str, Any] | None = None, kind: str = "application/json"
    ) -> None:
        encoded = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if self.server.says is not None:
            self.send_header("X-Influxdb-Version", self.server.says)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep the test's output quiet."""


@contextlib.contextmanager
def serving() -> Iterator[ScriptedInflux]:
    """A scripted one that listens for the length of the block."""
    with _listening(ScriptedInflux()) as server:
        yield server


@contextlib.contextmanager
def keeping(version: str, says: str | None = None) -> Iterator[KeepingInflux]:
    """A keeping one that listens for the length of the block."""
    with _listening(KeepingInflux(version, says)) as server:
        yield server


_Server = TypeVar("_Server", bound=ThreadingHTTPServer)


@contextlib.contextmanager
def _listening(server: _Server) -> Iterator[_Server]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

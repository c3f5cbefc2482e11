"""A small HTTP server for the process's health checks and its Prometheus metrics."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.sentence import Unusable
from stadtsinn.base.threads import ended_early

log = structlog.get_logger()


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """The result of one health check, with details for the operator.

    `warnings` name what works, and yet loses or endangers data; they do not make it fail.
    """

    ok: bool
    detail: str
    warnings: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True):
    """The body of ``/healthz``."""

    ok: bool
    checks: dict[str, Check]


_read_report = msgspec.json.Decoder(Report).decode
_ELSEWHERE_S = 5.0
_MOST_BYTES = 1024 * 1024


class HealthServer:
    """``GET /healthz`` (200 or 503, JSON with each check) and ``GET /metrics``, on a thread.

    `address` is ``host:port``; port 0 takes a free one, see `port`. A check that raises
    counts as failed. `beside` are addresses of other processes' health pages, whose checks are
    shown with this one's. Raises OSError from `start` when the port is taken.
    """

    def __init__(
        self,
        address: str = "127.0.0.1:0",
        checks: Mapping[str, Callable[[], Check]] | None = None,
        registry: CollectorRegistry = REGISTRY,
        beside: Sequence[str] = (),
    ) -> None:
        self._address = parse_address(address)
        self._checks = dict(checks or {})
        self._registry = registry
        self._beside = tuple(beside)
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port listened on; RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the health server is not started: call start() first")
        return int(self._server.server_address[1])

    def start(self) -> None:
        server = ThreadingHTTPServer(self._address, _handler(self.report, self._registry))
        server.daemon_threads = True
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.5}, name="health", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)
        self._server = self._thread = None

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._server is None)

    def report(self) -> Report:
        """Run all checks now, and ask the processes beside this one for theirs."""
        results = {name: _ask(name, check) for name, check in self._checks.items()}
        for address in self._beside:
            for name, check in _elsewhere(address).items():
                results[name if name not in results else f"{name} at {address}"] = check
        return Report(ok=all(check.ok for check in results.values()), checks=results)


def parse_address(address: str) -> tuple[str, int]:
    """``"127.0.0.1:9100"`` → host and port; ValueError says what is expected."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise Unusable(
            f"{address!r} is no address: write host:port, e.g. 127.0.0.1:9801",
            f"{address!r} ist keine Adresse: Rechner:Port schreiben, z. B. 127.0.0.1:9801",
        )
    return host.strip("[]"), int(port)


def _ask(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # An exception in one check must not break the health page.
        log.exception("health_check_failed", check=name)
        return Check(ok=False, detail=f"check failed: {type(error).__name__}")


def _elsewhere(address: str) -> dict[str, Check]:
    """The checks of another process's health page."""
    host, port = parse_address(address)
    connection = HTTPConnection(host, port, timeout=_ELSEWHERE_S)
    try:
        connection.request("GET", "/healthz")
        return _read_report(connection.getresponse().read(_MOST_BYTES)).checks
    except (OSError, HTTPException, *UNREADABLE) as error:
        detail = f"does not answer ({type(error).__name__}): is 'stadtsinn cloud run' running?"
        return {f"process at {address}": Check(ok=False, detail=detail)}
    finally:
        connection.close()


def _handler(
    report: Callable[[], Report], registry: CollectorRegistry
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version = "stadtsinn"
        sys_version = ""
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/healthz":
                state = report()
                self._answer(200 if state.ok else 503, "application/json", encode(state))
            elif path == "/metrics":
                self._answer(200, CONTENT_TYPE_LATEST, generate_latest(registry))
            else:
                self._answer(404, "text/plain; charset=utf-8", b"use /healthz or /metrics\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Log nothing: monitoring systems ask every few seconds."""

    return Handler


def encode(report: Report) -> bytes:
    return msgspec.json.encode(report)

"""Serves an ASGI application on a thread, beside the other roles of the process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from functools import partial

import structlog
import uvicorn
from fastapi import FastAPI

from stadtsinn.base.health import parse_address
from stadtsinn.base.threads import ended_early
from stadtsinn.cloud.publish.clients import NO_PROXIES, Proxies
from stadtsinn.cloud.publish.connections import BoundedProtocol, Limits

log = structlog.get_logger()

_LIMITS = Limits()


class _Server(uvicorn.Server):
    """Looks at its connections with each of uvicorn's ticks, ten times a second."""

    async def on_tick(self, counter: int) -> bool:
        for connection in list(self.server_state.connections):
            assert isinstance(connection, BoundedProtocol)
            connection.look()
        return await super().on_tick(counter)


class ApiServer:
    """uvicorn without its signal handlers and logs: the process has its own."""

    def __init__(
        self,
        app: FastAPI,
        bind: str,
        limits: Limits = _LIMITS,
        proxies: Proxies = NO_PROXIES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`proxies` hold connections for many. `monotonic` is replaced in tests."""
        self._address = parse_address(bind)
        protocol = partial(BoundedProtocol, limits=limits, proxies=proxies, now=monotonic)
        self._server = _Server(
            uvicorn.Config(
                app,
                http=protocol,  # type: ignore[arg-type]
                loop="uvloop",
                ws="none",
                # The application reads them where they are needed (publish/application.py).
                proxy_headers=False,
                limit_concurrency=limits.requests,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=5,
                lifespan="off",
            )
        )
        self._socket: socket.socket | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="api", daemon=True)

    @property
    def port(self) -> int:
        """The port listened on; RuntimeError before `start`."""
        if self._socket is None:
            raise RuntimeError("the server is not started: call start() first")
        return int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        # Opened here, because uvicorn would end the process without saying who holds the port.
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self._socket = socket.create_server(self._address, family=family, backlog=512)
        # Every connection inherits it. Without, the second part of a kept-alive answer waits for
        # the client's acknowledgement, 40 ms on Linux; asyncio sets it only for sockets that were
        # opened with the protocol's number.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._thread.start()
        log.info("api_listens", host=self._address[0], port=self.port)

    def stop(self) -> None:
        self._stopping = True
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(timeout=15)
        if self._socket is not None:
            self._socket.close()

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping)

    def _serve(self) -> None:
        assert self._socket is not None
        self._server.run(sockets=[self._socket])

"""The server, on a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import grpc
from chirpstack_api import api

from fake_chirpstack_server.access import ApiKey, KeyRing, caller
from fake_chirpstack_server.faults import Fault, Faults
from fake_chirpstack_server.services import Applications, Devices, Internal, Profiles, Tenants
from fake_chirpstack_server.store import Refused, Store

_SERVICES = (
    (Tenants, api.add_TenantServiceServicer_to_server),
    (Applications, api.add_ApplicationServiceServicer_to_server),
    (Profiles, api.add_DeviceProfileServiceServicer_to_server),
    (Devices, api.add_DeviceServiceServicer_to_server),
    (Internal, api.add_InternalServiceServicer_to_server),
)


class _Door(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Reads the key, breaks the call where a fault is due, and turns `Refused` into a status."""

    def __init__(self, ring: KeyRing, faults: Faults) -> None:
        self._ring = ring
        self._faults = faults

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], details: Any
    ) -> Any:
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = details.method.removeprefix("/api.")
        key = self._key(dict(details.invocation_metadata).get("authorization", ""))

        async def answer(request: Any, context: Any) -> Any:
            if (fault := self._faults.of_call(method)) is not None:
                await _refuse_before(fault, context)
            try:
                caller.set(_known(key))
                response = await handler.unary_unary(request, context)
            except Refused as refused:
                await context.abort(refused.code, refused.details)
            if fault is Fault.ANSWER_LOST:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            if fault is Fault.ANSWER_LATE:
                await asyncio.Event().wait()
            return response

        return grpc.unary_unary_rpc_method_handler(
            answer, handler.request_deserializer, handler.response_serializer
        )

    def _key(self, header: str) -> ApiKey | None:
        scheme, _, token = header.partition(" ")
        return self._ring.read(token) if scheme == "Bearer" else None


def _known(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise Refused(grpc.StatusCode.UNAUTHENTICATED)
    return key


async def _refuse_before(fault: Fault, context: Any) -> None:
    if fault is Fault.UNAVAILABLE:
        await context.abort(grpc.StatusCode.UNAVAILABLE, "connection refused")
    if fault is Fault.DEADLINE:
        await asyncio.Event().wait()  # until the caller gives up


class FakeChirpstackServer:
    """Listens on the loopback while it is entered. State and faults may be looked at from tests;
    they are changed on the server's thread."""

    def __init__(self, store: Store | None = None, port: int = 0) -> None:
        self.store = store or Store()
        self.faults = Faults()
        self.ring = KeyRing()
        self._port = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="fake ChirpStack", daemon=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def admin_key(self) -> str:
        """The token of a global key."""
        return self.ring.make(ApiKey())

    def tenant_key(self, tenant_id: str, *, read_only: bool = False) -> str:
        return self.ring.make(ApiKey(tenant_id, read_only))

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(grace=0), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self._server = grpc.aio.server(interceptors=[_Door(self.ring, self.faults)])
        for service, register in _SERVICES:
            register(service(self.store), self._server)
        self._port = self._server.add_insecure_port(self.address)
        await self._server.start()

"""The ChirpStack that tests talk to: the stand-in, or a real one.

``STADTSINN_TEST_CHIRPSTACK=host:8080,API-KEY,mqtt-host:1883`` names a real one, with a global API
key. It need not be empty: each test works in a tenant of its own, which is removed afterwards, with
DevEUIs of its own.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from chirpstack_api import api

from fake_chirpstack_server import FakeChirpstackServer
from real_parts import PATIENCE_S

VARIABLE = "STADTSINN_TEST_CHIRPSTACK"


@dataclass(frozen=True)
class Chirpstack:
    """One to test with. `fake` is None for a real one, which has no faults."""

    address: str
    key: str
    channel: grpc.Channel
    fake: FakeChirpstackServer | None

    def call(self, stub: Any, method: str, request: Any, key: str | None = None) -> Any:
        """One call of a service, e.g. ``call(api.DeviceServiceStub, "Get", …)``."""
        headers = [("authorization", f"Bearer {self.key if key is None else key}")]
        return getattr(stub(self.channel), method)(request, metadata=headers, timeout=PATIENCE_S)

    def refused(
        self, stub: Any, method: str, request: Any, key: str | None = None
    ) -> tuple[grpc.StatusCode, str]:
        """Code and text that a call ends with; fails where it succeeds."""
        try:
            self.call(stub, method, request, key)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"{method} was not refused")


def new_eui() -> str:
    """A DevEUI that nobody has: locally administered, so no vendor's."""
    return f"02{secrets.token_hex(7)}"


@contextmanager
def chirpstack_under_test() -> Iterator[Chirpstack]:
    if named := os.environ.get(VARIABLE):
        address, key, *_ = named.split(",")
        with grpc.insecure_channel(address) as channel:
            yield Chirpstack(address, key, channel, None)
        return
    with FakeChirpstackServer() as fake, grpc.insecure_channel(fake.address) as channel:
        yield Chirpstack(fake.address, fake.admin_key(), channel, fake)


@contextmanager
def tenant_of_ones_own(server: Chirpstack) -> Iterator[str]:
    """The id of a new tenant, removed with all that it has in the end."""
    tenant = api.Tenant(name=f"test {secrets.token_hex(6)}", can_have_gateways=False)
    made = server.call(api.TenantServiceStub, "Create", api.CreateTenantRequest(tenant=tenant))
    try:
        yield made.id
    finally:
        server.call(api.TenantServiceStub, "Delete", api.DeleteTenantRequest(id=made.id))

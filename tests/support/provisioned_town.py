"""A town with a ChirpStack of its own tenant, for tests of provisioning."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chirpstack_api import api

from chirpstack_under_test import Chirpstack, new_eui
from databases import migrated_database
from stadtsinn.base.instant import Instant
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.provisioning.order import Order
from stadtsinn.cloud.provisioning.service import Imported, Installation, import_list
from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
from stadtsinn.cloud.town.repository import devices_page
from stadtsinn.cloud.town.service import change

TOWN = "musterstadt"
NOW = Instant(1_780_000_000_000_000)
KEY = "2b7e151628aed2a6abf7158809cf4f3c"


@dataclass
class ProvisionedTown:
    """A town of an installation, whose name is also that of its tenant at ChirpStack."""

    server: Chirpstack
    database: Database
    name: str
    settings: ProvisioningSettings
    euis: list[str] = field(default_factory=lambda: [new_eui() for _ in range(4)])

    @property
    def parts(self) -> Installation:
        return Installation(self.database, DEFAULTS, self.settings, NOW)

    def with_settings(self, **changed: Any) -> None:
        self.settings = self.settings.model_copy(update=changed)

    def imported(self, content: str, order: Order | None = None, **options: Any) -> Imported:
        before = Order(applied=True) if order is None else order
        chosen = {"columns": {}, "types": ("dragino/lse01",), **options}
        return import_list(self.parts, TOWN, content, before, **chosen)

    def ordered(self, count: int = 2) -> Order:
        """An order of so many devices with keys."""
        return self.imported(self.delivery(count)).order

    def delivery(self, count: int = 2) -> str:
        rows = (
            f"{dev_eui};Eiche {number};{KEY[:-1]}{number}"
            for number, dev_eui in enumerate(self.euis[:count], 1)
        )
        return "\n".join(("DevEUI;Name;AppKey", *rows))

    def registered(self) -> dict[str, str]:
        """The names of the town's devices, by DevEUI."""
        with self.database.read() as connection:
            known = devices_page(connection, operator_scope(TOWN), None, None)
        return {device.dev_eui: device.name for device in known}

    def at_server(self, dev_eui: str) -> Any:
        """The device at ChirpStack."""
        request = api.GetDeviceRequest(dev_eui=dev_eui)
        return self.server.call(api.DeviceServiceStub, "Get", request).device

    def keys_at_server(self, dev_eui: str) -> Any:
        request = api.GetDeviceKeysRequest(dev_eui=dev_eui)
        return self.server.call(api.DeviceServiceStub, "GetKeys", request).device_keys

    def listed(self) -> dict[str, list[str]]:
        """What the tenant of the town has: names of everything of which there may be several."""
        tenants = self.server.call(
            api.TenantServiceStub, "List", api.ListTenantsRequest(limit=9, search=self.name)
        ).result
        found: dict[str, list[str]] = {"tenants": [one.name for one in tenants]}
        for tenant in tenants:
            for name, stub, request in (
                ("applications", api.ApplicationServiceStub, api.ListApplicationsRequest),
                ("profiles", api.DeviceProfileServiceStub, api.ListDeviceProfilesRequest),
            ):
                asked = request(limit=9, tenant_id=tenant.id)
                listed = self.server.call(stub, "List", asked).result
                found.setdefault(name, []).extend(one.name for one in listed)
        return found

    def remove_from_server(self) -> None:
        listed = self.server.call(
            api.TenantServiceStub, "List", api.ListTenantsRequest(limit=9, search=self.name)
        )
        for tenant in listed.result:
            request = api.DeleteTenantRequest(id=tenant.id)
            self.server.call(api.TenantServiceStub, "Delete", request)


@contextmanager
def provisioned_town(server: Chirpstack, folder: Path) -> Iterator[ProvisionedTown]:
    """Its tenant is not at ChirpStack yet, and is removed in the end."""
    database = migrated_database(folder / "town.sqlite")
    name = f"Musterstadt {secrets.token_hex(5)}"
    with change(database) as connection:
        create_tenant(connection, TOWN, name, NOW)
    settings = ProvisioningSettings(address=server.address, api_key=Secret(server.key))
    town = ProvisionedTown(server, database, name, settings)
    if server.fake is not None:
        server.fake.faults.forget()
    try:
        yield town
    finally:
        if server.fake is not None:
            server.fake.faults.forget()
        town.remove_from_server()
        database.dispose()


def other_name(order: Order, dev_eui: str, name: str) -> Order:
    """The order with another name of a device."""
    rows = tuple(
        replace(row, values={**row.values, "name": name}) if row.dev_eui == dev_eui else row
        for row in order.rows
    )
    return replace(order, rows=rows)

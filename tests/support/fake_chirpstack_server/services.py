"""ChirpStack's services on a `Store`, each beginning with the check of what the key may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import grpc
from chirpstack_api import api
from google.protobuf.empty_pb2 import Empty

from fake_chirpstack_server.access import caller
from fake_chirpstack_server.store import (
    INVALID,
    Refused,
    Row,
    Store,
    Table,
    aes_key,
    eui,
    found,
    new_id,
    uuid,
)

_NO_KEY = "0" * 32
VERSION = "4.20.0"


class _Service:
    def __init__(self, store: Store) -> None:
        self.store = store


def _allow(tenant_id: str | None, *, change: bool = False) -> None:
    if not caller.get().may(tenant_id, change=change):
        raise Refused(grpc.StatusCode.UNAUTHENTICATED)


def _allow_global(*, change: bool = False) -> None:
    _allow(None, change=change)


def _given(request: Any, name: str) -> Any:
    if not request.HasField(name):
        raise Refused(INVALID, f"{name} is missing")
    return getattr(request, name)


def _named(message: Any) -> Any:
    if not message.name:
        raise Refused(INVALID, "Validation error: name is not set")
    return message


def _page(
    request: Any,
    response: Any,
    rows: Iterable[Row],
    item: Callable[[Row], Any],
    searched: Callable[[Any], tuple[str, ...]] = lambda message: (message.name,),
) -> Any:
    """`limit` 0 gives the total alone."""
    wanted = request.search.lower()
    chosen = [
        row
        for row in rows
        if not wanted or any(wanted in one.lower() for one in searched(row.message))
    ]
    chosen.sort(key=lambda row: row.message.name)
    response.total_count = len(chosen)
    for row in chosen[request.offset : request.offset + request.limit]:
        one = item(row)
        one.created_at.FromDatetime(row.created_at)
        one.updated_at.FromDatetime(row.updated_at)
        response.result.append(one)
    return response


def _got(response: Any, name: str, row: Row) -> Any:
    getattr(response, name).CopyFrom(row.message)
    response.created_at.FromDatetime(row.created_at)
    response.updated_at.FromDatetime(row.updated_at)
    return response


def _fields(message: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names}


class Tenants(_Service, api.TenantServiceServicer):  # type: ignore[misc]
    async def Create(self, request: Any, _context: Any) -> Any:  # noqa: N802
        tenant = _given(request, "tenant")
        _allow_global(change=True)
        return api.CreateTenantResponse(id=_made(self.store, self.store.tenants, tenant))

    async def Get(self, request: Any, _context: Any) -> Any:  # noqa: N802
        tenant_id = uuid(request.id)
        _allow(tenant_id)
        return _got(api.GetTenantResponse(), "tenant", found(self.store.tenants, tenant_id))

    async def Delete(self, request: Any, _context: Any) -> Any:  # noqa: N802
        tenant_id = uuid(request.id)
        _allow_global(change=True)
        found(self.store.tenants, tenant_id)
        for application_id, row in list(self.store.applications.items()):
            if row.message.tenant_id == tenant_id:
                self.store.delete_application(application_id)
        for profile_id, row in list(self.store.profiles.items()):
            if row.message.tenant_id == tenant_id:
                del self.store.profiles[profile_id]
        del self.store.tenants[tenant_id]
        return Empty()

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802
        _allow_global()
        return _page(
            request,
            api.ListTenantsResponse(),
            self.store.tenants.values(),
            lambda row: api.TenantListItem(**_fields(row.message, "id", "name")),
        )


class Applications(_Service, api.ApplicationServiceServicer):  # type: ignore[misc]
    async def Create(self, request: Any, _context: Any) -> Any:  # noqa: N802
        application = _given(request, "application")
        tenant_id = uuid(application.tenant_id)
        _allow(tenant_id, change=True)
        if tenant_id not in self.store.tenants:
            raise self.store.orphan("application", "tenant_id")
        made = _made(self.store, self.store.applications, application)
        return api.CreateApplicationResponse(id=made)

    async def Get(self, request: Any, _context: Any) -> Any:  # noqa: N802
        application_id = uuid(request.id)
        _allow(self.store.tenant_of_application(application_id))
        row = found(self.store.applications, application_id)
        return _got(api.GetApplicationResponse(), "application", row)

    async def Delete(self, request: Any, _context: Any) -> Any:  # noqa: N802
        application_id = uuid(request.id)
        _allow(self.store.tenant_of_application(application_id), change=True)
        found(self.store.applications, application_id)
        self.store.delete_application(application_id)
        return Empty()

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802
        tenant_id = uuid(request.tenant_id)
        _allow(tenant_id)
        return _page(
            request,
            api.ListApplicationsResponse(),
            _of_tenant(self.store.applications, tenant_id),
            lambda row: api.ApplicationListItem(**_fields(row.message, "id", "name")),
        )


class Profiles(_Service, api.DeviceProfileServiceServicer):  # type: ignore[misc]
    async def Create(self, request: Any, _context: Any) -> Any:  # noqa: N802
        profile = _given(request, "device_profile")
        tenant_id = uuid(profile.tenant_id)
        _allow(tenant_id, change=True)
        if tenant_id not in self.store.tenants:
            raise self.store.orphan("device_profile", "tenant_id")
        made = _made(self.store, self.store.profiles, profile)
        return api.CreateDeviceProfileResponse(id=made)

    async def Get(self, request: Any, _context: Any) -> Any:  # noqa: N802
        row = self._allowed(request.id)
        return _got(api.GetDeviceProfileResponse(), "device_profile", row)

    async def Update(self, request: Any, _context: Any) -> Any:  # noqa: N802
        profile = _named(_given(request, "device_profile"))
        row = self._allowed(profile.id, change=True)
        profile.tenant_id = row.message.tenant_id
        self.store.change(self.store.profiles, profile.id, profile)
        return Empty()

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802
        tenant_id = uuid(request.tenant_id)
        _allow(tenant_id)
        names = ("id", "name", "region", "mac_version", "reg_params_revision", "supports_otaa")
        return _page(
            request,
            api.ListDeviceProfilesResponse(),
            _of_tenant(self.store.profiles, tenant_id),
            lambda row: api.DeviceProfileListItem(**_fields(row.message, *names)),
        )

    def _allowed(self, profile_id: str, *, change: bool = False) -> Row:
        profile_id = uuid(profile_id)
        row = self.store.profiles.get(profile_id)
        _allow(row.message.tenant_id if row is not None else None, change=change)
        return found(self.store.profiles, profile_id)


class Devices(_Service, api.DeviceServiceServicer):  # type: ignore[misc]
    async def Create(self, request: Any, _context: Any) -> Any:  # noqa: N802
        device = _normal(_given(request, "device"))
        store = self.store
        tenant_id = store.tenant_of_application(device.application_id)
        _allow(tenant_id, change=True)
        if tenant_id is None:
            raise Refused(grpc.StatusCode.INTERNAL, "Record not found")
        most = store.tenants[tenant_id].message.max_device_count
        if most and most <= sum(tenant_id == store.tenant_of_device(one) for one in store.devices):
            raise Refused(INVALID, "Not allowed (Max number of devices exceeded for tenant)")
        if device.dev_eui in store.devices:
            raise store.duplicate("device", "dev_eui")
        if device.device_profile_id not in store.profiles:
            raise store.orphan("device", "device_profile_id")
        store.add(store.devices, device.dev_eui, device)
        return Empty()

    async def Get(self, request: Any, _context: Any) -> Any:  # noqa: N802
        row = self._allowed(request.dev_eui)
        return _got(api.GetDeviceResponse(), "device", row)

    async def Update(self, request: Any, _context: Any) -> Any:  # noqa: N802
        device = _normal(_given(request, "device"))
        self._allowed(device.dev_eui, change=True)
        _allow(self.store.tenant_of_application(device.application_id))
        profile = self.store.profiles.get(device.device_profile_id)
        _allow(profile.message.tenant_id if profile is not None else None)
        if profile is None:
            raise self.store.orphan("device", "device_profile_id")
        self.store.change(self.store.devices, device.dev_eui, _named(device))
        return Empty()

    async def Delete(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self._allowed(request.dev_eui, change=True)
        self.store.delete_device(eui(request.dev_eui))
        return Empty()

    async def List(self, request: Any, _context: Any) -> Any:  # noqa: N802
        application_id = uuid(request.application_id)
        _allow(self.store.tenant_of_application(application_id))
        devices = self.store.devices.values()
        return _page(
            request,
            api.ListDevicesResponse(),
            (row for row in devices if row.message.application_id == application_id),
            self._item,
            lambda message: (message.name, message.dev_eui),
        )

    async def CreateKeys(self, request: Any, _context: Any) -> Any:  # noqa: N802
        keys = _normal_keys(_given(request, "device_keys"))
        _allow(self.store.tenant_of_device(keys.dev_eui), change=True)
        if keys.dev_eui not in self.store.devices:
            raise self.store.orphan("device_keys", "dev_eui")
        if keys.dev_eui in self.store.keys:
            raise self.store.duplicate("device_keys", "dev_eui")
        self.store.add(self.store.keys, keys.dev_eui, keys)
        return Empty()

    async def GetKeys(self, request: Any, _context: Any) -> Any:  # noqa: N802
        dev_eui = eui(request.dev_eui)
        _allow(self.store.tenant_of_device(dev_eui))
        row = found(self.store.keys, dev_eui)
        return _got(api.GetDeviceKeysResponse(), "device_keys", row)

    async def UpdateKeys(self, request: Any, _context: Any) -> Any:  # noqa: N802
        keys = _normal_keys(_given(request, "device_keys"))
        _allow(self.store.tenant_of_device(keys.dev_eui), change=True)
        self.store.change(self.store.keys, keys.dev_eui, keys)
        return Empty()

    def _allowed(self, dev_eui: str, *, change: bool = False) -> Row:
        dev_eui = eui(dev_eui)
        _allow(self.store.tenant_of_device(dev_eui), change=change)
        return found(self.store.devices, dev_eui)

    def _item(self, row: Row) -> Any:
        profile = self.store.profiles[row.message.device_profile_id].message
        return api.DeviceListItem(
            **_fields(row.message, "dev_eui", "name", "description", "device_profile_id", "tags"),
            device_profile_name=profile.name,
        )


class Internal(_Service, api.InternalServiceServicer):  # type: ignore[misc]
    async def GetVersion(self, _request: Any, _context: Any) -> Any:  # noqa: N802
        return api.GetVersionResponse(version=VERSION)


def _made(store: Store, table: Table, message: Any) -> str:
    """Names may be there twice, as in ChirpStack."""
    _named(message)
    message.id = new_id()
    store.add(table, message.id, message)
    return str(message.id)


def _of_tenant(table: Table, tenant_id: str) -> list[Row]:
    return [row for row in table.values() if row.message.tenant_id == tenant_id]


def _normal(device: Any) -> Any:
    device.dev_eui = eui(device.dev_eui)
    device.application_id = uuid(device.application_id)
    device.device_profile_id = uuid(device.device_profile_id)
    device.join_eui = eui(device.join_eui or "0" * 16)
    return device


def _normal_keys(keys: Any) -> Any:
    keys.dev_eui = eui(keys.dev_eui)
    keys.nwk_key = aes_key(keys.nwk_key)
    keys.app_key = aes_key(keys.app_key or _NO_KEY)
    keys.gen_app_key = aes_key(keys.gen_app_key or _NO_KEY)
    return keys

"""What a ChirpStack has, and the steps of a plan done there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import grpc
from chirpstack_api import api

from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.provisioning.connection import Connection, Method, Refused, concurrently
from stadtsinn.cloud.provisioning.messages import (
    device_message,
    keys_message,
    present_device,
    present_profile,
    profile_message,
    with_device,
    with_profile,
)
from stadtsinn.cloud.provisioning.model import (
    Keys,
    Present,
    PresentDevice,
    PresentProfile,
    Wanted,
    WantedDevice,
)
from stadtsinn.cloud.provisioning.planner import Plan, Refusal, Step, Thing

_PAGE = 500
Progress = Callable[[int, int], None]
"""Is told how many of how many are done."""


class SeveralOfOneName(Explained):
    """Names are not unique at ChirpStack, and nobody can know which one is meant."""

    def __init__(self, thing: str, german: str, name: str) -> None:
        super().__init__(
            f"ChirpStack has several {thing} called '{name}': rename or delete all but one",
            f"ChirpStack hat mehrere {german} namens '{name}': alle bis auf eines umbenennen oder "
            "löschen",
        )


class ChirpStack:
    """One town's side of a server."""

    def __init__(self, connection: Connection, at_once: int) -> None:
        self._connection = connection
        self._at_once = at_once
        self._tenants = api.TenantServiceStub(connection.channel)
        self._applications = api.ApplicationServiceStub(connection.channel)
        self._profiles = api.DeviceProfileServiceStub(connection.channel)
        self._devices = api.DeviceServiceStub(connection.channel)

    # --- what there is -----------------------------------------------------------------

    async def present(self, wanted: Wanted, progress: Progress) -> Present:
        """What the server has of this. Raises Refused, ServerAway, SeveralOfOneName."""
        tenant_id = wanted.tenant_id or await self._tenant_id(wanted.tenant)
        application_id = None
        profiles: dict[str, PresentProfile] = {}
        if tenant_id is not None:
            application_id = await self._application_id(tenant_id, wanted.application)
            for profile in wanted.profiles:
                if (found := await self._profile(tenant_id, profile.name)) is not None:
                    profiles[profile.name] = present_profile(found)
        devices: dict[str, PresentDevice] = {}
        owners: dict[str, str] = {}
        looked = 0

        async def look(one: WantedDevice) -> None:
            nonlocal looked
            if (found := await self._device(one, application_id, owners)) is not None:
                devices[one.dev_eui] = found
            looked += 1
            progress(looked, len(wanted.devices))

        await concurrently(wanted.devices, look, self._at_once)
        return Present(tenant_id, application_id, profiles, devices)

    async def all_devices(
        self, tenant_id: str | None, tenant: str, application: str
    ) -> list[tuple[PresentDevice, str]]:
        """The devices of an application, each with the name of its profile; without their keys."""
        tenant_id = tenant_id or await self._tenant_id(tenant)
        if tenant_id is None:
            return []
        application_id = await self._application_id(tenant_id, application)
        if application_id is None:
            return []
        request = api.ListDevicesRequest(application_id=application_id)
        listed = [one async for one in self._listed(self._devices.List, request)]
        found: list[tuple[PresentDevice, str]] = []

        async def look(one: Any) -> None:
            asked = api.GetDeviceRequest(dev_eui=one.dev_eui)
            try:
                message = (await self._connection.call(self._devices.Get, asked)).device
            except Refused as refused:
                if refused.is_hidden:  # deleted a moment ago
                    return
                raise
            found.append((present_device(message, None, None), one.device_profile_name))

        await concurrently(listed, look, self._at_once)
        return sorted(found, key=lambda pair: pair[0].dev_eui)

    async def _tenant_id(self, name: str) -> str | None:
        listed = self._listed(self._tenants.List, api.ListTenantsRequest(search=name))
        return await _id_of(listed, name, ("tenants", "tenants"))

    async def _application_id(self, tenant_id: str, name: str) -> str | None:
        request = api.ListApplicationsRequest(tenant_id=tenant_id, search=name)
        listed = self._listed(self._applications.List, request)
        return await _id_of(listed, name, ("applications", "Anwendungen"))

    async def _profile(self, tenant_id: str, name: str) -> Any:
        request = api.ListDeviceProfilesRequest(tenant_id=tenant_id, search=name, tenant_only=True)
        listed = self._listed(self._profiles.List, request)
        found = await _id_of(listed, name, ("device profiles", "Geräteprofile"))
        return None if found is None else await self._profile_of_id(found)

    async def _profile_of_id(self, profile_id: str) -> Any:
        request = api.GetDeviceProfileRequest(id=profile_id)
        return (await self._connection.call(self._profiles.Get, request)).device_profile

    async def _device(
        self, wanted: WantedDevice, application_id: str | None, owners: dict[str, str]
    ) -> PresentDevice | None:
        request = api.GetDeviceRequest(dev_eui=wanted.dev_eui)
        try:
            message = (await self._connection.call(self._devices.Get, request)).device
        except Refused as refused:
            if refused.is_hidden:  # which of both, creating it tells
                return None
            raise
        if message.application_id != application_id:
            owner = await self._owner(message.application_id, owners)
            return present_device(message, None, owner)
        keys = await self._keys(wanted.dev_eui) if wanted.keys is not None else None
        return present_device(message, keys, None)

    async def _owner(self, application_id: str, known: dict[str, str]) -> str:
        """What people call an application: its name and that of its tenant."""
        if application_id not in known:
            request = api.GetApplicationRequest(id=application_id)
            found = (await self._connection.call(self._applications.Get, request)).application
            tenant_request = api.GetTenantRequest(id=found.tenant_id)
            tenant = (await self._connection.call(self._tenants.Get, tenant_request)).tenant
            known[application_id] = f"'{found.name}' ({tenant.name})"
        return known[application_id]

    async def _keys(self, dev_eui: str) -> Keys | None:
        request = api.GetDeviceKeysRequest(dev_eui=dev_eui)
        try:
            found = (await self._connection.call(self._devices.GetKeys, request)).device_keys
        except Refused as refused:
            if refused.is_hidden:
                return None
            raise
        return Keys(found.nwk_key, found.app_key)

    async def _listed(self, method: Method, request: Any) -> AsyncIterator[Any]:
        """All items, page by page."""
        request.limit = _PAGE
        while True:
            page = await self._connection.call(method, request)
            for item in page.result:
                yield item
            request.offset += len(page.result)
            if not page.result or request.offset >= page.total_count:
                return

    # --- steps -------------------------------------------------------------------------

    async def execute(
        self, steps: Plan, wanted: Wanted, present: Present, progress: Progress
    ) -> list[Refusal]:
        """Do the steps. Done twice, or begun anew after it was killed anywhere, it leads to the
        same. A device that the server refuses stays out, and is told; others go on.

        Raises Refused for what all devices need, and ServerAway.
        """
        present = await self._parents(steps, wanted, present)
        devices = {one.dev_eui: one for one in wanted.devices}
        refusals: list[Refusal] = []
        total, done = len(steps), len(steps.parents)
        progress(done, total)

        async def work(chain: tuple[Step, ...]) -> None:
            nonlocal done
            device = devices[chain[0].name]
            try:
                for step in chain:
                    await self._of_device(step, device, present)
            except Refused as refused:
                if refused.code is grpc.StatusCode.UNAUTHENTICATED:  # it is so for all of them
                    raise
                refusals.append(Refusal(device.dev_eui, refused.sentence))
            except _Elsewhere as found:
                refusals.append(Refusal(device.dev_eui, found.sentence))
            done += len(chain)
            progress(done, total)

        await concurrently(steps.devices, work, self._at_once)
        return refusals

    async def _parents(self, steps: Plan, wanted: Wanted, present: Present) -> Present:
        """Tenant, application and profiles; what is present then."""
        profiles = {one.name: one for one in wanted.profiles}
        for step in steps.parents:
            if step.thing is Thing.TENANT:
                tenant_id = await self._new_tenant(step.name)
                present = replace(present, tenant_id=tenant_id)
                continue
            tenant_id = _known(present.tenant_id)
            if step.thing is Thing.APPLICATION:
                application_id = await self._new_application(tenant_id, step.name)
                present = replace(present, application_id=application_id)
            else:
                found = present.profiles.get(step.name)
                profile = profiles[step.name]
                if step.creates or found is None:
                    message = profile_message(profile, tenant_id)
                    profile_id = await self._new_profile(message)
                else:
                    profile_id = found.id
                    changed = with_profile(await self._profile_of_id(profile_id), profile)
                    request = api.UpdateDeviceProfileRequest(device_profile=changed)
                    await self._connection.call(self._profiles.Update, request)
                made = PresentProfile(profile_id, profile, True, profile.name)
                present = replace(present, profiles={**present.profiles, step.name: made})
        return present

    async def _new_tenant(self, name: str) -> str:
        request = api.CreateTenantRequest(tenant=api.Tenant(name=name, can_have_gateways=True))
        return await self._created(self._tenants.Create, request, lambda: self._tenant_id(name))

    async def _new_application(self, tenant_id: str, name: str) -> str:
        application = api.Application(name=name, tenant_id=tenant_id)
        request = api.CreateApplicationRequest(application=application)
        return await self._created(
            self._applications.Create, request, lambda: self._application_id(tenant_id, name)
        )

    async def _new_profile(self, message: Any) -> str:
        async def look() -> str | None:
            found = await self._profile(message.tenant_id, message.name)
            return None if found is None else str(found.id)

        request = api.CreateDeviceProfileRequest(device_profile=message)
        return await self._created(self._profiles.Create, request, look)

    async def _created(
        self, method: Method, request: Any, look: Callable[[], Awaitable[str | None]]
    ) -> str:
        """The id of something new. Its name would be taken a second time as well: so behind a
        broken attempt it is looked for."""

        async def attempt(after_a_broken_one: bool) -> str:
            if after_a_broken_one and (found := await look()) is not None:
                return found
            return str((await self._connection.once(method, request)).id)

        return await self._connection.repeated(attempt)

    async def _of_device(self, step: Step, device: WantedDevice, present: Present) -> None:
        profile_id = present.profiles[device.profile].id
        application_id = _known(present.application_id)
        if step.thing is Thing.KEYS:
            await self._set_keys(step, device)
        elif step.creates:
            await self._new_device(device, application_id, profile_id)
        else:
            await self._change_device(device, application_id, profile_id)

    async def _new_device(self, device: WantedDevice, application_id: str, profile_id: str) -> None:
        message = device_message(device, application_id, profile_id)
        request = api.CreateDeviceRequest(device=message)
        try:
            await self._connection.call(self._devices.Create, request)
        except Refused as refused:
            if not refused.is_duplicate:
                raise
            # An attempt whose answer was lost made it, or somebody else did.
            await self._change_device(device, application_id, profile_id)

    async def _change_device(
        self, device: WantedDevice, application_id: str, profile_id: str
    ) -> None:
        request = api.GetDeviceRequest(dev_eui=device.dev_eui)
        try:
            message = (await self._connection.call(self._devices.Get, request)).device
        except Refused as refused:
            if refused.is_hidden:
                raise _Elsewhere() from None
            raise
        if message.application_id != application_id:
            raise _Elsewhere()
        before = message.SerializeToString(deterministic=True)
        changed = with_device(message, device, profile_id)
        if changed.SerializeToString(deterministic=True) != before:
            update = api.UpdateDeviceRequest(device=changed)
            await self._connection.call(self._devices.Update, update)

    async def _set_keys(self, step: Step, device: WantedDevice) -> None:
        if device.keys is None:
            return
        keys = keys_message(device.dev_eui, device.keys)
        if step.creates:
            try:
                request = api.CreateDeviceKeysRequest(device_keys=keys)
                await self._connection.call(self._devices.CreateKeys, request)
            except Refused as refused:
                if not refused.is_duplicate:
                    raise
            else:
                return
        update = api.UpdateDeviceKeysRequest(device_keys=keys)
        await self._connection.call(self._devices.UpdateKeys, update)


class _Elsewhere(Explained):
    def __init__(self) -> None:
        super().__init__(
            "is registered at ChirpStack under another application or tenant: delete it there "
            "first, or take it out of the list",
            "ist bei ChirpStack unter einer anderen Anwendung angelegt, vielleicht der einer "
            "anderen Stadt: dort erst löschen, oder aus der Liste nehmen",
        )


def _known(made: str | None) -> str:
    if made is None:
        raise AssertionError("a plan makes what others stand under first")
    return made


async def _id_of(listed: AsyncIterator[Any], name: str, called: tuple[str, str]) -> str | None:
    """The id of what has exactly this name. Raises SeveralOfOneName."""
    found = [str(one.id) async for one in listed if one.name == name]
    if len(found) > 1:
        raise SeveralOfOneName(*called, name)
    return found[0] if found else None

"""What provisioning relies on in ChirpStack's API: the same for the stand-in and a real server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from chirpstack_api import api, common

from chirpstack_under_test import Chirpstack, new_eui
from fake_chirpstack_server import Fault

INTERNAL = grpc.StatusCode.INTERNAL
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
NOWHERE = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"
KEY = "2b7e151628aed2a6abf7158809cf4f3c"


@dataclass(frozen=True)
class Parents:
    tenant: str
    application: str
    profile: str


@pytest.fixture
def parents(server: Chirpstack, tenant_id: str) -> Parents:
    application = api.Application(name="trees", tenant_id=tenant_id)
    profile = api.DeviceProfile(
        name="dragino/lse01",
        tenant_id=tenant_id,
        region=common.EU868,
        mac_version=common.LORAWAN_1_0_3,
        reg_params_revision=common.A,
        supports_otaa=True,
        adr_algorithm_id="default",
        uplink_interval=3600,
    )
    request = api.CreateApplicationRequest(application=application)
    made = server.call(api.ApplicationServiceStub, "Create", request)
    profile_request = api.CreateDeviceProfileRequest(device_profile=profile)
    profiled = server.call(api.DeviceProfileServiceStub, "Create", profile_request)
    return Parents(tenant_id, made.id, profiled.id)


def device(parents: Parents, dev_eui: str, **other: Any) -> api.Device:
    stated = {"application_id": parents.application, "device_profile_id": parents.profile}
    return api.Device(dev_eui=dev_eui, **{"name": "oak", **stated, **other})


def create(one: api.Device) -> tuple[Any, str, Any]:
    return api.DeviceServiceStub, "Create", api.CreateDeviceRequest(device=one)


def keys(dev_eui: str, **other: str) -> api.CreateDeviceKeysRequest:
    given = {"nwk_key": KEY, **other}
    return api.CreateDeviceKeysRequest(device_keys=api.DeviceKeys(dev_eui=dev_eui, **given))


def test_a_device_comes_back_in_lower_case_with_the_empty_fields_filled(
    server: Chirpstack, parents: Parents
) -> None:
    dev_eui = new_eui()
    server.call(*create(device(parents, dev_eui.upper(), name="", tags={"mast": "M-017"})))
    got = server.call(
        api.DeviceServiceStub, "Get", api.GetDeviceRequest(dev_eui=dev_eui.upper())
    ).device
    assert (got.dev_eui, got.name, got.join_eui) == (dev_eui, "", "0" * 16)
    assert dict(got.tags) == {"mast": "M-017"}
    server.call(api.DeviceServiceStub, "CreateKeys", keys(dev_eui.upper(), nwk_key=KEY.upper()))
    kept = server.call(
        api.DeviceServiceStub, "GetKeys", api.GetDeviceKeysRequest(dev_eui=dev_eui)
    ).device_keys
    assert (kept.nwk_key, kept.app_key) == (KEY, "0" * 32)


def test_what_is_there_already_is_an_internal_error_with_the_databases_text(
    server: Chirpstack, parents: Parents
) -> None:
    dev_eui = new_eui()
    server.call(*create(device(parents, dev_eui)))
    server.call(api.DeviceServiceStub, "CreateKeys", keys(dev_eui))
    for code, said in (
        server.refused(*create(device(parents, dev_eui))),
        server.refused(api.DeviceServiceStub, "CreateKeys", keys(dev_eui)),
    ):
        assert code is INTERNAL
        assert "duplicate key value" in said or "UNIQUE constraint failed" in said


def test_what_is_not_there(server: Chirpstack, parents: Parents) -> None:
    nobody = new_eui()
    not_found = grpc.StatusCode.NOT_FOUND
    stub = api.DeviceServiceStub
    asked = server.refused(stub, "Get", api.GetDeviceRequest(dev_eui=nobody))
    assert asked[0] is not_found
    assert server.refused(stub, "GetKeys", api.GetDeviceKeysRequest(dev_eui=nobody))[0] is not_found
    assert server.refused(stub, "CreateKeys", keys(nobody))[0] is INTERNAL
    unknown_application = device(parents, nobody, application_id=NOWHERE)
    assert server.refused(*create(unknown_application))[0] is INTERNAL
    assert (
        server.refused(*create(device(parents, nobody, device_profile_id=NOWHERE)))[0] is INTERNAL
    )


def test_malformed_ids(server: Chirpstack, parents: Parents) -> None:
    assert server.refused(*create(device(parents, "0011223344")))[0] is INTERNAL
    assert server.refused(*create(device(parents, "001122334455667")))[0] is INTERNAL
    assert server.refused(*create(device(parents, "00112233445566zz")))[0] is INTERNAL
    no_id = device(parents, new_eui(), application_id="trees")
    assert server.refused(*create(no_id))[0] is grpc.StatusCode.INVALID_ARGUMENT
    nothing = (api.DeviceServiceStub, "Create", api.CreateDeviceRequest())
    assert server.refused(*nothing)[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_update_wants_a_name_that_create_does_not(server: Chirpstack, parents: Parents) -> None:
    dev_eui = new_eui()
    server.call(*create(device(parents, dev_eui, name="")))
    request = api.UpdateDeviceRequest(device=device(parents, dev_eui, name=""))
    refused = server.refused(api.DeviceServiceStub, "Update", request)
    assert refused[0] is grpc.StatusCode.INVALID_ARGUMENT


def test_lists_come_in_pages_and_a_limit_of_none_gives_the_total(
    server: Chirpstack, parents: Parents
) -> None:
    euis = [new_eui() for _ in range(5)]
    for number, dev_eui in enumerate(euis):
        server.call(*create(device(parents, dev_eui, name=f"tree {number}")))

    def page(**asked: Any) -> Any:
        request = api.ListDevicesRequest(application_id=parents.application, **asked)
        return server.call(api.DeviceServiceStub, "List", request)

    total = page()
    assert (total.total_count, len(total.result)) == (5, 0)
    first, second = page(limit=3), page(limit=3, offset=3)
    assert [len(first.result), len(second.result)] == [3, 2]
    assert [one.dev_eui for one in (*first.result, *second.result)] == euis
    assert [one.dev_eui for one in page(limit=9, search="TREE 3").result] == [euis[3]]
    assert first.result[0].device_profile_name == "dragino/lse01"


def test_names_are_not_unique(server: Chirpstack, parents: Parents) -> None:
    again = api.CreateApplicationRequest(
        application=api.Application(name="trees", tenant_id=parents.tenant)
    )
    server.call(api.ApplicationServiceStub, "Create", again)
    request = api.ListApplicationsRequest(limit=9, tenant_id=parents.tenant)
    listed = server.call(api.ApplicationServiceStub, "List", request)
    assert [one.name for one in listed.result] == ["trees", "trees"]


def test_without_a_key_nothing_is_answered(server: Chirpstack, parents: Parents) -> None:
    request = api.ListApplicationsRequest(limit=9, tenant_id=parents.tenant)
    for key in ("", "made.up.key"):
        code, _ = server.refused(api.ApplicationServiceStub, "List", request, key=key)
        assert code is UNAUTHENTICATED


# --- what needs the stand-in: keys of a tenant, which no API key can make, and faults ---------


def test_a_key_of_a_tenant_learns_nothing_of_others(server: Chirpstack, parents: Parents) -> None:
    if server.fake is None:
        pytest.skip("an API key cannot make API keys: only with the stand-in")
    dev_eui = new_eui()
    server.call(*create(device(parents, dev_eui)))
    own = server.fake.tenant_key(parents.tenant)
    other = server.fake.tenant_key(NOWHERE)
    read_only = server.fake.tenant_key(parents.tenant, read_only=True)
    get = (api.DeviceServiceStub, "Get", api.GetDeviceRequest(dev_eui=dev_eui))
    assert server.call(*get, key=own).device.name == "oak"
    assert server.call(*get, key=read_only).device.name == "oak"
    assert server.refused(*get, key=other) == (UNAUTHENTICATED, "")
    unknown = (api.DeviceServiceStub, "Get", api.GetDeviceRequest(dev_eui=new_eui()))
    assert server.refused(*unknown, key=own) == (UNAUTHENTICATED, "")
    listed = (api.TenantServiceStub, "List", api.ListTenantsRequest(limit=9))
    assert server.refused(*listed, key=own) == (UNAUTHENTICATED, "")
    new = create(device(parents, new_eui()))
    assert server.refused(*new, key=read_only) == (UNAUTHENTICATED, "")


@pytest.mark.parametrize(
    ("fault", "code", "done"),
    [
        (Fault.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE, False),
        (Fault.DEADLINE, grpc.StatusCode.DEADLINE_EXCEEDED, False),
        (Fault.ANSWER_LOST, grpc.StatusCode.UNAVAILABLE, True),
        (Fault.ANSWER_LATE, grpc.StatusCode.DEADLINE_EXCEEDED, True),
    ],
)
def test_faults(
    server: Chirpstack, parents: Parents, fault: Fault, code: grpc.StatusCode, done: bool
) -> None:
    if server.fake is None:
        pytest.skip("a real server breaks no call on request")
    dev_eui = new_eui()
    server.fake.faults.chosen = lambda method, _number: (
        fault if method == "DeviceService/Create" else None
    )
    headers = [("authorization", f"Bearer {server.key}")]
    request = api.CreateDeviceRequest(device=device(parents, dev_eui))
    with pytest.raises(grpc.RpcError) as broken:
        api.DeviceServiceStub(server.channel).Create(request, metadata=headers, timeout=0.3)
    assert broken.value.code() is code
    assert (dev_eui in server.fake.store.devices) is done

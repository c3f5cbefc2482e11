"""From a delivery to devices at ChirpStack and in the registry, with a real gRPC server."""

from __future__ import annotations

import pytest
from chirpstack_api import api, common

from chirpstack_under_test import Chirpstack, new_eui, tenant_of_ones_own
from fake_chirpstack_server import Fault
from provisioned_town import KEY, TOWN, ProvisionedTown, other_name
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.provisioning.chirpstack import SeveralOfOneName
from stadtsinn.cloud.provisioning.connection import Refused, ServerAway
from stadtsinn.cloud.provisioning.service import (
    DevicesRefused,
    apply_order,
    plan_order,
    pull,
)
from stadtsinn.cloud.provisioning.settings import TownAtServer
from stadtsinn.cloud.town_file.device_import import ListRefused

pytestmark = pytest.mark.slow

ALL_ONCE = {
    "applications": ["stadtsinn"],
    "profiles": ["dragino/lse01"],
}


def test_all_of_a_delivery_is_there_and_a_second_apply_changes_nothing(
    town: ProvisionedTown,
) -> None:
    order = town.ordered()
    planned = plan_order(town.parts, TOWN, order)
    assert [(step.creates, step.thing.value) for step in planned.server.steps] == [
        (True, "tenant"),
        (True, "application"),
        (True, "device profile"),
        *[(True, "device"), (True, "keys")] * 2,
    ]
    assert town.registered() == {}
    applied = apply_order(town.parts, TOWN, order)
    assert len(applied.server) == len(planned.server)
    assert [change.kind for change in applied.registry] == ["created", "created"]
    first, second = town.euis[:2]
    assert town.registered() == {first: "Eiche 1", second: "Eiche 2"}
    device = town.at_server(first)
    assert (device.name, dict(device.tags)) == ("Eiche 1", {"stadtsinn_device": "dragino/lse01"})
    keys = town.keys_at_server(second)
    assert (keys.nwk_key, keys.app_key) == (f"{KEY[:-1]}2", "0" * 32)
    assert town.listed() == {"tenants": [town.name], **ALL_ONCE}
    again = apply_order(town.parts, TOWN, order)
    assert (len(again.server), again.registry, again.refused) == (0, (), ())


def test_the_profile_is_what_the_catalogue_says(town: ProvisionedTown) -> None:
    town.with_settings(codec=True, lorawan_versions={"dragino/lse01": "1.0.2"})
    delivery = town.delivery().replace("Name", "Intervall (min);Name").replace(";E", ";20;E")
    apply_order(town.parts, TOWN, town.imported(delivery).order)
    found = town.at_server(town.euis[0])
    request = api.GetDeviceProfileRequest(id=found.device_profile_id)
    profile = town.server.call(api.DeviceProfileServiceStub, "Get", request).device_profile
    assert profile.region == common.EU868
    assert (profile.mac_version, profile.reg_params_revision) == (common.LORAWAN_1_0_2, common.B)
    assert (profile.supports_otaa, profile.supports_class_c) == (True, False)
    assert profile.uplink_interval == 20 * 60
    assert profile.adr_algorithm_id == "default"
    assert profile.payload_codec_runtime == api.JS
    assert "decodeUplink" in profile.payload_codec_script


def test_only_what_differs_is_changed_and_all_else_stays(town: ProvisionedTown) -> None:
    order = town.ordered()
    apply_order(town.parts, TOWN, order)
    first, second = town.euis[:2]
    mine = town.at_server(first)
    mine.description, mine.tags["mast"], mine.name = "behind the wall", "M-017", "renamed there"
    mine.skip_fcnt_check = True
    request = api.UpdateDeviceRequest(device=mine)
    town.server.call(api.DeviceServiceStub, "Update", request)
    planned = plan_order(town.parts, TOWN, order)
    assert [(step.name, step.detail) for step in planned.server.steps] == [
        (first, "name: renamed there → Eiche 1")
    ]
    apply_order(town.parts, TOWN, other_name(order, second, "Linde"))
    after = town.at_server(first)
    assert (after.name, after.description, after.skip_fcnt_check) == (
        "Eiche 1",
        "behind the wall",
        True,
    )
    assert dict(after.tags) == {"mast": "M-017", "stadtsinn_device": "dragino/lse01"}
    assert town.registered()[second] == town.at_server(second).name == "Linde"


def test_a_profile_that_somebody_tuned_keeps_what_nobody_stated(town: ProvisionedTown) -> None:
    order = town.ordered()
    apply_order(town.parts, TOWN, order)
    stub = api.DeviceProfileServiceStub
    profile_id = town.at_server(town.euis[0]).device_profile_id
    asked = api.GetDeviceProfileRequest(id=profile_id)
    tuned = town.server.call(stub, "Get", asked).device_profile
    tuned.mac_version, tuned.uplink_interval, tuned.adr_algorithm_id = (
        common.LORAWAN_1_0_4,
        77,
        "lora_lr_fhss",
    )
    town.server.call(stub, "Update", api.UpdateDeviceProfileRequest(device_profile=tuned))
    assert len(plan_order(town.parts, TOWN, order).server) == 0
    town.with_settings(lorawan_versions={"dragino/lse01": "1.0.2"})
    (step,) = plan_order(town.parts, TOWN, order).server.steps
    assert step.detail == "lorawan_version: 1.0.4 → 1.0.2"
    apply_order(town.parts, TOWN, order)
    after = town.server.call(stub, "Get", asked).device_profile
    assert (after.mac_version, after.uplink_interval) == (common.LORAWAN_1_0_2, 77)
    assert after.adr_algorithm_id == "lora_lr_fhss"


def test_another_key_is_a_change_that_shows_no_key(town: ProvisionedTown) -> None:
    apply_order(town.parts, TOWN, town.ordered())
    other = town.imported(town.delivery().replace(KEY[:8], "00c0ffee")).order
    planned = plan_order(town.parts, TOWN, other)
    assert [(step.creates, step.thing.value) for step in planned.server.steps] == [
        (False, "keys")
    ] * 2
    assert "c0ffee" not in repr(planned) + repr(other)
    apply_order(town.parts, TOWN, other)
    assert town.keys_at_server(town.euis[0]).nwk_key.startswith("00c0ffee")


def test_two_keys_for_lorawan_1_1(town: ProvisionedTown) -> None:
    town.with_settings(lorawan_version="1.1.0")
    order = town.ordered(1)
    with pytest.raises(DevicesRefused) as refused:
        plan_order(town.parts, TOWN, order)
    (refusal,) = refused.value.refusals
    assert refusal.dev_eui == town.euis[0]
    assert "LoRaWAN 1.1 has two keys" in refusal.said.english
    delivery = f"DevEUI;AppKey;NwkKey\n{town.euis[0]};{KEY};{KEY[::-1]}"
    apply_order(town.parts, TOWN, town.imported(delivery).order)
    keys = town.keys_at_server(town.euis[0])
    assert (keys.nwk_key, keys.app_key) == (KEY[::-1], KEY)


def test_a_name_that_only_the_server_has_stays(town: ProvisionedTown) -> None:
    apply_order(town.parts, TOWN, town.ordered(1))
    (dev_eui,) = town.registered()
    order = town.imported(f"DevEUI;Name\n{dev_eui};{dev_eui}").order
    assert len(plan_order(town.parts, TOWN, order).server) == 0


# --- what is refused ---------------------------------------------------------------------


def test_a_device_of_another_application_stops_all_before_anything_is_done(
    town: ProvisionedTown, server: Chirpstack
) -> None:
    with tenant_of_ones_own(server) as other:
        taken = town.euis[0]
        _device_of(server, other, taken)
        with pytest.raises(DevicesRefused) as refused:
            apply_order(town.parts, TOWN, town.ordered())
        (refusal,) = refused.value.refusals
        assert refusal.dev_eui == taken
        assert "under 'theirs' (test " in refusal.said.english
        assert "dort erst löschen" in refusal.said.german
        assert town.listed() == {"tenants": []}
        assert town.registered() == {}


def test_a_tenants_key_finds_out_at_the_device_itself_and_the_others_go_on(
    town: ProvisionedTown, server: Chirpstack
) -> None:
    if server.fake is None:
        pytest.skip("an API key cannot make API keys: only with the stand-in")
    with tenant_of_ones_own(server) as other, tenant_of_ones_own(server) as own:
        taken = town.euis[0]
        _device_of(server, other, taken)
        key = server.fake.tenant_key(own)
        at_server = TownAtServer(tenant_id=own, api_key=type(town.settings.api_key)(key))
        town.with_settings(towns={TOWN: at_server})
        applied = apply_order(town.parts, TOWN, town.ordered())
        (refusal,) = applied.refused
        assert refusal.dev_eui == taken
        assert "another application or tenant" in refusal.said.english
        assert list(town.registered()) == [town.euis[1]], "nothing half done"


def test_a_device_of_another_town_is_refused_without_saying_whose(town: ProvisionedTown) -> None:
    from stadtsinn.cloud.platform.tenants.service import create_tenant
    from stadtsinn.cloud.provisioning.order import Order
    from stadtsinn.cloud.provisioning.service import import_list
    from stadtsinn.cloud.town.service import change

    with change(town.database) as connection:
        create_tenant(connection, "nachbarstadt", "Nachbarstadt", town.parts.now)
    apply_order(town.parts, TOWN, town.ordered(1))
    options = {"columns": {}, "types": ("dragino/lse01",)}
    with pytest.raises(ListRefused, match="already registered") as refused:
        import_list(town.parts, "nachbarstadt", town.delivery(1), Order(), **options)  # type: ignore[arg-type]
    assert TOWN not in str(refused.value)
    assert refused.value.errors[0].row == 2


def test_several_of_one_name_are_nobodys_to_choose(town: ProvisionedTown) -> None:
    apply_order(town.parts, TOWN, town.ordered())
    stub = api.ApplicationServiceStub
    application = api.GetApplicationRequest(id=town.at_server(town.euis[0]).application_id)
    tenant_id = town.server.call(stub, "Get", application).application.tenant_id
    twin = api.Application(name="stadtsinn", tenant_id=tenant_id)
    town.server.call(stub, "Create", api.CreateApplicationRequest(application=twin))
    with pytest.raises(SeveralOfOneName, match="several applications called 'stadtsinn'"):
        plan_order(town.parts, TOWN, town.ordered())


def test_a_wrong_key_says_where_to_make_one(town: ProvisionedTown) -> None:
    town.with_settings(api_key=type(town.settings.api_key)("made.up.key"))
    with pytest.raises(Refused, match="make one in ChirpStack") as refused:
        plan_order(town.parts, TOWN, town.ordered())
    assert "made.up.key" not in str(refused.value)


def test_an_unknown_town(town: ProvisionedTown) -> None:
    with pytest.raises(NotFound):
        plan_order(town.parts, "nowhere", town.ordered())


def test_a_read_only_key_ends_it_at_the_first_change(
    town: ProvisionedTown, server: Chirpstack
) -> None:
    if server.fake is None:
        pytest.skip("an API key cannot make API keys: only with the stand-in")
    with tenant_of_ones_own(server) as own:
        key = server.fake.tenant_key(own, read_only=True)
        at_server = TownAtServer(tenant_id=own, api_key=type(town.settings.api_key)(key))
        town.with_settings(towns={TOWN: at_server})
        assert len(plan_order(town.parts, TOWN, town.ordered()).server) == 6
        with pytest.raises(Refused, match="may not do that"):
            apply_order(town.parts, TOWN, town.ordered())
        assert town.registered() == {}


def test_a_tenant_that_is_full(town: ProvisionedTown, server: Chirpstack) -> None:
    if server.fake is None:
        pytest.skip("changes a tenant in the stand-in")
    apply_order(town.parts, TOWN, town.ordered(1))
    for row in server.fake.store.tenants.values():
        row.message.max_device_count = 1 if row.message.name == town.name else 0
    applied = apply_order(town.parts, TOWN, town.ordered(3))
    assert len(applied.refused) == 2
    assert "as many devices at ChirpStack as it may have" in applied.refused[0].said.english
    assert list(town.registered()) == town.euis[:1]


# --- faults ------------------------------------------------------------------------------


def test_a_server_that_is_away_is_named_with_the_remedy(town: ProvisionedTown) -> None:
    town.with_settings(address="127.0.0.1:9", patience_s=0.1)
    with pytest.raises(ServerAway, match=r"does not answer at 127\.0\.0\.1:9") as away:
        plan_order(town.parts, TOWN, town.ordered())
    assert "[provisioning] address" in away.value.sentence.german


@pytest.mark.parametrize("fault", list(Fault))
def test_each_kind_of_call_breaks_once_and_nothing_is_there_twice(
    town: ProvisionedTown, server: Chirpstack, fault: Fault
) -> None:
    if server.fake is None:
        pytest.skip("a real server breaks no call on request")
    town.with_settings(timeout_s=0.25, patience_s=20.0)
    server.fake.faults.chosen = lambda _method, number: fault if number == 1 else None
    applied = apply_order(town.parts, TOWN, town.ordered())
    server.fake.faults.forget()
    assert applied.refused == ()
    assert town.listed() == {"tenants": [town.name], **ALL_ONCE}
    assert list(town.registered()) == sorted(town.euis[:2])
    assert town.keys_at_server(town.euis[1]).nwk_key == f"{KEY[:-1]}2"
    assert len(apply_order(town.parts, TOWN, town.ordered()).server) == 0


# --- pull --------------------------------------------------------------------------------


def test_what_stands_there_and_not_here_is_taken_over(town: ProvisionedTown) -> None:
    apply_order(town.parts, TOWN, town.ordered(1))
    mine = town.at_server(town.euis[0])
    foreign = api.Device(
        dev_eui=town.euis[1],
        name="set up by hand",
        application_id=mine.application_id,
        device_profile_id=mine.device_profile_id,
        tags={"mast": "M-018"},
    )
    request = api.CreateDeviceRequest(device=foreign)
    town.server.call(api.DeviceServiceStub, "Create", request)
    shown = pull(town.parts, TOWN, dry_run=True)
    assert [device.dev_eui for device in shown.devices] == [town.euis[1]]
    assert list(town.registered()) == [town.euis[0]]
    pull(town.parts, TOWN)
    assert town.registered()[town.euis[1]] == "set up by hand"
    assert pull(town.parts, TOWN).devices == ()


def test_what_is_taken_over_needs_a_type_that_is_known(
    town: ProvisionedTown, server: Chirpstack
) -> None:
    with tenant_of_ones_own(server) as other:
        dev_eui = new_eui()
        _device_of(server, other, dev_eui, profile="Hersteller X")
        town.with_settings(towns={TOWN: TownAtServer(tenant_id=other)}, application="theirs")
        with pytest.raises(DevicesRefused) as refused:
            pull(town.parts, TOWN)
        (refusal,) = refused.value.refusals
        assert refusal.dev_eui == dev_eui
        assert "no device type 'Hersteller X'" in refusal.said.english
        pull(town.parts, TOWN, types=["Hersteller X=dragino/lse01"])
        assert list(town.registered()) == [dev_eui]


def _device_of(
    server: Chirpstack, tenant_id: str, dev_eui: str, profile: str = "dragino/lse01"
) -> None:
    application = api.Application(name="theirs", tenant_id=tenant_id)
    made = server.call(
        api.ApplicationServiceStub, "Create", api.CreateApplicationRequest(application=application)
    )
    message = api.DeviceProfile(
        name=profile,
        tenant_id=tenant_id,
        region=common.EU868,
        mac_version=common.LORAWAN_1_0_3,
        reg_params_revision=common.A,
        supports_otaa=True,
        uplink_interval=60,
    )
    profiled = server.call(
        api.DeviceProfileServiceStub,
        "Create",
        api.CreateDeviceProfileRequest(device_profile=message),
    )
    device = api.Device(
        dev_eui=dev_eui, name="theirs", application_id=made.id, device_profile_id=profiled.id
    )
    server.call(api.DeviceServiceStub, "Create", api.CreateDeviceRequest(device=device))

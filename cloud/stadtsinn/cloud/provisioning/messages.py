"""ChirpStack's messages from and to what the planner knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from chirpstack_api import api, common

from stadtsinn.cloud.provisioning.model import (
    Keys,
    LorawanVersion,
    PresentDevice,
    PresentProfile,
    Profile,
    WantedDevice,
)
from stadtsinn.cloud.provisioning.planner import new_name
from stadtsinn.edge.network_servers.chirpstack import DEVICE_TAG

_VERSIONS: Mapping[LorawanVersion, tuple[Any, Any]] = {
    "1.0.0": (common.LORAWAN_1_0_0, common.A),
    "1.0.1": (common.LORAWAN_1_0_1, common.A),
    "1.0.2": (common.LORAWAN_1_0_2, common.B),
    "1.0.3": (common.LORAWAN_1_0_3, common.A),
    "1.0.4": (common.LORAWAN_1_0_4, common.RP002_1_0_3),
    "1.1.0": (common.LORAWAN_1_1_0, common.B),
}
"""With the revision of the regional parameters that goes with each. A server may say another one of
the same version: that is left."""
_BY_NUMBER = {number: version for version, (number, _) in _VERSIONS.items()}
_RX2_EU868 = 869_525_000


def profile_message(wanted: Profile, tenant_id: str) -> Any:
    """A new profile. What is of no importance here has the defaults of ChirpStack's pages."""
    message = api.DeviceProfile(
        tenant_id=tenant_id,
        name=wanted.name,
        adr_algorithm_id="default",
        flush_queue_on_activate=True,
        uplink_interval=wanted.uplink_interval_s,
        device_status_req_interval=1,
        abp_rx1_delay=1,
        abp_rx2_freq=_RX2_EU868 if wanted.region == "EU868" else 0,
    )
    return with_profile(message, wanted)


def with_profile(message: Any, wanted: Profile) -> Any:
    """The profile of the server with what is wanted; all else of it stays."""
    other = _BY_NUMBER.get(message.mac_version) != wanted.lorawan_version
    if not message.id or (wanted.version_stated and other):
        message.mac_version, message.reg_params_revision = _VERSIONS[wanted.lorawan_version]
    message.region = common.Region.Value(wanted.region)
    message.supports_otaa = True
    message.supports_class_b = wanted.supports_class_b
    message.supports_class_c = wanted.supports_class_c
    message.tags[DEVICE_TAG] = wanted.name
    if wanted.codec is not None:
        message.payload_codec_runtime = api.JS
        message.payload_codec_script = wanted.codec
    return message


def present_profile(message: Any) -> PresentProfile:
    profile = Profile(
        name=message.name,
        region=common.Region.Name(message.region),
        lorawan_version=cast("LorawanVersion", _BY_NUMBER.get(message.mac_version, "")),
        supports_class_b=message.supports_class_b,
        supports_class_c=message.supports_class_c,
        uplink_interval_s=message.uplink_interval,
        codec=message.payload_codec_script if message.payload_codec_runtime == api.JS else None,
    )
    return PresentProfile(
        message.id, profile, message.supports_otaa, message.tags.get(DEVICE_TAG, "")
    )


def device_message(wanted: WantedDevice, application_id: str, profile_id: str) -> Any:
    return api.Device(
        dev_eui=wanted.dev_eui,
        name=wanted.name,
        application_id=application_id,
        device_profile_id=profile_id,
        join_eui=wanted.join_eui,
        tags={DEVICE_TAG: wanted.device_type},
    )


def with_device(message: Any, wanted: WantedDevice, profile_id: str) -> Any:
    """The device of the server with what is wanted; all else of it stays."""
    message.name = new_name(wanted, message.name)
    message.device_profile_id = profile_id
    message.join_eui = wanted.join_eui or message.join_eui
    message.tags[DEVICE_TAG] = wanted.device_type
    return message


def present_device(message: Any, keys: Keys | None, owner: str | None) -> PresentDevice:
    return PresentDevice(
        dev_eui=message.dev_eui,
        name=message.name,
        profile_id=message.device_profile_id,
        join_eui=message.join_eui,
        tags=dict(message.tags),
        keys=keys,
        owner=owner,
    )


def keys_message(dev_eui: str, keys: Keys) -> Any:
    return api.DeviceKeys(dev_eui=dev_eui, nwk_key=keys.nwk_key, app_key=keys.app_key)

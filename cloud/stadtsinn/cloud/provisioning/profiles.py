"""Device profiles from the catalogue."""

from __future__ import annotations

from stadtsinn.cloud.provisioning.model import Profile
from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.export.ts013 import ts013
from stadtsinn.decoders.reference import parse_reference


def profile_name(device_type: str) -> str:
    """The catalogue's id, without the constants of a single sensor."""
    return parse_reference(device_type).device


def profile_of(name: str, interval_s: int, settings: ProvisioningSettings) -> Profile:
    """The profile of a device type whose devices send every `interval_s` seconds at the rarest."""
    device_type = catalogue().device(name)
    classes = device_type.file.lorawan_class
    return Profile(
        name=name,
        region=settings.region,
        lorawan_version=settings.lorawan_versions.get(name, settings.lorawan_version),
        supports_class_b="B" in classes,
        supports_class_c="C" in classes,
        uplink_interval_s=interval_s,
        codec=ts013(device_type) if settings.codec else None,
        version_stated=name in settings.lorawan_versions,
    )

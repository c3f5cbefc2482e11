"""What a network server shall have, and what it has: the planner compares the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LorawanVersion = Literal["1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4", "1.1.0"]

NO_KEY = "0" * 32


@dataclass(frozen=True)
class Keys:
    """Root keys as ChirpStack has them: of LoRaWAN 1.0.x the AppKey is its `nwk_key`, and its
    `app_key` is of 1.1 alone. 32 lower-case hex digits each."""

    nwk_key: str = field(repr=False)
    app_key: str = field(default=NO_KEY, repr=False)


@dataclass(frozen=True)
class Profile:
    """A device profile, made from a device type, whose id is its name. `codec` is JavaScript
    (TS013); None leaves what is there. `uplink_interval_s`, and a version that nobody stated, count
    when it is created."""

    name: str
    region: str
    lorawan_version: LorawanVersion
    supports_class_b: bool
    supports_class_c: bool
    uplink_interval_s: int
    codec: str | None = field(default=None, repr=False)
    version_stated: bool = False


@dataclass(frozen=True)
class WantedDevice:
    """A device as it shall be. `device_type` may have constants, `profile` is named after the type
    alone. An empty `join_eui`, and no keys, leave what is there."""

    dev_eui: str
    name: str
    device_type: str
    profile: str
    join_eui: str = ""
    keys: Keys | None = None


@dataclass(frozen=True)
class Wanted:
    """What one town's delivery asks for. `tenant_id` where the tenant is told by its id."""

    tenant: str
    tenant_id: str | None
    application: str
    profiles: tuple[Profile, ...]
    devices: tuple[WantedDevice, ...]


@dataclass(frozen=True)
class PresentProfile:
    """A device profile of the tenant. `device_type` is what its tag says."""

    id: str
    profile: Profile
    supports_otaa: bool
    device_type: str


@dataclass(frozen=True)
class PresentDevice:
    """A device of the server. `owner` names application and tenant where it is under another
    application."""

    dev_eui: str
    name: str
    profile_id: str
    join_eui: str
    tags: Mapping[str, str]
    keys: Keys | None = None
    owner: str | None = None


@dataclass(frozen=True)
class Present:
    """What the server has of what is wanted."""

    tenant_id: str | None = None
    application_id: str | None = None
    profiles: Mapping[str, PresentProfile] = field(default_factory=dict)
    devices: Mapping[str, PresentDevice] = field(default_factory=dict)

"""The network server that devices are registered at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.fields import FilePath
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.platform.api.fields import Slug
from stadtsinn.cloud.provisioning.model import LorawanVersion

_Name = Annotated[str, Field(min_length=1, max_length=100)]
_Uuid = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def _host_and_port(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not host or not colon or not port.isdecimal() or "/" in address:
        raise Unusable(
            f"'{address}': write host:port, e.g. chirpstack.example:8080, without http://",
            f"'{address}': Rechner:Port angeben, z. B. chirpstack.example:8080, ohne http://",
        )
    return address


class TownAtServer(Section):
    """What one town is called at the network server, where that differs."""

    tenant: _Name | None = None
    """The name of its tenant; without: the town's name."""
    tenant_id: _Uuid | None = None
    """Names the tenant instead. An API key of a tenant needs it."""
    application: _Name | None = None
    api_key: Secret = Secret()


class ProvisioningSettings(Section):
    """A ChirpStack v4, and what devices get there. `at_once`: calls under way together."""

    address: Annotated[str, AfterValidator(_host_and_port)] = "localhost:8080"
    api_key: Secret = Secret()
    tls: bool | None = None
    """Without: unless it is this machine."""
    ca: FilePath | None = None
    region: Literal["EU868", "EU433"] = "EU868"
    application: _Name = "stadtsinn"
    codec: bool = False
    """Whether ChirpStack decodes too (TS013). stadtsinn needs none."""
    lorawan_version: LorawanVersion = "1.0.3"
    """Of device types that are not in `lorawan_versions`, when their profile is created."""
    lorawan_versions: dict[str, LorawanVersion] = Field(default_factory=dict)
    """By device type."""
    towns: dict[Slug, TownAtServer] = Field(default_factory=dict)
    folder: FilePath = Path("provisioning")
    """Where what was imported is kept until it is applied."""
    at_once: Annotated[int, Field(ge=1, le=256)] = 32
    patience_s: Annotated[float, Field(gt=0, le=3_600)] = 60.0
    """How long one call is tried again while the server does not answer."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30.0
    """How long one call may take."""

    @property
    def encrypted(self) -> bool:
        if self.tls is not None:
            return self.tls
        return self.address.rpartition(":")[0] not in _LOOPBACK

    def town(self, tenant: str) -> TownAtServer:
        return self.towns.get(tenant, TownAtServer())

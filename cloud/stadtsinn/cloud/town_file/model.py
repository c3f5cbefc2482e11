"""A town as one file: everything an installation has to know, written down.

Each section is the model that the API and the repositories have too.
`stadtsinn.cloud.town_file.apply` brings an installation to what it says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError

from stadtsinn.base.bounded_files import LISTS, read_whole
from stadtsinn.base.explaining import explained
from stadtsinn.base.settings.mistaken import FileKind, mistaken
from stadtsinn.base.text_files import NoText, decoded
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.duty.model import DutyGroup
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.platform.api.fields import Name, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.town.model import Device, Edge, Site
from stadtsinn.cloud.town.stations.model import DepthsCm, Station
from stadtsinn.cloud.town.stations.service import Place
from stadtsinn.cloud.town_file.problems import TownRefused, wrong_values


def _device_type(section: object) -> object:
    """Town files say `type` where the API says `device_type`."""
    if isinstance(section, Mapping) and "type" in section and "device_type" not in section:
        return {"device_type" if key == "type" else key: section[key] for key in section}
    return section


class DeviceSection(Device):
    """A device, and the station it is put at when it is registered.

    Without one it gets a station of its own. Where it measures later on is changed by
    ``stadtsinn device move`` and ``swap``, not by the town file.
    """

    station: Slug | None = None
    depths_cm: DepthsCm = Field(default_factory=dict)

    @property
    def device(self) -> Device:
        return Device.model_validate(self.model_dump(exclude={"station", "depths_cm"}))

    @property
    def place(self) -> Place:
        return Place(self.station, self.depths_cm)


class ZoneWithGates(Zone):
    """A zone, and its gates as sections below it."""

    gates: tuple[Gate, ...] = ()

    @property
    def zone(self) -> Zone:
        """The zone without its gates."""
        return Zone.model_validate(self.model_dump(exclude={"gates"}))


class Town(Model):
    """A tenant with everything that belongs to it."""

    tenant: Slug
    name: Name
    sites: tuple[Site, ...] = ()
    stations: tuple[Station, ...] = ()
    devices: tuple[Annotated[DeviceSection, BeforeValidator(_device_type)], ...] = ()
    edges: tuple[Edge, ...] = ()
    zones: tuple[ZoneWithGates, ...] = ()
    recipients: tuple[Recipient, ...] = ()
    duty_groups: tuple[DutyGroup, ...] = ()
    rules: tuple[Rule, ...] = ()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The town that this document describes; raises TownRefused naming section and key."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise TownRefused.of(wrong_values(cls, document, error)) from None


def load_town(path: Path) -> Town:
    """Read a town file.

    Raises OSError when it cannot be read, and TownRefused, naming file, section and key, when it
    is no TOML or does not say what a town file has to say.
    """
    try:
        document = tomllib.loads(decoded(read_whole(path, LISTS)))
    except (tomllib.TOMLDecodeError, NoText) as error:
        raise TownRefused.of(explained(error).about(path)) from error
    if (other := mistaken(document, FileKind.TOWN)) is not None:
        raise TownRefused.of(other.about(path))
    try:
        return Town.read(document)
    except TownRefused as refused:
        raise TownRefused.of(refused.sentence.about(path)) from None

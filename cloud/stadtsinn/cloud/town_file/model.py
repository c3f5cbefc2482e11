"""A town as one file: everything an installation has to know, written down.

Each section is the model that the API and the repositories have too.
`stadtsinn.cloud.town_file.apply` brings an installation to what it says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
from pydantic import BeforeValidator, ConfigDict, ValidationError

from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.platform.api.fields import Name, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.town.model import Device, Edge, Site
from stadtsinn.cloud.town_file.problems import TownRefused, wrong_values


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: a misspelt key is an error, not a default."""


class RecipientSpec(_Spec, frozen=True, kw_only=True):
    """Who gets a message. `channel` names a sender of the installation, e.g. ``sms``."""

    slug: str
    name: str
    channel: str
    address: str

    def __repr__(self) -> str:
        # Addresses are personal data and must not reach a log by way of a repr.
        return f"RecipientSpec(slug={self.slug!r}, channel={self.channel!r})"


class Direction(StrEnum):
    """On which side of its threshold a rule fires."""

    ABOVE = "above"
    BELOW = "below"


class RuleSpec(_Spec, frozen=True, kw_only=True):
    """A threshold rule over a device's reading or over a zone's occupancy.

    Exactly one of `device` (a DevEUI, with `quantity` and `channel`) and `zone` (a slug) is
    given. `on` and `off` are the levels at which it begins and ends, in the quantity's unit
    or in persons. Times in seconds; `stale_after_s` None means three expected intervals.
    """

    slug: str
    name: str
    device: str | None = None
    zone: str | None = None
    quantity: str = ""
    channel: str = ""
    direction: Direction = Direction.ABOVE
    on: float
    off: float
    for_s: int = 0
    min_samples: int = 1
    keep_firing_s: int = 0
    stale_after_s: int | None = None
    max_age_s: int = 900
    resolve_notice: bool = True
    alert_on_stale: bool = False
    enabled: bool = True
    recipients: tuple[str, ...] = ()
    technicians: tuple[str, ...] = ()


def _converted(kind: type[_Spec]) -> BeforeValidator:
    def convert(value: object) -> object:
        try:
            return msgspec.convert(value, kind) if isinstance(value, Mapping) else value
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(convert)


def _device_type(section: object) -> object:
    """Town files say `type` where the API says `device_type`."""
    if isinstance(section, Mapping) and "type" in section and "device_type" not in section:
        return {"device_type" if key == "type" else key: section[key] for key in section}
    return section


class ZoneWithGates(Zone):
    """A zone, and its gates as sections below it."""

    gates: tuple[Gate, ...] = ()

    @property
    def zone(self) -> Zone:
        """The zone without its gates."""
        return Zone.model_validate(self.model_dump(exclude={"gates"}))


class Town(Model):
    """A tenant with everything that belongs to it."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tenant: Slug
    name: Name
    sites: tuple[Site, ...] = ()
    devices: tuple[Annotated[Device, BeforeValidator(_device_type)], ...] = ()
    edges: tuple[Edge, ...] = ()
    zones: tuple[ZoneWithGates, ...] = ()
    recipients: tuple[Annotated[RecipientSpec, _converted(RecipientSpec)], ...] = ()
    rules: tuple[Annotated[RuleSpec, _converted(RuleSpec)], ...] = ()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The town that this document describes; raises TownRefused naming section and key."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise TownRefused(wrong_values(cls, document, error)) from None


def load_town(path: Path) -> Town:
    """Read a town file.

    Raises OSError when it cannot be read, ValueError when it is no TOML, and TownRefused,
    naming file, section and key, when it does not say what a town file has to say.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        return Town.read(document)
    except TownRefused as refused:
        raise TownRefused(f"{path}: {refused}") from None

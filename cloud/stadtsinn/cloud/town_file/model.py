"""A town as one file: everything an installation has to know, written down.

`stadtsinn.cloud.town_file.apply` brings an installation to what it says.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all sections share: a misspelt key is an error, not a default."""


class SiteSpec(_Spec, frozen=True, kw_only=True):
    """A place. Degrees WGS 84."""

    slug: str
    name: str
    latitude: float | None = None
    longitude: float | None = None


class DeviceSpec(_Spec, frozen=True, kw_only=True):
    """A sensor; `interval_s` is the expected time between two uplinks."""

    dev_eui: str
    type: str
    name: str
    interval_s: int = 3_600
    site: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    tags: dict[str, str] = {}


class EdgeSpec(_Spec, frozen=True, kw_only=True):
    """An edge agent; `id` is the common name of its client certificate."""

    id: str
    name: str


class GateSpec(_Spec, frozen=True, kw_only=True):
    """An entrance: one counting line (`channel`) of a device."""

    slug: str
    name: str
    dev_eui: str
    channel: str = ""
    swapped: bool = False


class ZoneSpec(_Spec, frozen=True, kw_only=True):
    """An area whose persons are counted. `permitted` comes from the permit."""

    slug: str
    name: str
    name_en: str = ""
    site: str | None = None
    permitted: int | None = None
    reset_at: str = "04:00"
    interval_s: int = 60
    error_in: float = 0.02
    error_out: float = 0.02
    max_rate: int = 120
    public: bool = False
    gates: tuple[GateSpec, ...] = ()


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


class Town(_Spec, frozen=True, kw_only=True):
    """A tenant with everything that belongs to it."""

    tenant: str
    name: str
    sites: tuple[SiteSpec, ...] = ()
    devices: tuple[DeviceSpec, ...] = ()
    edges: tuple[EdgeSpec, ...] = ()
    zones: tuple[ZoneSpec, ...] = ()
    recipients: tuple[RecipientSpec, ...] = ()
    rules: tuple[RuleSpec, ...] = ()


def load_town(path: Path) -> Town:
    """Read a town file.

    Raises OSError when it cannot be read and ValueError, naming file and field, when it does
    not say what a town file has to say.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Town)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error


# --- applying --------------------------------------------------------------------------

"""What the registry keeps, as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Site:
    """A place: market square, school yard. Degrees WGS 84."""

    slug: str
    name: str
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True)
class Device:
    """A sensor. `interval_s` is the expected time between two uplinks, `site` a site's slug."""

    dev_eui: str
    device_type: str
    name: str
    interval_s: int
    site: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """An edge agent. `id` is the common name of its client certificate."""

    id: str
    name: str


@dataclass(frozen=True)
class Gate:
    """An entrance of a zone: one counting line of a device."""

    slug: str
    name: str
    dev_eui: str
    channel: str = ""
    swapped: bool = False


@dataclass(frozen=True)
class Zone:
    """An area whose persons are counted; see `registry.directory.ZoneEntry` for the units."""

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

"""Stations and deployments as followers read them: immutable, indexed by device and station."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Select, select

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.tenants.repository import erasing
from stadtsinn.cloud.town.stations.model import (
    FOR_EVER,
    Calibration,
    is_comparison,
    station_channel,
)
from stadtsinn.cloud.town.stations.tables import datastreams, deployments, stations
from stadtsinn.cloud.town.tables import sites


class StationEntry(msgspec.Struct, frozen=True, gc=False):
    """A station. `site` is a site's slug."""

    id: int
    tenant_id: str
    slug: str
    name: str
    name_en: str
    kind: str
    site: str | None
    tags: tuple[str, ...]


class DeploymentEntry(msgspec.Struct, frozen=True, gc=False):
    """A device at a station for `start` <= event time < `end`."""

    id: int
    dev_eui: str
    station: StationEntry
    start: Instant
    end: Instant
    channels: Mapping[str, str] | None
    """Channel of the device → of the station; None: all as they are."""
    calibration: Mapping[str, Calibration]
    swapped: bool
    comparison: bool

    @property
    def is_identity(self) -> bool:
        """Whether the device's readings are the station's unchanged."""
        return (
            self.channels is None
            and not self.calibration
            and not self.swapped
            and not self.comparison
        )

    def holds(self, time: int) -> bool:
        return self.start <= time < self.end

    def channel(self, channel: str) -> str | None:
        """The station's channel for one of the device's; None where it feeds none."""
        return station_channel(self, channel)

    def feeds(self, channel: str) -> bool:
        """Whether a channel of the device may come to be this one of the station."""
        if self.channels is None:
            return is_comparison(channel) == self.comparison
        return any(self.channel(own) == channel for own in self.channels)


@dataclass(frozen=True)
class Stations:
    """All stations and deployments of all tenants."""

    by_id: Mapping[int, StationEntry] = field(default_factory=dict)
    by_slug: Mapping[tuple[str, str], StationEntry] = field(default_factory=dict)
    deployments: Mapping[str, tuple[DeploymentEntry, ...]] = field(default_factory=dict)
    """By dev_eui, in the order of their start."""
    deployments_at: Mapping[int, tuple[DeploymentEntry, ...]] = field(default_factory=dict)
    """By station id, in the order of their start."""
    retention_days: Mapping[tuple[int, str, str], int] = field(default_factory=dict)
    """By station id, quantity and channel: datastreams with a retention of their own."""


def read_stations(connection: Connection, only: Collection[int] | None = None) -> Stations:
    """Read all stations and their deployments as they stand, or those with these ids.

    Every process does so after each change of a registry, so a row is taken apart by position.
    """

    def rows(query: Select[Any], station: Column[Any]) -> Sequence[Any]:
        chosen = query if only is None else query.where(station.in_(only))
        return connection.execute(chosen).all()

    by_id = {row[0]: _station(row) for row in rows(_STATIONS, stations.c.id)}
    of_device: dict[str, list[DeploymentEntry]] = defaultdict(list)
    at_station: dict[int, list[DeploymentEntry]] = defaultdict(list)
    for number, dev_eui, station, *rest in rows(_DEPLOYMENTS, deployments.c.station_id):
        if station not in by_id:
            continue  # its town is being erased
        entry = _deployment(number, dev_eui, by_id[station], *rest)
        of_device[dev_eui].append(entry)
        at_station[station].append(entry)
    return Stations(
        by_id=by_id,
        by_slug={(entry.tenant_id, entry.slug): entry for entry in by_id.values()},
        deployments={dev_eui: tuple(entries) for dev_eui, entries in of_device.items()},
        deployments_at={number: tuple(entries) for number, entries in at_station.items()},
        retention_days={
            (number, quantity, channel): days
            for number, quantity, channel, days in rows(_RETENTIONS, datastreams.c.station_id)
            if number in by_id
        },
    )


_STATIONS: Select[Any] = (
    select(
        stations.c.id,
        stations.c.tenant_id,
        stations.c.slug,
        stations.c.name,
        stations.c.name_en,
        stations.c.kind,
        sites.c.slug.label("site"),
        stations.c.tags,
    )
    .outerjoin(sites, sites.c.id == stations.c.site_id)
    .where(stations.c.tenant_id.not_in(erasing()))
)

_RETENTIONS: Select[Any] = select(
    datastreams.c.station_id,
    datastreams.c.quantity,
    datastreams.c.channel,
    datastreams.c.retention_days,
).where(datastreams.c.retention_days.is_not(None))

_DEPLOYMENTS: Select[Any] = select(
    deployments.c.id,
    deployments.c.dev_eui,
    deployments.c.station_id,
    deployments.c.start,
    deployments.c.end,
    deployments.c.channels,
    deployments.c.calibration,
    deployments.c.swapped,
    deployments.c.comparison,
).order_by(deployments.c.start, deployments.c.id)


def _station(row: Sequence[Any]) -> StationEntry:
    number, tenant_id, slug, name, name_en, kind, site, tags = row
    return StationEntry(number, tenant_id, slug, name, name_en, kind, site, tuple(tags))


def _deployment(
    number: int,
    dev_eui: str,
    station: StationEntry,
    start: Instant,
    end: Instant | None,
    channels: Mapping[str, str] | None,
    calibration: Mapping[str, Any],
    swapped: bool,
    comparison: bool,
) -> DeploymentEntry:
    return DeploymentEntry(
        id=number,
        dev_eui=dev_eui,
        station=station,
        start=start,
        end=FOR_EVER if end is None else end,
        channels=channels,
        calibration={
            name: Calibration.model_validate(value) for name, value in calibration.items()
        },
        swapped=swapped,
        comparison=comparison,
    )

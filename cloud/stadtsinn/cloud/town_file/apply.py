"""Applies a town file to an installation.

Only what the file names is touched; applying it again changes nothing. Removing is left to the
API, where one thing is removed at a time and on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound, Problem
from stadtsinn.cloud.alarms.alerts.service import apply_rules
from stadtsinn.cloud.alarms.notify.service import apply_recipients
from stadtsinn.cloud.domains.crowd.zones import repository as zone_repository
from stadtsinn.cloud.domains.crowd.zones import service as zone_service
from stadtsinn.cloud.domains.crowd.zones.model import Gate
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.platform.tenants.repository import find_tenant, rename_tenant
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.town import repository, service
from stadtsinn.cloud.town.model import Edge, Site
from stadtsinn.cloud.town.stations import repository as station_repository
from stadtsinn.cloud.town.stations import service as station_service
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.cloud.town_file.model import DeviceSection, Town, ZoneWithGates
from stadtsinn.cloud.town_file.problems import TownRefused


@dataclass(frozen=True)
class Change:
    """One thing that applying a town did, or would do. `detail` names old and new values."""

    kind: str
    """``created`` or ``changed``."""
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.what}{f' ({self.detail})' if self.detail else ''}"


class _LeaveAsItIs(Exception):
    """Raised to roll the transaction back."""


def apply_town(
    database: Database,
    town: Town,
    now: Instant,
    *,
    dry_run: bool = False,
    limits: Limits = DEFAULTS,
) -> tuple[Change, ...]:
    """Bring the registry to what the town says, all of it or nothing; returns what changed.

    A `dry_run` does everything and takes it back, so it finds every error that applying
    would find. Raises TownRefused.
    """
    applied = _Applying(operator_scope(town.tenant, limits), now)
    try:
        with service.change(database, operator_scope(town.tenant), now) as connection:
            applied.run(connection, town)
            applied.end(dry_run)
    except _LeaveAsItIs:
        pass
    except Problem as problem:
        raise TownRefused(f"{applied.at}: {problem.detail}") from problem
    return tuple(applied.changes)


class _Applying:
    """One application of a town; `at` is the section being worked on, for error messages."""

    def __init__(self, scope: Scope, now: Instant) -> None:
        self._scope = scope
        self._now = now
        self.changes: list[Change] = []
        self.at = "tenant"

    def run(self, connection: Connection, town: Town) -> None:
        self._tenant(connection, town)
        for site in town.sites:
            self._site(connection, site)
        for station in town.stations:
            self._station(connection, station)
        for device in town.devices:
            self._device(connection, device)
        for edge in town.edges:
            self._edge(connection, edge)
        for zone in town.zones:
            self._zone(connection, zone)
        self._messages(connection, town)

    def end(self, dry_run: bool) -> None:
        """Keep what was done, unless nothing changed or it is a dry run."""
        if dry_run or not self.changes:
            raise _LeaveAsItIs

    def _tenant(self, connection: Connection, town: Town) -> None:
        present = find_tenant(connection, town.tenant)
        if present is None:
            create_tenant(connection, town.tenant, town.name, self._now)
            self.changes.append(Change("created", self.at))
        elif present.name != town.name:
            rename_tenant(connection, town.tenant, town.name)
            detail = f"name: {present.name} → {town.name}"
            self.changes.append(Change("changed", self.at, detail))

    def _site(self, connection: Connection, wanted: Site) -> None:
        self.at, scope = f"site {wanted.slug}", self._scope
        self._create_or_replace(
            lambda: repository.site(connection, scope, wanted.slug),
            wanted,
            lambda: service.create_site(connection, scope, wanted),
            lambda: service.replace_site(connection, scope, wanted),
        )

    def _station(self, connection: Connection, wanted: Station) -> None:
        self.at, editor = f"station {wanted.slug}", Editor(self._scope, self._now, "town file")
        self._create_or_replace(
            lambda: station_repository.station(connection, editor.scope, wanted.slug),
            wanted,
            lambda: station_service.create_station(connection, editor, wanted),
            lambda: station_service.replace_station(connection, editor, wanted),
        )

    def _device(self, connection: Connection, section: DeviceSection) -> None:
        self.at, wanted, scope = f"device {section.dev_eui}", section.device, self._scope
        self._create_or_replace(
            lambda: repository.device(connection, scope, wanted.dev_eui),
            wanted,
            lambda: service.create_device(connection, scope, wanted, self._now, section.station),
            lambda: service.replace_device(connection, scope, wanted),
        )

    def _edge(self, connection: Connection, wanted: Edge) -> None:
        self.at, scope = f"edge {wanted.id}", self._scope
        self._create_or_replace(
            lambda: repository.edge(connection, scope, wanted.id),
            wanted,
            lambda: service.create_edge(connection, scope, wanted, self._now),
            lambda: service.replace_edge(connection, scope, wanted),
        )

    def _zone(self, connection: Connection, section: ZoneWithGates) -> None:
        self.at, wanted, scope = f"zone {section.slug}", section.zone, self._scope
        self._create_or_replace(
            lambda: zone_repository.zone(connection, scope, wanted.slug),
            wanted,
            lambda: zone_service.create_zone(connection, scope, wanted),
            lambda: zone_service.replace_zone(connection, scope, wanted),
        )
        for gate in section.gates:
            self._gate(connection, wanted.slug, gate)

    def _gate(self, connection: Connection, zone: str, wanted: Gate) -> None:
        self.at, scope = f"zone {zone}, gate {wanted.slug}", self._scope
        self._create_or_replace(
            lambda: zone_repository.gate(connection, scope, zone, wanted.slug),
            wanted,
            lambda: zone_service.create_gate(connection, scope, zone, wanted),
            lambda: zone_service.replace_gate(connection, scope, zone, wanted),
        )

    def _messages(self, connection: Connection, town: Town) -> None:
        self.at = "recipients"
        made = apply_recipients(connection, self._scope, town.recipients)
        self.at = "rules"
        made += apply_rules(connection, self._scope, town.rules)
        self.changes.extend(Change(kind, what) for kind, what in made)

    def _create_or_replace(
        self,
        find: Callable[[], object],
        wanted: BaseModel,
        create: Callable[[], None],
        replace: Callable[[], None],
    ) -> None:
        try:
            present = find()
        except NotFound:
            create()
            self.changes.append(Change("created", self.at))
            return
        if present != wanted:
            replace()
            self.changes.append(Change("changed", self.at, _difference(present, wanted)))


def _difference(present: object, wanted: BaseModel) -> str:
    return ", ".join(
        f"{name}: {getattr(present, name)} → {value}"
        for name, value in wanted
        if getattr(present, name) != value
    )

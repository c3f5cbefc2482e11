"""The sections of a town file, and how each comes into the registry."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound, Problem
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.service import apply_rules
from stadtsinn.cloud.alarms.duty.model import DutyGroup
from stadtsinn.cloud.alarms.duty.service import apply_groups
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.service import apply_recipients
from stadtsinn.cloud.domains.crowd.zones import repository as zone_repository
from stadtsinn.cloud.domains.crowd.zones import service as zone_service
from stadtsinn.cloud.domains.crowd.zones.model import Gate
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import count_anew
from stadtsinn.cloud.platform.tenants.repository import (
    being_erased,
    find_tenant,
    rename_tenant,
)
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.town import repository, service
from stadtsinn.cloud.town.model import Edge, Site
from stadtsinn.cloud.town.stations import repository as station_repository
from stadtsinn.cloud.town.stations import service as station_service
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.cloud.town_file.model import DeviceSection, Town, ZoneWithGates
from stadtsinn.cloud.town_file.problems import Refusal

One = TypeVar("One")

_MOST_REFUSALS = 100
"""Of one kind, before it ends: each is tried alone."""

_TOGETHER = 1
"""The weight of a thing that is written with others in few statements."""

_ALONE = 10
"""That of a thing with statements of its own."""

_ZoneOrGate = tuple[ZoneWithGates, Gate | None]
"""A gate with its zone, or the zone itself."""


@dataclass(frozen=True)
class Change:
    """One thing that applying a town did, or would do. `detail` names old and new values."""

    kind: str
    """``created`` or ``changed``."""
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.what}{f' ({self.detail})' if self.detail else ''}"


@dataclass(frozen=True)
class Section:
    """Things of one kind. `weight` is that of each in a transaction, next to the others."""

    things: Sequence[Any]
    name: Callable[[Any], str]
    apply: Callable[[Connection, Sequence[Any]], None]
    weight: int = _ALONE


class Applying:
    """One application of a town; `at` is the section being worked on, for error messages.

    A `trying` one goes on behind a thing that is refused, to the end of its kind: `refusals` has
    all of them. Things of other kinds may refer to those, so it ends there.
    """

    def __init__(self, scope: Scope, now: Instant, *, trying: bool = False) -> None:
        self._trying = trying
        self.refusals: list[Refusal] = []
        self._scope = scope
        self._now = now
        self._editor = Editor(scope, now, "town file")
        self.changes: list[Change] = []
        self.at = "tenant"

    def sections(self, town: Town, wanted: Collection[str] | None = None) -> list[Section]:
        """What the town says, each behind what it refers to; only these things where given."""
        gates = [(zone, gate) for zone in town.zones for gate in (None, *zone.gates)]
        sections = [
            Section([town], lambda _: "tenant", self._tenant),
            Section(town.sites, lambda one: f"site {one.slug}", self._sites),
            Section(town.stations, _station_name, self._stations, _TOGETHER),
            Section(town.devices, _device_name, self._devices, _TOGETHER),
            Section(town.edges, lambda one: f"edge {one.id}", self._edges),
            Section(gates, _zone_or_gate_name, self._zones),
            Section(town.recipients, lambda one: f"recipient {one.slug}", self._recipients),
            Section(town.duty_groups, lambda one: f"duty group {one.slug}", self._duty_groups),
            Section(town.rules, lambda one: f"rule {one.slug}", self._rules),
        ]
        if wanted is None:
            return sections
        return [
            replace(section, things=[one for one in section.things if section.name(one) in wanted])
            for section in sections
        ]

    def run(self, connection: Connection, sections: Sequence[Section]) -> None:
        """Apply these sections; raises Problem."""
        for section in sections:
            section.apply(connection, section.things)
            if self.refusals:
                return

    @contextmanager
    def _one(self, connection: Connection) -> Iterator[None]:
        """Work on the thing `at`; raises Problem where it is not only tried."""
        if not self._trying:
            yield
            return
        try:
            with connection.begin_nested():
                yield
        except Problem as problem:
            count_anew(connection)
            if len(self.refusals) == _MOST_REFUSALS:
                raise
            self.refusals.append(Refusal(self.at, problem.sentence))

    def _tenant(self, connection: Connection, towns: Sequence[Town]) -> None:
        for town in towns:
            self.at = "tenant"
            present = find_tenant(connection, town.tenant)
            if present is None:
                create_tenant(connection, town.tenant, town.name, self._now)
                self.changes.append(Change("created", self.at))
            elif present.erasing_since is not None:
                raise being_erased(town.tenant)
            elif present.name != town.name:
                rename_tenant(connection, town.tenant, town.name)
                detail = f"name: {present.name} → {town.name}"
                self.changes.append(Change("changed", self.at, detail))

    def _sites(self, connection: Connection, sites: Sequence[Site]) -> None:
        scope = self._scope
        for wanted in sites:
            self.at = f"site {wanted.slug}"
            self._create_or_replace(
                connection,
                partial(repository.site, connection, scope, wanted.slug),
                wanted,
                partial(service.create_site, connection, scope, wanted),
                partial(service.replace_site, connection, scope, wanted),
            )

    def _stations(self, connection: Connection, stations: Sequence[Station]) -> None:
        scope, editor = self._scope, self._editor
        create = partial(station_service.create_stations, connection, editor)
        for some in _each_once(stations, _station_name):
            slugs = [one.slug for one in some]
            present = station_repository.stations_named(connection, scope, slugs)
            new = [one for one in some if one.slug not in present]
            self._create(connection, new, _station_name, create)
            for one in some:
                self.at = _station_name(one)
                if one.slug in present and self._is_other(present[one.slug], one):
                    with self._one(connection):
                        station_service.replace_station(connection, editor, one)

    def _devices(self, connection: Connection, sections: Sequence[DeviceSection]) -> None:
        scope = self._scope

        def create(new: Sequence[DeviceSection]) -> None:
            wanted = [(one.device, one.place) for one in new]
            service.create_devices(connection, scope, wanted, self._now)

        for some in _each_once(sections, _device_name):
            present = repository.devices_named(connection, scope, [one.dev_eui for one in some])
            new = [one for one in some if one.dev_eui not in present]
            self._create(connection, new, _device_name, create)
            for one in some:
                self.at = _device_name(one)
                if one.dev_eui in present and self._is_other(present[one.dev_eui], one.device):
                    with self._one(connection):
                        service.replace_device(connection, scope, one.device)

    def _edges(self, connection: Connection, edges: Sequence[Edge]) -> None:
        scope = self._scope
        for wanted in edges:
            self.at = f"edge {wanted.id}"
            self._create_or_replace(
                connection,
                partial(repository.edge, connection, scope, wanted.id),
                wanted,
                partial(service.create_edge, connection, scope, wanted, self._now),
                partial(service.replace_edge, connection, scope, wanted),
            )

    def _zones(self, connection: Connection, found: Sequence[_ZoneOrGate]) -> None:
        scope = self._scope
        for section, gate in found:
            self.at, zone = _zone_or_gate_name((section, gate)), section.zone
            if gate is None:
                self._create_or_replace(
                    connection,
                    partial(zone_repository.zone, connection, scope, zone.slug),
                    zone,
                    partial(zone_service.create_zone, connection, scope, zone),
                    partial(zone_service.replace_zone, connection, scope, zone),
                )
            else:
                self._create_or_replace(
                    connection,
                    partial(zone_repository.gate, connection, scope, zone.slug, gate.slug),
                    gate,
                    partial(zone_service.create_gate, connection, scope, zone.slug, gate),
                    partial(zone_service.replace_gate, connection, scope, zone.slug, gate),
                )

    def _recipients(self, connection: Connection, recipients: Sequence[Recipient]) -> None:
        self.at = "recipients"
        made = apply_recipients(connection, self._scope, recipients)
        self.changes.extend(Change(kind, what) for kind, what in made)

    def _duty_groups(self, connection: Connection, groups: Sequence[DutyGroup]) -> None:
        for one in groups:
            self.at = f"duty group {one.slug}"
            with self._one(connection):
                made = apply_groups(connection, self._scope, [one])
                self.changes.extend(Change(kind, what) for kind, what in made)

    def _rules(self, connection: Connection, rules: Sequence[Rule]) -> None:
        self.at = "rules"
        made = apply_rules(connection, self._scope, rules)
        self.changes.extend(Change(kind, what) for kind, what in made)

    def _create(
        self,
        connection: Connection,
        new: Sequence[One],
        name: Callable[[One], str],
        create: Callable[[Sequence[One]], None],
    ) -> None:
        """All at once; where that is refused one by one, which finds out which it is."""
        try:
            with connection.begin_nested():
                create(new)
        except Problem:
            count_anew(connection)
            for one in new:
                self.at = name(one)
                with self._one(connection):
                    create([one])
        self.changes.extend(Change("created", name(one)) for one in new)

    def _create_or_replace(
        self,
        connection: Connection,
        find: Callable[[], object],
        wanted: BaseModel,
        create: Callable[[], None],
        replace: Callable[[], None],
    ) -> None:
        try:
            present = find()
        except NotFound:
            with self._one(connection):
                create()
                self.changes.append(Change("created", self.at))
            return
        if self._is_other(present, wanted):
            with self._one(connection):
                replace()

    def _is_other(self, present: object, wanted: BaseModel) -> bool:
        """Whether something has to be changed, which is noted then."""
        if present == wanted:
            return False
        self.changes.append(Change("changed", self.at, _difference(present, wanted)))
        return True


def _station_name(station: Station) -> str:
    return f"station {station.slug}"


def _device_name(section: DeviceSection) -> str:
    return f"device {section.dev_eui}"


def _zone_or_gate_name(found: _ZoneOrGate) -> str:
    zone, gate = found
    return f"zone {zone.slug}, gate {gate.slug}" if gate else f"zone {zone.slug}"


def _each_once(things: Sequence[One], name: Callable[[One], str]) -> Iterator[list[One]]:
    """In groups of which none names a thing twice: the later one comes into a later group."""
    while things:
        first = {name(one): one for one in reversed(things)}
        yield [one for one in things if first[name(one)] is one]
        things = [one for one in things if first[name(one)] is not one]


def _difference(present: object, wanted: BaseModel) -> str:
    return ", ".join(
        f"{name}: {getattr(present, name)} → {value}"
        for name, value in wanted
        if getattr(present, name) != value
    )

"""Brings an installation to what a town file says.

Only what the file names is touched; applying it again changes nothing. Removing is left to the
API, where one thing is removed at a time and on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import msgspec
from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import NotFound, Problem
from stadtsinn.cloud.alarms.alerts.service import apply_rules
from stadtsinn.cloud.alarms.notify.service import apply_recipients
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.tenants.repository import find_tenant, rename_tenant
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.town import repository, schemas, service
from stadtsinn.cloud.town.records import Device, Edge, Gate, Site, Zone
from stadtsinn.cloud.town_file.model import DeviceSpec, EdgeSpec, GateSpec, SiteSpec, Town, ZoneSpec


@dataclass(frozen=True)
class Change:
    """One thing that applying a town did, or would do. `detail` names old and new values."""

    kind: str
    """``created`` or ``changed``."""
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.what}{f' ({self.detail})' if self.detail else ''}"


class TownRefused(ValueError):
    """Something in the town file cannot be; the message names the section and the remedy."""


class _LeaveAsItIs(Exception):
    """Ends the transaction without a trace."""


def apply_town(
    database: Database, town: Town, now: Instant, *, dry_run: bool = False
) -> tuple[Change, ...]:
    """Bring the registry to what the town says, all of it or nothing; returns what changed.

    A `dry_run` does everything and takes it back, so it finds every error that applying
    would find. Raises TownRefused.
    """
    applied = _Applying(operator_scope(town.tenant), now)
    try:
        with service.change(database) as connection:
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
        for device in town.devices:
            self._device(connection, device)
        for edge in town.edges:
            self._edge(connection, edge)
        for zone in town.zones:
            self._zone(connection, zone)
        self._messages(connection, town)

    def end(self, dry_run: bool) -> None:
        """Keep what was done, unless there is nothing to keep or it was a rehearsal."""
        if dry_run or not self.changes:
            raise _LeaveAsItIs

    def _tenant(self, connection: Connection, town: Town) -> None:
        body = self._checked(schemas.NewTenant, "tenant", id=town.tenant, name=town.name)
        present = find_tenant(connection, town.tenant)
        if present is None:
            create_tenant(connection, body["id"], body["name"], self._now)
            self.changes.append(Change("created", self.at))
        elif present.name != body["name"]:
            rename_tenant(connection, town.tenant, body["name"])
            detail = f"name: {present.name} → {body['name']}"
            self.changes.append(Change("changed", self.at, detail))

    def _site(self, connection: Connection, spec: SiteSpec) -> None:
        body = self._checked(schemas.NewSite, f"site {spec.slug}", **msgspec.structs.asdict(spec))
        wanted, scope = Site(**body), self._scope
        self._bring(
            lambda: repository.site(connection, scope, wanted.slug),
            wanted,
            lambda: service.create_site(connection, scope, wanted),
            lambda: service.replace_site(connection, scope, wanted),
        )

    def _device(self, connection: Connection, spec: DeviceSpec) -> None:
        values = msgspec.structs.asdict(spec)
        values["device_type"] = values.pop("type")
        wanted = Device(**self._checked(schemas.NewDevice, f"device {spec.dev_eui}", **values))
        scope = self._scope
        self._bring(
            lambda: repository.device(connection, scope, wanted.dev_eui),
            wanted,
            lambda: service.create_device(connection, scope, wanted, self._now),
            lambda: service.replace_device(connection, scope, wanted),
        )

    def _edge(self, connection: Connection, spec: EdgeSpec) -> None:
        body = self._checked(schemas.NewEdge, f"edge {spec.id}", **msgspec.structs.asdict(spec))
        wanted, scope = Edge(**body), self._scope
        self._bring(
            lambda: repository.edge(connection, scope, wanted.id),
            wanted,
            lambda: service.create_edge(connection, scope, wanted, self._now),
            lambda: service.replace_edge(connection, scope, wanted),
        )

    def _zone(self, connection: Connection, spec: ZoneSpec) -> None:
        values = msgspec.structs.asdict(spec)
        del values["gates"]
        wanted = Zone(**self._checked(schemas.NewZone, f"zone {spec.slug}", **values))
        scope = self._scope
        self._bring(
            lambda: repository.zone(connection, scope, wanted.slug),
            wanted,
            lambda: service.create_zone(connection, scope, wanted),
            lambda: service.replace_zone(connection, scope, wanted),
        )
        for gate in spec.gates:
            self._gate(connection, wanted.slug, gate)

    def _gate(self, connection: Connection, zone: str, spec: GateSpec) -> None:
        where = f"zone {zone}, gate {spec.slug}"
        body = self._checked(schemas.NewGate, where, **msgspec.structs.asdict(spec))
        wanted, scope = Gate(**body), self._scope
        self._bring(
            lambda: repository.gate(connection, scope, zone, wanted.slug),
            wanted,
            lambda: service.create_gate(connection, scope, zone, wanted),
            lambda: service.replace_gate(connection, scope, zone, wanted),
        )

    def _messages(self, connection: Connection, town: Town) -> None:
        """Recipients and rules are their own domains' business."""
        # Imported here because those domains read this module's types.

        self.at = "recipients"
        made = apply_recipients(connection, self._scope, town.recipients)
        self.at = "rules"
        made += apply_rules(connection, self._scope, town.rules)
        self.changes.extend(Change(kind, what) for kind, what in made)

    def _checked(self, model: type[BaseModel], at: str, **values: Any) -> dict[str, Any]:
        """The values as the API would take them."""
        self.at = at
        try:
            return model.model_validate(values).model_dump()
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'values'}: {item['msg']}"
                for item in error.errors()
            )
            raise TownRefused(f"{at}: {wrong}") from None

    def _bring(
        self,
        find: Callable[[], object],
        wanted: object,
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


def _difference(present: Any, wanted: Any) -> str:
    names = [field.name for field in fields(wanted)]
    return ", ".join(
        f"{name}: {getattr(present, name)} → {getattr(wanted, name)}"
        for name in names
        if getattr(present, name) != getattr(wanted, name)
    )

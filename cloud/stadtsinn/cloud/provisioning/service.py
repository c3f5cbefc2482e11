"""Import, plan, apply and pull: one town's devices at the network server and in the registry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Explained, Sentence
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.platform.lists.row_errors import RowError
from stadtsinn.cloud.platform.tenants.repository import require_tenant
from stadtsinn.cloud.provisioning.chirpstack import ChirpStack, Progress
from stadtsinn.cloud.provisioning.connection import connected
from stadtsinn.cloud.provisioning.model import Keys, Present, PresentDevice, Wanted, WantedDevice
from stadtsinn.cloud.provisioning.order import Order
from stadtsinn.cloud.provisioning.planner import Plan, Refusal, plan
from stadtsinn.cloud.provisioning.profiles import profile_name, profile_of
from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
from stadtsinn.cloud.town.repository import devices_named
from stadtsinn.cloud.town_file.device_columns import Heads
from stadtsinn.cloud.town_file.device_csv import DeviceRow, DeviceTable, read_devices
from stadtsinn.cloud.town_file.device_import import ListRefused, Types, import_table
from stadtsinn.cloud.town_file.model import DeviceSection
from stadtsinn.cloud.town_file.sections import Change
from stadtsinn.edge.network_servers.chirpstack import DEVICE_TAG


def _nothing(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True)
class Installation:
    """What all of it works on."""

    database: Database
    limits: Limits
    settings: ProvisioningSettings
    now: Instant


@dataclass(frozen=True)
class Imported:
    """An order with a list in it, and what the list did not say. `keyless` devices have no key in
    the order, `alike` is the number of those that share one."""

    order: Order
    table: DeviceTable
    keyless: int
    alike: int


@dataclass(frozen=True)
class Planned:
    """What applying would do, at the server and in the registry."""

    server: Plan
    registry: tuple[Change, ...]
    wanted: Wanted
    present: Present


@dataclass(frozen=True)
class Applied:
    """What was done. `refused` devices are neither at the server nor in the registry."""

    server: Plan
    registry: tuple[Change, ...]
    refused: tuple[Refusal, ...]


class DevicesRefused(Explained):
    """Devices that the network server or the registry cannot take: nothing was done."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        which = ", ".join(one.dev_eui for one in refusals[:5])
        super().__init__(
            f"nothing was changed; not to be registered: {which}",
            f"nichts geändert; nicht anzulegen: {which}",
        )
        self.refusals = tuple(refusals)


# --- import ----------------------------------------------------------------------------


def import_list(
    parts: Installation,
    tenant: str,
    content: bytes | str,
    order: Order,
    *,
    columns: Mapping[str, str],
    types: Sequence[str],
) -> Imported:
    """The order with the devices of a list. Nothing is changed anywhere.

    Raises NotFound for an unknown town, TownRefused, and ListRefused with all that is wrong.
    """
    table = read_devices(content, Heads(keys=True, named=columns, by_serial=order.serials()))
    known = {row.dev_eui: row for row in order.rows}
    rows = tuple(_with_known_type(row, known.get(row.dev_eui)) for row in table.rows)
    table = replace(table, rows=rows)
    table = replace(table, errors=(*table.errors, *_nwk_keys_alone(table)))
    _, sections = import_table(
        parts.database,
        tenant,
        table,
        parts.now,
        types=Types.of(types),
        dry_run=True,
        limits=parts.limits,
    )
    ordered = order.with_rows([_resolved(row, sections[row.dev_eui]) for row in table.rows])
    keys = [row.app_key for row in ordered.rows if row.app_key]
    return Imported(ordered, table, len(ordered.rows) - len(keys), len(keys) - len(set(keys)))


def _with_known_type(row: DeviceRow, before: DeviceRow | None) -> DeviceRow:
    """A list of keys alone says no types: an earlier one did."""
    return row if row.types or before is None else replace(row, types=before.types)


def _resolved(row: DeviceRow, section: DeviceSection) -> DeviceRow:
    return replace(row, types=(section.device_type,), vendor="")


def _nwk_keys_alone(table: DeviceTable) -> list[RowError]:
    """ChirpStack calls the AppKey of LoRaWAN 1.0 so: what a list means somebody has to say."""
    head = table.heads.get("nwk_key", "")
    said = Sentence(
        "a NwkKey without an AppKey: LoRaWAN 1.0 has an AppKey alone, 1.1 has both; is it the "
        f"AppKey? Then give --column '{head}=app_key'",
        "ein NwkKey ohne AppKey: LoRaWAN 1.0 hat nur einen AppKey, 1.1 beide; ist es der AppKey? "
        f"Dann --column '{head}=app_key' angeben",
    )
    return [RowError(row.row, head, said) for row in table.rows if row.nwk_key and not row.app_key]


# --- plan and apply ----------------------------------------------------------------------


def plan_order(
    parts: Installation, tenant: str, order: Order, progress: Progress = _nothing
) -> Planned:
    """What applying the order would do. Raises as `apply_order`, but nothing of the server's
    refusals, which the plan has."""
    sections, changes = _registered(parts, tenant, order.rows, dry_run=True)
    wanted = wanted_of(parts, tenant, order, sections)

    async def look() -> Planned:
        async with _server(parts.settings, tenant) as server:
            present = await server.present(wanted, progress)
        return Planned(plan(wanted, present), changes, wanted, present)

    return asyncio.run(look())


def apply_order(
    parts: Installation, tenant: str, order: Order, progress: Progress = _nothing
) -> Applied:
    """Bring server and registry to what the order says: the server first, so that no device is in
    the registry that nobody can hear. Done again it changes nothing; killed anywhere and done again
    it leads to the same.

    Raises DevicesRefused for what the registry objects to, and for devices that are elsewhere at
    the server: then nothing was done. Refused and ServerAway: some of it may be done.
    """
    sections, _ = _registered(parts, tenant, order.rows, dry_run=True)
    wanted = wanted_of(parts, tenant, order, sections)

    async def at_the_server() -> tuple[Plan, list[Refusal]]:
        async with _server(parts.settings, tenant) as server:
            present = await server.present(wanted, _nothing)
            steps = plan(wanted, present)
            if steps.refusals:
                raise DevicesRefused(steps.refusals)
            return steps, await server.execute(steps, wanted, present, progress)

    steps, refused = asyncio.run(at_the_server())
    crash_point("provisioning.at_the_server")
    out = {one.dev_eui for one in refused}
    taken = [row for row in order.rows if row.dev_eui not in out]
    _, changes = _registered(parts, tenant, taken, dry_run=False)
    crash_point("provisioning.registered")
    return Applied(steps, changes, tuple(refused))


def _registered(
    parts: Installation,
    tenant: str,
    rows: Sequence[DeviceRow],
    *,
    types: Sequence[str] = (),
    dry_run: bool,
) -> tuple[Mapping[str, DeviceSection], tuple[Change, ...]]:
    """These devices in the registry; errors name them, for they come from several lists or none."""
    table = DeviceTable(tuple(replace(row, row=number) for number, row in enumerate(rows, 1)))
    try:
        changes, sections = import_table(
            parts.database,
            tenant,
            table,
            parts.now,
            types=Types.of(types),
            dry_run=dry_run,
            limits=parts.limits,
        )
    except ListRefused as refused:
        named = {row.row: row.dev_eui for row in table.rows}
        told = [Refusal(named.get(one.row, ""), one.said) for one in refused.errors]
        raise DevicesRefused(told) from None
    return sections, changes


def wanted_of(
    parts: Installation, tenant: str, order: Order, sections: Mapping[str, DeviceSection]
) -> Wanted:
    """What the network server shall have of an order. Raises DevicesRefused."""
    settings, town = parts.settings, parts.settings.town(tenant)
    intervals: dict[str, int] = {}
    for section in sections.values():
        name = profile_name(section.device_type)
        intervals[name] = max(section.interval_s, intervals.get(name, 0))
    profiles = {
        name: profile_of(name, interval, settings) for name, interval in sorted(intervals.items())
    }
    rows = {row.dev_eui: row for row in order.rows}
    devices = []
    refusals = []
    for dev_eui, section in sections.items():
        name = profile_name(section.device_type)
        row = rows[dev_eui]
        two = profiles[name].lorawan_version == "1.1.0"
        if two and row.app_key and not row.nwk_key:
            refusals.append(Refusal(dev_eui, _TWO_KEYS))
            continue
        device = WantedDevice(
            dev_eui=dev_eui,
            name=section.name,
            device_type=section.device_type,
            profile=name,
            join_eui=row.join_eui,
            keys=_keys(row, two=two),
        )
        devices.append(device)
    if refusals:
        raise DevicesRefused(refusals)
    return Wanted(
        tenant=town.tenant or _name_of(parts, tenant),
        tenant_id=town.tenant_id,
        application=town.application or settings.application,
        profiles=tuple(profiles.values()),
        devices=tuple(devices),
    )


_TWO_KEYS = Sentence(
    "LoRaWAN 1.1 has two keys: import a list with AppKey and NwkKey, or correct "
    "[provisioning.lorawan_versions]",
    "LoRaWAN 1.1 hat zwei Schlüssel: eine Liste mit AppKey und NwkKey importieren, oder "
    "[provisioning.lorawan_versions] berichtigen",
)


def _keys(row: DeviceRow, *, two: bool) -> Keys | None:
    if not row.app_key:
        return None
    return Keys(row.nwk_key, row.app_key) if two else Keys(row.app_key)


# --- pull ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pulled:
    """Devices of the server that the registry has not. `changes`: what taking them over did or
    would do."""

    devices: tuple[PresentDevice, ...]
    changes: tuple[Change, ...]


def pull(
    parts: Installation, tenant: str, *, types: Sequence[str] = (), dry_run: bool = False
) -> Pulled:
    """Take over what stands at the server and not in the registry. Keys stay where they are.

    Raises DevicesRefused where a device's type is not known: `types` says it.
    """
    town = parts.settings.town(tenant)
    name = town.tenant or _name_of(parts, tenant)
    application = town.application or parts.settings.application

    async def look() -> list[tuple[PresentDevice, str]]:
        async with _server(parts.settings, tenant) as server:
            return await server.all_devices(town.tenant_id, name, application)

    found = asyncio.run(look())
    with parts.database.read() as connection:
        here = devices_named(
            connection, operator_scope(tenant), [device.dev_eui for device, _ in found]
        )
    missing = [(device, profile) for device, profile in found if device.dev_eui not in here]
    rows = [_row(device, profile) for device, profile in missing]
    _, changes = _registered(parts, tenant, rows, types=types, dry_run=dry_run)
    return Pulled(tuple(device for device, _ in missing), changes)


def _row(device: PresentDevice, profile: str) -> DeviceRow:
    values: dict[str, object] = {"name": device.name} if device.name else {}
    stated = (device.tags.get(DEVICE_TAG, ""), profile)
    if tags := {name: value for name, value in device.tags.items() if name != DEVICE_TAG}:
        values["tags"] = tags
    return DeviceRow(0, device.dev_eui, values, tuple(filter(None, stated)))


# --- shared ----------------------------------------------------------------------------


def _name_of(parts: Installation, tenant: str) -> str:
    with parts.database.read() as connection:
        return require_tenant(connection, tenant).name


@asynccontextmanager
async def _server(settings: ProvisioningSettings, tenant: str) -> AsyncIterator[ChirpStack]:
    """The town's side of the server. Raises SettingsError for a key that cannot be read."""
    secret = settings.town(tenant).api_key or settings.api_key
    key = secret.read()
    if key is None:
        raise Explained(
            "no API key: make one in ChirpStack (Network Server, API keys), write it into a file "
            "and name that in the configuration: [provisioning] api_key_file",
            "kein API-Schlüssel: in ChirpStack einen anlegen (Network Server, API keys), in eine "
            "Datei schreiben und diese in der Konfiguration nennen: [provisioning] api_key_file",
        )
    async with connected(
        settings.address,
        key,
        tls=settings.encrypted,
        ca=settings.ca,
        timeout_s=settings.timeout_s,
        patience_s=settings.patience_s,
    ) as connection:
        yield ChirpStack(connection, settings.at_once)

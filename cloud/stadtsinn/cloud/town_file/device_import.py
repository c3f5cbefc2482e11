"""Imports a device list: what its cells say is changed, what they leave empty stays as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import ValidationError

from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.platform.lists.row_errors import RowError, told
from stadtsinn.cloud.platform.tenants.repository import require_tenant
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.repository import devices_named
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.device_csv import DeviceRow, DeviceTable, read_devices
from stadtsinn.cloud.town_file.model import DeviceSection, Town
from stadtsinn.cloud.town_file.problems import TownRefused
from stadtsinn.cloud.town_file.sections import Change
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.near import near_devices

_BY_MODEL = {"device_type": "type", "depths_cm": "depth_cm"}


@dataclass(frozen=True)
class Types:
    """What the caller says of types: the id for each model, and that of rows that name none."""

    by_model: Mapping[str, str]
    default: str | None = None

    @classmethod
    def of(cls, stated: Sequence[str]) -> Types:
        """From ``dragino/lse01`` and ``LSE01=dragino/lse01``. Raises TownRefused."""
        models: dict[str, str] = {}
        default = None
        for one in stated:
            model, equals, device_type = one.partition("=")
            if not equals or "/" in model:  # an id may have constants: vendor/device:depth=2
                model, device_type = "", one
            if catalogue().find(device_type) is None:
                said = _unknown(device_type)
                raise TownRefused.of(said.about(f"--type {one}"))
            if model:
                models[_plain(model)] = device_type
            else:
                default = device_type
        return cls(models, default)


@dataclass(frozen=True)
class Imported:
    """What an import changed, or would change, and the list it came from."""

    changes: tuple[Change, ...]
    table: DeviceTable


class ListRefused(TownRefused):
    """A list with errors: nothing of it is taken. `errors` has each with its row."""

    errors: tuple[RowError, ...] = ()

    @classmethod
    def of_rows(cls, errors: Sequence[RowError]) -> ListRefused:
        said = told(errors)
        refused = cls(f"nothing was changed\n{said.english}", f"nichts geändert\n{said.german}")
        refused.errors = tuple(sorted(errors, key=lambda one: one.row))
        return refused


def import_devices(
    database: Database,
    tenant: str,
    content: bytes | str,
    now: Instant,
    *,
    types: Sequence[str] = (),
    dry_run: bool = False,
    limits: Limits = DEFAULTS,
) -> Imported:
    """Bring the devices of a list into a town's registry. Raises as `import_table`."""
    known_types = Types.of(types)
    table = read_devices(content)
    changes, _ = import_table(
        database, tenant, table, now, types=known_types, dry_run=dry_run, limits=limits
    )
    return Imported(changes, table)


def import_table(
    database: Database,
    tenant: str,
    table: DeviceTable,
    now: Instant,
    *,
    types: Types,
    dry_run: bool = False,
    limits: Limits = DEFAULTS,
) -> tuple[tuple[Change, ...], Mapping[str, DeviceSection]]:
    """Bring the devices of a table into a town's registry; what changed, and the devices by DevEUI
    as they are then.

    Raises NotFound for an unknown town, and ListRefused with all that is wrong, each with its line
    and column; then nothing is changed.
    """
    scope = operator_scope(tenant, limits)
    with database.read() as connection:
        owner = require_tenant(connection, tenant)
        present = devices_named(connection, scope, [row.dev_eui for row in table.rows])
    errors = [*table.errors]
    sections: dict[str, tuple[int, DeviceSection]] = {}
    for row in table.rows:
        section = _section(table, row, present.get(row.dev_eui), types, errors)
        if section is not None:
            sections.setdefault(row.dev_eui, (row.row, section))
    devices = {eui: section for eui, (_, section) in sections.items()}
    town = Town(tenant=tenant, name=owner.name, devices=tuple(devices.values()))
    try:
        changes = apply_town(database, town, now, dry_run=dry_run or bool(errors), limits=limits)
    except TownRefused as refused:
        if not refused.problems:
            raise
        errors += _by_row(refused, {eui: row for eui, (row, _) in sections.items()})
    if errors:
        raise ListRefused.of_rows(errors)
    return changes, devices


def _section(
    table: DeviceTable,
    row: DeviceRow,
    present: Device | None,
    types: Types,
    errors: list[RowError],
) -> DeviceSection | None:
    """The device as it shall be: what is there, and over it what the row says."""
    values: dict[str, object] = present.model_dump() if present is not None else {}
    given = dict(row.values)
    if present is not None and isinstance(marks := given.get("tags"), Mapping):
        given["tags"] = {**present.tags, **marks}
    values |= given
    values["dev_eui"] = row.dev_eui
    values.setdefault("name", row.fallback_name or row.dev_eui)
    device_type, wrong = _type(row, types, present)
    if device_type is not None:
        values["device_type"] = device_type
    elif wrong or present is None:
        said = wrong or _NO_TYPE
        errors.append(RowError(row.row, table.heads.get("type", "type"), said))
        return None
    try:
        return DeviceSection.model_validate(values)
    except ValidationError as error:
        for item in error.errors():
            field = str(item["loc"][0]) if item["loc"] else ""
            head = table.heads.get(_BY_MODEL.get(field, field), field)
            errors.append(RowError(row.row, head, field_sentence(item)))
        return None


def _type(
    row: DeviceRow, types: Types, present: Device | None
) -> tuple[str | None, Sentence | None]:
    """The device type that a row names, or what is wrong with it; neither where it names none.

    A model alone is no id, but it is no reason to change that of a registered device.
    """
    known = catalogue()
    for model in row.types:
        candidates = (types.by_model.get(_plain(model)), model, _with_vendor(row.vendor, model))
        for candidate in candidates:
            if candidate is not None and known.find(candidate) is not None:
                return candidate, None
    if types.default is not None:
        return types.default, None
    if not row.types:
        return None, None
    if present is not None and present.device_type in near_devices(row.types[0], list(known)):
        return None, None
    return None, _unknown(row.types[0], row.vendor)


def _with_vendor(vendor: str, model: str) -> str | None:
    """The catalogue's id where a list names vendor and model in two columns."""
    if not vendor:
        return None
    slugs = [re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in (vendor, model)]
    return f"{slugs[0].removesuffix('-iot')}/{slugs[1]}"


_NO_TYPE = Sentence(
    "is empty: name it in a column 'type', or with --type",
    "ist leer: in einer Spalte 'type' nennen, oder mit --type",
)


@lru_cache(maxsize=256)
def _unknown(device_type: str, vendor: str = "") -> Sentence:
    shown = visible(device_type)[:40]
    near = near_devices(f"{vendor} {device_type}".strip(), list(catalogue()))
    if not near:
        return Sentence(
            f"there is no device type '{shown}': 'stadtsinn decode --list' shows all",
            f"es gibt keinen Gerätetyp '{shown}': 'stadtsinn decode --list' zeigt alle",
        )
    return Sentence(
        f"there is no device type '{shown}'. Did you mean {' or '.join(near)}? Write it there, or "
        f"give --type '{shown}={near[0]}'",
        f"es gibt keinen Gerätetyp '{shown}'. War {' oder '.join(near)} gemeint? Dort "
        f"hinschreiben, oder --type '{shown}={near[0]}' angeben",
    )


def _by_row(refused: TownRefused, rows: Mapping[str, int]) -> list[RowError]:
    """The registry's objections, each at the line of its device."""
    return [
        RowError(
            rows.get(problem.at.removeprefix("device "), 0),
            "",
            problem.said,
        )
        for problem in refused.problems
    ]


def _plain(model: str) -> str:
    return re.sub(r"[^a-z0-9]", "", model.lower())

"""What a town's own labels say of its devices: the code of TR005, name and station. No key, and no
owner token: whoever walks past can read a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.instant import to_datetime
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.provisioning.order import Order
from stadtsinn.cloud.provisioning.service import Installation
from stadtsinn.cloud.provisioning.tr005 import NO_PROFILE, NOBODY, DeviceCode
from stadtsinn.cloud.town.repository import devices_named
from stadtsinn.cloud.town.service import dev_eui as read_dev_eui
from stadtsinn.cloud.town.stations.repository import deployments_of, stations_named


@dataclass(frozen=True)
class LabelledDevice:
    """`station` is empty where the device is at none yet."""

    code: DeviceCode
    name: str
    station: str


def labelled(
    parts: Installation, town: str, order: Order, wanted: Sequence[str]
) -> list[LabelledDevice]:
    """The devices named, or all of the delivery in its order. Raises Unusable for those that are
    neither in the delivery nor registered."""
    named = list(dict.fromkeys(map(read_dev_eui, wanted))) or [row.dev_eui for row in order.rows]
    if not named:
        raise Unusable(
            "no delivery was imported yet ('stadtsinn device import'): name the devices by DevEUI",
            "noch keine Lieferung importiert ('stadtsinn device import'): die Geräte mit DevEUI "
            "nennen",
        )
    rows = {row.dev_eui: row for row in order.rows}
    scanned = {label.dev_eui: label for label in order.labels}
    scope = operator_scope(town, parts.limits)
    with parts.database.read() as connection:
        present = devices_named(connection, scope, named)
        stations = _stations(connection, scope, parts, named)
    if unknown := [one for one in named if one not in rows and one not in present]:
        shown = ", ".join(unknown[:5])
        raise Unusable(
            f"neither in the delivery nor registered: {shown}",
            f"weder in der Lieferung noch angelegt: {shown}",
        )
    found = []
    for dev_eui in named:
        row, label, device = rows.get(dev_eui), scanned.get(dev_eui), present.get(dev_eui)
        values = {} if row is None else row.values
        code = DeviceCode(
            join_eui=(row and row.join_eui) or (label and label.join_eui) or NOBODY,
            dev_eui=dev_eui,
            profile=(label and label.profile) or NO_PROFILE,
            serial=(row and row.serial) or (label and label.serial) or "",
        )
        name = device.name if device is not None else str(values.get("name") or dev_eui)
        station = stations.get(dev_eui) or str(values.get("station", ""))
        found.append(LabelledDevice(code, name, station))
    return found


def _stations(
    connection: Connection, scope: Scope, parts: Installation, dev_euis: Sequence[str]
) -> dict[str, str]:
    """The names of the stations that these devices are at now."""
    now = to_datetime(parts.now)
    places = {
        one.dev_eui: one.station
        for one in deployments_of(connection, scope, dev_euis)
        if (one.start is None or one.start <= now) and (one.end is None or now < one.end)
    }
    known = stations_named(connection, scope, set(places.values()))
    return {dev_eui: known[slug].name for dev_eui, slug in places.items() if slug in known}

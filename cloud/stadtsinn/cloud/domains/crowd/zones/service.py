"""Changes zones and gates. The functions take the connection of one transaction, opened with
`town.service.change`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.domains.crowd.zones import repository
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.town.service import require_free, require_site
from stadtsinn.cloud.town.stations import repository as stations
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.decoders.catalogue import catalogue

FORGOTTEN_AT_ONCE = 2_000
"""Counts of a direction, samples or corrections that one transaction deletes."""


def create_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    require_free(lambda: repository.zone(connection, scope, record.slug), "zone", record.slug)
    require_site(connection, scope, record.site)
    require_room(connection, scope, "zones", zones)
    repository.insert_zone(connection, scope, record)


def replace_zone(connection: Connection, scope: Scope, record: Zone) -> None:
    repository.zone(connection, scope, record.slug)
    require_site(connection, scope, record.site)
    repository.update_zone(connection, scope, record)


def forget_zone_history(connection: Connection, scope: Scope, slug: str) -> bool:
    """Before an empty zone is deleted: what was computed for it, a part of it; True: there may be
    more. Raises Conflict while it has gates, or something refers to it."""
    if left := repository.gates_of(connection, scope, slug):
        names = ", ".join(gate.slug for gate in left)
        raise Conflict(
            f"The zone '{slug}' still has gates: {names}. Delete them first.",
            f"Die Zone '{slug}' hat noch Zugänge: {names}. Diese erst löschen.",
        )
    if users := repository.users_of_zone(connection, scope, slug):
        raise Conflict(
            f"The zone '{slug}' is used by {', '.join(users)}: something still refers to it. "
            "Delete that first.",
            f"Die Zone '{slug}' wird gebraucht von {', '.join(users)}: etwas bezieht sich noch "
            "auf sie. Das erst löschen.",
        )
    return (
        repository.forget_zone_history(connection, scope, slug, FORGOTTEN_AT_ONCE)
        >= FORGOTTEN_AT_ONCE
    )


def delete_zone(connection: Connection, scope: Scope, slug: str) -> None:
    """Forget an empty zone, and what is left of its history; raises as `forget_zone_history`."""
    forget_zone_history(connection, scope, slug)
    repository.delete_zone(connection, scope, slug)


def create_gate(connection: Connection, scope: Scope, zone: str, record: Gate) -> None:
    """Add an entrance; raises Invalid unless its station counts people for the same tenant."""
    repository.zone(connection, scope, zone)
    require_free(lambda: repository.gate(connection, scope, zone, record.slug), "gate", record.slug)
    _require_countable(connection, scope, zone, record)
    require_room(connection, scope, "gates", gates)
    repository.insert_gate(connection, scope, zone, record)


def replace_gate(connection: Connection, scope: Scope, zone: str, record: Gate) -> None:
    repository.gate(connection, scope, zone, record.slug)
    _require_countable(connection, scope, zone, record)
    repository.update_gate(connection, scope, zone, record)


def forget_gate_counts(connection: Connection, scope: Scope, zone: str, slug: str) -> bool:
    """Before a gate is deleted: its counts, the oldest first, a part of them; True: there may be
    more. They can be years'."""
    repository.gate(connection, scope, zone, slug)
    return (
        repository.forget_gate_counts(connection, scope, zone, slug, FORGOTTEN_AT_ONCE)
        >= FORGOTTEN_AT_ONCE
    )


def delete_gate(connection: Connection, scope: Scope, zone: str, slug: str) -> None:
    """Remove an entrance, and what is left of its counts."""
    repository.gate(connection, scope, zone, slug)
    repository.delete_gate(connection, scope, zone, slug)


def _require_countable(connection: Connection, scope: Scope, zone: str, record: Gate) -> None:
    try:
        station = stations.station(connection, scope, record.station)
    except NotFound as missing:
        raise Invalid(
            f"{missing.detail} Create it first.",
            f"{missing.sentence.german} Erst anlegen.",
        ) from None
    _require_people_counter(station, repository.device_types_at(connection, scope, station.slug))
    for other in repository.gates_of(connection, scope, zone):
        same_line = (other.station, other.channel) == (record.station, record.channel)
        if same_line and other.slug != record.slug:
            raise Conflict(
                f"Gate '{other.slug}' already counts with this station and channel: "
                "persons would count twice.",
                f"Der Zugang '{other.slug}' zählt schon mit dieser Messstelle und diesem Kanal: "
                "Personen würden doppelt gezählt.",
            )


def _require_people_counter(station: Station, device_types: Sequence[str]) -> None:
    known = [catalogue().find(name) for name in device_types]
    # A type that has left the catalogue is not judged: its next uplink goes to quarantine.
    counting = any(found is None or found.family == "people" for found in known)
    if not (counting if known else station.kind == "gate"):
        raise Invalid(
            f"The station '{station.slug}' ({station.kind}) counts no people: "
            "none of its devices is a people counter.",
            f"Die Messstelle '{station.slug}' ({station.kind}) zählt keine Personen: keines "
            "ihrer Geräte ist ein Personenzähler.",
        )

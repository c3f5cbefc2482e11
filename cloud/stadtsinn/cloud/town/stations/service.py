"""Changes stations and deployments, and records the parts of series that have to be made anew.

All functions take the connection of one transaction, opened with `town.service.change`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection

from stadtsinn.base.berlin import for_people
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.town.stations import overlaps, repository
from stadtsinn.cloud.town.stations.corrections import concerned
from stadtsinn.cloud.town.stations.model import Deployment, PlacedDeployment, Station
from stadtsinn.cloud.town.stations.slugs import free_slug
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.decoders.catalogue import catalogue


@dataclass(frozen=True)
class Editor:
    """Who changes something, and when."""

    scope: Scope
    now: Instant
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", f"key {self.scope.key_id}")


# --- stations --------------------------------------------------------------------------


def create_station(connection: Connection, editor: Editor, record: Station) -> None:
    """Raises Conflict where the slug is taken, Invalid for an unknown site."""
    if repository.is_slug_taken(connection, editor.scope, record.slug):
        raise Conflict(f"There is already a station '{record.slug}'. Change it with PUT.")
    require_room(connection, editor.scope, "stations", stations)
    with _known_site():
        repository.insert_station(connection, editor.scope, record, editor.now)


def replace_station(connection: Connection, editor: Editor, record: Station) -> None:
    repository.station(connection, editor.scope, record.slug)
    with _known_site():
        repository.update_station(connection, editor.scope, record)


def delete_station(connection: Connection, editor: Editor, slug: str) -> None:
    """Forget a station; raises Conflict while it has deployments or something refers to it."""
    repository.station(connection, editor.scope, slug)
    if repository.deployments_page(connection, editor.scope, None, 1, station=slug):
        raise Conflict(
            f"The station '{slug}' has deployments: its history would go with it. Delete them "
            f"first (GET /api/v1/deployments?station={slug} lists them)."
        )
    if users := repository.users_of_station(connection, editor.scope, slug):
        raise Conflict(
            f"The station '{slug}' is used by {', '.join(users)}: something still refers to it. "
            "Delete that first."
        )
    repository.delete_station(connection, editor.scope, slug)


@contextmanager
def _known_site() -> Iterator[None]:
    """Turns NotFound for a site that a request names into Invalid (422 instead of 404)."""
    try:
        yield
    except NotFound as missing:
        raise Invalid(f"{missing.detail} Create it first.") from None


# --- deployments -----------------------------------------------------------------------


def deploy(connection: Connection, editor: Editor, record: Deployment) -> PlacedDeployment:
    """Make a deployment. Raises Invalid for an unknown device or station, Conflict where the
    device or the station is taken at that time."""
    station = _require_possible(connection, editor.scope, record, without=None)
    require_room(connection, editor.scope, "deployments", deployments)
    number = repository.insert_deployment(connection, editor.scope, record, station, editor.now)
    _correct(connection, editor, None, record)
    return PlacedDeployment(id=number, **_fields(record))


def replace_deployment(
    connection: Connection, editor: Editor, number: int, record: Deployment
) -> PlacedDeployment:
    """Correct a deployment, also an ended one; raises as `deploy`, NotFound for the number."""
    present = repository.deployment(connection, editor.scope, number)
    station = _require_possible(connection, editor.scope, record, without=number)
    repository.update_deployment(connection, editor.scope, number, record, station)
    _correct(connection, editor, present, record)
    return PlacedDeployment(id=number, **_fields(record))


def delete_deployment(connection: Connection, editor: Editor, number: int) -> None:
    """Delete a deployment, as if it had never existed; to end one, set its end."""
    present = repository.deployment(connection, editor.scope, number)
    repository.delete_deployments(connection, editor.scope, [number])
    _correct(connection, editor, present, None)


def swap_device(
    connection: Connection, editor: Editor, old: str, new: str, at: Instant
) -> list[PlacedDeployment]:
    """From `at` on the device `new` measures where `old` did; channels and depths stay.

    Calibration and direction belong to a device and its mounting: they begin anew. Raises
    Conflict where `old` measures nowhere at that time, or `new` is needed elsewhere later.
    """
    if old == new:
        raise Invalid("A device cannot be swapped for itself: name the new one.")
    places = [one for one in _of_device(connection, editor.scope, old) if _holds(one, at)]
    if not places:
        raise Conflict(
            f"The device '{old}' measures at no station at {for_people(at)}: "
            "'stadtsinn station history' shows where it was."
        )
    free_from(connection, editor, new, at)
    made = []
    for place in places:
        end_deployment(connection, editor, place, at)
        follower = place.model_copy(
            update={
                "dev_eui": new,
                "start": to_datetime(at),
                "swapped": False,
                "calibration": {},
                "installed_by": editor.name,
                "remarks": "",
            }
        )
        made.append(deploy(connection, editor, Deployment(**_fields(follower))))
    return made


def move_device(
    connection: Connection, editor: Editor, dev_eui: str, station: str, at: Instant
) -> PlacedDeployment:
    """From `at` on a device measures at another station, with all its channels."""
    free_from(connection, editor, dev_eui, at)
    record = Deployment(
        dev_eui=dev_eui, station=station, start=to_datetime(at), installed_by=editor.name
    )
    return deploy(connection, editor, record)


def free_from(
    connection: Connection, editor: Editor, dev_eui: str, at: Instant, *, keep_unused: bool = False
) -> None:
    """End what a device measures at `at`; raises Conflict where it is deployed later on.

    A station of its own that it never measured anything for goes with its deployment, unless
    `keep_unused`: uplinks from before may be under way.
    """
    for place in _of_device(connection, editor.scope, dev_eui):
        if place.starts > at:
            raise Conflict(
                f"The device '{dev_eui}' is deployed at station '{place.station}' from "
                f"{for_people(place.starts)} on: end or delete that deployment ({place.id}) first."
            )
        if not _holds(place, at):
            continue
        if not keep_unused and _is_unused(connection, editor.scope, place):
            # The follower may have written its first value there a moment ago.
            delete_deployment(connection, editor, place.id)
            repository.delete_station(connection, editor.scope, place.station)
        else:
            end_deployment(connection, editor, place, at)


def end_deployment(
    connection: Connection, editor: Editor, place: PlacedDeployment, at: Instant
) -> None:
    """A deployment lasts until `at`; one that began then is taken away."""
    if place.starts >= at:
        delete_deployment(connection, editor, place.id)
        return
    ended = Deployment(**{**_fields(place), "end": to_datetime(at)})
    replace_deployment(connection, editor, place.id, ended)


# --- devices come and go ---------------------------------------------------------------


def place_new_device(
    connection: Connection, editor: Editor, dev_eui: str, own: Station, station: str | None
) -> None:
    """A device just registered measures from its beginning: at `station`, or at one of its own.

    `own` is the station of its own as it would be; its slug gets a suffix where it is taken. A
    device that was registered before goes on where its last deployment ended.
    """
    earlier = [one.ends for one in _of_device(connection, editor.scope, dev_eui)]
    if station is None:
        station, key = _own_station(connection, editor, dev_eui, own)
        if not earlier:
            # Both are new: nothing can conflict, and no series has to be made anew.
            first = Deployment(dev_eui=dev_eui, station=station)
            require_room(connection, editor.scope, "deployments", deployments)
            repository.insert_deployment(connection, editor.scope, first, key, editor.now)
            return
    start = to_datetime(max(earlier)) if earlier else None
    deploy(connection, editor, Deployment(dev_eui=dev_eui, station=station, start=start))


def withdraw_device(
    connection: Connection, editor: Editor, dev_eui: str, *, keep_unused: bool = False
) -> None:
    """End what a device measures; what it measured stays. `keep_unused` as in `free_from`.

    Raises Conflict where it is deployed later on.
    """
    free_from(connection, editor, dev_eui, editor.now, keep_unused=keep_unused)


def _own_station(
    connection: Connection, editor: Editor, dev_eui: str, own: Station
) -> tuple[str, int]:
    """Its slug and its key."""
    slug = free_slug(
        own.slug, dev_eui[-6:], partial(repository.is_slug_taken, connection, editor.scope)
    )
    made = own.model_copy(update={"slug": slug})
    require_room(connection, editor.scope, "stations", stations)
    return slug, repository.insert_station(connection, editor.scope, made, editor.now)


def _is_unused(connection: Connection, scope: Scope, place: PlacedDeployment) -> bool:
    """Whether the station has no other deployment and no series."""
    at_station = repository.deployments_page(connection, scope, None, 2, station=place.station)
    return (
        len(at_station) == 1
        and not repository.has_datastreams(connection, scope, place.station)
        and not repository.users_of_station(connection, scope, place.station)
    )


# --- shared ----------------------------------------------------------------------------


def _require_possible(
    connection: Connection, scope: Scope, record: Deployment, without: int | None
) -> int:
    """Returns the station's key."""
    if not repository.is_own_device(connection, scope, record.dev_eui):
        raise Invalid(f"There is no device '{record.dev_eui}'. Register it first.")
    try:
        station = repository.station_id(connection, scope, record.station)
    except NotFound as missing:
        raise Invalid(f"{missing.detail} Create it first.") from None
    beside = repository.deployments_beside(connection, scope, record.dev_eui, station, without)
    if refused := overlaps.objection(record, beside, _ChannelsOfTypes(connection)):
        raise Conflict(refused)
    return station


class _ChannelsOfTypes:
    """The channels that a device's type can have, by the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self, dev_eui: str) -> tuple[str, ...] | None:
        known = catalogue().find(repository.device_type(self._connection, dev_eui) or "")
        return None if known is None else tuple({slot.channel for slot in known.fields})


def _of_device(connection: Connection, scope: Scope, dev_eui: str) -> Sequence[PlacedDeployment]:
    return repository.deployments_page(connection, scope, None, None, dev_eui=dev_eui)


def _holds(place: Deployment, at: Instant) -> bool:
    return place.starts <= at < place.ends


def _fields(record: Deployment) -> dict[str, Any]:
    """A deployment's own fields, without the id of a stored one."""
    return {name: getattr(record, name) for name in Deployment.model_fields}


def _correct(
    connection: Connection, editor: Editor, old: Deployment | None, new: Deployment | None
) -> None:
    parts = concerned(old, new)
    repository.insert_corrections(connection, editor.scope, parts, editor.now, editor.name)

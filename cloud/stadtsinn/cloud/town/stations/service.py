"""Changes stations and deployments, and records the parts of series that have to be made anew.

All functions take the connection of one transaction, opened with `town.service.change`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from stadtsinn.base.berlin import for_people, in_german
from stadtsinn.base.instant import Instant, to_datetime
from stadtsinn.base.problems import Conflict, Invalid, NotFound
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.town.stations import overlaps, repository
from stadtsinn.cloud.town.stations.corrections import concerned
from stadtsinn.cloud.town.stations.model import (
    BEGINNING,
    Deployment,
    PlacedDeployment,
    Station,
)
from stadtsinn.cloud.town.stations.slugs import free_slugs
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
    create_stations(connection, editor, [record])


def create_stations(connection: Connection, editor: Editor, records: Sequence[Station]) -> None:
    """All or none; raises as `create_station`."""
    slugs = [record.slug for record in records]
    if taken := repository.station_ids(connection, editor.scope, slugs):
        raise Conflict(
            f"There is already a station '{min(taken)}'. Change it with PUT.",
            f"Es gibt schon eine Messstelle '{min(taken)}'. Sie mit PUT ändern.",
        )
    for _ in records:
        require_room(connection, editor.scope, "stations", stations)
    with _known_site():
        repository.insert_stations(connection, editor.scope, records, editor.now)


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
            f"first (GET /api/v1/deployments?station={slug} lists them).",
            f"Die Messstelle '{slug}' hat Einbauten: ihre Geschichte ginge mit. Diese erst "
            f"löschen (GET /api/v1/deployments?station={slug} listet sie auf).",
        )
    if users := repository.users_of_station(connection, editor.scope, slug):
        raise Conflict(
            f"The station '{slug}' is used by {', '.join(users)}: something still refers to it. "
            "Delete that first.",
            f"Die Messstelle '{slug}' wird gebraucht von {', '.join(users)}: etwas bezieht sich "
            "noch auf sie. Das erst löschen.",
        )
    repository.delete_station(connection, editor.scope, slug)


@contextmanager
def _known_site() -> Iterator[None]:
    """Turns NotFound for a site that a request names into Invalid (422 instead of 404)."""
    try:
        yield
    except NotFound as missing:
        raise Invalid(
            f"{missing.detail} Create it first.",
            f"{missing.sentence.german} Erst anlegen.",
        ) from None


# --- deployments -----------------------------------------------------------------------


def deploy(connection: Connection, editor: Editor, record: Deployment) -> PlacedDeployment:
    """Make a deployment. Raises Invalid for an unknown device or station, Conflict where the
    device or the station is taken at that time."""
    (station,) = _require_possible(connection, editor.scope, [record])
    require_room(connection, editor.scope, "deployments", deployments)
    number = repository.insert_deployment(connection, editor.scope, record, station, editor.now)
    _correct(connection, editor, [(None, record)])
    return PlacedDeployment(id=number, **_fields(record))


def deploy_all(connection: Connection, editor: Editor, records: Sequence[Deployment]) -> None:
    """As `deploy`, for many; where one is refused the transaction has to be rolled back."""
    keys = _require_possible(connection, editor.scope, records)
    placed = list(zip(records, keys, strict=True))
    for _ in placed:
        require_room(connection, editor.scope, "deployments", deployments)
    repository.insert_deployments(connection, editor.scope, placed, editor.now)
    _correct(connection, editor, [(None, record) for record in records])


def replace_deployment(
    connection: Connection, editor: Editor, number: int, record: Deployment
) -> PlacedDeployment:
    """Correct a deployment, also an ended one; raises as `deploy`, NotFound for the number."""
    present = repository.deployment(connection, editor.scope, number)
    (station,) = _require_possible(connection, editor.scope, [record], without=number)
    repository.update_deployment(connection, editor.scope, number, record, station)
    _correct(connection, editor, [(present, record)])
    return PlacedDeployment(id=number, **_fields(record))


def delete_deployment(connection: Connection, editor: Editor, number: int) -> None:
    """Delete a deployment, as if it had never existed; to end one, set its end."""
    present = repository.deployment(connection, editor.scope, number)
    repository.delete_deployments(connection, editor.scope, [number])
    _correct(connection, editor, [(present, None)])


def swap_device(
    connection: Connection, editor: Editor, old: str, new: str, at: Instant
) -> list[PlacedDeployment]:
    """From `at` on the device `new` measures where `old` did; channels and depths stay.

    Calibration and direction belong to a device and its mounting: they begin anew, except that what
    hangs above water at a known height still measures a level from there. Raises
    Conflict where `old` measures nowhere at that time, or `new` is needed elsewhere later.
    """
    if old == new:
        raise Invalid(
            "A device cannot be swapped for itself: name the new one.",
            "Ein Gerät lässt sich nicht gegen sich selbst tauschen: das neue nennen.",
        )
    places = [one for one in _of_device(connection, editor.scope, old) if _holds(one, at)]
    if not places:
        raise Conflict(
            f"The device '{old}' measures at no station at {for_people(at)}: "
            "'stadtsinn station history' shows where it was.",
            f"Das Gerät '{old}' misst am {in_german(at)} an keiner Messstelle: 'stadtsinn "
            "station history' zeigt, wo es war.",
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
                "calibration": {
                    name: one for name, one in place.calibration.items() if one.becomes is not None
                },
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
                f"{for_people(place.starts)} on: end or delete that deployment ({place.id}) first.",
                f"Das Gerät '{dev_eui}' ist ab {in_german(place.starts)} an der Messstelle "
                f"'{place.station}' eingebaut: diesen Einbau ({place.id}) erst beenden oder "
                "löschen.",
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


@dataclass(frozen=True)
class Place:
    """Where a new device is put: at `station`, or at one of its own. How deep it measures there."""

    station: str | None = None
    depths_cm: Mapping[str, float] = field(default_factory=dict)


OWN_STATION = Place()


@dataclass(frozen=True)
class NewDevice:
    """A device just registered.

    `own` is the station of its own as it would be; its slug gets a suffix where it is taken.
    """

    dev_eui: str
    own: Station
    place: Place = OWN_STATION


def place_new_devices(connection: Connection, editor: Editor, new: Sequence[NewDevice]) -> None:
    """They measure from their beginning; one that was registered before goes on where its last
    deployment ended."""
    ended: dict[str, Instant] = {}
    for place in repository.deployments_of(connection, editor.scope, [one.dev_eui for one in new]):
        ended[place.dev_eui] = max(place.ends, ended.get(place.dev_eui, BEGINNING))
    own = _own_stations(connection, editor, [one for one in new if one.place.station is None])
    first: list[tuple[Deployment, int]] = []
    placed: list[Deployment] = []
    for one in new:
        station, key = own.get(one.dev_eui, (one.place.station or "", 0))
        start = to_datetime(ended[one.dev_eui]) if one.dev_eui in ended else None
        record = Deployment(
            dev_eui=one.dev_eui,
            station=station,
            start=start,
            depths_cm=dict(one.place.depths_cm),
        )
        if one.place.station is None and start is None:
            # Both are new: nothing can conflict, and no series has to be made anew.
            first.append((record, key))
        else:
            placed.append(record)
    for _ in first:
        require_room(connection, editor.scope, "deployments", deployments)
    repository.insert_deployments(connection, editor.scope, first, editor.now)
    deploy_all(connection, editor, placed)


def withdraw_device(
    connection: Connection, editor: Editor, dev_eui: str, *, keep_unused: bool = False
) -> None:
    """End what a device measures; what it measured stays. `keep_unused` as in `free_from`.

    Raises Conflict where it is deployed later on.
    """
    free_from(connection, editor, dev_eui, editor.now, keep_unused=keep_unused)


def _own_stations(
    connection: Connection, editor: Editor, new: Sequence[NewDevice]
) -> dict[str, tuple[str, int]]:
    """By device: slug and key of the station that was made for it."""

    def taken(slugs: Collection[str]) -> Collection[str]:
        return repository.station_ids(connection, editor.scope, slugs)

    slugs = free_slugs([(one.own.slug, one.dev_eui[-6:]) for one in new], taken)
    made = [one.own.model_copy(update={"slug": slug}) for one, slug in zip(new, slugs, strict=True)]
    for _ in made:
        require_room(connection, editor.scope, "stations", stations)
    keys = repository.insert_stations(connection, editor.scope, made, editor.now)
    return {one.dev_eui: (slug, keys[slug]) for one, slug in zip(new, slugs, strict=True)}


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
    connection: Connection,
    scope: Scope,
    records: Sequence[Deployment],
    *,
    without: int | None = None,
) -> list[int]:
    """Returns the keys of their stations. `without` is the deployment that a record replaces."""
    named = {record.dev_eui for record in records}
    devices = repository.own_devices(connection, scope, named)
    keys = repository.station_ids(connection, scope, {record.station for record in records})
    for record in records:
        if record.dev_eui not in devices:
            raise Invalid(
                f"There is no device '{record.dev_eui}'. Register it first.",
                f"Es gibt kein Gerät '{record.dev_eui}'. Erst anlegen.",
            )
        if record.station not in keys:
            raise Invalid(
                f"There is no station '{record.station}'. Create it first.",
                f"Es gibt keine Messstelle '{record.station}'. Erst anlegen.",
            )
    beside = repository.deployments_beside(connection, scope, named, keys.values())
    others = _Beside(one for one in beside if one.id != without)
    types = repository.device_types(connection, named | {one.dev_eui for one in beside})
    channels = _ChannelsOfTypes(types)
    for record in records:
        if refused := overlaps.objection(record, others.of(record), channels):
            raise Conflict.of(refused)
        others.add(record)
    return [keys[record.station] for record in records]


class _Beside:
    """Deployments by their device and by their station."""

    def __init__(self, records: Iterable[Deployment]) -> None:
        self._of_device: dict[str, list[Deployment]] = defaultdict(list)
        self._at_station: dict[str, list[Deployment]] = defaultdict(list)
        for record in records:
            self.add(record)

    def add(self, record: Deployment) -> None:
        self._of_device[record.dev_eui].append(record)
        self._at_station[record.station].append(record)

    def of(self, record: Deployment) -> Iterator[Deployment]:
        """Those of the same device or at the same station."""
        yield from self._of_device[record.dev_eui]
        for one in self._at_station[record.station]:
            if one.dev_eui != record.dev_eui:
                yield one


class _ChannelsOfTypes:
    """The channels that a device's type can have, by the catalogue."""

    def __init__(self, types: Mapping[str, str]) -> None:
        self._types = types

    def __call__(self, dev_eui: str) -> tuple[str, ...] | None:
        known = catalogue().find(self._types.get(dev_eui, ""))
        return None if known is None else tuple({slot.channel for slot in known.fields})


def _of_device(connection: Connection, scope: Scope, dev_eui: str) -> Sequence[PlacedDeployment]:
    return repository.deployments_page(connection, scope, None, None, dev_eui=dev_eui)


def _holds(place: Deployment, at: Instant) -> bool:
    return place.starts <= at < place.ends


def _fields(record: Deployment) -> dict[str, Any]:
    """A deployment's own fields, without the id of a stored one."""
    return {name: getattr(record, name) for name in Deployment.model_fields}


def _correct(
    connection: Connection,
    editor: Editor,
    changes: Iterable[tuple[Deployment | None, Deployment | None]],
) -> None:
    parts = [part for old, new in changes for part in concerned(old, new)]
    repository.insert_corrections(connection, editor.scope, parts, editor.now, editor.name)

"""Changes the registry, and counts its revision up so that followers read it again.

All functions take the connection of one transaction, opened with `change`, so that a whole
town file is applied or nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict, Forbidden, Invalid, NotFound
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.api.fields import normalised_dev_eui, refuse_nobodys
from stadtsinn.cloud.platform.audit.recording import recording
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.platform.nouns import NOUNS
from stadtsinn.cloud.town import repository
from stadtsinn.cloud.town.model import Device, Edge, Site
from stadtsinn.cloud.town.quiet import wait_while_quiet
from stadtsinn.cloud.town.stations.kinds import kind_of_family
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import (
    Editor,
    NewDevice,
    Place,
    place_new_devices,
    withdraw_device,
)
from stadtsinn.cloud.town.stations.slugs import slug_of
from stadtsinn.cloud.town.tables import devices, edges, sites
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.near import near_devices

_NEVER = Instant(0)


@contextmanager
def change(
    database: Database, scope: Scope | None = None, now: Instant = _NEVER
) -> Iterator[Connection]:
    """One transaction of changes, after which caches read the registry again. Each change leaves
    a line in the audit: who, by `scope`, and when. A dry run needs none.

    It waits while a follower reads a registry that is changed all the time (`quiet`). Raises
    Conflict where the database refuses what the checks before could not see: a name
    taken a moment ago, or rows that still refer to what was to be deleted.
    """
    wait_while_quiet(database)
    try:
        with database.write() as connection:
            with recording(connection, scope, now) if scope is not None else nullcontext():
                yield connection
            repository.bump_revision(connection)
    except IntegrityError as refused:
        raise Conflict(
            "This clashes with what is registered: the name or DevEUI is taken, or something "
            "still refers to it (gates, rules, counted history). Remove that first.",
            "Das widerspricht dem, was angelegt ist: Name oder DevEUI ist vergeben, oder etwas "
            "bezieht sich noch darauf (Zugänge, Regeln, gezählte Zahlen). Das erst entfernen.",
        ) from refused


class DryRunEnded(Exception):
    """Raised at the end of a dry run: its transaction is rolled back."""


@contextmanager
def change_or_dry_run(
    database: Database, dry_run: bool, scope: Scope | None = None, now: Instant = _NEVER
) -> Iterator[Connection]:
    """As `change`; a dry run raises the same errors, else rolls back and raises DryRunEnded."""
    with change(database, scope, now) as connection:
        yield connection
        if dry_run:
            raise DryRunEnded


def require_device_type(device_type: str) -> DeviceType:
    """The type; raises Invalid, naming near matches, unless it is catalogued."""
    known = catalogue()
    found = known.find(device_type)
    if found is not None:
        return found
    near = near_devices(device_type, list(known))
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    german = f" War {' oder '.join(near)} gemeint?" if near else ""
    raise Invalid(
        f"Unknown device type '{device_type}'.{hint} All: GET /api/v1/device-types.",
        f"Unbekannter Gerätetyp '{device_type}'.{german} Alle: 'stadtsinn decode --list'.",
    )


# --- sites -----------------------------------------------------------------------------


def create_site(connection: Connection, scope: Scope, record: Site) -> None:
    require_free(lambda: repository.site(connection, scope, record.slug), "site", record.slug)
    require_room(connection, scope, "sites", sites)
    repository.insert_site(connection, scope, record)


def replace_site(connection: Connection, scope: Scope, record: Site) -> None:
    repository.site(connection, scope, record.slug)
    repository.update_site(connection, scope, record)


def delete_site(connection: Connection, scope: Scope, slug: str) -> None:
    repository.site(connection, scope, slug)
    repository.delete_site(connection, scope, slug)


# --- devices ---------------------------------------------------------------------------


def create_device(
    connection: Connection,
    scope: Scope,
    record: Device,
    now: Instant,
    station: str | None = None,
) -> None:
    """Register a device at a station, at one of its own where none is named.

    Raises Invalid for an unknown type, site or station, Conflict when the DevEUI is taken.
    """
    create_devices(connection, scope, [(record, Place(station))], now)


def create_devices(
    connection: Connection,
    scope: Scope,
    wanted: Sequence[tuple[Device, Place]],
    now: Instant,
) -> None:
    """Register devices, each with its place, in a number of statements that does not depend on
    theirs; raises as `create_device`, and then the transaction has to be rolled back."""
    records = [record for record, _ in wanted]
    for record in records:
        _refuse_nobodys(record.dev_eui)
    types = {name: require_device_type(name) for name in {one.device_type for one in records}}
    require_sites(connection, scope, [record.site for record in records])
    # The same text whichever town has it, so that no town learns of another one's devices.
    if taken := repository.taken_dev_euis(connection, [record.dev_eui for record in records]):
        dev_eui = min(taken)
        raise Conflict(
            f"The device '{dev_eui}' is already registered. If your town has it, change it "
            f"with PUT /api/v1/devices/{dev_eui}. If it is yours all the same, claim it "
            "(POST /api/v1/claims), or ask the operator of this server to hand it over: "
            f"'stadtsinn device hand-over {dev_eui} YOUR-TOWN'.",
            f"Das Gerät '{dev_eui}' ist schon angelegt. Gehört es dieser Stadt, ändert es PUT "
            f"/api/v1/devices/{dev_eui}. Gehört es einer anderen zu Unrecht, lässt es sich "
            "beanspruchen (POST /api/v1/claims), oder der Betreiber dieses Servers übergibt es: "
            f"'stadtsinn device hand-over {dev_eui} STADT'.",
        )
    for _ in records:
        require_room(connection, scope, "devices", devices)
    repository.insert_devices(connection, scope, records, now)
    new = [
        NewDevice(record.dev_eui, own_station(record, types[record.device_type].family), place)
        for record, place in wanted
    ]
    place_new_devices(connection, Editor(scope, now), new)


def replace_device(connection: Connection, scope: Scope, record: Device) -> None:
    """Change a device; its owner stays. Raises NotFound for another tenant's."""
    repository.device(connection, scope, record.dev_eui)
    _require_sound_device(connection, scope, record)
    repository.update_device(connection, scope, record)


def delete_device(connection: Connection, scope: Scope, dev_eui: str, now: Instant) -> None:
    """Forget a device; its uplinks and its stations' series stay."""
    repository.device(connection, scope, dev_eui)
    withdraw_device(connection, Editor(scope, now), dev_eui)
    # What it measured until now and delivers later is no matter of a town that registers it next.
    repository.end_ownership(connection, scope, dev_eui, now, from_beginning=False)
    repository.delete_device(connection, scope, dev_eui)


def hand_over_device(
    connection: Connection,
    giver: Editor,
    taker: Scope,
    dev_eui: str,
    *,
    name: str = "",
    station: str | None = None,
) -> Device:
    """Give a device to another town, from now on, at `station` or at one of its own there.

    The giver keeps stations, series and uplinks, also those measured before and delivered later.
    The taker gets the device's type and interval, and nothing that the giver wrote about it.
    Raises NotFound, and Conflict where the taker has it already.
    """
    record = repository.device(connection, giver.scope, dev_eui)
    if giver.scope.tenant_id == taker.tenant_id:
        raise Conflict(
            f"The device '{dev_eui}' already belongs to '{taker.tenant_id}'.",
            f"Das Gerät '{dev_eui}' gehört schon '{taker.tenant_id}'.",
        )
    given = Device(
        dev_eui=dev_eui,
        device_type=record.device_type,
        name=name or dev_eui,
        interval_s=record.interval_s,
    )
    give_device(connection, giver, Editor(taker, giver.now, giver.name), given, station)
    return given


def give_device(
    connection: Connection,
    giver: Editor,
    taker: Editor,
    given: Device,
    station: str | None = None,
) -> None:
    """Give a device to another town as `given` says. What was measured from the giver's `now` on
    is the taker's, which may lie in the past. Raises Problem."""
    family = require_device_type(given.device_type).family
    require_room(connection, taker.scope, "devices", devices)
    withdraw_device(connection, giver, given.dev_eui, keep_unused=True)
    repository.end_ownership(connection, giver.scope, given.dev_eui, giver.now, from_beginning=True)
    repository.give_device(connection, giver.scope, given, taker.scope, taker.now)
    own = own_station(given, family)
    place_new_devices(connection, taker, [NewDevice(given.dev_eui, own, Place(station))])


def own_station(record: Device, family: str) -> Station:
    """The station that a device gets when none is named: the same name and place."""
    return Station(
        slug=slug_of(record.name, record.dev_eui),
        name=record.name,
        kind=kind_of_family(family),
        site=record.site,
        latitude=record.latitude,
        longitude=record.longitude,
    )


def _require_sound_device(connection: Connection, scope: Scope, record: Device) -> None:
    require_device_type(record.device_type)
    require_site(connection, scope, record.site)


# --- edge agents -----------------------------------------------------------------------


def create_edge(connection: Connection, scope: Scope, record: Edge, now: Instant) -> None:
    """By the operator's word. Raises Conflict where the id is taken."""
    if repository.tenant_of_edge(connection, record.id) is not None:
        raise Conflict(
            f"The edge agent id '{record.id}' is already in use. 'stadtsinn registry give-edge "
            f"{record.id} {scope.tenant_id}' gives it to this town.",
            f"Die Kennung '{record.id}' hat schon ein anderer Agent. 'stadtsinn registry "
            f"give-edge {record.id} {scope.tenant_id}' gibt sie dieser Stadt.",
        )
    require_room(connection, scope, "edges", edges)
    repository.insert_edge(connection, scope, record, now)


def enrol_edge(
    connection: Connection, scope: Scope, record: Edge, now: Instant, *, proven: bool
) -> None:
    """By a town's own editor, who may take no id that nobody gave the town: a certificate of the
    installation's authority has `proven` that it did.

    Raises Conflict for an edge of one's own. Forbidden says the same whether others have the id
    or nobody.
    """
    owner = repository.tenant_of_edge(connection, record.id)
    if owner == scope.tenant_id:
        raise Conflict(
            f"Your town has the edge agent '{record.id}'. Rename it with PUT.",
            f"Diese Stadt hat den Agenten '{record.id}' schon. Ihn mit PUT umbenennen.",
        )
    if not proven or owner is not None:
        raise Forbidden(
            f"The edge agent id '{record.id}' was not given to your town. Ask the operator of this "
            f"server ('stadtsinn registry give-edge {record.id} {scope.tenant_id}'), or send the "
            "agent's certificate, in which the operator's authority names this id (CN) and your "
            "town (O).",
            f"Die Kennung '{record.id}' ist nicht für diese Stadt vergeben. Der Betreiber dieses "
            f"Servers vergibt sie ('stadtsinn registry give-edge {record.id} "
            f"{scope.tenant_id}'); oder das Zertifikat des Agenten mitschicken, in dem die "
            "Zertifikatsstelle des Betreibers diese Kennung (CN) und diese Stadt (O) nennt.",
        )
    require_room(connection, scope, "edges", edges)
    repository.insert_edge(connection, scope, record, now)


def give_edge(connection: Connection, to: Scope, record: Edge, now: Instant) -> str | None:
    """By the operator's word: the edge is this town's from now on; who had it before.

    What it delivers for devices of the town that had it stays at the edge.
    """
    former = repository.tenant_of_edge(connection, record.id)
    if former != to.tenant_id:
        require_room(connection, to, "edges", edges)
    if former is None:
        repository.insert_edge(connection, to, record, now)
    else:
        repository.give_edge(connection, to, record)
    return former


def replace_edge(connection: Connection, scope: Scope, record: Edge) -> None:
    repository.edge(connection, scope, record.id)
    repository.update_edge(connection, scope, record)


def delete_edge(connection: Connection, scope: Scope, edge_id: str) -> None:
    repository.edge(connection, scope, edge_id)
    repository.delete_edge(connection, scope, edge_id)


# --- shared ----------------------------------------------------------------------------


def _refuse_nobodys(dev_eui: str) -> None:
    try:
        refuse_nobodys(dev_eui)
    except Unusable as error:
        raise Invalid.of(error.sentence) from None


def dev_eui(text: str) -> str:
    """A DevEUI as the registry keeps it; raises Unusable."""
    try:
        return normalised_dev_eui(text)
    except Unusable as error:
        said = error.sentence
        raise Unusable(f"'{text}': {said.english}", f"'{text}': {said.german}") from None


def require_site(connection: Connection, scope: Scope, slug: str | None) -> None:
    require_sites(connection, scope, [slug])


def require_sites(connection: Connection, scope: Scope, slugs: Iterable[str | None]) -> None:
    """Raises Invalid naming a site that is not there."""
    wanted = {slug for slug in slugs if slug is not None}
    if unknown := wanted - repository.site_ids(connection, scope, wanted).keys():
        raise Invalid(
            f"There is no site '{min(unknown)}'. Create it first.",
            f"Es gibt keinen Ort '{min(unknown)}'. Erst anlegen.",
        )


def require_free(look: Callable[[], object], kind: str, slug: str) -> None:
    try:
        look()
    except NotFound:
        return
    raise Conflict(
        f"There is already a {kind} '{slug}'. Change it with PUT.",
        f"Es gibt schon {NOUNS[kind].no.removeprefix('k')} {NOUNS[kind].german} '{slug}'. Mit "
        "PUT ändern.",
    )

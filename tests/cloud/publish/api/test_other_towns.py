"""A town's key and another town's names, over every endpoint: as if the other were not there.

Two installations that differ in one thing: in one of them the neighbour was erased. Each call of
the document is made in both with the neighbour's names, one at a time and all at once, in path,
query, cursor and body. Equal answers tell nothing of the neighbour, not even that a name exists.
A new endpoint, parameter or field is tried as well, and so is a new table.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import Column, Table, insert, select

from api_callers import AWAY, HOME, NOW, ApiWorld
from databases import fresh_database
from every_endpoint import OF_EVERYBODY, THEIR_OWN, Call, call_of, furnish, renamed
from fake_uplinks import LSE01_PAYLOAD, entry, uplink
from first_version import value_of
from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.cloud.erasure.repository import owned_tables
from stadtsinn.cloud.erasure.slices import Slices, Storage
from stadtsinn.cloud.erasure.town import TownErasure
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.privacy.kept import of_tenant, owner_of
from stadtsinn.cloud.publish.api.reference import operations
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

pytestmark = pytest.mark.slow

NEIGHBOUR: dict[str, Any] = {**THEIR_OWN, "lot": THEIR_OWN["site"]}
"""What the neighbour calls its things."""
OURS: dict[str, Any] = {
    **{name: f"our-{own}" if isinstance(own, str) else own for name, own in NEIGHBOUR.items()},
    "dev_eui": "70b3d57ed000ffff",
    "quantity": THEIR_OWN["quantity"],
}
"""What the calling town calls its own."""
NUMBERS = {
    "deployment": "deployments",
    "claim": "device_claims",
    "claimed": "device_claims",
    "row_id": "quarantine",
    "substitution": "duty_substitutions",
    "watering": "tree_waterings",
    "key_id": "api_keys",
    "incident": "incidents",
    "mute": "alert_mutes",
}
"""Parameters that hold a key of a table."""
QUERY_NAMES = {"stations": "station"}
"""Parameters of queries that are called otherwise than those of paths."""


@dataclass(frozen=True)
class Twins:
    """The same town twice: `beside` the neighbour, and `alone`."""

    beside: TestClient
    alone: TestClient
    world: ApiWorld
    neighbours: Mapping[str, Any]
    own: Mapping[str, Any]


def _told(answer: Response) -> str:
    """All that an answer tells but what is different each time."""
    headers = {name: one for name, one in answer.headers.items() if name not in _OF_EACH_CALL}
    body = re.sub(
        r'("(?:request_id|token)": ?")[^"]*|\bst_\w+', r"\1", answer.text
    )  # and parts of keys
    return f"{answer.status_code} {headers} {body}"


_RANDOM = re.compile(r'(?<="request_id":")[^"]*|(?<="token":")[^"]*|\bst_\w+')
_OF_EACH_CALL = {"x-request-id", "content-length"}


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folders = [tmp_path_factory.mktemp(name) for name in ("beside", "alone")]
    made = ApiWorld(fresh_database(folders[0]), folders[0])
    furnish(made, AWAY, OURS)
    furnish(made, HOME, NEIGHBOUR)
    for tenant, names in ((AWAY, OURS), (HOME, NEIGHBOUR)):
        _measured(made, tenant, names)
    _a_row_everywhere(made.database, HOME)
    token = made.token(Role.ADMIN, AWAY)
    called = [
        {**one, **_numbers(made.database, town)} for town, one in ((HOME, NEIGHBOUR), (AWAY, OURS))
    ]
    made.series.close()
    made.database.dispose()
    shutil.copytree(folders[0], folders[1], dirs_exist_ok=True)
    worlds = [_opened(folder) for folder in folders]
    storage = Storage(worlds[1].database, worlds[1].archive, worlds[1].series, worlds[1].clock)
    TownErasure(storage, Slices(storage, wait=lambda _: None)).run(HOME)
    headers = {"Authorization": f"Bearer {token}"}
    with ExitStack() as opened:
        beside, alone = (
            opened.enter_context(TestClient(one.app, "http://town.test", False, headers=headers))
            for one in worlds
        )
        yield Twins(beside, alone, worlds[0], *called)
    for one in worlds:
        one.series.close()
        one.database.dispose()


def _opened(folder: Path) -> ApiWorld:
    """An installation on what lies in a folder."""
    database = open_database(f"sqlite:///{folder / 'stadtsinn.sqlite'}")
    return ApiWorld(database, folder, new=False)


def _measured(world: ApiWorld, tenant: str, names: Mapping[str, Any]) -> None:
    """Uplinks of its device, one of them archived, and a value in the series."""
    device, key = names["dev_eui"], SeriesKey(names["station"], names["quantity"])
    days_ago = (90, 1)
    with world.database.write() as connection:
        for n, days in enumerate(days_ago):
            up = uplink(n, -days * DAY / SECOND, dev_eui=device, payload=LSE01_PAYLOAD)
            append(connection, [entry(up, tenant_id=tenant)], up.event_time)
    for _ in archive_before(
        world.database, world.archive, Instant(NOW - 10 * DAY), (), world.clock
    ):
        pass
    world.series.write(
        [
            Point(tenant, "people", key, Instant(when), 12.0, dev_eui=device)
            for when in (NOW - days * DAY for days in days_ago)
        ]
    )


def _a_row_everywhere(database: Database, tenant: str) -> None:
    """A row in each table of towns that has none of this town's yet."""
    with database.write() as connection:
        for table in reversed(owned_tables()):
            mine = select(*table.columns).where(of_tenant(table, tenant))
            if connection.execute(mine).first() is not None:
                continue
            referred = {
                name: connection.scalar(
                    select(column).where(of_tenant(column.table, tenant)).limit(1)
                )
                for name, column in _referred(table)
            }
            row = {one.name: value_of(one.type, 77, "77-7") for one in table.columns} | referred
            if "tenant_id" in table.c:
                row["tenant_id"] = tenant
            connection.execute(insert(table).values(row))


def _referred(table: Table) -> Iterator[tuple[str, Column[Any]]]:
    """The columns that lead to rows of other tables, with those tables' columns."""
    for column in table.columns:
        for key in column.foreign_keys:
            yield column.name, key.column
    if (owner := owner_of(table)) is not None:
        name, _, key_name = owner[1].partition(".")
        yield owner[0], metadata.tables[name].c[key_name]


def _numbers(database: Database, tenant: str) -> dict[str, Any]:
    """The keys of a town's rows by the names of parameters; others' where it has none."""
    with database.read() as connection:
        return {
            name: connection.scalar(
                select(metadata.tables[table].c.id).where(of_tenant(metadata.tables[table], tenant))
            )
            for name, table in NUMBERS.items()
        }


def _kept(world: ApiWorld) -> dict[str, list[Any]]:
    """All that the neighbour has, table by table, with log, archive and series."""
    with world.database.read() as connection:
        found: dict[str, list[Any]] = {
            table.name: sorted(
                connection.execute(select(table).where(of_tenant(table, HOME))).all(), key=repr
            )
            for table in (uplinks, *owned_tables())
        }
        logged = read_after(connection, world.archive, 0, 1_000)
    key = SeriesKey(NEIGHBOUR["station"], NEIGHBOUR["quantity"])
    found["log and archive"] = [one for one in logged if one.tenant_id == HOME]
    found["series"] = list(world.series.read(HOME, key, Instant(0), Instant(2**52)))
    return found


def _rounds(twins: Twins) -> Iterator[tuple[str, Call]]:
    """First with names that only the neighbour has; then both have things of the same names."""
    calls = [one for one in _foreign_calls(twins) if one[1].body is None or not _taken(one[1])]
    makes = [one for one in calls if one[1].method == "POST" and not one[1].names_something]
    yield from (one for one in calls if one not in makes)
    yield from makes
    yield from (one for one in calls if one[1].method == "GET")


def _taken(call: Call) -> bool:
    """A DevEUI is one device: who registers it again is told that somebody has it, and no more
    (tests/cloud/town/test_claims.py)."""
    return call.template == "/api/v1/devices" and call.body["dev_eui"] == NEIGHBOUR["dev_eui"]


def _foreign_calls(twins: Twins) -> Iterator[tuple[str, Call]]:
    """Each call of the document with one thing of the neighbour in it, and with all; by a name."""
    document = twins.world.app.openapi()
    theirs, ours = ({**one, **OF_EVERYBODY} for one in (twins.neighbours, twins.own))
    for path, method, raw in operations(document):
        if not raw.get("security"):
            continue
        foreign = call_of(document, theirs, path, method, raw)
        own = replace(
            foreign,
            path=path.format(**ours),
            body=_unused(renamed(foreign.body, OURS)),
            query={name: renamed(value, OURS) for name, value in foreign.query.items()},
        )
        names = re.findall(r"\{(\w+)\}", path)
        for name in names:
            yield name, replace(own, path=path.format(**{**ours, name: theirs[name]}))
        if len(names) != 1 or foreign.body or foreign.query:
            yield "all", foreign
        for name, value in _queries(raw, theirs):
            yield f"?{name}={value}", replace(own, query={**own.query, name: value})
            if name == "format":
                yield f"all ?{name}", replace(foreign, query={**foreign.query, name: value})
        for name, body in _each_foreign(own.body, foreign.body):
            yield name, replace(own, body=body)


def _unused(body: Any) -> Any:
    """What is made must not be refused for its own name before anything else is looked at."""
    if isinstance(body, dict) and "slug" in body:
        return {**body, "slug": "new"}
    if isinstance(body, dict) and {"dev_eui", "device_type"} <= body.keys():
        return {**body, "dev_eui": "70b3d57ed000eeee"}
    return body


def _queries(raw: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the operation can be asked about the neighbour."""
    for name in (one["name"] for one in raw.get("parameters", ()) if one["in"] == "query"):
        if name == "cursor":
            yield from ((name, _cursor(theirs[one])) for one in ("station", "row_id"))
        elif name == "format":
            yield name, "csv"
        elif (value := theirs.get(QUERY_NAMES.get(name, name))) is not None:
            yield name, str(value)


def _cursor(key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _each_foreign(own: Any, foreign: Any) -> Iterator[tuple[str, Any]]:
    """The own body with each of the names that differ taken from the foreign one."""
    if isinstance(own, dict):
        for key, value in own.items():
            for name, inner in _each_foreign(value, foreign[key]):
                yield f"{key}.{name}".rstrip("."), {**own, key: inner}
    elif isinstance(own, list):
        for at, value in enumerate(own):
            for name, inner in _each_foreign(value, foreign[at]):
                yield f"{at}.{name}".rstrip("."), [*own[:at], inner, *own[at + 1 :]]
    elif own != foreign:
        yield "", foreign


def test_a_neighbours_names_tell_nothing_and_change_nothing(twins: Twins) -> None:
    before = _kept(twins.world)
    empty = sorted(name for name, rows in before.items() if not rows)
    assert empty == [], "the neighbour needs a row of each kind"
    found, statuses = dict[str, str](), Counter[int]()
    for name, call in _rounds(twins):
        answers = [call.make(one) for one in (twins.beside, twins.alone)]
        told = [_told(one) for one in answers]
        statuses[answers[0].status_code] += 1
        if told[0] != told[1]:
            found[f"{call.method} {call.template} {name}"] = " instead of ".join(told)
    assert found == {}
    assert _kept(twins.world) == before
    assert not [status for status in statuses if status == 429 or status >= 500], statuses
    assert statuses[404] > 80
    assert statuses[200] > 80

"""A town has so many things at most: the API, a town file and a table of devices obey alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from api_callers import AWAY, HOME, ApiWorld
from databases import fresh_database
from edge_certificates import Authority
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import create_key
from stadtsinn.cloud.platform.limits.model import MOST, Limits
from stadtsinn.cloud.platform.limits.service import change_limit, limits_for
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.town.edge_authority import EdgeAuthority
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.device_import import import_devices
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused

pytestmark = pytest.mark.slow


def dev_eui(number: int) -> str:
    return f"70b3d5000001{number:04x}"


def device(number: int) -> dict[str, Any]:
    return {"dev_eui": dev_eui(number), "device_type": "dragino/lse01", "name": f"Baum {number}"}


COUNTER = {"dev_eui": dev_eui(999), "device_type": "parametric/pcr2", "name": "Tor"}
THINGS: dict[str, tuple[str, Any]] = {
    "sites": ("sites", lambda n: {"slug": f"s{n}", "name": "Park"}),
    "stations": ("stations", lambda n: {"slug": f"m{n}", "name": "Eiche", "kind": "tree"}),
    "devices": ("devices", device),
    "zones": ("zones", lambda n: {"slug": f"z{n}", "name": "Markt"}),
    "recipients": (
        "recipients",
        lambda n: {
            "slug": f"r{n}",
            "name": "Bauhof",
            "channel": "sms",
            "address": "+4917612345678",
        },
    ),
    "keys": ("keys", lambda n: {"name": f"key {n}", "role": "reader"}),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


def limited(world: ApiWorld, **limits: int) -> TestClient:
    services = Services(world.database, world.clock, Limits(**limits))
    world.app = create_app(services, world.series, world.archive)
    return world.client()


def created(caller: TestClient, path: str, body: object) -> int:
    return int(caller.post(f"/api/v1/{path}", json=body).status_code)


@pytest.mark.parametrize("name", THINGS)
def test_there_is_room_for_so_many_and_the_refusal_says_which_limit_and_what_to_do(
    world: ApiWorld, name: str
) -> None:
    path, body = THINGS[name]
    caller = limited(world, **{name: 3})  # one key is there: the caller's
    first = 1 if name == "keys" else 0
    for number in range(first, 3):
        assert created(caller, path, body(number)) == 201, caller.post(
            f"/api/v1/{path}", json=body(number)
        ).text
    refused = caller.post(f"/api/v1/{path}", json=body(3))
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert f"'{HOME}' has 3 {name} and may have 3" in refused.json()["detail"]
    assert f"stadtsinn tenant limit {HOME} {name} 13" in refused.json()["detail"]
    other = world.client(tenant=AWAY)
    assert created(other, path, body(4)) == 201, "the neighbour has limits of its own"
    with world.database.write() as connection:
        change_limit(connection, HOME, name, 4)
    assert created(caller, path, body(3)) == 201, "the operator's word counts at once"
    assert created(caller, path, body(5)) == 409


def test_edges_have_a_limit_also_with_a_certificate(world: ApiWorld) -> None:
    authority, caller = Authority(), limited(world, edges=1)
    world.app.state.edge_authority = EdgeAuthority([authority.certificate])
    for number, status in ((1, 201), (2, 409)):
        name = f"edge-{number}"
        body = {"id": name, "name": "Rathaus", "certificate": authority.issue([name])}
        assert created(caller, "edges", body) == status


def test_gates_rules_and_deployments_have_limits_too(world: ApiWorld) -> None:
    caller = limited(world, gates=1, rules=1, deployments=2)
    assert created(caller, "devices", COUNTER) == 201
    assert created(caller, "zones", {"slug": "markt", "name": "Markt", "permitted": 9}) == 201
    gate = {"slug": "nord", "name": "Nord", "station": "tor"}
    assert created(caller, "zones/markt/gates", gate) == 201
    assert created(caller, "zones/markt/gates", {**gate, "slug": "s", "channel": "b"}) == 409
    assert created(caller, "devices", device(0)) == 201
    assert created(caller, "devices", device(1)) == 409, "its deployment would be the third"
    rule = {"slug": "voll", "name": "Voll", "kind": "permit", "zone": "markt"}
    assert created(caller, "rules", rule) == 201
    assert created(caller, "rules", {**rule, "slug": "voll-2"}) == 409


def test_a_revoked_key_makes_room(world: ApiWorld) -> None:
    caller = limited(world, keys=2)
    made = caller.post("/api/v1/keys", json={"name": "a", "role": "reader"}).json()
    assert created(caller, "keys", {"name": "b", "role": "reader"}) == 409
    assert caller.delete(f"/api/v1/keys/{made['id']}").status_code == 204
    assert created(caller, "keys", {"name": "b", "role": "reader"}) == 201


def test_a_key_made_on_the_server_counts_as_well(world: ApiWorld) -> None:
    create_key(world.database, HOME, "a", Role.READER, world.clock.now(), Limits(keys=1))
    with pytest.raises(Conflict, match="may have 1"):
        create_key(world.database, HOME, "b", Role.READER, world.clock.now(), Limits(keys=1))


@pytest.mark.parametrize("name", [name for name in THINGS if name != "keys"])
def test_a_town_file_is_applied_within_the_limits_or_not_at_all(world: ApiWorld, name: str) -> None:
    path, body = THINGS[name]
    section = {
        "devices": lambda n: {k.replace("device_type", "type"): v for k, v in body(n).items()}
    }
    town = {"tenant": HOME, "name": "M", path: [section.get(name, body)(n) for n in range(4)]}
    with pytest.raises(TownRefused, match=f"has 3 {name} and may have 3"):
        apply_town(world.database, Town.read(town), world.clock.now(), limits=Limits(**{name: 3}))
    assert world.client().get(f"/api/v1/{path}").json()["items"] == []
    apply_town(world.database, Town.read(town), world.clock.now(), limits=Limits(**{name: 4}))
    apply_town(world.database, Town.read(town), world.clock.now(), limits=Limits(**{name: 0}))
    assert len(world.client().get(f"/api/v1/{path}").json()["items"]) == 4, "nothing new: no limit"


def test_a_table_of_devices_obeys_and_its_counting_does_not_grow_with_the_square(
    world: ApiWorld,
) -> None:
    def counts(first: int, rows: int) -> int:
        lines = [f"{dev_eui(first + n)};dragino/lse01;Baum {first + n}" for n in range(rows)]
        content = "\n".join(["dev_eui;type;name", *lines]).encode()
        asked: list[str] = []
        engine = world.database.engine

        def note(*arguments: Any) -> None:
            if arguments[2].lower().startswith("select count(*)"):
                asked.append(arguments[2])

        event.listen(engine, "before_cursor_execute", note)
        limits = Limits(devices=60)
        import_devices(world.database, HOME, content, world.clock.now(), limits=limits)
        event.remove(engine, "before_cursor_execute", note)
        return len(asked)

    assert counts(0, 10) == counts(10, 40) == 3, "devices, stations, deployments: once a file"
    with pytest.raises(TownRefused, match="has 60 devices and may have 60"):
        counts(50, 11)


def test_what_is_there_can_be_changed_and_deleted_beyond_a_lowered_limit(world: ApiWorld) -> None:
    path, body = THINGS["sites"]
    assert created(limited(world), path, body(0)) == 201
    caller = limited(world, sites=0)
    assert caller.put("/api/v1/sites/s0", json={"name": "Anders"}).status_code == 200
    assert caller.delete("/api/v1/sites/s0").status_code == 204


def test_a_limit_goes_back_to_the_installations(world: ApiWorld) -> None:
    usual = Limits(rules=7)
    with world.database.write() as connection:
        change_limit(connection, HOME, "rules", 9)
        change_limit(connection, HOME, "rules", 8)
        assert limits_for(connection, usual, HOME).rules == 8
        assert limits_for(connection, usual, AWAY) == usual
        change_limit(connection, HOME, "rules", None)
        assert limits_for(connection, usual, HOME) == usual


@pytest.mark.parametrize(("name", "value"), [("rulez", 5), ("rules", -1), ("rules", MOST + 1)])
def test_a_limit_that_is_none_is_refused(world: ApiWorld, name: str, value: int) -> None:
    with world.database.write() as connection, pytest.raises(Invalid, match=name):
        change_limit(connection, HOME, name, value)


def test_each_limit_says_in_both_languages_what_it_is_of() -> None:
    assert Limits.of_what().keys() == Limits.model_fields.keys()

"""Uplinks and quarantine over HTTP, as their tenant, its readers and a neighbour see them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api_callers import AWAY, HOME, ApiWorld
from databases import fresh_database
from fake_arrivals import event_arrival
from fake_uplinks import LSE01_PAYLOAD, NINE, chirpstack_event, event_topic, register, uplink
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.intake import quarantine
from stadtsinn.cloud.intake.arrival import Arrival
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.quarantine import replay_rows
from stadtsinn.cloud.intake.reasons import NOT_THEIRS, Reason
from stadtsinn.cloud.intake.repository import put_in_quarantine
from stadtsinn.cloud.intake.service import DatabaseAway
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town.directory import DirectoryCache

NOTHING: dict[str, Any] = {"taken": 0, "copies": 0, "resent": 0, "refused": {}, "never": {}}
MINE, NEW, THEIRS = "70b3d50000000100", "70b3d50000000900", "70b3d50000000200"


@pytest.fixture
def world(tmp_path: Path) -> ApiWorld:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    register(made.database, MINE, tenant_id=HOME)
    register(made.database, THEIRS, tenant_id=AWAY)
    return made


def arrival(up: Any, tenant: str | None = HOME) -> Arrival:
    return event_arrival(
        event_topic(up.dev_eui), chirpstack_event(up), up.received_at, tenant=tenant
    )


def commit(world: ApiWorld, *arrivals: Arrival) -> None:
    cache = DirectoryCache(world.database)
    open_ingestor(world.database, cache, world.clock, world.archive).take(arrivals)


def test_uplinks_are_listed_newest_first_in_pages(world: ApiWorld) -> None:
    commit(world, *(arrival(uplink(n, n * 60, payload=LSE01_PAYLOAD)) for n in range(5)))
    client = world.client(Role.READER)
    first = client.get(f"/api/v1/devices/{MINE}/uplinks?limit=3").json()
    rest = client.get(f"/api/v1/devices/{MINE}/uplinks?limit=3&cursor={first['next']}").json()
    assert [u["f_cnt"] for u in first["items"] + rest["items"]] == [4, 3, 2, 1, 0]
    assert rest["next"] is None
    newest = first["items"][0]
    assert newest["payload"] == LSE01_PAYLOAD.hex()
    assert newest["event_time"] == "2026-09-26T09:04:00+02:00"
    assert newest["source"] == "chirpstack:town"
    assert {"soil_moisture"} <= {r["quantity"] for r in newest["readings"]}
    assert newest["receptions"][0]["rssi"] == -71


@pytest.mark.slow
def test_uplinks_can_be_limited_in_time(world: ApiWorld) -> None:
    commit(world, *(arrival(uplink(n, n * 60)) for n in range(5)))
    answer = world.client().get(
        f"/api/v1/devices/{MINE}/uplinks",
        params={"start": "2026-09-26T09:01:00+02:00", "end": "2026-09-26T07:03:00Z"},
    )
    assert [u["f_cnt"] for u in answer.json()["items"]] == [2, 1]
    assert world.client().get(f"/api/v1/devices/{MINE}/uplinks?start=gestern").status_code == 422


def test_a_neighbours_device_is_not_found(world: ApiWorld) -> None:
    commit(world, arrival(uplink(1, 0)))
    assert world.client(tenant=AWAY).get(f"/api/v1/devices/{MINE}/uplinks").status_code == 404


def test_quarantine_shows_the_remedy_and_an_editor_replays(world: ApiWorld) -> None:
    commit(world, arrival(uplink(1, 0, dev_eui=NEW, payload=LSE01_PAYLOAD)))
    (item,) = world.client(Role.READER).get("/api/v1/quarantine").json()["items"]
    assert item["reason"] == "unregistered_device"
    assert "register" in item["detail"]
    assert bytes.fromhex(item["beginning"]).startswith(b"{")
    shown = world.client().get(f"/api/v1/quarantine/{item['id']}").json()
    assert shown == item
    refused = world.client(Role.EDITOR).post("/api/v1/quarantine/replay").json()
    assert refused == {**NOTHING, "refused": {"unregistered_device": 1}}
    assert world.client(Role.READER).post("/api/v1/quarantine/replay").status_code == 403
    register(world.database, NEW, tenant_id=HOME)
    taken = world.client(Role.EDITOR).post(f"/api/v1/quarantine/replay?row_id={item['id']}").json()
    assert taken == {**NOTHING, "taken": 1}
    assert world.client().get("/api/v1/quarantine").json()["items"] == []
    (logged,) = world.client().get(f"/api/v1/devices/{NEW}/uplinks").json()["items"]
    assert logged["event_time"] == "2026-09-26T09:00:00+02:00"


def test_a_replay_that_breaks_off_is_in_the_audit_as_far_as_it_came(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(world, *(arrival(uplink(n, n, dev_eui=NEW, payload=LSE01_PAYLOAD)) for n in range(2)))
    register(world.database, NEW, tenant_id=HOME)
    monkeypatch.setattr(quarantine, "_GROUP", 1)
    calls = iter(range(9))

    def breaks_off(*arguments: Any) -> None:
        if next(calls):
            raise DatabaseAway
        replay_rows(*arguments)

    monkeypatch.setattr(quarantine, "replay_rows", breaks_off)
    assert world.client(Role.EDITOR).post("/api/v1/quarantine/replay").status_code == 503
    lines = world.client().get("/api/v1/audit").json()["items"]
    (line,) = [one for one in lines if one["kind"] == "replay of quarantine"]
    assert (line["by"], line["key"], line["detail"]) == ("key", "test editor", "taken: 1/1")


def test_a_tenant_never_sees_what_is_not_its_own(world: ApiWorld) -> None:
    """Neither rows of the neighbour nor those that belong to nobody."""
    commit(world, arrival(uplink(1, 0, dev_eui=NEW)), arrival(uplink(2, 0, dev_eui=NEW), None))
    (row,) = world.client().get("/api/v1/quarantine").json()["items"]
    neighbour = world.client(tenant=AWAY)
    assert neighbour.get("/api/v1/quarantine").json()["items"] == []
    assert neighbour.get(f"/api/v1/quarantine/{row['id']}").status_code == 404
    untouched = neighbour.post(f"/api/v1/quarantine/replay?row_id={row['id']}").json()
    assert untouched == NOTHING


def test_that_a_device_belongs_to_somebody_else_is_not_told(world: ApiWorld) -> None:
    commit(world, arrival(uplink(1, 0, dev_eui=THEIRS)))
    (item,) = world.client().get("/api/v1/quarantine").json()["items"]
    assert item["reason"] == "unregistered_device"
    assert "tenant" not in item["detail"]
    replayed = world.client().post("/api/v1/quarantine/replay").json()
    assert replayed["refused"] == {"unregistered_device": 1}


def test_a_device_of_another_town_looks_like_one_that_nobody_has(world: ApiWorld) -> None:
    """In every answer: lists, filters, single rows, replays."""
    commit(world, *(arrival(uplink(1, 0, dev_eui=one)) for one in (THEIRS, NEW)))
    caller = world.client()

    def seen(path: str, dev_eui: str) -> list[Any]:
        answer = caller.get(f"/api/v1/{path}").json()
        found = [one for one in answer["items"] if one["dev_eui"] == dev_eui]
        own = ("id", "dev_eui", "topic", "size", "beginning")
        return [{key: one[key] for key in one.keys() - set(own)} for one in found]

    for path in ("quarantine", *(f"quarantine?reason={one}" for one in sorted(NOT_THEIRS))):
        assert seen(path, THEIRS) == seen(path, NEW), path
    assert len(seen("quarantine?reason=unregistered_device", THEIRS)) == 1
    for dev_eui in (THEIRS, NEW):
        replayed = caller.post("/api/v1/quarantine/replay", params={"dev_eui": dev_eui}).json()
        assert replayed == {**NOTHING, "refused": {"unregistered_device": 1}}


def quarantine_a_copy_of_an_archived_uplink(world: ApiWorld) -> None:
    """An edge and a central server delivered one uplink; its day went to the archive between."""
    up, newer = uplink(1, 0, payload=LSE01_PAYLOAD), uplink(2, 60, payload=LSE01_PAYLOAD)
    commit(world, arrival(up), arrival(newer))
    list(archive_before(world.database, world.archive, Instant(NINE + DAY), (), world.clock))
    copy = arrival(up).candidates[0].rejected(Reason.UNREGISTERED_DEVICE, "was not registered yet")
    with world.database.write() as connection:
        put_in_quarantine(connection, [copy], world.clock.now())


def test_a_replay_over_http_knows_what_was_archived(world: ApiWorld) -> None:
    quarantine_a_copy_of_an_archived_uplink(world)
    replayed = world.client(Role.EDITOR).post("/api/v1/quarantine/replay").json()
    assert replayed == {**NOTHING, "copies": 1}
    uplinks = world.client().get(f"/api/v1/devices/{MINE}/uplinks").json()["items"]
    assert [one["f_cnt"] for one in uplinks] == [2, 1]


@pytest.mark.slow
def test_an_archive_that_is_away_is_named_and_nothing_is_logged_twice(world: ApiWorld) -> None:
    quarantine_a_copy_of_an_archived_uplink(world)
    world.archive.folder.rename(world.folder / "elsewhere")
    answer = world.client(Role.EDITOR).post("/api/v1/quarantine/replay")
    assert answer.status_code == 503
    (item,) = world.client().get("/api/v1/quarantine").json()["items"]
    assert item["replayable"] is True

"""A device goes to another town: the former owner keeps its history, the new one never sees it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld
from databases import fresh_database, fresh_postgres, shared_cluster
from fake_arrivals import event_arrival
from fake_uplinks import LSE01_PAYLOAD, chirpstack_event, event_topic, uplink
from stadtsinn.base.instant import HOUR, MINUTE, SECOND, Instant
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.log.uplinks.repository import read_after
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change, hand_over_device
from stadtsinn.cloud.town.stations.service import Editor

EUI = "70b3d50000000100"
DEVICE = {
    "dev_eui": EUI,
    "device_type": "dragino/lse01",
    "name": "Linde am Markt",
    "tags": {"amt": "gruen"},
    "interval_s": 600,
}


@dataclass
class TwoTowns:
    """The device is HOME's; its uplinks come through a network server of both towns."""

    world: ApiWorld
    counter: int = 0

    def __post_init__(self) -> None:
        assert self.of(HOME).post("/api/v1/devices", json=DEVICE).status_code == 201

    def of(self, tenant: str) -> Any:
        return self.world.client(Role.EDITOR, tenant)

    def measure(self, at: Instant, *, origin: str | None = None) -> LoggedUplink | None:
        """One uplink received at `at`, arriving now; None where it was not taken."""
        self.counter += 1
        nine = uplink(0, 0).event_time
        up = uplink(self.counter, (at - nine) / SECOND, payload=LSE01_PAYLOAD)
        arrival = event_arrival(event_topic(EUI), chirpstack_event(up), at, tenant=origin)
        cache, database = DirectoryCache(self.world.database), self.world.database
        before = self.logged()
        open_ingestor(database, cache, self.world.clock, self.world.archive).take([arrival])
        new = self.logged()[len(before) :]
        if not new:
            return None
        follower = SeriesFollower(self.world.series, cache)
        follower.prepare(new)
        with database.write() as connection:
            follower.apply(connection, new)
        return new[0]

    def logged(self) -> list[LoggedUplink]:
        with self.world.database.read() as connection:
            return read_after(connection, 0, 1_000)

    def hand_over(self, to: str = AWAY, **options: Any) -> None:
        world = self.world
        giver, taker = world.scope(tenant=self.owner()), world.scope(tenant=to)
        with change(world.database) as connection:
            editor = Editor(giver, world.clock.now())
            hand_over_device(connection, editor, taker, EUI, **options)

    def owner(self) -> str:
        (owner,) = (
            town
            for town in (HOME, AWAY)
            if self.of(town).get(f"/api/v1/devices/{EUI}").status_code == 200
        )
        return owner

    def uplinks(self, tenant: str) -> int:
        answer = self.of(tenant).get(f"/api/v1/devices/{EUI}/uplinks")
        return len(answer.json()["items"]) if answer.status_code == 200 else -1

    def values(self, tenant: str) -> int:
        """How many values of soil moisture the town reads at all its stations."""
        caller, found = self.of(tenant), 0
        for one in caller.get("/api/v1/stations").json()["items"]:
            address = f"/api/v1/stations/{one['slug']}/series/soil_moisture"
            answer = caller.get(address, params={"start": "2026-09-01", "end": "2026-10-30"})
            found += len(answer.json()["items"]) if answer.status_code == 200 else 0
        return found


@pytest.fixture(params=["sqlite", "postgres"])
def towns(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwoTowns]:
    if request.param == "sqlite":
        world = ApiWorld(fresh_database(tmp_path), tmp_path)
        yield TwoTowns(world)
        world.series.close()
        return
    with fresh_postgres(shared_cluster()) as database:
        world = ApiWorld(database, tmp_path)
        yield TwoTowns(world)
        world.series.close()


def test_who_registers_anothers_device_is_told_where_and_how(towns: TwoTowns) -> None:
    """The same words whoever has it: a refusal reveals nothing about others."""
    away = towns.of(AWAY).post("/api/v1/devices", json=DEVICE)
    home = towns.of(HOME).post("/api/v1/devices", json=DEVICE)
    assert away.status_code == home.status_code == 409
    assert away.json()["detail"] == home.json()["detail"]
    assert f"stadtsinn device hand-over {EUI}" in away.json()["detail"]
    assert HOME not in away.text


def test_the_history_stays_and_the_future_goes(towns: TwoTowns) -> None:
    for minutes in (60, 40, 20):
        towns.measure(Instant(NOW - minutes * MINUTE))
    assert (towns.uplinks(HOME), towns.values(HOME)) == (3, 3)
    towns.hand_over(name="Linde am Rathaus")
    towns.world.clock.set(Instant(NOW + HOUR))
    towns.measure(Instant(NOW + 10 * MINUTE))
    towns.measure(Instant(NOW + 30 * MINUTE))
    assert (towns.uplinks(HOME), towns.values(HOME)) == (3, 3)
    assert (towns.uplinks(AWAY), towns.values(AWAY)) == (2, 2)
    given = towns.of(AWAY).get(f"/api/v1/devices/{EUI}").json()
    assert (given["name"], given["tags"], given["interval_s"]) == ("Linde am Rathaus", {}, 600)
    assert towns.of(HOME).get(f"/api/v1/devices/{EUI}").status_code == 404
    assert towns.of(HOME).get(f"/api/v1/devices/{EUI}/series").json()["items"] != []


def test_what_was_measured_before_and_arrives_late_is_the_former_owners(towns: TwoTowns) -> None:
    """An edge that was cut off delivers its spool after the hand-over."""
    towns.hand_over()
    towns.world.clock.set(Instant(NOW + HOUR))
    late = towns.measure(Instant(NOW - MINUTE), origin=HOME)
    assert late is not None
    assert late.tenant_id == HOME
    assert towns.measure(Instant(NOW - 2 * MINUTE), origin=AWAY) is None, "not theirs to deliver"
    assert (towns.uplinks(HOME), towns.values(HOME)) == (1, 1)
    assert (towns.uplinks(AWAY), towns.values(AWAY)) == (0, 0)


def test_there_and_back(towns: TwoTowns) -> None:
    towns.measure(Instant(NOW - MINUTE))
    towns.hand_over()
    towns.world.clock.set(Instant(NOW + HOUR))
    towns.measure(Instant(NOW + 30 * MINUTE))
    towns.hand_over(HOME)
    towns.world.clock.set(Instant(NOW + 2 * HOUR))
    towns.measure(Instant(NOW + 90 * MINUTE))
    towns.measure(Instant(NOW + 20 * MINUTE))
    assert (towns.uplinks(HOME), towns.values(HOME)) == (2, 2)
    assert (towns.uplinks(AWAY), towns.values(AWAY)) == (2, 2)


def test_a_deleted_device_that_another_town_registers_is_the_same_case(towns: TwoTowns) -> None:
    towns.world.clock.set(Instant(NOW + HOUR))
    towns.measure(Instant(NOW + 10 * MINUTE))
    assert towns.of(HOME).delete(f"/api/v1/devices/{EUI}").status_code == 204
    assert towns.of(AWAY).post("/api/v1/devices", json=DEVICE).status_code == 201
    towns.world.clock.set(Instant(NOW + 2 * HOUR))
    towns.measure(Instant(NOW + 20 * MINUTE))
    towns.measure(Instant(NOW + 90 * MINUTE))
    assert (towns.uplinks(HOME), towns.uplinks(AWAY)) == (2, 1)
    assert (towns.values(HOME), towns.values(AWAY)) == (2, 1)


def test_a_stranger_reads_nothing(towns: TwoTowns) -> None:
    towns.measure(Instant(NOW - MINUTE))
    assert towns.uplinks(AWAY) == -1
    answer = towns.of(AWAY).get(f"/api/v1/devices/{EUI}/series")
    assert answer.status_code == 404


def test_refusals(towns: TwoTowns) -> None:
    with pytest.raises(Conflict, match="already belongs"):
        towns.hand_over(HOME)
    with pytest.raises(Invalid, match="no station"):
        towns.hand_over(station="nirgends")
    assert towns.owner() == HOME, "nothing of a refused hand-over stays"

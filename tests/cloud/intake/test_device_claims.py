"""A device that another town registered first: claimed, proven, agreed to, refused, abused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld
from counted import write_transactions
from databases import add_tenant, fresh_database, fresh_postgres, shared_cluster
from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    UNDECODED,
    chirpstack_event,
    event_topic,
    register_edge,
    uplink,
)
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, isoformat
from stadtsinn.cloud.intake.device_claims.model import LIFE, MOST
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.intake.device_claims.settling import ClaimsWorker
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change, hand_over_device
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.edge.messages.delivery import Batch, Sender, UplinkItem, batch_topic, encode

pytestmark = pytest.mark.slow

EUI, FREE = "70b3d50000000100", "70b3d50000000999"
DEVICE = {
    "dev_eui": EUI,
    "device_type": "dragino/lse01",
    "name": "Geheime Linde",
    "tags": {"amt": "gruen"},
    "interval_s": 600,
}
WANTED = {
    "dev_eui": EUI,
    "device_type": "dragino/lse01",
    "name": "Linde am Rathaus",
    "message": "Stadtgrün Nebenan, 02501 12345",
}
NINE = uplink(0, 0).event_time


@dataclass
class Towns:
    """HOME has registered the device; AWAY claims it. Each has an edge."""

    world: ApiWorld
    counter: int = 0

    def __post_init__(self) -> None:
        assert self.of(HOME).post("/api/v1/devices", json=DEVICE).status_code == 201
        register_edge(self.world.database, "edge-home", HOME)
        register_edge(self.world.database, "edge-away", AWAY)

    def of(self, tenant: str, role: Role = Role.EDITOR) -> Any:
        return self.world.client(role, tenant)

    def claim(self, tenant: str = AWAY, **changes: Any) -> Any:
        answer = self.of(tenant).post("/api/v1/claims", json={**WANTED, **changes})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def own(self, claim: Any, tenant: str = AWAY) -> Any:
        return self.of(tenant).get(f"/api/v1/claims/{claim['id']}").json()

    def claimed(self, tenant: str = HOME) -> list[Any]:
        items: list[Any] = self.of(tenant).get("/api/v1/claimed-devices").json()["items"]
        return items

    def heard_by_edge(self, tenant: str, dev_eui: str = EUI, at: Instant | None = None) -> None:
        """An uplink through this town's own edge, which may write what it likes."""
        self.counter += 1
        now = self.world.clock.now()
        up = uplink(
            self.counter,
            ((now if at is None else at) - NINE) / SECOND,
            dev_eui=dev_eui,
            payload=LSE01_PAYLOAD,
        )
        edge = {HOME: "edge-home", AWAY: "edge-away"}[tenant]
        says = Sender(id="run", begins=0, opened=0, acknowledged=self.counter - 1, keeps=True)
        item = UplinkItem(self.counter, up, UNDECODED)
        batch = Batch(edge_id=edge, stream="s", sent_at=now, items=(item,), sender=says)
        cache = DirectoryCache(self.world.database)
        ingestor = open_ingestor(self.world.database, cache, self.world.clock, self.world.archive)
        ingestor.take([batch_arrival(batch_topic(edge), encode(batch), now, cache.current())])

    def heard_by_server(self, tenant: str | None, dev_eui: str = EUI) -> None:
        self.counter += 1
        now = self.world.clock.now()
        up = uplink(self.counter, (now - NINE) / SECOND, dev_eui=dev_eui, payload=LSE01_PAYLOAD)
        arrival = event_arrival(event_topic(dev_eui), chirpstack_event(up), now, tenant=tenant)
        cache = DirectoryCache(self.world.database)
        open_ingestor(self.world.database, cache, self.world.clock, self.world.archive).take(
            [arrival]
        )

    def settle(self, **settings: int) -> None:
        worker = ClaimsWorker(self.world.database, self.world.clock, ClaimSettings(**settings))
        worker.settle_all()

    def operator_decides(self) -> None:
        giver, taker = (self.world.scope(tenant=one) for one in (HOME, AWAY))
        with change(self.world.database) as connection:
            editor = Editor(giver, self.world.clock.now(), "operator")
            hand_over_device(connection, editor, taker, EUI)

    def later(self, micros: int) -> None:
        self.world.clock.set(Instant(self.world.clock.now() + micros))

    def owner(self, dev_eui: str = EUI) -> str | None:
        found = DirectoryCache(self.world.database).current().devices.get(dev_eui)
        return None if found is None else found.tenant_id

    def uplinks(self, tenant: str, dev_eui: str = EUI) -> int:
        answer = self.of(tenant).get(f"/api/v1/devices/{dev_eui}/uplinks")
        return len(answer.json()["items"]) if answer.status_code == 200 else -1


@pytest.fixture(params=["sqlite", "postgres"])
def towns(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Towns]:
    if request.param == "sqlite":
        world = ApiWorld(fresh_database(tmp_path), tmp_path)
        yield Towns(world)
        world.series.close()
        return
    with fresh_postgres(shared_cluster()) as database:
        world = ApiWorld(database, tmp_path)
        yield Towns(world)
        world.series.close()


# --- the way of a claim ----------------------------------------------------------------


@pytest.mark.parametrize("way", ["edge", "server"])
def test_a_device_that_its_owner_never_heard_goes_to_who_hears_it(towns: Towns, way: str) -> None:
    """Registered by the wrong town: nothing that was measured since the claim is lost."""
    claim = towns.claim()
    towns.later(HOUR)
    if way == "edge":
        towns.heard_by_edge(AWAY)
    else:
        towns.heard_by_server(AWAY)
    towns.settle()
    assert towns.own(claim)["proven_at"] is not None
    assert towns.owner() == HOME, "the owner has time to object"
    towns.later(7 * DAY - 1)
    towns.settle()
    assert towns.owner() == HOME
    towns.later(1)
    towns.settle()
    assert towns.owner() == AWAY
    assert towns.own(claim)["state"] == "done"
    given = towns.of(AWAY).get(f"/api/v1/devices/{EUI}").json()
    assert (given["name"], given["tags"]) == ("Linde am Rathaus", {})
    replayed = towns.of(AWAY).post("/api/v1/quarantine/replay").json()
    assert replayed["taken"] == 1, "measured after the claim was opened"
    assert towns.uplinks(AWAY) == 1
    towns.settle()
    assert towns.owner() == AWAY, "settled once"


def test_the_old_owner_is_told_and_keeps_its_history(towns: Towns) -> None:
    towns.heard_by_edge(HOME)
    towns.later(40 * DAY)
    towns.claim()
    towns.heard_by_edge(AWAY)
    towns.settle()
    (told,) = towns.claimed()
    assert (told["state"], told["message"]) == ("waiting", WANTED["message"])
    assert told["goes_at"] == "2026-11-12T11:00:00+01:00"
    assert AWAY not in str(told)
    towns.later(7 * DAY)
    towns.settle()
    (told,) = towns.claimed()
    assert (told["state"], told["goes_at"]) == ("done", None)
    assert towns.uplinks(HOME) == 1
    assert towns.of(HOME).get(f"/api/v1/devices/{EUI}").status_code == 404
    towns.later(91 * DAY)
    assert towns.claimed() == []


@pytest.mark.parametrize("proven", [True, False])
def test_with_the_owners_consent_it_goes_at_once(towns: Towns, proven: bool) -> None:
    """Both towns have agreed: no proof is asked for, and the owner keeps all until now."""
    towns.heard_by_edge(HOME)
    claim = towns.claim()
    towns.later(HOUR)
    if proven:
        towns.heard_by_edge(AWAY)
    (told,) = towns.claimed()
    for _ in range(2):
        agreed = towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/consent")
        assert agreed.status_code == 200
    towns.settle()
    assert (towns.owner(), towns.own(claim)["state"]) == (AWAY, "done")
    towns.later(HOUR)
    towns.heard_by_edge(HOME, at=Instant(NOW + 30 * MINUTE))
    assert (towns.uplinks(HOME), towns.uplinks(AWAY)) == (2, 0), "measured before, delivered later"
    again = towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/objection")
    assert (again.status_code, towns.owner()) == (200, AWAY), "a given word stays given"


def test_an_objection_ends_it_and_the_operator_decides(towns: Towns) -> None:
    claim = towns.claim()
    towns.heard_by_edge(AWAY)
    towns.settle()
    (told,) = towns.claimed()
    for _ in range(2):
        ended = towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/objection").json()
        assert ended["state"] == "ended"
    towns.later(20 * DAY)
    towns.settle()
    assert (towns.owner(), towns.own(claim)["state"]) == (HOME, "ended")
    refused = towns.of(AWAY).post("/api/v1/claims", json=WANTED)
    assert refused.status_code == 409
    assert "stadtsinn device hand-over" in refused.json()["detail"]
    towns.operator_decides()
    assert towns.owner() == AWAY


def test_what_the_operator_hands_over_ends_the_claim(towns: Towns) -> None:
    claim = towns.claim()
    towns.operator_decides()
    towns.settle()
    assert towns.own(claim)["state"] == "done"


def test_a_claim_without_a_proof_ends_by_itself(towns: Towns) -> None:
    claim = towns.claim()
    towns.later(LIFE - 1)
    towns.settle()
    assert towns.own(claim)["state"] == "waiting"
    towns.later(1)
    towns.settle()
    assert (towns.own(claim)["state"], towns.owner()) == ("ended", HOME)
    assert towns.claim()["id"] != claim["id"], "then another one can be opened"


def test_a_device_that_nobody_has_is_registered_once_it_is_heard(towns: Towns) -> None:
    claim = towns.claim(dev_eui=FREE)
    towns.settle()
    assert towns.owner(FREE) is None
    towns.heard_by_edge(AWAY, FREE)
    towns.settle()
    assert (towns.owner(FREE), towns.own(claim)["state"]) == (AWAY, "done")


# --- what is no proof ------------------------------------------------------------------


@pytest.mark.parametrize("heard", ["before", "meanwhile"])
def test_forged_uplinks_take_no_device_that_its_owner_hears(towns: Towns, heard: str) -> None:
    """An edge writes any DevEUI into its batches, a network server of one's own into its events."""
    if heard == "before":
        towns.heard_by_edge(HOME)
        towns.later(29 * DAY)
    claim = towns.claim()
    for _ in range(3):
        towns.heard_by_edge(AWAY)
        towns.heard_by_server(AWAY)
    towns.settle()
    if heard == "meanwhile":
        towns.later(6 * DAY)
        towns.heard_by_edge(HOME)
    assert towns.own(claim)["proven_at"] is not None
    (told,) = towns.claimed()
    assert told["goes_at"] is None
    for _ in range(31):
        towns.later(DAY)
        towns.heard_by_edge(AWAY)
        towns.settle()
    assert (towns.owner(), towns.own(claim)["state"]) == (HOME, "ended")


def test_what_was_heard_and_archived_meanwhile_counts_as_heard(towns: Towns) -> None:
    towns.heard_by_edge(HOME)
    towns.later(2 * DAY)
    list(
        archive_before(
            towns.world.database, towns.world.archive, Instant(NOW + DAY), (), towns.world.clock
        )
    )
    towns.claim()
    towns.heard_by_edge(AWAY)
    towns.settle()
    assert [one["goes_at"] for one in towns.claimed()] == [None]


@pytest.mark.parametrize("source", ["older", "shared server", "another device", "the owner's"])
def test_uplinks_that_prove_nothing(towns: Towns, source: str) -> None:
    if source == "older":
        towns.heard_by_edge(AWAY)
        towns.later(1)
    claim = towns.claim()
    if source == "shared server":  # it carries everybody's devices: no word of this town
        towns.heard_by_server(None)
    elif source == "another device":
        towns.heard_by_edge(AWAY, FREE)
    elif source == "the owner's":
        towns.heard_by_edge(HOME)
    towns.settle()
    assert towns.own(claim)["proven_at"] is None


def test_the_consent_of_a_former_owner_counts_for_nothing(towns: Towns) -> None:
    claim = towns.claim(message="")
    (told,) = towns.claimed()
    towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/consent")
    assert towns.of(HOME).delete(f"/api/v1/devices/{EUI}").status_code == 204
    towns.settle()
    assert (towns.owner(), towns.own(claim)["state"]) == (None, "waiting")


# --- what nobody learns, and what is bounded -------------------------------------------


def test_the_claimant_learns_nothing_of_the_owner(towns: Towns) -> None:
    """The same answers whether another town has the device or nobody, how ever it ends."""
    towns.heard_by_edge(HOME)
    claims = {eui: towns.claim(dev_eui=eui) for eui in (EUI, FREE)}

    def seen(eui: str) -> dict[str, Any]:
        own = towns.own(claims[eui])
        return {key: own[key] for key in own.keys() - {"id", "dev_eui"}}

    assert seen(EUI) == seen(FREE)
    towns.later(MINUTE)
    (told,) = towns.claimed()
    towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/objection")
    towns.of(AWAY).delete(f"/api/v1/claims/{claims[FREE]['id']}")
    towns.settle()
    assert seen(EUI) == seen(FREE)
    refused = [
        towns.of(AWAY).post("/api/v1/claims", json={**WANTED, "dev_eui": eui}).json()["detail"]
        for eui in (EUI, FREE)
    ]
    assert refused[0].replace(EUI, FREE) == refused[1]
    assert HOME not in str(claims) + str(refused)


def test_each_towns_audit_has_its_own_words_only(towns: Towns) -> None:
    towns.claim()
    (told,) = towns.claimed()
    towns.of(HOME).post(f"/api/v1/claimed-devices/{told['id']}/consent")
    towns.settle()
    seen = {one: towns.of(one, Role.ADMIN).get("/api/v1/audit").json() for one in (HOME, AWAY)}
    lines = {
        town: [
            (one["by"], one["action"], one["kind"])
            for one in found["items"]
            if one["kind"] not in {"key", "edge"}
        ]
        for town, found in seen.items()
    }
    assert lines[HOME][:3] == [
        ("claim", "given", "device"),
        ("claim", "changed", "deployment"),
        ("key", "done", "consent to a claim"),
    ]
    assert ("key", "done", "claim") in lines[AWAY]
    assert {one for one in lines[AWAY] if one[0] == "claim"} == {
        ("claim", "received", "device"),
        ("claim", "created", "station"),
        ("claim", "created", "deployment"),
    }
    by_claim = [one for found in seen.values() for one in found["items"] if one["by"] == "claim"]
    assert {(one["key_id"], one["key"]) for one in by_claim} == {(None, None)}
    assert "Linde am Rathaus" not in str(seen[HOME])
    assert "Geheime Linde" not in str(seen[AWAY])
    assert AWAY not in str(seen[HOME])
    assert HOME not in str(seen[AWAY])


def test_only_the_towns_concerned_see_a_claim(towns: Towns) -> None:
    add_tenant(towns.world.database, "drittstadt")
    claim = towns.claim()
    third = towns.of("drittstadt")
    assert third.get("/api/v1/claims").json()["items"] == []
    assert third.get("/api/v1/claimed-devices").json()["items"] == []
    assert towns.claimed(AWAY) == [], "the claimant is not asked"
    assert towns.of(HOME).get(f"/api/v1/claims/{claim['id']}").status_code == 404
    for word in ("consent", "objection"):
        for caller in (third, towns.of(AWAY)):
            answer = caller.post(f"/api/v1/claimed-devices/{claim['id']}/{word}")
            assert answer.status_code == 404
    assert third.delete(f"/api/v1/claims/{claim['id']}").status_code == 404
    assert towns.own(claim)["state"] == "waiting"


def test_claiming_again_changes_the_open_claim(towns: Towns) -> None:
    first = towns.claim()
    again = towns.claim(name="Eiche")
    assert (again["id"], again["device"]["name"]) == (first["id"], "Eiche")
    assert again["ends_at"] == first["ends_at"], "it does not live longer by it"
    assert len(towns.claimed()) == 1


def test_claims_are_bounded_in_number_and_time(towns: Towns) -> None:
    caller = towns.of(AWAY)
    for n in range(MOST):
        body = {**WANTED, "dev_eui": f"{n:016x}"}
        number = caller.post("/api/v1/claims", json=body).json()["id"]
        assert caller.delete(f"/api/v1/claims/{number}").status_code == 204
    refused = caller.post("/api/v1/claims", json=WANTED)
    assert (refused.status_code, "operator" in refused.json()["detail"]) == (409, True)
    towns.later(LIFE)
    assert caller.post("/api/v1/claims", json=WANTED).status_code == 201


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"device_type": "dragino/nothing"}, 422, "Unknown device type"),
        ({"site": "nirgendwo"}, 422, "no site"),
        ({"message": "a\nb"}, 422, ""),
        ({"dev_eui": "xyz"}, 422, ""),
    ],
)
def test_refused_claims(towns: Towns, changes: dict[str, str], status: int, says: str) -> None:
    answer = towns.of(AWAY).post("/api/v1/claims", json={**WANTED, **changes})
    assert (answer.status_code, says in answer.text) == (status, True)
    assert towns.claimed() == []


def test_ones_own_device_is_not_claimed(towns: Towns) -> None:
    answer = towns.of(HOME).post("/api/v1/claims", json=WANTED)
    assert answer.status_code == 409


def test_what_cannot_be_registered_any_more_ends_and_stops_no_other(towns: Towns) -> None:
    site = {"slug": "platz", "name": "Platz"}
    assert towns.of(AWAY).post("/api/v1/sites", json=site).status_code == 201
    broken, good = towns.claim(dev_eui=FREE, site="platz"), towns.claim()
    assert towns.of(AWAY).delete("/api/v1/sites/platz").status_code == 204
    for eui in (FREE, EUI):
        towns.heard_by_edge(AWAY, eui)
    towns.settle(notice_days=0)
    towns.settle(notice_days=0)
    assert (towns.own(broken)["state"], towns.own(good)["state"]) == ("ended", "done")
    assert (towns.owner(FREE), towns.owner()) == (None, AWAY)


def test_of_two_claimants_one_gets_it_and_the_other_waits_for_consent(towns: Towns) -> None:
    add_tenant(towns.world.database, "drittstadt")
    first, second = towns.claim(), towns.claim("drittstadt")
    towns.heard_by_edge(AWAY)
    towns.heard_by_server("drittstadt")
    towns.settle()
    towns.later(7 * DAY)
    towns.settle()
    assert towns.owner() in {AWAY, "drittstadt"}
    states = [towns.own(first)["state"], towns.own(second, "drittstadt")["state"]]
    assert "done" in states


def test_an_owner_that_deploys_it_anew_keeps_what_it_measured_until_then(towns: Towns) -> None:
    claim = towns.claim()
    towns.later(HOUR)
    (place,) = towns.of(HOME).get("/api/v1/deployments").json()["items"]
    body = {key: place[key] for key in ("dev_eui", "station")}
    path = f"/api/v1/deployments/{place['id']}"
    now = isoformat(towns.world.clock.now())
    assert towns.of(HOME).put(path, json={**body, "start": now}).status_code == 200
    towns.later(HOUR)
    towns.heard_by_edge(AWAY)
    towns.settle(notice_days=0)
    assert (towns.own(claim)["state"], towns.owner()) == ("done", AWAY)
    towns.heard_by_edge(HOME, at=Instant(NOW + 30 * MINUTE))
    assert towns.uplinks(HOME) == 1, "after the claim, before it was deployed anew"


def test_nobody_waits_while_the_owners_uplinks_are_looked_through(towns: Towns) -> None:
    """They can be years': what they say is found out before, and only compared then."""
    claim = towns.claim()
    with write_transactions(towns.world.database) as found:
        towns.heard_by_edge(AWAY)
        found.clear()
        towns.settle(quiet_days=1, notice_days=0)
        (claimed,) = towns.claimed()
        answer = towns.of(HOME).post(f"/api/v1/claimed-devices/{claimed['id']}/consent")
        assert answer.status_code == 200
        towns.settle(quiet_days=1, notice_days=0)
    assert towns.own(claim)["state"] == "done"
    texts = [text for one in found for text in one.texts]
    assert not any("FROM uplinks" in text or "FROM quarantine" in text for text in texts)


def test_an_objection_between_the_look_and_the_change_of_hands_counts(
    towns: Towns, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = towns.claim()
    towns.heard_by_edge(AWAY)
    towns.settle(quiet_days=1, notice_days=1)
    (claimed,) = towns.claimed()
    towns.world.clock.advance(2 * DAY)
    settle = ClaimsWorker._settle

    def objected_before(worker: ClaimsWorker, *arguments: Any) -> None:
        towns.of(HOME).post(f"/api/v1/claimed-devices/{claimed['id']}/objection")
        settle(worker, *arguments)

    monkeypatch.setattr(ClaimsWorker, "_settle", objected_before)
    towns.settle(quiet_days=1, notice_days=1)
    assert towns.own(claim)["state"] == "ended"
    assert towns.of(HOME).get(f"/api/v1/devices/{EUI}").status_code == 200

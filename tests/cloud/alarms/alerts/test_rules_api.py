"""Rules and incidents over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from api_callers import AWAY, HOME, NOW, ApiWorld
from fake_alert_town import uplink
from stadtsinn.base.berlin import isoformat
from stadtsinn.base.instant import MINUTE
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Reading

pytestmark = pytest.mark.slow

COUNTER = "24e124ffff000001"
RULE: dict[str, Any] = {
    "slug": "voll",
    "name": "Wochenmarkt",
    "zone": "markt",
    "on": 900,
    "off": 850,
    "recipients": ["amt"],
}


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(database, tmp_path)
    editor = made.client(Role.EDITOR)
    assert editor.post("/api/v1/zones", json={"slug": "markt", "name": "Markt"}).is_success
    counter = {"dev_eui": COUNTER, "device_type": "milesight/vs133", "name": "Tor"}
    assert editor.post("/api/v1/devices", json=counter).is_success
    gate = {"slug": "tor", "name": "Tor", "station": "tor", "channel": "line_1"}
    assert editor.post("/api/v1/zones/markt/gates", json=gate).is_success
    amt = {"slug": "amt", "name": "Ordnungsamt", "address": "+49 170 1234567"}
    assert editor.post("/api/v1/recipients", json=amt).is_success
    yield made
    made.series.close()


def crowd(world: ApiWorld, minutes: int, high: int) -> None:
    """A zone sample, judged."""
    world.clock.set(type(NOW)(NOW + minutes * MINUTE))
    with world.database.write() as connection:
        zone_id = connection.scalar(zones.select().with_only_columns(zones.c.id))
        values = {"occupancy": high, "low": high, "high": high, "degraded": False}
        connection.execute(
            insert(zone_samples).values(
                tenant_id=HOME,
                zone_id=zone_id,
                event_time=world.clock.now(),
                reported_at=world.clock.now(),
                **values,
            )
        )
        follower = AlertsFollower(DirectoryCache(world.database), world.clock)
        follower.tick(connection, world.clock.now())


def test_a_rule_is_written_and_read(world: ApiWorld) -> None:
    editor, reader = world.client(Role.EDITOR), world.client(Role.READER)
    created = editor.post("/api/v1/rules", json=RULE)
    assert created.status_code == 201
    assert created.json()["state"] is None
    assert created.json()["recipients"] == ["amt"]
    assert created.json()["max_age_s"] == 900
    assert editor.post("/api/v1/rules", json=RULE).status_code == 409
    assert reader.get("/api/v1/rules/voll").json() == created.json()
    assert reader.post("/api/v1/rules", json={**RULE, "slug": "x"}).status_code == 403
    body = {key: value for key, value in RULE.items() if key != "slug"}
    replaced = editor.put("/api/v1/rules/voll", json={**body, "on": 1_000})
    assert replaced.json()["on"] == 1_000
    assert editor.put("/api/v1/rules/other", json=body).status_code == 404
    assert [rule["slug"] for rule in reader.get("/api/v1/rules").json()["items"]] == ["voll"]
    assert editor.delete("/api/v1/rules/voll").status_code == 204
    assert reader.get("/api/v1/rules/voll").status_code == 404


def test_rules_and_incidents_belong_to_their_town(world: ApiWorld) -> None:
    world.client(Role.EDITOR).post("/api/v1/rules", json=RULE)
    crowd(world, 0, 950)
    stranger = world.client(Role.ADMIN, AWAY)
    incident = world.client(Role.READER).get("/api/v1/incidents").json()["items"][0]["id"]
    for path in ("rules/voll", f"incidents/{incident}"):
        assert stranger.get(f"/api/v1/{path}").status_code == 404
    for path in ("rules", "incidents", "messages"):
        assert stranger.get(f"/api/v1/{path}").json()["items"] == []
    assert stranger.delete("/api/v1/rules/voll").status_code == 404
    foreign_zone = stranger.post("/api/v1/rules", json=RULE)
    assert foreign_zone.status_code == 422
    assert "There is no zone 'markt'" in foreign_zone.json()["detail"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"off": 900}, "hysteresis|between the two"),
        ({"zone": None}, "either 'station' or 'group' or 'zone'"),
        ({"station": "linde"}, "either 'station' or 'group' or 'zone'"),
        ({"zone": None, "station": "linde"}, "quantity"),
        ({"zone": None, "device": "70b3d57ed0001234", "quantity": "x"}, "stadtsinn station list"),
        ({"zone": None, "group": {}, "quantity": "soil_moisture"}, "in common"),
        ({"zone": None, "group": {"kind": "tre"}, "quantity": "soil_moisture"}, "tree"),
        ({"zone": None, "group": {"site": "x"}, "quantity": "soil_moisture"}, "no site 'x'"),
        ({"quantity": "soil_moisture"}, "neither"),
        ({"recipients": ["nobody"]}, "no recipient 'nobody'"),
        ({"on": "NaN"}, "finite"),
        ({"surprise": 1}, "not permitted"),
        ({"zone": None, "station": "linde", "quantity": "x"}, "'x'"),
        ({"zone": None, "station": "linde", "quantity": "soil_moisture"}, "no station 'linde'"),
    ],
)
def test_a_rule_that_cannot_be_is_explained(
    world: ApiWorld, change: dict[str, Any], said: str
) -> None:
    answer = world.client(Role.EDITOR).post("/api/v1/rules", json={**RULE, **change})
    assert answer.status_code == 422
    assert any(word in answer.text for word in said.split("|"))


def test_incidents_are_listed_newest_first_in_pages(world: ApiWorld) -> None:
    editor = world.client(Role.EDITOR)
    editor.post("/api/v1/rules", json=RULE)
    for minutes in range(0, 150, 30):
        crowd(world, minutes, 950)
        crowd(world, minutes + 1, 100)
    crowd(world, 150, 999)
    found, cursor = [], None
    while True:
        page = editor.get("/api/v1/incidents", params={"limit": 2, "cursor": cursor or ""}).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    expected = [isoformat(NOW + minutes * MINUTE) for minutes in range(150, -1, -30)]
    assert [item["opened_at"] for item in found] == expected
    assert found[0]["closed_at"] is None
    assert found[0]["rule"] == "voll"
    one = editor.get(f"/api/v1/incidents/{found[1]['id']}").json()
    assert (one["opening_value"], one["closing_value"], one["close_reason"]) == (
        950,
        100,
        "recovered",
    )
    still = editor.get("/api/v1/incidents", params={"open": "true"}).json()["items"]
    assert [item["id"] for item in still] == [found[0]["id"]]
    assert editor.get("/api/v1/incidents", params={"rule": "other"}).json()["items"] == []
    assert editor.get("/api/v1/incidents", params={"cursor": "Im5vIg"}).status_code == 422
    state = editor.get("/api/v1/rules/voll").json()["state"]
    assert (state["phase"], state["last_value"]) == ("firing", 999)


def test_deleting_a_rule_ends_its_alarm_and_keeps_the_record(world: ApiWorld) -> None:
    editor = world.client(Role.EDITOR)
    editor.post("/api/v1/rules", json=RULE)
    crowd(world, 0, 950)
    with world.database.write() as connection:
        connection.execute(update(outbox).values(status="DELIVERED", settled=True))
    assert editor.delete("/api/v1/rules/voll").status_code == 204
    (incident,) = editor.get("/api/v1/incidents").json()["items"]
    assert (incident["rule"], incident["close_reason"]) == (None, "rule_deleted")
    messages = editor.get("/api/v1/messages").json()["items"]
    assert [message["kind"] for message in messages] == ["ENDED", "ALARM"]
    assert "Nicht mehr überwacht (Regel gelöscht): Wochenmarkt" in messages[0]["text"]


def test_a_rule_for_a_group_shows_its_stations_and_incidents_name_them(world: ApiWorld) -> None:
    editor, euis = world.client(Role.EDITOR), ("70b3d57ed0000001", "70b3d57ed0000002")
    for slug, eui in zip(("ahorn", "linde"), euis, strict=True):
        device = {"dev_eui": eui, "device_type": "dragino/lse01", "name": slug.title()}
        assert editor.post("/api/v1/devices", json=device).is_success
    rule = {
        "slug": "trocken",
        "name": "Boden trocken",
        "group": {"kind": "soil"},
        "quantity": "soil_moisture",
        "direction": "below",
        "on": 15,
        "off": 20,
    }
    created = editor.post("/api/v1/rules", json=rule)
    assert created.status_code == 201, created.text
    assert created.json()["group"] == {"kind": "soil", "site": None, "tag": None}
    follower = AlertsFollower(DirectoryCache(world.database), world.clock)
    dry, wet = (
        uplink(
            number,
            0,
            Reading("soil_moisture", value, event_time=world.clock.now()),
            dev_eui=eui,
            tenant_id=HOME,
        )
        for number, (eui, value) in enumerate(zip(euis, (12.0, 30.0), strict=True), start=1)
    )
    with world.database.write() as connection:
        follower.apply(connection, [dry, wet])
    shown = editor.get("/api/v1/rules/trocken").json()
    assert shown["state"] is None
    assert [(one["station"], one["phase"]) for one in shown["members"]] == [("ahorn", "firing")]
    (incident,) = editor.get("/api/v1/incidents", params={"station": "ahorn"}).json()["items"]
    assert (incident["station"], incident["station_name"]) == ("ahorn", "Ahorn")
    assert editor.get(f"/api/v1/incidents/{incident['id']}").json() == incident
    assert editor.get("/api/v1/incidents", params={"station": "linde"}).json()["items"] == []

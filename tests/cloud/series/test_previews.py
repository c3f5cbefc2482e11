"""Over HTTP: what a deployment that is made, corrected or deleted would change in series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api_callers import HOME, NOW
from counted import write_transactions
from moving_sensors import DEVICES, STATIONS, MovingSensors, State, minute
from stadtsinn.base import berlin
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import create_key
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.town.stations import service

LINDE, EICHE = STATIONS
OLD, NEW, _ = DEVICES

Answer = list[dict[str, Any]]


@dataclass
class Caller:
    """An editor of the town whose sensors move."""

    sensors: MovingSensors
    client: TestClient

    def ask(self, path: str, body: dict[str, Any] | None = None) -> Answer:
        """The answer to a preview, which changes nothing."""
        before = self.sensors.state(), self.deployments(), self.sensors.corrector.waiting()
        answer = self.client.post(f"/api/v1/deployments{path}", json=body)
        assert answer.status_code == 200, answer.text
        now = self.sensors.state(), self.deployments(), self.sensors.corrector.waiting()
        assert now == before
        items: Answer = answer.json()["items"]
        return items

    def deployments(self, **query: str) -> Answer:
        items: Answer = self.client.get("/api/v1/deployments", params=query).json()["items"]
        return items


@pytest.fixture
def caller(tmp_path: Path) -> Caller:
    """Two devices have measured for an hour, the first one at the lime tree; part is archived."""
    sensors = MovingSensors(tmp_path)
    sensors.change(service.move_device, OLD, LINDE, minute(0))
    for number in range(0, 60, 5):
        sensors.send(0, number)
        sensors.send(1, number + 1)
    sensors.send(0, 2 * 1440, own_minute=7)
    sensors.follow()
    sensors.correct()
    sensors.archive_days(minute(1440))
    services = Services(sensors.database, sensors.clock)
    app = create_app(services, sensors.store, sensors.archive)
    token = create_key(sensors.database, HOME, "Bauhof", Role.EDITOR, NOW)[1]
    client = TestClient(app, headers={"Authorization": f"Bearer {token}"})
    return Caller(sensors, client)


def difference(before: State, after: State) -> Answer:
    """What the previews should have said, from all points before and after."""
    found = []
    for key in sorted({*before, *after}, key=lambda key: (key.station, key.quantity, key.channel)):
        old = {row[0]: row for row in before.get(key, [])}
        new = {row[0]: row for row in after.get(key, [])}
        changed = {time for time in old.keys() & new.keys() if old[time] != new[time]}
        moments = (old.keys() ^ new.keys()) | changed
        if moments:
            found.append(
                {
                    "station": key.station,
                    "quantity": key.quantity,
                    "channel": key.channel,
                    "removed": len(old.keys() - new.keys()),
                    "added": len(new.keys() - old.keys()),
                    "changed": len(changed),
                    "first": berlin.isoformat(min(moments)),
                    "last": berlin.isoformat(max(moments)),
                }
            )
    return found


def done(caller: Caller, change: Callable[[], Any]) -> Answer:
    before = caller.sensors.state()
    answer = change()
    assert answer.is_success, answer.text
    caller.sensors.correct()
    return difference(before, caller.sensors.state())


def by_series(answer: Answer) -> Answer:
    return sorted(answer, key=lambda one: (one["station"], one["quantity"], one["channel"]))


def test_of_a_new_deployment(caller: Caller) -> None:
    """The second device measured beside the first one."""
    (own,) = caller.deployments(dev_eui=NEW)
    caller.client.delete(f"/api/v1/deployments/{own['id']}")
    caller.sensors.correct()
    body = {"dev_eui": NEW, "station": LINDE, "comparison": True}
    said = caller.ask("/preview", body)
    assert [(one["channel"], one["added"]) for one in said] == [("comparison", 12)] * 2
    client = caller.client
    assert by_series(said) == done(caller, lambda: client.post("/api/v1/deployments", json=body))


def test_everybody_waits_only_for_the_stations_that_it_concerns(caller: Caller) -> None:
    """Not for the whole registry of all towns to be read, nor for the uplinks."""
    (place,) = caller.deployments(station=LINDE)
    with write_transactions(caller.sensors.database) as found:
        assert caller.ask(f"/{place['id']}/deletion-preview")
    (trying,) = found
    texts = [" ".join(text.split()) for text in trying.texts]
    assert any("FROM deployments WHERE deployments.station_id IN" in text for text in texts)
    reading = ("FROM devices", "FROM stations", "FROM deployments", "FROM datastreams")
    of_all = [text for text in texts if any(one in text for one in reading) and "WHERE" not in text]
    assert of_all == []
    assert not any("uplinks" in text for text in texts)


def test_of_a_correction(caller: Caller) -> None:
    (place,) = caller.deployments(station=LINDE)
    path = f"/{place['id']}"
    body = {name: value for name, value in place.items() if name != "id"}
    body |= {"start": berlin.isoformat(minute(6)), "calibration": {"soil_moisture": {"scale": 2}}}
    said = caller.ask(f"{path}/preview", body)
    (moisture,) = (one for one in said if one["quantity"] == "soil_moisture")
    # at 0 and 5; at the ten from 10 on, at 7 and two days later
    assert (moisture["removed"], moisture["added"], moisture["changed"]) == (2, 0, 12)
    assert moisture["first"] == berlin.isoformat(minute(0))
    client = caller.client
    assert by_series(said) == done(
        caller, lambda: client.put(f"/api/v1/deployments{path}", json=body)
    )


@pytest.mark.slow
def test_of_a_deletion(caller: Caller) -> None:
    (place,) = caller.deployments(station=LINDE)
    path = f"/{place['id']}"
    said = caller.ask(f"{path}/deletion-preview")
    assert {one["station"] for one in said} == {LINDE}
    assert [one["removed"] for one in said if one["quantity"] == "soil_moisture"] == [14]
    assert {one["added"] + one["changed"] for one in said} == {0}
    client = caller.client
    assert by_series(said) == done(caller, lambda: client.delete(f"/api/v1/deployments{path}"))


def test_what_could_not_be_done_is_refused_in_the_preview_too(caller: Caller) -> None:
    post = caller.client.post
    taken = post("/api/v1/deployments/preview", json={"dev_eui": NEW, "station": LINDE})
    assert (taken.status_code, "end that deployment" in taken.text) == (409, True)
    assert post("/api/v1/deployments/999/deletion-preview").status_code == 404


def test_a_change_that_changes_no_value_says_nothing(caller: Caller) -> None:
    (place,) = caller.deployments(station=LINDE)
    body = {name: value for name, value in place.items() if name != "id"}
    assert caller.ask(f"/{place['id']}/preview", {**body, "remarks": "neu befestigt"}) == []

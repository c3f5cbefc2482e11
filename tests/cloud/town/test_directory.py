"""The directory followers read: complete, and renewed when the registry changes."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from api_callers import AWAY, HOME, NOW, ApiWorld
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town import service
from stadtsinn.cloud.town.directory import DirectoryCache, GateEntry
from stadtsinn.cloud.town.records import Device, Edge, Gate, Zone

EUI = "24e124600c124993"


@pytest.fixture
def filled(world: ApiWorld) -> ApiWorld:
    scope = world.scope(Role.EDITOR)
    with service.change(world.database) as connection:
        service.create_device(connection, scope, Device(EUI, "milesight/vs133", "Tor", 60), NOW)
        service.create_edge(connection, scope, Edge("rathaus", "Rathaus"), NOW)
        service.create_zone(connection, scope, Zone("markt", "Markt", permitted=900, public=True))
        for line in ("line_1", "line_2"):
            gate = Gate(line.replace("_", "-"), "Tor", EUI, line, swapped=line == "line_2")
            service.create_gate(connection, scope, "markt", gate)
    return world


class Stopwatch:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_holds_what_was_registered(filled: ApiWorld) -> None:
    directory = DirectoryCache(filled.database).current()
    assert directory.devices[EUI].tenant_id == HOME
    assert directory.devices[EUI].device_type == "milesight/vs133"
    assert directory.edges == {"rathaus": HOME}
    (zone,) = directory.zones.values()
    assert (zone.slug, zone.permitted, zone.public, zone.tenant_id) == ("markt", 900, True, HOME)
    first, second = zone.gates
    assert first == GateEntry(
        first.id, zone.id, "line-1", "Tor", EUI, "line_1", False, "milesight/vs133"
    )
    assert second.swapped
    assert directory.zones_of_device(EUI) == ((zone, first), (zone, second))
    assert directory.zones_of_device("0" * 16) == ()


def test_a_change_is_seen_after_the_next_check(filled: ApiWorld) -> None:
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    assert "0" * 16 not in cache.current().devices
    answer = filled.client(Role.EDITOR).post(
        "/api/v1/devices",
        json={"dev_eui": "0" * 16, "device_type": "dragino/lse01", "name": "Linde"},
    )
    assert answer.status_code == 201
    assert "0" * 16 not in cache.current().devices
    watch.seconds += 0.2
    assert "0" * 16 in cache.current().devices


def test_nothing_is_asked_between_two_checks_and_little_at_a_check(filled: ApiWorld) -> None:
    """The ingest asks for the directory with every batch."""
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    known = cache.current()
    statements: list[str] = []
    event.listen(
        filled.database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: statements.append(statement),
    )
    for _ in range(100):
        assert cache.current() is known
    assert statements == []
    watch.seconds += 1
    assert cache.current() is known
    assert len([text for text in statements if "registry_revision" in text]) == 1
    assert not [text for text in statements if "devices" in text]


def test_a_refused_change_does_not_wake_the_followers(filled: ApiWorld) -> None:
    before = DirectoryCache(filled.database).current().revision
    refused = filled.client(Role.EDITOR).put(
        "/api/v1/zones/markt", json={"name": "Markt", "site": "nirgendwo"}
    )
    assert refused.status_code == 422
    assert DirectoryCache(filled.database).current().revision == before


def test_every_kind_of_change_wakes_the_followers(filled: ApiWorld) -> None:
    """Each write endpoint of the registry counts the revision up."""
    editor = filled.client(Role.EDITOR)
    site = {"slug": "platz", "name": "Platz"}
    device = {"device_type": "dragino/lse01", "name": "Linde"}
    gate = {"name": "Neu", "dev_eui": EUI, "channel": "line_3"}
    calls = [
        ("POST", "sites", site),
        ("PUT", "sites/platz", {"name": "Anderer Platz"}),
        ("DELETE", "sites/platz", None),
        ("POST", "devices", device | {"dev_eui": "0" * 16}),
        ("PUT", f"devices/{'0' * 16}", device | {"interval_s": 5}),
        ("DELETE", f"devices/{'0' * 16}", None),
        ("POST", "edges", {"id": "bauhof", "name": "Bauhof"}),
        ("PUT", "edges/bauhof", {"name": "Hof"}),
        ("DELETE", "edges/bauhof", None),
        ("POST", "zones", {"slug": "kirmes", "name": "Kirmes"}),
        ("PUT", "zones/kirmes", {"name": "Kirmes", "permitted": 5}),
        ("POST", "zones/kirmes/gates", gate | {"slug": "tor"}),
        ("PUT", "zones/kirmes/gates/tor", gate | {"swapped": True}),
        ("DELETE", "zones/kirmes/gates/tor", None),
        ("DELETE", "zones/kirmes", None),
    ]
    revision = DirectoryCache(filled.database).current().revision
    for method, path, body in calls:
        answer = editor.request(method, f"/api/v1/{path}", json=body)
        assert answer.is_success, (method, path, answer.text)
        now = DirectoryCache(filled.database).current().revision
        assert now > revision, (method, path)
        revision = now


def test_tenants_do_not_mix(filled: ApiWorld) -> None:
    scope = filled.scope(Role.EDITOR, AWAY)
    with service.change(filled.database) as connection:
        service.create_zone(connection, scope, Zone("markt", "Anderer Markt"))
    zones = DirectoryCache(filled.database).current().zones.values()
    assert {(zone.tenant_id, len(zone.gates)) for zone in zones} == {(HOME, 2), (AWAY, 0)}

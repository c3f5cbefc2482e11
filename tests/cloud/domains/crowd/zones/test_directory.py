"""The zones that the follower reads: complete, and renewed when the registry changes."""

from __future__ import annotations

import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld, each_counts_the_revision_up
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.zones.directory import read_zones
from stadtsinn.cloud.domains.crowd.zones.entry import Counter, GateEntry
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.service import create_gate, create_zone
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.service import change, create_device
from stadtsinn.cloud.town.stations import service as stations
from stadtsinn.cloud.town.stations.model import Deployment
from stadtsinn.cloud.town.stations.repository import deployments_page
from stadtsinn.cloud.town.stations.service import Editor

EUI = "24e124600c124993"


@pytest.fixture
def filled(world: ApiWorld) -> ApiWorld:
    scope = world.scope(Role.EDITOR)
    device = Device(dev_eui=EUI, device_type="milesight/vs133", name="Tor", interval_s=60)
    with change(world.database) as connection:
        create_device(connection, scope, device, NOW)
        zone = Zone(slug="markt", name="Markt", permitted=900, public=True)
        create_zone(connection, scope, zone)
        for line in ("line_1", "line_2"):
            gate = Gate(
                slug=line.replace("_", "-"),
                name="Tor",
                station="tor",
                channel=line,
                swapped=line == "line_2",
            )
            create_gate(connection, scope, "markt", gate)
    return world


def test_it_holds_what_was_registered(filled: ApiWorld) -> None:
    zones = DirectoryCache(filled.database).part(read_zones)
    (zone,) = zones.by_id.values()
    assert (zone.slug, zone.permitted, zone.public, zone.tenant_id) == ("markt", 900, True, HOME)
    first, second = zone.gates
    assert first == GateEntry(
        id=first.id,
        slug="line-1",
        name="Tor",
        station="tor",
        channel="line_1",
        station_id=first.station_id,
        counters=(Counter(dev_eui=EUI, device_type="milesight/vs133", channel="line_1"),),
    )
    assert second.swapped
    assert zones.at_station(first.station_id) == ((zone, first), (zone, second))
    assert zones.at_station(first.station_id + 1) == ()


def test_a_refused_change_does_not_wake_the_followers(filled: ApiWorld) -> None:
    before = DirectoryCache(filled.database).current().revision
    refused = filled.client(Role.EDITOR).put(
        "/api/v1/zones/markt", json={"name": "Markt", "site": "nirgendwo"}
    )
    assert refused.status_code == 422
    assert DirectoryCache(filled.database).current().revision == before


@pytest.mark.slow
def test_every_kind_of_change_wakes_the_followers(filled: ApiWorld) -> None:
    """Each write endpoint of zones counts the revision up."""
    editor = filled.client(Role.EDITOR)
    gate = {"name": "Neu", "station": "tor", "channel": "line_3"}
    calls = [
        ("POST", "zones", {"slug": "kirmes", "name": "Kirmes"}),
        ("PUT", "zones/kirmes", {"name": "Kirmes", "permitted": 5}),
        ("POST", "zones/kirmes/gates", gate | {"slug": "tor"}),
        ("PUT", "zones/kirmes/gates/tor", gate | {"swapped": True}),
        ("DELETE", "zones/kirmes/gates/tor", None),
        ("DELETE", "zones/kirmes", None),
    ]
    each_counts_the_revision_up(filled, editor, calls)


def test_tenants_do_not_mix(filled: ApiWorld) -> None:
    scope = filled.scope(Role.EDITOR, AWAY)
    with change(filled.database) as connection:
        create_zone(connection, scope, Zone(slug="markt", name="Anderer Markt"))
    zones = DirectoryCache(filled.database).part(read_zones).by_id.values()
    assert {(zone.tenant_id, len(zone.gates)) for zone in zones} == {(HOME, 2), (AWAY, 0)}


def test_a_gate_knows_each_device_that_feeds_its_channel(filled: ApiWorld) -> None:
    """Each counter runs over at its own width, also after it was replaced."""
    radar = Device(dev_eui="0" * 15 + "1", device_type="parametric/pcr2", name="Radar")
    at = Instant(NOW + 1)
    editor = Editor(filled.scope(Role.EDITOR), NOW)
    with change(filled.database) as connection:
        create_device(connection, editor.scope, radar, NOW)
        stations.free_from(connection, editor, radar.dev_eui, NOW)
        stations.swap_device(connection, editor, EUI, radar.dev_eui, at)
        (place,) = [
            one
            for one in deployments_page(connection, editor.scope, None, None, station="tor")
            if one.dev_eui == radar.dev_eui
        ]
        mapped = place.model_copy(update={"channels": {"": "line_1"}})
        fields = {name: getattr(mapped, name) for name in Deployment.model_fields}
        stations.replace_deployment(connection, editor, place.id, Deployment(**fields))
    (zone,) = DirectoryCache(filled.database).part(read_zones).by_id.values()
    assert zone.gates[0].counters == (
        Counter(dev_eui=EUI, device_type="milesight/vs133", channel="line_1"),
        Counter(dev_eui=radar.dev_eui, device_type="parametric/pcr2", channel=""),
    )
    assert [one.dev_eui for one in zone.gates[1].counters] == [EUI]

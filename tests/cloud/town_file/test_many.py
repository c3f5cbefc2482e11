"""A town file of many things keeps nobody waiting: few statements, in short transactions."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from api_callers import NOW
from counted import Transaction, write_transactions
from real_import_child import SLICE, applied_elsewhere, town_of
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town import service
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.stations.tables import deployments, stations
from stadtsinn.cloud.town.tables import devices
from stadtsinn.cloud.town_file import apply as module
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import DeviceSection, Town
from stadtsinn.cloud.town_file.problems import TownRefused


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)


def applied(database: Database, town: Town) -> list[Transaction]:
    with write_transactions(database) as found:
        apply_town(database, town, NOW)
    return found


def registered(database: Database) -> list[tuple[Any, ...]]:
    """Device, and slug of the station that it has."""
    query = (
        select(devices.c.dev_eui, devices.c.tenant_id, stations.c.slug, deployments.c.start)
        .join_from(devices, deployments, deployments.c.dev_eui == devices.c.dev_eui)
        .join(stations, stations.c.id == deployments.c.station_id)
        .order_by(devices.c.dev_eui)
    )
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def section(number: int, **other: Any) -> DeviceSection:
    values = {"device_type": "dragino/lse01", "name": f"Linde {number}", **other}
    return DeviceSection(dev_eui=f"70b3d57ed1{number:06x}", **values)


def with_stations(count: int, first: int = 0) -> Town:
    """Devices at stations that the file names, on a site."""
    numbers = range(first, first + count)
    return Town.read(
        {
            "tenant": "musterstadt",
            "name": "Musterstadt",
            "sites": [{"slug": "park", "name": "Park"}],
            "stations": [{"slug": f"ort-{n}", "name": f"Ort {n}", "site": "park"} for n in numbers],
            "devices": [section(n, station=f"ort-{n}", site="park").model_dump() for n in numbers],
        }
    )


@pytest.mark.parametrize("make", [town_of, with_stations])
def test_twice_as_many_devices_take_no_more_statements(database: Database, make: Any) -> None:
    apply_town(database, Town(tenant="musterstadt", name="Musterstadt"), NOW)
    (few,) = applied(database, make(60))
    (many,) = applied(database, make(180))
    assert many.statements <= few.statements < 40
    assert len(registered(database)) == 180


@pytest.mark.slow
def test_much_is_applied_in_transactions_of_bounded_size(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLICE", 50)
    with_tenant = applied(database, town_of(100))
    assert len(with_tenant) == 3  # the tenant weighs as much as ten devices
    assert len(applied(database, town_of(300))) == 4


@pytest.mark.slow
def test_rules_and_zones_in_their_number_are_applied_a_few_at_a_time(database: Database) -> None:
    zones = [{"slug": f"z{n}", "name": "Z"} for n in range(120)]
    rules = [{"slug": f"r{n}", "name": "R", "zone": f"z{n}", "on": 9, "off": 8} for n in range(120)]
    document = {"tenant": "m", "name": "M", "zones": zones, "rules": rules}
    found = applied(database, Town.read(document))
    assert len(found) == 5
    assert max(one.statements for one in found) < 800
    assert apply_town(database, Town.read(document), NOW) == ()


def test_a_dry_run_and_a_file_that_changes_nothing_take_no_lock(database: Database) -> None:
    with write_transactions(database) as found:
        assert len(apply_town(database, town_of(20), NOW, dry_run=True)) == 21
    assert found == []
    apply_town(database, town_of(20), NOW)
    assert applied(database, town_of(20)) == []


def test_the_last_devices_error_is_found_before_anything_is_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLICE", SLICE)
    good = town_of(20)
    wrong = section(1, station="nix")
    with (
        write_transactions(database) as found,
        pytest.raises(TownRefused, match=f"device {wrong.dev_eui}: There is no station 'nix'"),
    ):
        apply_town(database, good.model_copy(update={"devices": (*good.devices, wrong)}), NOW)
    assert found == []


def test_who_takes_a_device_between_two_slices_is_named_and_the_rest_can_be_applied(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, other = town_of(20), operator_scope("nebenan")
    apply_town(database, Town(tenant="nebenan", name="Nebenan"), NOW)
    monkeypatch.setattr(module, "_SLICE", 10)
    taken = town.devices[15]

    def taking(_: Database) -> None:
        if not any(row[0] == taken.dev_eui for row in registered(database)):
            mine = Device(dev_eui=taken.dev_eui, device_type=taken.device_type, name="Meine")
            with service.change(database) as connection:
                service.create_device(connection, other, mine, NOW)

    monkeypatch.setattr(Database, "let_others_write", taking)
    with pytest.raises(
        TownRefused, match=rf"device {taken.dev_eui}: .* already registered.*before"
    ):
        apply_town(database, town, NOW)
    assert len(registered(database)) == 11
    without = tuple(one for one in town.devices if one is not taken)
    apply_town(database, town.model_copy(update={"devices": without}), NOW)
    assert len(registered(database)) == 20


def test_a_device_named_twice_ends_as_the_later_line_says(database: Database) -> None:
    town = Town(tenant="m", name="M", devices=(section(1), section(2), section(1, name="Buche")))
    apply_town(database, town, NOW)
    with database.read() as connection:
        names = connection.scalars(select(devices.c.name).order_by(devices.c.dev_eui)).all()
    assert names == ["Buche", "Linde 2"]


@pytest.mark.slow
def test_killed_between_two_slices_the_same_file_leads_to_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert applied_elsewhere(database, 10, "town_file.applied:3") == -9
    assert 0 < len(registered(database)) < 10
    assert applied_elsewhere(database, 10, "") == 0
    found = [(dev_eui, slug) for dev_eui, _, slug, _ in registered(database)]
    expected = ["linde", *(f"linde-{n:06x}" for n in range(1, 10))]
    assert found == [(f"70b3d57ed0{n:06x}", slug) for n, slug in enumerate(expected)]

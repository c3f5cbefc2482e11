"""Deployments and corrections after a swap, a move and a correction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from api_callers import HOME, NOW, ApiWorld
from stadtsinn.base.instant import DAY, HOUR, Instant, to_datetime
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.town import service as town
from stadtsinn.cloud.town.directory import read_directory
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.stations import repository, service
from stadtsinn.cloud.town.stations.model import FOR_EVER, Calibration, Deployment, Station
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.cloud.town.stations.tables import datastreams, series_corrections, stations

OLD, NEW = "70b3d57ed0000001", "70b3d57ed0000002"
NOON = Instant(NOW - DAY)

Part = tuple[str, int, int]


@dataclass
class Town:
    """A town with a tree whose sensor was registered."""

    world: ApiWorld
    scope: Scope

    @property
    def editor(self) -> Editor:
        return Editor(self.scope, NOW, "Bauhof")

    def change(self, what: Any, *arguments: Any) -> Any:
        with town.change(self.world.database) as connection:
            return what(connection, self.editor, *arguments)

    def register(self, dev_eui: str, name: str) -> None:
        record = Device(dev_eui=dev_eui, device_type="dragino/lse01", name=name, interval_s=1200)
        with town.change(self.world.database) as connection:
            town.create_device(connection, self.scope, record, NOW)

    def measured_at(self, slug: str) -> None:
        """Something was measured there: the station has a datastream."""
        with self.world.database.write() as connection:
            number = connection.scalar(select(stations.c.id).where(stations.c.slug == slug))
            row = {"tenant_id": HOME, "station_id": number, "quantity": "soil_moisture"}
            more = {"channel": "", "label": "", "first_at": 1}
            connection.execute(insert(datastreams).values(**row, **more))

    def places(self) -> list[tuple[str, str, int, int]]:
        """Device, station, start and end of all deployments, in the order of time."""
        with self.world.database.read() as connection:
            rows = repository.deployments_page(connection, self.scope, None, None)
        found = [(one.dev_eui, one.station, one.starts, one.ends) for one in rows]
        return sorted(found, key=lambda place: place[2:])

    def corrections(self) -> list[Part]:
        """The parts of series that wait to be made anew; they are forgotten."""
        with self.world.database.write() as connection:
            return _taken(connection)


def _taken(connection: Connection) -> list[Part]:
    columns = series_corrections.c
    query = select(columns.station, columns.start, columns.end).order_by(columns.id)
    parts = [(row.station, row.start, row.end) for row in connection.execute(query)]
    connection.execute(series_corrections.delete())
    return parts


@pytest.fixture
def tree(world: ApiWorld) -> Town:
    """A lime whose sensor has measured since its beginning."""
    made = Town(world, world.scope(Role.EDITOR))
    made.register(OLD, "Linde")
    made.measured_at("linde")
    made.corrections()
    return made


def test_a_swap_ends_one_deployment_and_begins_the_next(tree: Town) -> None:
    tree.register(NEW, "Ersatz")
    tree.corrections()
    tree.change(service.swap_device, OLD, NEW, NOON)
    assert tree.places() == [(OLD, "linde", 0, NOON), (NEW, "linde", NOON, FOR_EVER)]
    assert set(tree.corrections()) == {
        ("linde", NOON, FOR_EVER),
        ("ersatz", 0, FOR_EVER),  # gone with its only device, and with what may be written there
    }


def test_a_swap_keeps_channels_and_depths_but_no_calibration(tree: Town) -> None:
    """Calibration belongs to the sensor that was removed."""
    number = _only_id(tree)
    calibrated = Deployment(
        dev_eui=OLD,
        station="linde",
        channels={"": "30cm"},
        depths_cm={"30cm": 30},
        swapped=True,
        calibration={"soil_moisture": Calibration(offset=2.0)},
    )
    tree.change(service.replace_deployment, number, calibrated)
    tree.register(NEW, "Ersatz")
    (made,) = tree.change(service.swap_device, OLD, NEW, NOON)
    assert (made.channels, made.depths_cm) == ({"": "30cm"}, {"30cm": 30})
    assert (made.calibration, made.swapped, made.installed_by) == ({}, False, "Bauhof")


def test_a_swap_keeps_how_high_a_sensor_hangs_above_the_gauges_zero(tree: Town) -> None:
    hung = {"distance": Calibration(scale=-1, offset=3.42, becomes="water_level")}
    number = _only_id(tree)
    record = Deployment(dev_eui=OLD, station="linde", calibration=hung)
    tree.change(service.replace_deployment, number, record)
    tree.register(NEW, "Ersatz")
    (made,) = tree.change(service.swap_device, OLD, NEW, NOON)
    assert made.calibration == hung


def test_the_new_devices_own_station_stays_where_it_measured_before(tree: Town) -> None:
    """A sensor that was tried in the works yard keeps that history there."""
    tree.register(NEW, "Werkstatt")
    tree.measured_at("werkstatt")
    tree.corrections()
    tree.change(service.swap_device, OLD, NEW, NOON)
    assert (NEW, "werkstatt", 0, NOON) in tree.places()
    assert set(tree.corrections()) == {
        ("werkstatt", NOON, FOR_EVER),
        ("linde", NOON, FOR_EVER),
    }


def test_a_swap_inside_an_ended_deployment_ends_with_it(tree: Town) -> None:
    """Known only afterwards: the old one was replaced before the station was given up."""
    until = Instant(NOON + HOUR)
    ended = Deployment(dev_eui=OLD, station="linde", end=to_datetime(until))
    tree.change(service.replace_deployment, _only_id(tree), ended)
    tree.register(NEW, "Ersatz")
    tree.change(service.swap_device, OLD, NEW, NOON)
    assert tree.places()[-1] == (NEW, "linde", NOON, until)


def test_a_swap_of_a_device_that_is_nowhere_is_refused(tree: Town) -> None:
    ended = Deployment(dev_eui=OLD, station="linde", end=to_datetime(NOON))
    tree.change(service.replace_deployment, _only_id(tree), ended)
    tree.register(NEW, "Ersatz")
    with pytest.raises(Conflict, match="measures at no station"):
        tree.change(service.swap_device, OLD, NEW, NOON)


def test_a_swap_to_a_device_that_is_needed_later_is_refused(tree: Town) -> None:
    """Its later deployment would silently go on at two stations."""
    tree.register(NEW, "Ersatz")
    tree.change(service.create_station, Station(slug="eiche", name="Eiche"))
    tree.change(service.move_device, NEW, "eiche", Instant(NOON + HOUR))
    with pytest.raises(Conflict, match="eiche"):
        tree.change(service.swap_device, OLD, NEW, NOON)
    assert tree.places()[0] == (OLD, "linde", 0, FOR_EVER), "nothing half done"


def test_two_swaps_at_the_same_moment_leave_no_empty_deployment(tree: Town) -> None:
    """The spare was broken as well, and the next was put in at once."""
    third = "70b3d57ed0000003"
    for dev_eui in (NEW, third):
        tree.register(dev_eui, "Ersatz")
    tree.change(service.swap_device, OLD, NEW, NOON)
    tree.change(service.swap_device, NEW, third, NOON)
    assert tree.places() == [(OLD, "linde", 0, NOON), (third, "linde", NOON, FOR_EVER)]


def test_a_move_leaves_the_old_stations_history(tree: Town) -> None:
    tree.change(service.create_station, Station(slug="eiche", name="Eiche"))
    tree.change(service.move_device, OLD, "eiche", NOON)
    assert tree.places() == [(OLD, "linde", 0, NOON), (OLD, "eiche", NOON, FOR_EVER)]
    assert set(tree.corrections()) == {("linde", NOON, FOR_EVER), ("eiche", NOON, FOR_EVER)}


def test_a_boundary_put_right_concerns_what_lies_between(tree: Town) -> None:
    tree.register(NEW, "Ersatz")
    tree.change(service.swap_device, OLD, NEW, NOON)
    tree.corrections()
    with tree.world.database.read() as connection:
        rows = repository.deployments_page(connection, tree.scope, None, None)
    first, second = sorted(rows, key=lambda row: row.starts)
    later = to_datetime(Instant(NOON + HOUR))
    moved = Deployment(dev_eui=NEW, station="linde", start=later)
    tree.change(service.replace_deployment, second.id, moved)
    ended = Deployment(dev_eui=OLD, station="linde", end=later)
    tree.change(service.replace_deployment, first.id, ended)
    assert tree.corrections() == [("linde", NOON, NOON + HOUR)] * 2


def test_remarks_concern_no_series(tree: Town) -> None:
    remarked = Deployment(dev_eui=OLD, station="linde", remarks="neu", depths_cm={"": 30})
    tree.change(service.replace_deployment, _only_id(tree), remarked)
    assert tree.corrections() == []


def test_a_deleted_device_leaves_its_deployment_and_registered_again_goes_on(tree: Town) -> None:
    with town.change(tree.world.database) as connection:
        town.delete_device(connection, tree.scope, OLD, NOW)
    assert tree.places() == [(OLD, "linde", 0, NOW)]
    tree.register(OLD, "Linde")
    assert tree.places() == [(OLD, "linde", 0, NOW), (OLD, "linde-000001", NOW, FOR_EVER)]


def test_the_directory_knows_stations_and_deployments(tree: Town) -> None:
    with tree.world.database.read() as connection:
        directory = read_directory(connection)
    entry = directory.station(HOME, "linde")
    assert entry is not None
    assert (entry.name, entry.kind, directory.stations[entry.id]) == ("Linde", "soil", entry)
    (place,) = directory.deployments_of(OLD)
    assert directory.deployments_at(entry.id) == (place,)
    assert place.station is entry
    assert directory.station("elsewhere", "linde") is None


def _only_id(tree: Town) -> int:
    with tree.world.database.read() as connection:
        (only,) = repository.deployments_page(connection, tree.scope, None, None)
    return only.id


def test_a_deployment_asks_for_its_station_once(tree: Town) -> None:
    tree.change(service.create_station, Station(slug="eiche", name="Eiche"))
    tree.change(service.free_from, OLD, NOON)
    queries: list[str] = []
    event.listen(
        tree.world.database.engine,
        "before_cursor_execute",
        lambda *call: queries.append(str(call[2])),
    )
    record = Deployment(dev_eui=OLD, station="eiche", start=to_datetime(NOON))
    tree.change(service.deploy, record)
    assert len([query for query in queries if "FROM stations" in query]) == 1

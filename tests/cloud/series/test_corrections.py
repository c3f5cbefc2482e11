"""The past put right: changed deployments lead to the series that the log would give."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from api_callers import HOME
from databases import fresh_database, fresh_postgres, shared_cluster
from moving_sensors import DEVICES, STATIONS, MovingSensors, minute
from real_parts import InfluxServer
from real_series import influx_store
from stadtsinn.base.instant import to_datetime
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy, rewriting_history
from stadtsinn.cloud.series.corrections.preview import Difference, preview
from stadtsinn.cloud.series.corrections.worker import CorrectionWorker
from stadtsinn.cloud.series.repository import streams_of
from stadtsinn.cloud.series.stores.store import SeriesKey, SeriesUnavailable
from stadtsinn.cloud.town.stations import repository, service
from stadtsinn.cloud.town.stations.model import Calibration, Deployment

pytestmark = pytest.mark.slow

LINDE, EICHE = STATIONS
OLD, NEW, THIRD = DEVICES


@pytest.fixture
def sensors(tmp_path: Path) -> MovingSensors:
    """Three devices; the first has measured at the first station for an hour."""
    made = MovingSensors(tmp_path)
    made.change(service.move_device, OLD, LINDE, minute(0))
    for number in range(0, 60, 5):
        made.send(0, number)
    made.follow()
    made.correct()
    return made


def moisture(sensors: MovingSensors, station: str, channel: str = "") -> list[tuple[int, str]]:
    found = sensors.state().get(SeriesKey(station, "soil_moisture", channel), [])
    return [(round((time - minute(0)) / 60e6), dev_eui) for time, _, _, dev_eui in found]


def deployments(sensors: MovingSensors, station: str) -> list[Any]:
    with sensors.database.read() as connection:
        return list(
            repository.deployments_page(connection, sensors.scope, None, None, station=station)
        )


def test_a_swap_in_the_past_gives_its_part_to_the_new_device(sensors: MovingSensors) -> None:
    for number in range(30, 60, 5):
        sensors.send(1, number)
    sensors.follow()
    assert sensors.change(service.swap_device, OLD, NEW, minute(30))
    assert len(moisture(sensors, LINDE)) == 12  # as it was until it is corrected
    sensors.correct()
    assert moisture(sensors, LINDE) == [
        *((number, OLD) for number in range(0, 30, 5)),
        *((number, NEW) for number in range(30, 60, 5)),
    ]
    assert sensors.state() == sensors.built_from_the_log()


def test_what_was_written_by_the_deployments_of_before_is_put_right(
    sensors: MovingSensors,
) -> None:
    """The follower did not see the change yet when it wrote these."""
    sensors.change(service.move_device, OLD, EICHE, minute(60))
    for number in range(60, 90, 5):
        sensors.send(0, number)
    sensors.follow()
    assert len(moisture(sensors, LINDE)) == 18
    sensors.correct()
    assert len(moisture(sensors, LINDE)) == 12
    assert len(moisture(sensors, EICHE)) == 6
    assert sensors.state() == sensors.built_from_the_log()


def test_a_calibration_afterwards_changes_the_values_and_their_quality(
    sensors: MovingSensors,
) -> None:
    (place,) = deployments(sensors, LINDE)
    fields = {name: getattr(place, name) for name in Deployment.model_fields}
    calibration = {"soil_moisture": Calibration(scale=20, offset=1)}
    changed = Deployment(**{**fields, "calibration": calibration})
    assert sensors.change(service.replace_deployment, place.id, changed)
    sensors.correct()
    found = sensors.state()[SeriesKey(LINDE, "soil_moisture")]
    assert [value for _, value, _, _ in found][:3] == [21.0, 41.0, 61.0]
    assert [quality for _, _, quality, _ in found][-1] == "bad"  # above 100 %
    assert sensors.state() == sensors.built_from_the_log()


def test_archived_days_and_values_with_times_of_their_own_count(sensors: MovingSensors) -> None:
    sensors.send(0, 2 * 1440, own_minute=7)  # two days later, a value of the first hour
    sensors.follow()
    sensors.archive_days(minute(1440))
    sensors.change(service.move_device, OLD, EICHE, minute(6))
    sensors.correct()
    assert moisture(sensors, LINDE) == [(0, OLD), (5, OLD)]
    assert (7, OLD) in moisture(sensors, EICHE)
    assert sensors.state() == sensors.built_from_the_log()


def test_datastreams_follow_what_is_there(sensors: MovingSensors) -> None:
    (place,) = deployments(sensors, LINDE)
    fields = {name: getattr(place, name) for name in Deployment.model_fields}
    mapped = Deployment(**{**fields, "channels": {"": "60cm"}})
    sensors.change(service.replace_deployment, place.id, mapped)
    sensors.correct()
    with sensors.database.read() as connection:
        streams = streams_of(connection, sensors.scope.tenant_id, LINDE)
    assert streams == {
        SeriesKey(LINDE, "soil_moisture", "60cm"),
        SeriesKey(LINDE, "soil_temperature", "60cm"),
    }


def test_a_device_that_never_sent_anything_costs_nothing(
    sensors: MovingSensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def begin(part: object) -> None:
        raise AssertionError(part)

    monkeypatch.setattr(sensors.store, "begin_replacement", begin)
    sensors.change(service.move_device, THIRD, EICHE, minute(0))
    sensors.correct()
    assert sensors.corrector.waiting() == 0


def test_it_waits_while_the_archive_is_written_and_while_the_store_is_away(
    sensors: MovingSensors, monkeypatch: pytest.MonkeyPatch
) -> None:
    sensors.change(service.move_device, OLD, EICHE, minute(30))
    waiting = sensors.corrector.waiting()
    assert waiting
    with rewriting_history(sensors.database), pytest.raises(HistoryBusy):
        sensors.corrector.run_once()

    def away(part: object) -> None:
        raise SeriesUnavailable("away", "fort")

    with monkeypatch.context() as patched:
        patched.setattr(sensors.store, "begin_replacement", away)
        with pytest.raises(SeriesUnavailable):
            sensors.corrector.run_once()
    assert sensors.corrector.waiting() == waiting
    worker = CorrectionWorker(sensors.corrector, look_s=0.01)
    assert worker.check().detail == f"{waiting} parts of series are being corrected"
    sensors.correct()
    assert worker.check().detail == "nothing to correct"
    assert sensors.state() == sensors.built_from_the_log()


STEPS = ("corrections.staged", "corrections.replaced", "corrections.done")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("crash_at", STEPS)
def test_killed_at_each_step_it_is_done_again(
    sensors: MovingSensors, monkeypatch: pytest.MonkeyPatch, crash_at: str
) -> None:
    before = sensors.state()
    sensors.change(service.move_device, OLD, EICHE, minute(30))

    def crash(name: str) -> None:
        if name == crash_at:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("stadtsinn.cloud.series.corrections.service.crash_point", crash)
        with pytest.raises(Killed):
            sensors.corrector.run_once()
    after = sensors.built_from_the_log()
    for station in STATIONS:
        found = {key: points for key, points in sensors.state().items() if key.station == station}
        allowed = [
            {key: points for key, points in state.items() if key.station == station}
            for state in (before, after)
        ]
        assert found in allowed
    sensors.corrector = sensors.make_corrector()
    sensors.correct()
    assert sensors.state() == after


# --- random sequences ------------------------------------------------------------------

MINUTES = st.integers(0, 3000)
DEVICE = st.sampled_from(DEVICES)
STATION = st.sampled_from(STATIONS)
CHANNELS = st.sampled_from([None, None, {"": "60cm"}, {"": ""}])
CALIBRATIONS = st.sampled_from([{}, {}, {"soil_moisture": Calibration(scale=2, offset=1)}])

Step = Callable[[MovingSensors], object]


def _install(dev_eui: str, station: str, start: int, length: int | None, **more: Any) -> Step:
    ends = None if length is None else to_datetime(minute(start + length))
    begins = to_datetime(minute(start))
    record = Deployment(dev_eui=dev_eui, station=station, start=begins, end=ends, **more)
    return lambda sensors: sensors.change(service.deploy, record)


def _correct_one(which: int, start: int, length: int, **more: Any) -> Step:
    def step(sensors: MovingSensors) -> None:
        with sensors.database.read() as connection:
            found = repository.deployments_page(connection, sensors.scope, None, None)
        if not found:
            return
        place = found[which % len(found)]
        fields = {name: getattr(place, name) for name in Deployment.model_fields}
        times = {"start": to_datetime(minute(start)), "end": to_datetime(minute(start + length))}
        sensors.change(
            service.replace_deployment, place.id, Deployment(**{**fields, **times, **more})
        )

    return step


def _remove(which: int) -> Step:
    def step(sensors: MovingSensors) -> None:
        with sensors.database.read() as connection:
            found = repository.deployments_page(connection, sensors.scope, None, None)
        if found:
            sensors.change(service.delete_deployment, found[which % len(found)].id)

    return step


steps = st.one_of(
    st.builds(
        lambda device, at, own: lambda sensors: sensors.send(device, at, own),
        st.integers(0, 2),
        MINUTES,
        st.none() | MINUTES,
    ),
    st.builds(
        _install,
        DEVICE,
        STATION,
        MINUTES,
        st.none() | st.integers(1, 2000),
        channels=CHANNELS,
        calibration=CALIBRATIONS,
        comparison=st.booleans(),
        swapped=st.booleans(),
    ),
    st.builds(
        lambda old, new, at: lambda s: s.change(service.swap_device, old, new, minute(at)),
        DEVICE,
        DEVICE,
        MINUTES,
    ),
    st.builds(
        lambda dev, to, at: lambda s: s.change(service.move_device, dev, to, minute(at)),
        DEVICE,
        STATION,
        MINUTES,
    ),
    st.builds(
        _correct_one,
        st.integers(0, 9),
        MINUTES,
        st.integers(1, 2000),
        channels=CHANNELS,
        calibration=CALIBRATIONS,
    ),
    st.builds(_remove, st.integers(0, 9)),
    st.just(MovingSensors.follow),
    st.just(MovingSensors.correct),
    st.just(lambda sensors: (sensors.follow(), sensors.archive_days(minute(1440)))),
)


def run(sensors: MovingSensors, sequence: list[Step]) -> None:
    for step in sequence:
        step(sensors)
    sensors.follow()
    sensors.correct()
    assert sensors.state() == sensors.built_from_the_log()
    assert sensors.corrector.waiting() == 0


SEQUENCES = st.lists(steps, min_size=5, max_size=40)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(SEQUENCES)
def test_any_sequence_ends_with_the_series_that_the_log_gives(sequence: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(MovingSensors(Path(folder)), sequence)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequence=SEQUENCES)
def test_any_sequence_in_influxdb(influx: InfluxServer, sequence: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = fresh_database(Path(folder))
        store = influx_store(influx, database)
        run(MovingSensors(Path(folder), store, database), sequence)
        store.drop_tenant(HOME)
        store.close()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(sequence=SEQUENCES)
def test_any_sequence_in_postgresql_and_influxdb(
    influx: InfluxServer, sequence: list[Step]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_postgres(shared_cluster()) as database,
    ):
        store = influx_store(influx, database)
        run(MovingSensors(Path(folder), store, database), sequence)
        store.drop_tenant(HOME)
        store.close()


def test_a_preview_says_what_the_correction_then_does(sensors: MovingSensors) -> None:
    for number in range(30, 60, 5):
        sensors.send(1, number)
    sensors.follow()
    before, waiting = sensors.state(), sensors.corrector.waiting()

    def swap(connection: Connection) -> None:
        service.swap_device(connection, sensors.editor, OLD, NEW, minute(30))

    def previewed() -> list[Difference]:
        town = (sensors.clock, HOME, swap)
        return preview(sensors.database, sensors.archive, sensors.store, *town)

    found = {one.key: one for one in previewed()}
    moisture_of_linde = found[SeriesKey(LINDE, "soil_moisture")]
    assert (moisture_of_linde.first, moisture_of_linde.last) == (minute(30), minute(55))
    counts = (moisture_of_linde.removed, moisture_of_linde.added, moisture_of_linde.changed)
    assert counts == (0, 0, 6)
    gone = found[SeriesKey("sensor-1", "soil_moisture")]
    assert (gone.removed, gone.added, gone.changed) == (6, 0, 0)
    assert (sensors.state(), sensors.corrector.waiting()) == (before, waiting)
    sensors.change(service.swap_device, OLD, NEW, minute(30))
    sensors.correct()
    after = sensors.state()
    for key, one in found.items():
        old = {row[0]: row for row in before.get(key, [])}
        new = {row[0]: row for row in after.get(key, [])}
        assert len(old.keys() - new.keys()) == one.removed
        assert len(new.keys() - old.keys()) == one.added
        both = old.keys() & new.keys()
        assert sum(old[time] != new[time] for time in both) == one.changed
    assert {key for key in {*before, *after} if before.get(key) != after.get(key)} == set(found)

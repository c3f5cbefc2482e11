"""A faultless day passes the comparison; each kind of damage is found."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from fake_town_cloud import TownCloud, play_day
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.tables import acknowledgements, incidents
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.tables import outbox, sandbox_messages
from stadtsinn.cloud.domains.crowd.tables import gate_counts
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.domains.trees.tables import tree_group_days
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Quality
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.market_day.town import (
    MARKET,
    REPLACED_SENSOR,
    SPARE_SENSOR,
    TREES,
    station_of,
)
from stadtsinn.simulator.verification.report import Check, Report
from stadtsinn.simulator.verification.verify import verify

pytestmark = pytest.mark.slow

LOG, SERIES, OCCUPANCY, MESSAGES, ACKNOWLEDGED, WATERING = range(6)


def of_a_tree(cloud: TownCloud) -> str:
    """The station of the first tree's sensor."""
    (place,) = DirectoryCache(cloud.database).current().deployments_of(TREES[0])
    return place.station.slug


def soil(cloud: TownCloud) -> SeriesKey:
    return SeriesKey(of_a_tree(cloud), "soil_moisture")


def compared(day: MarketDay, cloud: TownCloud) -> Report:
    return verify(day.truth, cloud.database, cloud.series)


def failed(report: Report, which: int) -> Check:
    """The check that failed, and nothing else did."""
    assert not report.ok
    assert [index for index, check in enumerate(report.checks) if not check.ok] == [which]
    return report.checks[which]


def change(cloud: TownCloud, *statements: object) -> None:
    with cloud.database.write() as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount > 0  # type: ignore[call-overload]


def test_a_faultless_day_passes(day: MarketDay, cloud: TownCloud) -> None:
    report = compared(day, cloud)
    assert report.ok, report.lines()
    assert report.counts["incidents_hidden"] == 1
    assert all(check.found == check.expected > 0 for check in report.checks)


@pytest.mark.nightly
def test_a_backlog_that_takes_minutes_to_arrive_changes_nothing(tmp_path: Path) -> None:
    """Another day, and the county's copies are in the cloud before the town's originals."""
    another = MarketDay(2)
    cloud = play_day(another, tmp_path, backlog_per_minute=200)
    report = compared(another, cloud)
    cloud.close()
    assert report.ok, report.lines()


def test_the_report_can_be_read_by_people_and_programs(day: MarketDay, cloud: TownCloud) -> None:
    report = compared(day, cloud)
    assert json.loads(report.to_json())["counts"]["uplinks"] == len(day.truth.frames)
    assert len(report.lines()) == len(report.checks)


def test_no_phone_number_stands_in_the_report(day: MarketDay, cloud: TownCloud) -> None:
    change(cloud, delete(sandbox_messages))
    report = compared(day, cloud)
    assert b"4917604069" not in report.to_json()


# --- the log ---------------------------------------------------------------------------

ONE_ROW = select(func.max(uplinks.c.position)).scalar_subquery()


def test_a_missing_uplink_is_found(day: MarketDay, cloud: TownCloud) -> None:
    change(cloud, delete(uplinks).where(uplinks.c.position == ONE_ROW))
    check = failed(compared(day, cloud), LOG)
    assert check.found == check.expected - 1
    assert check.problems[0].startswith("missing: device")


def _again(connection: Connection, **changes: object) -> None:
    row = connection.execute(select(uplinks).where(uplinks.c.position == ONE_ROW)).one()
    values = {**row._mapping, **changes}
    del values["position"]
    connection.execute(insert(uplinks).values(values))


def test_an_uplink_logged_twice_is_found(day: MarketDay, cloud: TownCloud) -> None:
    with cloud.database.write() as connection:
        _again(connection, generation=7)
    check = failed(compared(day, cloud), LOG)
    assert check.problems[0].startswith("2 times instead of 1")


def test_a_foreign_uplink_is_found(day: MarketDay, cloud: TownCloud) -> None:
    with cloud.database.write() as connection:
        _again(connection, f_cnt=999_999)
    check = failed(compared(day, cloud), LOG)
    assert check.problems[0].startswith("foreign: device")


def test_an_uplink_of_another_tenant_is_found(day: MarketDay, cloud: TownCloud) -> None:
    with cloud.database.write() as connection:
        _again(connection, tenant_id="nachbarort", f_cnt=999_999)
    assert "another tenant" in failed(compared(day, cloud), LOG).problems[0]


def test_a_wrong_event_time_is_found(day: MarketDay, cloud: TownCloud) -> None:
    later = update(uplinks).where(uplinks.c.position == ONE_ROW)
    change(cloud, later.values(event_time=uplinks.c.event_time + HOUR))
    assert "logged as" in failed(compared(day, cloud), LOG).problems[0]


# --- the series ------------------------------------------------------------------------


def written(cloud: TownCloud, key: SeriesKey, moment: int, value: float, quality: Quality) -> None:
    cloud.series.write(
        [Point("musterstadt", "soil", key, Instant(moment), value, quality, TREES[0])]
    )


def a_sample(day: MarketDay, cloud: TownCloud) -> tuple[Instant, float]:
    span = day.span
    sample = cloud.series.read("musterstadt", soil(cloud), span.start, span.end)[3]
    return sample.time, sample.value


def test_a_wrong_value_is_found(day: MarketDay, cloud: TownCloud) -> None:
    time, value = a_sample(day, cloud)
    written(cloud, soil(cloud), time, value + 0.01, Quality.GOOD)
    assert "instead of" in failed(compared(day, cloud), SERIES).problems[0]


def test_a_value_that_lost_its_trust_is_found(day: MarketDay, cloud: TownCloud) -> None:
    time, value = a_sample(day, cloud)
    written(cloud, soil(cloud), time, value, Quality.SUSPECT)
    assert "suspect" in failed(compared(day, cloud), SERIES).problems[0]


def test_a_point_too_many_is_found(day: MarketDay, cloud: TownCloud) -> None:
    time, value = a_sample(day, cloud)
    written(cloud, soil(cloud), time + 5 * MINUTE, value, Quality.GOOD)
    assert "foreign point" in failed(compared(day, cloud), SERIES).problems[0]


def test_a_series_too_many_is_found(day: MarketDay, cloud: TownCloud) -> None:
    time, value = a_sample(day, cloud)
    written(cloud, SeriesKey(of_a_tree(cloud), "soil_tension"), time, value, Quality.GOOD)
    assert "foreign series" in failed(compared(day, cloud), SERIES).problems[0]


def test_missing_points_are_found(day: MarketDay, cloud: TownCloud) -> None:
    cloud.series.drop_station("musterstadt", of_a_tree(cloud))
    check = failed(compared(day, cloud), SERIES)
    assert check.found < check.expected
    assert "nothing for" in check.problems[0]
    assert check.problem_count > len(check.problems)


# --- the occupancy ---------------------------------------------------------------------


def test_a_wrong_count_is_found(day: MarketDay, cloud: TownCloud) -> None:
    noon = day.plan.at("13:00")
    shifted = update(gate_counts).where(
        gate_counts.c.event_time > noon, gate_counts.c.direction == 0
    )
    change(cloud, shifted.values(counted=gate_counts.c.counted + 60))
    check = failed(compared(day, cloud), OCCUPANCY)
    assert any("in truth" in problem for problem in check.problems)


def test_an_interval_so_wide_that_it_says_nothing_is_found(
    day: MarketDay, cloud: TownCloud
) -> None:
    change(cloud, update(zones).values(error_in=0.3, error_out=0.3))
    assert "is wider than" in failed(compared(day, cloud), OCCUPANCY).problems[0]


def test_minutes_without_a_value_are_found(day: MarketDay, cloud: TownCloud) -> None:
    late = day.plan.at("15:00")
    change(cloud, delete(gate_counts).where(gate_counts.c.event_time > late))
    check = failed(compared(day, cloud), OCCUPANCY)
    assert any("no value" in problem for problem in check.problems)


def test_a_gap_in_the_reports_is_found(day: MarketDay, cloud: TownCloud) -> None:
    """As if the hour of the outage had never been delivered."""
    outage = day.plan.outage
    change(cloud, delete(gate_counts).where(gate_counts.c.event_time.between(*_ends(outage))))
    check = failed(compared(day, cloud), OCCUPANCY)
    assert any("uncertain" in problem for problem in check.problems)


def _ends(span: object) -> tuple[int, int]:
    return span.start, span.end  # type: ignore[attr-defined]


def test_a_town_without_its_zone_is_found(day: MarketDay, cloud: TownCloud) -> None:
    change(cloud, update(zones).where(zones.c.slug == MARKET).values(slug="anders"))
    assert "no zone" in failed(compared(day, cloud), OCCUPANCY).problems[0]


# --- the messages ----------------------------------------------------------------------

ONE_ALARM = select(func.max(outbox.c.id)).where(outbox.c.kind == "ALARM").scalar_subquery()
ALARM_UUID = select(outbox.c.uuid).where(outbox.c.id == ONE_ALARM).scalar_subquery()


def _sent_twice(connection: Connection) -> None:
    row = connection.execute(select(outbox).where(outbox.c.id == ONE_ALARM)).one()
    values = {**row._mapping, "uuid": "again", "dedup_key": "again", "report_token": "again"}
    del values["id"]
    connection.execute(insert(outbox).values(values))
    received = row.created_at
    connection.execute(
        insert(sandbox_messages).values(
            uuid="again", address="", text="ALARM", received_at=received
        )
    )


def _lost(connection: Connection) -> None:
    connection.execute(delete(sandbox_messages).where(sandbox_messages.c.uuid == ALARM_UUID))


def _never_written(connection: Connection) -> None:
    _lost(connection)
    alarm = connection.execute(select(ONE_ALARM)).scalar_one()
    connection.execute(delete(outbox).where(outbox.c.id == alarm))


def _delayed(connection: Connection) -> None:
    connection.execute(
        update(sandbox_messages)
        .where(sandbox_messages.c.uuid == ALARM_UUID)
        .values(received_at=sandbox_messages.c.received_at + 15 * MINUTE)
    )


def _about_the_hidden_hour(connection: Connection) -> None:
    hidden = connection.execute(select(incidents.c.id).where(incidents.c.late)).scalar_one()
    _sent_twice(connection)
    connection.execute(update(outbox).where(outbox.c.uuid == "again").values(incident_id=hidden))


def _without_incident(connection: Connection) -> None:
    connection.execute(
        insert(sandbox_messages).values(uuid="x", address="", text="ALARM", received_at=0)
    )


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_sent_twice, "got 2 alarms instead of 1"),
        (_lost, "never arrived"),
        (_never_written, "got 0 alarms instead of 1"),
        (_delayed, "minutes too late"),
        (_about_the_hidden_hour, "when there was no incident"),
        (_without_incident, "belongs to no incident"),
    ],
)
def test_wrong_messages_are_found(
    day: MarketDay, cloud: TownCloud, damage: Callable[[Connection], None], expected: str
) -> None:
    with cloud.database.write() as connection:
        damage(connection)
    check = failed(compared(day, cloud), MESSAGES)
    assert any(expected in problem for problem in check.problems), check.problems


# --- acknowledgements ------------------------------------------------------------------


def test_an_alarm_that_nobody_acknowledged_is_found(day: MarketDay, cloud: TownCloud) -> None:
    newest = select(func.max(acknowledgements.c.at)).scalar_subquery()
    change(cloud, delete(acknowledgements).where(acknowledgements.c.at == newest))
    check = failed(compared(day, cloud), ACKNOWLEDGED)
    assert check.found == check.expected - 1


def test_who_did_not_hear_of_the_acknowledgement_is_found(day: MarketDay, cloud: TownCloud) -> None:
    about = select(outbox.c.uuid).where(outbox.c.kind == Kind.ACKNOWLEDGED.value)
    change(cloud, delete(sandbox_messages).where(sandbox_messages.c.uuid.in_(about)))
    check = failed(compared(day, cloud), ACKNOWLEDGED)
    assert "heard 0 times" in check.problems[0]


# --- the watering list -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "expected"),
    [("good", "the tree B-01 is dry and not on the list"), ("due", "is on the list and not dry")],
)
def test_a_wrong_watering_list_is_found(
    day: MarketDay, cloud: TownCloud, level: str, expected: str
) -> None:
    change(cloud, update(tree_group_days).values(level=level))
    check = failed(compared(day, cloud), WATERING)
    assert any(expected in problem for problem in check.problems), check.problems


def test_the_series_file_is_only_read(day: MarketDay, cloud: TownCloud) -> None:
    def count() -> int:
        with sqlite3.connect(cloud.folder / "series.sqlite") as file:
            return int(file.execute("SELECT count(*) FROM points").fetchone()[0])

    before = count()
    compared(day, cloud)
    assert count() == before


def test_a_replaced_sensor_leaves_one_series(day: MarketDay, cloud: TownCloud) -> None:
    """One line on the chart: both devices' values, each with the device that measured it."""
    key = SeriesKey(station_of(REPLACED_SENSOR), "soil_moisture")
    samples = cloud.series.read(day.town.tenant, key, day.span.start, day.span.end)
    swap = day.plan.swap
    assert [sample.dev_eui for sample in samples] == [
        REPLACED_SENSOR if sample.time < swap else SPARE_SENSOR for sample in samples
    ]
    assert {sample.dev_eui for sample in samples} == {REPLACED_SENSOR, SPARE_SENSOR}

"""What a town keeps no longer goes once a day, a few rows at a time, and it is said."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, select

from api_callers import AWAY, ApiWorld
from databases import add_tenant
from fake_uplinks import entry, register, uplink
from filled_towns import NEIGHBOUR, NOW, TOWN, row
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import DAY, HOUR, SECOND, Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.alarms.duty.tables import duty_groups, duty_shifts, duty_substitutions
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.domains.crowd.tables import zone_samples
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.erasure import keeping, slices
from stadtsinn.cloud.erasure.keeping import RetentionJob
from stadtsinn.cloud.erasure.slices import Storage
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.cursors.repository import ensure_cursor, move_cursor
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.retention.model import DEFAULTS, Retention
from stadtsinn.cloud.platform.retention.service import change_retention, retention_of
from stadtsinn.cloud.series.retention.kept import KeptSeries
from stadtsinn.cloud.series.stores.store import Point, SeriesKey, SeriesRejected

OURS, THEIRS = "70b3d50000000100", "70b3d50000000101"
DAYS = 40
FIRST = Instant(NOW - DAYS * DAY)


@pytest.fixture
def towns(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> Storage:
    """Two towns with an uplink a day each for forty days, all of them read."""
    monkeypatch.setattr(slices, "_PAUSE_S", 0)
    zero = uplink(0, 0).event_time
    for tenant, dev_eui in ((TOWN, OURS), (NEIGHBOUR, THEIRS)):
        add_tenant(storage.database, tenant)
        register(storage.database, dev_eui, tenant_id=tenant)
    with storage.database.write() as connection:
        for n in range(DAYS):
            for tenant, dev_eui in ((TOWN, OURS), (NEIGHBOUR, THEIRS)):
                seconds = (FIRST + n * DAY + HOUR - zero) / SECOND
                append(
                    connection, [entry(uplink(n, seconds, dev_eui=dev_eui), tenant_id=tenant)], NOW
                )
        ensure_cursor(connection, "series", NOW)
        move_cursor(connection, "series", 0, head(connection), NOW)
    return storage


def keep(storage: Storage, **days: int | None) -> None:
    """The town's own settings."""
    with storage.database.write() as connection:
        for name, count in days.items():
            change_retention(connection, TOWN, name, count)


def job(storage: Storage) -> RetentionJob:
    return RetentionJob(storage, ("series",))


def uplinks_of(storage: Storage, tenant: str) -> list[Instant]:
    with storage.database.read() as connection:
        found = read_after(connection, storage.archive, 0, 10_000)
    return [one.event_time for one in found if one.tenant_id == tenant]


def lines(storage: Storage, tenant: str = TOWN) -> list[Any]:
    with storage.database.read() as connection:
        query = select(audit_lines).where(audit_lines.c.tenant_id == tenant)
        return list(connection.execute(query.order_by(audit_lines.c.id)).mappings())


def test_whole_days_of_the_log_go_for_the_town_that_says_so(
    towns: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "AT_ONCE", 7)
    told: list[int] = []
    counted = keeping._count

    def count(what: str, number: int) -> None:
        told.append(number)
        counted(what, number)

    monkeypatch.setattr(keeping, "_count", count)
    before = REGISTRY.get_sample_value("stadtsinn_retention_removed_total", {"what": "uplinks"})
    keep(towns, series=30, archive=30, log=30)
    job(towns).step()
    ours = uplinks_of(towns, TOWN)
    assert len(ours) == 30
    assert min(ours) >= NOW - 30 * DAY
    assert len(uplinks_of(towns, NEIGHBOUR)) == DAYS
    assert told == [7, 3]
    after = REGISTRY.get_sample_value("stadtsinn_retention_removed_total", {"what": "uplinks"})
    assert (after or 0) - (before or 0) == 10
    (line,) = lines(towns)
    assert (line["kind"], line["detail"], line["key_id"]) == ("old data", "uplinks: 10", None)
    assert lines(towns, NEIGHBOUR) == []


def test_what_a_follower_has_not_read_stays(towns: Storage) -> None:
    keep(towns, series=30, archive=30, log=30)
    RetentionJob(towns, ("series", "alerts")).step()
    assert len(uplinks_of(towns, TOWN)) == DAYS


@pytest.mark.slow
def test_archived_days_go_from_their_files(towns: Storage) -> None:
    before = Instant(NOW - 18 * DAY)
    list(archive_before(towns.database, towns.archive, before, (), towns.clock))
    keep(towns, series=30, log=30, archive=20)
    job(towns).step()
    assert len(uplinks_of(towns, TOWN)) == 20
    assert len(uplinks_of(towns, NEIGHBOUR)) == DAYS
    (line,) = lines(towns)
    assert line["detail"] == "archived uplinks: 20"


def test_a_day_is_done_once_and_a_change_at_once(
    towns: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = job(towns)
    runs: list[Any] = []
    run = one.run

    def noted(*given: Any) -> None:
        runs.append(given)
        run(*given)

    monkeypatch.setattr(one, "run", noted)
    one.step()
    one.step()
    assert len(runs) == 1
    keep(towns, series=30, archive=30, log=30)
    one.step()
    assert len(runs) == 2
    assert isinstance(towns.clock, ManualClock)
    towns.clock.set(Instant(NOW + DAY))
    one.step()
    assert len(runs) == 3
    assert len(uplinks_of(towns, TOWN)) == 29


def test_samples_messages_and_audit_go_by_their_own_periods(storage: Storage) -> None:
    for tenant in (TOWN, NEIGHBOUR):
        add_tenant(storage.database, tenant)
    old, young = NOW - 20 * DAY, NOW - HOUR
    with storage.database.write() as connection:
        for n, tenant in enumerate((TOWN, NEIGHBOUR)):
            base = {**row(zones, TOWN), "id": n, "tenant_id": tenant, "site_id": None}
            connection.execute(insert(zones).values(base))
            for m, at in enumerate((old, young)):
                number = 10 * n + m + 1
                key = {"tenant_id": tenant}
                sample = {**row(zone_samples, TOWN), **key, "zone_id": n, "position": number}
                connection.execute(insert(zone_samples).values({**sample, "event_time": at}))
                line = {**row(audit_lines, TOWN), **key, "id": number, "at": at}
                connection.execute(insert(audit_lines).values(line))
                names = dict.fromkeys(("uuid", "dedup_key", "report_token"), f"{number}")
                sent = {**row(outbox, TOWN), **key, **names, "id": number, "created_at": at}
                sent |= {"purged": False, "address": "+4915112345678", "text": "Alarm"}
                connection.execute(insert(outbox).values(sent))
    keep(storage, samples=2, outbox=10, audit=10)
    job(storage).step()
    with storage.database.read() as connection:
        samples = connection.execute(select(zone_samples.c.position)).scalars().all()
        kept_lines = connection.execute(select(audit_lines.c.id)).scalars().all()
        messages = connection.execute(select(outbox.c.id, outbox.c.address, outbox.c.text)).all()
    assert samples == [2, 12]  # the neighbour's of twenty days are beyond the usual seven
    assert {1} & set(kept_lines) == set()
    assert {2, 11, 12} <= set(kept_lines)
    emptied = {number for number, *rest in messages if rest == ["", ""]}
    assert emptied == {1}
    assert len(messages) == 4


def test_past_shifts_and_stand_ins_go_with_the_messages(storage: Storage) -> None:
    add_tenant(storage.database, TOWN)
    keep(storage, outbox=30)
    with storage.database.write() as connection:
        connection.execute(insert(recipients).values({**row(recipients, TOWN), "id": 1}))
        connection.execute(insert(duty_groups).values({**row(duty_groups, TOWN), "id": 1}))
        for table, people in (
            (duty_shifts, ("recipient_id",)),
            (duty_substitutions, ("absent_id", "stand_in_id")),
        ):
            for days in (-5, 29, 31):
                own = {"group_id": 1, "start": 0, "end": NOW - days * DAY}
                connection.execute(insert(table).values(own | dict.fromkeys(people, 1)))
    job(storage).step()
    with storage.database.read() as connection:
        for table in (duty_shifts, duty_substitutions):
            left = connection.execute(select(table.c.end)).scalars().all()
            assert set(left) == {NOW + 5 * DAY, NOW - 29 * DAY}


def test_series_are_kept_as_the_town_says_and_nobody_sees_older_ones(towns: Storage) -> None:
    key = SeriesKey("linde", "soil_moisture")
    points = [Point(TOWN, "soil", key, Instant(NOW - n * DAY), 1.0) for n in range(40)]
    towns.series.write(points)
    keep(towns, series=30)
    seen = KeptSeries(towns.series, towns.database, towns.clock)
    assert len(seen.read(TOWN, key, Instant(0), Instant(NOW + 1))) == 31
    assert len(towns.series.read(TOWN, key, Instant(0), Instant(NOW + 1))) == 40
    job(towns).step()
    assert len(towns.series.read(TOWN, key, Instant(0), Instant(NOW + 1))) == 31


def test_a_store_that_refuses_keeps_nothing_else_waiting(
    towns: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """InfluxDB 3 takes a period only when a database is made."""

    def refuse(tenant: str, days: int | None) -> None:
        raise SeriesRejected(f"{tenant} {days}", f"{tenant} {days}")

    monkeypatch.setattr(towns.series, "set_retention", refuse)
    keep(towns, series=30, archive=30, log=30)
    with pytest.raises(SeriesRejected):
        job(towns).step()
    assert len(uplinks_of(towns, TOWN)) == 30


def test_uplinks_of_a_town_that_is_no_more_go(towns: Storage) -> None:
    with towns.database.write() as connection:
        append(connection, [entry(uplink(900, 1, dev_eui=OURS), tenant_id="weg")], NOW)
    job(towns).step()
    assert uplinks_of(towns, "weg") == []
    assert len(uplinks_of(towns, TOWN)) == DAYS


@pytest.mark.parametrize(
    ("given", "name", "days"),
    [
        ({}, "moon", 3),
        ({}, "outbox", 0),
        ({}, "outbox", None),
        ({}, "samples", 8),
        ({"log": 100, "archive": None}, "archive", 50),  # series are kept for ever
        ({"series": 100, "log": 100, "archive": 30}, "log", 90),
    ],
)
def test_what_cannot_be_is_refused(
    storage: Storage, given: dict[str, int | None], name: str, days: int | None
) -> None:
    add_tenant(storage.database, TOWN)
    keep(storage, **given)
    with storage.database.write() as connection:
        before = retention_of(connection, TOWN)
        with pytest.raises(Invalid, match=name if name == "moon" else f"'{name}'"):
            change_retention(connection, TOWN, name, days)
        assert retention_of(connection, TOWN) == before


def test_the_usual_comes_back(storage: Storage) -> None:
    add_tenant(storage.database, TOWN)
    keep(storage, outbox=30)
    with storage.database.write() as connection:
        assert retention_of(connection, TOWN).outbox == 30
        change_retention(connection, TOWN, "outbox", None, usual=True)
        assert retention_of(connection, TOWN) == DEFAULTS


def test_the_api_shows_a_town_its_own(storage: Storage, tmp_path: Any) -> None:
    world = ApiWorld(storage.database, tmp_path)
    keep(storage, outbox=30)
    shown = world.client(Role.READER).get("/api/v1/retention").json()
    assert [one["name"] for one in shown] == list(Retention.model_fields)
    assert list(Retention.of_what()) == list(Retention.model_fields)
    assert {one["name"]: one["days"] for one in shown}["outbox"] == 30
    others = world.client(Role.READER, AWAY).get("/api/v1/retention").json()
    assert {one["name"]: one["days"] for one in others}["outbox"] == 90
    assert all("·" in one["what"] for one in shown)
    world.series.close()

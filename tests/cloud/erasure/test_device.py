"""A device is erased: its uplinks, its values, its quarantine, its deployments; nobody else's."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from databases import add_tenant, fresh_database
from fake_history import BED, TOWN, TREE, History
from fake_uplinks import NINE
from filled_towns import fill, row
from first_version import all_rows
from real_series import SeriesAddress
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.domains.crowd.tables import gate_counts
from stadtsinn.cloud.domains.crowd.zones.tables import gates, zones
from stadtsinn.cloud.erasure import device, slices
from stadtsinn.cloud.erasure.device import DeviceErasure, inventory
from stadtsinn.cloud.erasure.slices import Slices, Storage
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.operations.tables import operator_alarms
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.redecode.tables import redecodings
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.tables import datastreams, deployments, stations
from stadtsinn.cloud.town.tables import devices, former_owners

SCOPE = operator_scope(TOWN)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Three days of four devices, the first of them archived."""
    database = fresh_database(tmp_path)
    add_tenant(database, TOWN)
    add_tenant(database, "nebenan")
    made = History(database, tmp_path, SeriesAddress(str(tmp_path / "series.sqlite")))
    made.furnish()
    made.follow()
    made.archive_days(Instant(NINE + 2 * DAY))
    yield made
    made.store.close()
    database.dispose()


def storage_of(history: History) -> Storage:
    return Storage(history.database, history.archive, history.store, history.clock)


def erase(history: History, dev_eui: str = BED, scope: Scope = SCOPE) -> Any:
    storage = storage_of(history)
    return DeviceErasure(storage, Slices(storage, wait=lambda _: None)).run(scope, dev_eui)


def rows(history: History, table: Any, *where: Any) -> list[Any]:
    with history.database.read() as connection:
        return list(connection.execute(select(table).where(*where)).mappings())


@pytest.mark.slow
def test_all_that_it_measured_goes_and_the_others_stay(history: History) -> None:
    before = [one for one in history.logged() if one.dev_eui != BED]
    others = {key: values for key, values in history.state().items() if key.station != BED}
    found = inventory(storage_of(history), SCOPE, BED)
    assert (found.uplinks, found.registered, found.stations) == (72, True, (BED,))
    assert found.archived_days >= 2
    gone = erase(history)
    assert gone["uplinks"] + gone["archived uplinks"] == 72
    left = history.logged()
    assert [one for one in left if one.dev_eui] == before
    state = history.state()
    assert {key: values for key, values in state.items() if values} == others
    assert not history.store.series(TOWN, BED)
    assert rows(history, devices, devices.c.dev_eui == BED) == []
    assert rows(history, deployments, deployments.c.dev_eui == BED) == []
    assert rows(history, former_owners) == []
    assert rows(history, datastreams.join(stations), stations.c.slug == BED) == []
    held = thinning.days_that_hold(history.database, history.archive, thinning.of_device(TOWN, BED))
    assert list(held) == []
    assert history.rebuilt() == others


def test_the_audit_says_that_it_went_without_its_name(history: History) -> None:
    erase(history)
    line = rows(history, audit_lines)[-1]
    assert (line["action"], line["kind"], line["name"]) == ("deleted", "device", BED)
    assert line["detail"].startswith("erased; archived days:")


def test_erased_again_it_is_not_there(history: History) -> None:
    erase(history)
    with pytest.raises(NotFound):
        erase(history)


class Killed(Exception):
    pass


@pytest.mark.parametrize("place", [1, 2, 4, 6, 9, "names", "erasure.ended"])
def test_killed_anywhere_the_next_run_goes_on(
    history: History, monkeypatch: pytest.MonkeyPatch, place: int | str
) -> None:
    others = [one for one in history.logged() if one.dev_eui != BED]
    passed: list[str] = []

    def point(name: str) -> None:
        passed.append(name)
        if place in (name, len(passed)):
            raise Killed

    with monkeypatch.context() as patched:
        for module in (device, slices, thinning):
            patched.setattr(module, "crash_point", point)
        if place == "names":
            patched.setattr(Slices, "forget_names", lambda *_: point("names"))
        with pytest.raises(Killed):
            erase(history)
    with suppress(NotFound):  # nothing is left to do
        erase(history)
    assert [one for one in history.logged() if one.dev_eui] == others
    assert not history.store.series(TOWN, BED)
    with closing(sqlite3.connect(history.folder / "series.sqlite")) as series:
        assert not list(series.execute("SELECT 1 FROM devices WHERE dev_eui = ?", (BED,)))
    assert rows(history, former_owners) == []


def test_counts_at_gates_stay_without_its_name(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "AT_ONCE", 4)
    with history.database.write() as connection:
        at = connection.scalar(select(stations.c.id).where(stations.c.slug == BED))
        zone = {**row(zones, TOWN), "site_id": None}
        connection.execute(insert(zones).values(zone))
        connection.execute(insert(gates).values({**row(gates, TOWN), "station_id": at}))
        counts = [
            {
                **row(gate_counts, TOWN),
                "direction": 0,
                "event_time": n,
                "dev_eui": (BED, TREE)[n % 2],
            }
            for n in range(10)
        ]
        connection.execute(insert(gate_counts), counts)
    erase(history)
    left = rows(history, gate_counts)
    assert [one["dev_eui"] for one in left] == ["", TREE] * 5
    assert [one["counted"] for one in left] == [1] * 10


def test_quarantine_goes_but_not_what_another_town_received(history: History) -> None:
    base = {**row(quarantine, TOWN), "dev_eui": BED}
    others = [
        {**base, "id": n, "digest": str(n), "tenant_id": tenant}
        for n, tenant in enumerate((TOWN, None, "nebenan"), 10)
    ]
    with history.database.write() as connection:
        connection.execute(insert(quarantine), others)
    assert inventory(storage_of(history), SCOPE, BED).quarantined == 2
    erase(history)
    assert [one["id"] for one in rows(history, quarantine)] == [12]


def test_no_table_of_towns_names_it_any_more(everywhere: Storage) -> None:
    """Every table of the schema that names devices, whatever it will be."""
    fill(everywhere.database)
    with everywhere.database.write() as connection:
        for number, kind in enumerate(("device_silent", "edge_away"), 1):
            told = {**row(operator_alarms, TOWN), "subject": "1x", "kind": kind}
            connection.execute(insert(operator_alarms).values({**told, "times": number}))
    before = all_rows(everywhere.database)
    DeviceErasure(everywhere, Slices(everywhere, wait=lambda _: None)).run(SCOPE, "1x")
    after = all_rows(everywhere.database)
    named = [one for one in metadata.sorted_tables if "dev_eui" in one.c]
    assert len(named) >= 9
    for table in named:
        assert "1x" not in {one["dev_eui"] for one in after[table.name]}, table.name
        others = [one for one in before[table.name] if one["dev_eui"] == "2x"]
        assert [one for one in after[table.name] if one["dev_eui"] == "2x"] == others, table.name
    left = {(one["kind"], one["subject"]) for one in after["operator_alarms"]}
    assert left == {("1x", "1x"), ("2x", "2x"), ("edge_away", "1x")}


def test_a_town_that_had_it_erases_its_own_part(history: History) -> None:
    """The device is the neighbour's by now: late uplinks of the former time are nobody's."""
    with history.database.write() as connection:
        connection.execute(
            devices.update().where(devices.c.dev_eui == BED).values(tenant_id="nebenan")
        )
        owned = {"dev_eui": BED, "tenant_id": TOWN, "since": 0, "until": NINE}
        connection.execute(insert(former_owners).values(owned))
        told = {**row(operator_alarms, TOWN), "subject": BED, "kind": "device_silent"}
        connection.execute(insert(operator_alarms).values(told))
        run = {**row(redecodings, TOWN), "tenant_id": None, "devices": [BED]}
        connection.execute(insert(redecodings).values(run))
    erase(history)
    assert [one["subject"] for one in rows(history, operator_alarms)] == [BED]
    assert [one["devices"] for one in rows(history, redecodings)] == [[BED]]
    assert [one["tenant_id"] for one in rows(history, devices, devices.c.dev_eui == BED)] == [
        "nebenan"
    ]
    (note,) = rows(history, former_owners)
    assert note["tenant_id"] is None
    seen = DirectoryCache(history.database).current()
    assert seen.device_at(BED, NINE - 1) is None
    with pytest.raises(NotFound):
        erase(history)
    others = operator_scope("nebenan")
    assert inventory(storage_of(history), others, BED).registered

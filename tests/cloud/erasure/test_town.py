"""A town is erased: nothing of it is left in any table, its neighbour's rows are as before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from databases import add_tenant
from fake_uplinks import at, entry, register, uplink
from filled_towns import NEIGHBOUR, NOW, TOWN, belongs_to, fill, row
from first_version import all_rows
from measuring_towns import OURS, THEIRS, furnished, neighbours, opened
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.problems import Conflict, NotFound, Unauthenticated
from stadtsinn.cloud.alarms.notify import claim_repository
from stadtsinn.cloud.alarms.notify.claim_repository import Moments
from stadtsinn.cloud.erasure import repository, slices, town
from stadtsinn.cloud.erasure.slices import Slices, Storage
from stadtsinn.cloud.erasure.town import TownErasure, inventory
from stadtsinn.cloud.intake.edge_config import EdgeConfigs
from stadtsinn.cloud.intake.tables import configured_edges, quarantine
from stadtsinn.cloud.log.archive_files import thinning
from stadtsinn.cloud.log.archive_files.archive import Archive, days
from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.log.reader import read_after
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.log.uplinks.tables import archived_sessions, uplinks
from stadtsinn.cloud.operations.tables import operator_alarms
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import authenticate, create_key
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.privacy.kept import is_owned
from stadtsinn.cloud.platform.tenants.repository import require_tenant
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused

pytestmark = pytest.mark.slow

TOLD_OF_OURS = {("battery_low", "1x"), ("device_silent", "1x"), ("edge_away", "1x")}
TOLD_OF_THEIRS = {("disk_fills", "1x"), ("device_silent", "2x")}


def quiet(storage: Storage, **more: Any) -> Slices:
    return Slices(storage, wait=more.pop("wait", lambda _: None), **more)


def erase(storage: Storage, tenant: str = TOWN, **more: Any) -> town.Erased:
    return TownErasure(storage, quiet(storage, **more)).run(tenant)


def test_no_row_of_the_town_is_left_and_each_of_the_neighbour_is_as_before(
    database: Database, tmp_path: Path
) -> None:
    """Every table of the schema, whatever it will be."""
    fill(database)
    with database.write() as connection:
        for kind, subject in (*TOLD_OF_OURS, *TOLD_OF_THEIRS):
            told = {**row(operator_alarms, TOWN), "kind": kind, "subject": subject}
            connection.execute(insert(operator_alarms).values(told))
    before = all_rows(database)
    series = open_store(str(tmp_path / "series.sqlite"))
    storage = Storage(database, Archive(tmp_path / "archive"), series, ManualClock(NOW))
    erase(storage)
    after = all_rows(database)
    for table in metadata.sorted_tables:
        expected = before[table.name]
        if table.name == "operator_alarms":
            expected = [
                one for one in expected if (one["kind"], one["subject"]) not in TOLD_OF_OURS
            ]
        if is_owned(table):
            expected = [one for one in expected if not belongs_to(table, one, TOWN)]
            assert len(expected) == 1, table.name
        elif table.name in ("registry_revision", "log_revision"):
            continue  # counted up
        assert after[table.name] == expected, table.name
    series.close()


def test_what_lies_at_the_broker_for_its_edges_ends(storage: Storage) -> None:
    fill(storage.database)
    done = erase(storage)
    assert done.configurations == 1
    broker = _Broker()
    configs = EdgeConfigs(broker, storage.database)
    configs.push(DirectoryCache(storage.database).current())
    configs.push(DirectoryCache(storage.database).current())
    assert broker.taken_back == ["1x"]
    with storage.database.read() as connection:
        assert connection.execute(select(configured_edges.c.edge_id)).scalars().all() == ["2x"]


class _Broker:
    """Takes configurations back at once."""

    connected = True

    def __init__(self) -> None:
        self.taken_back: list[str] = []

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        pass

    def unconfigure(self, edge_id: str) -> Callable[[], bool]:
        self.taken_back.append(edge_id)
        return lambda: True


class Killed(Exception):
    """Like the end of the process: what was committed stays."""


def kill_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[str]:
    passed: list[str] = []

    def point(name: str) -> None:
        passed.append(name)
        if len(passed) == number:
            raise Killed

    for module in (slices, town, thinning):
        monkeypatch.setattr(module, "crash_point", point)
    return passed


def test_killed_anywhere_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "original"
    original.mkdir()
    furnished(original)
    reached = {
        place: _killed(tmp_path / f"{place}", original, place, monkeypatch) for place in PLACES
    }
    assert not reached[PLACES[-1]]  # it had ended before
    assert all(reached[place] for place in PLACES[:-1])


PLACES = (1, 4, 9, 30, 500)
"""The last: nowhere."""


def _killed(folder: Path, original: Path, place: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the first run was killed; the second ends what it left."""
    shutil.copytree(original, folder)
    storage = opened(folder)
    theirs = neighbours(storage)
    killed = False
    with monkeypatch.context() as patched:
        kill_at(patched, place)
        try:
            erase(storage)
        except Killed:
            killed = True
    if killed:
        erase(storage)
    with storage.database.read() as connection:
        assert repository.anything_left(connection, TOWN) is None
    assert neighbours(storage) == theirs
    assert (
        list(thinning.days_that_hold(storage.database, storage.archive, thinning.of_tenant(TOWN)))
        == []
    )
    storage.series.close()
    storage.database.dispose()
    return killed


def test_archive_and_series_hold_nothing_of_it_and_all_of_the_neighbour(tmp_path: Path) -> None:
    storage = furnished(tmp_path)
    found = inventory(storage, TOWN)
    assert (found.uplinks, found.archived_days) == (20, 4)
    before = neighbours(storage)
    done = erase(storage)
    assert neighbours(storage) == before
    assert done.gone["archived days"] == 4
    with storage.database.read() as connection:
        kept = days(connection)
    assert len(kept) == 3  # the last one was the town's alone
    files = sorted(path for path in storage.archive.folder.rglob("*") if path.is_file())
    assert files == sorted(storage.archive.folder / day.file for day in kept)  # no older versions
    names = {
        name
        for day in kept
        for batch in storage.archive.columns(day, ("tenant_id", "dev_eui"))
        for column in batch.columns
        for name in column.dictionary.to_pylist()
    }
    assert names == {NEIGHBOUR, THEIRS}
    with storage.database.read() as connection:
        noted = connection.execute(select(archived_sessions.c.dev_eui)).scalars().all()
    assert noted == [THEIRS] * 3
    storage.series.close()
    storage.database.tidy()
    for name in ("stadtsinn.sqlite", "series.sqlite"):
        stored = (tmp_path / name).read_bytes()
        assert not [one for one in (TOWN, OURS) if one.encode() in stored], name
        assert NEIGHBOUR.encode() in stored


def test_rows_go_a_few_at_a_time(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in what one transaction deletes."""
    monkeypatch.setattr(slices, "AT_ONCE", 10)
    fill(storage.database)
    lines = [{**row(audit_lines, TOWN), "id": 100 + n} for n in range(35)]
    frames = [{**row(uplinks, TOWN), "position": 100 + n, "f_cnt": n + 9} for n in range(25)]
    with storage.database.write() as connection:
        connection.execute(insert(audit_lines), lines)
        connection.execute(insert(uplinks), frames)
    told: list[tuple[str, int]] = []
    erase(storage, report=lambda what, count: told.append((what, count)))
    assert [count for what, count in told if what == "audit_lines"] == [10, 10, 10, 6]
    assert sum(count for what, count in told if what == "uplinks") == 26
    assert max(count for _, count in told) == 10


def test_what_is_committed_while_it_is_erased_goes_too(storage: Storage) -> None:
    """A group of uplinks that was judged before, and rows that a follower makes meanwhile."""
    fill(storage.database)
    late = iter((1, 2))

    def others_work(_: float) -> None:
        number = next(late, None)
        if number is None:
            return
        frame = {**row(uplinks, TOWN), "position": 1_000 + number, "f_cnt": 90 + number}
        with storage.database.write() as connection:
            connection.execute(insert(uplinks), frame)

    erase(storage, wait=others_work)
    assert next(late, None) is None
    with storage.database.read() as connection:
        assert repository.anything_left(connection, TOWN) is None


def test_who_writes_without_end_is_named(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(storage.database)
    monkeypatch.setattr(repository, "anything_left", lambda *_: "uplinks")
    with pytest.raises(Conflict, match="Stop 'stadtsinn cloud run'"):
        erase(storage)


def test_a_row_that_is_committed_beside_its_end_goes_with_the_next_pass(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL refuses to delete the town then; SQLite's transactions are alone."""
    fill(storage.database)
    delete_tenant, refusals = repository.delete_tenant, iter([True])

    def refused_once(connection: Connection, tenant_id: str) -> None:
        if next(refusals, False):
            raise IntegrityError("DELETE", None, ValueError("still referred to"))
        delete_tenant(connection, tenant_id)

    monkeypatch.setattr(repository, "delete_tenant", refused_once)
    erase(storage)
    with pytest.raises(NotFound):
        inventory(storage, TOWN)


def test_a_position_is_never_given_again(storage: Storage) -> None:
    """The newest uplink was the town's: followers are past its position."""
    furnish = [(NEIGHBOUR, THEIRS), (TOWN, OURS)]
    for tenant, dev_eui in furnish:
        add_tenant(storage.database, tenant)
        register(storage.database, dev_eui, tenant_id=tenant)
    with storage.database.write() as connection:
        for n, (tenant, dev_eui) in enumerate(furnish):
            append(connection, [entry(uplink(n, n, dev_eui=dev_eui), tenant_id=tenant)], at(n))
        newest = head(connection)
    erase(storage)
    with storage.database.write() as connection:
        assert read_after(connection, None, newest - 1, 9)[0].dev_eui == ""
        new = entry(uplink(9, 9, dev_eui=THEIRS), tenant_id=NEIGHBOUR)
        assert append(connection, [new], at(9)) == [True]
        assert head(connection) > newest
        assert [one.f_cnt for one in read_after(connection, None, newest, 9)] == [9]


def test_a_town_is_nobodys_from_the_first_moment_on(storage: Storage) -> None:
    fill(storage.database)
    _, token = create_key(storage.database, TOWN, "Portal", Role.ADMIN, NOW)
    with storage.database.write() as connection:
        connection.execute(
            update(metadata.tables["outbox"]).values(
                settled=False,
                status="READY",
                channel="sms",
                next_attempt=0,
                language="de",
                kind="ALARM",
            )
        )
        assert repository.mark(connection, TOWN, NOW)
        assert not repository.mark(connection, TOWN, NOW)
    with pytest.raises(Unauthenticated):
        authenticate(storage.database, token, NOW)
    seen = DirectoryCache(storage.database).current()
    assert {one.tenant_id for one in seen.devices.values()} == {NEIGHBOUR}
    assert {one.tenant_id for one in seen.stations.values()} == {NEIGHBOUR}
    assert set(seen.edges.values()) == {NEIGHBOUR}
    now = Moments(NOW, NOW)
    with storage.database.write() as connection:
        assert [one.id for one in claim_repository.due(connection, ["sms"], now, 5)] == [2]
        assert claim_repository.claim(connection, 1, ["sms"], now, NOW) is None
        assert claim_repository.claim(connection, 2, ["sms"], now, NOW) is not None
        assert claim_repository.due(connection, ["sms"], now, 5) == []
        with pytest.raises(Conflict, match="is being erased"):
            require_tenant(connection, TOWN)
    with pytest.raises(TownRefused, match="is being erased"):
        apply_town(storage.database, Town.read({"tenant": TOWN, "name": "Neu"}), NOW)


def test_a_device_that_the_neighbour_has_by_now_does_not_bring_it_the_towns_uplinks(
    storage: Storage,
) -> None:
    """What was measured before the hand-over and comes late stays nobody's."""
    fill(storage.database)
    owners = metadata.tables["former_owners"]
    with storage.database.write() as connection:
        connection.execute(insert(owners).values(dev_eui="2x", tenant_id=TOWN, since=0, until=500))
    assert DirectoryCache(storage.database).current().device_at("2x", 400).tenant_id == TOWN  # type: ignore[union-attr]
    erase(storage)
    seen = DirectoryCache(storage.database).current()
    assert seen.device_at("2x", 400) is None
    assert seen.device_at("2x", 600).tenant_id == NEIGHBOUR  # type: ignore[union-attr]


def test_quarantine_of_nobody_about_its_devices_and_edges_goes(storage: Storage) -> None:
    fill(storage.database)
    base = {**row(quarantine, TOWN), "tenant_id": None}
    others = [
        {**base, "id": 10, "digest": "a", "dev_eui": "1x", "source": "chirpstack:all"},
        {**base, "id": 11, "digest": "b", "dev_eui": None, "source": "edge:1x"},
        {**base, "id": 12, "digest": "c", "dev_eui": "3x", "source": "edge:3x"},
    ]
    with storage.database.write() as connection:
        connection.execute(insert(quarantine), others)
    erase(storage)
    with storage.database.read() as connection:
        assert set(connection.execute(select(quarantine.c.id)).scalars()) == {2, 12}


def test_others_claims_no_longer_name_it(storage: Storage) -> None:
    fill(storage.database)
    claims = metadata.tables["device_claims"]
    with storage.database.write() as connection:
        connection.execute(update(claims).values(agreed_by=TOWN, former_owner=TOWN))
    erase(storage)
    with storage.database.read() as connection:
        (left,) = connection.execute(select(claims)).mappings()
    assert (left["tenant_id"], left["agreed_by"], left["former_owner"]) == (NEIGHBOUR, None, None)


def test_a_lock_of_the_history_that_is_held_is_waited_for(storage: Storage) -> None:
    fill(storage.database)
    held = rewriting_history(storage.database)
    held.__enter__()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 4:
            held.__exit__(None, None, None)

    erase(storage, wait=wait)
    with storage.database.read() as connection:
        assert repository.anything_left(connection, TOWN) is None


def test_a_town_that_is_not_there_is_said(storage: Storage) -> None:
    with pytest.raises(NotFound, match="stadtsinn tenant list"):
        inventory(storage, TOWN)


def test_the_inventory_says_what_goes(storage: Storage) -> None:
    fill(storage.database)
    found = inventory(storage, TOWN)
    assert not found.begun
    assert found.uplinks == 1
    assert set(found.things.values()) == {1}
    with storage.database.write() as connection:
        repository.mark(connection, TOWN, NOW)
        count = connection.scalar(select(func.count()).select_from(audit_lines))
    assert inventory(storage, TOWN).begun
    assert count == 2

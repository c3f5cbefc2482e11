"""A deployment of a gate is put right afterwards: the counts follow, and nothing fires."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select

import fake_uplinks
from databases import add_tenant
from fake_market import NORTH, OPENING, SOUTH, Market, counter
from stadtsinn.base.instant import DAY, MINUTE, Instant, to_datetime
from stadtsinn.cloud.domains.crowd import follower as module
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.domains.crowd.recount import read_waiting
from stadtsinn.cloud.domains.crowd.recount_repository import Uncounted, uncounted
from stadtsinn.cloud.domains.crowd.tables import gate_counts
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_gate, insert_zone
from stadtsinn.cloud.domains.crowd.zones.tables import gates
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.log.followers.forgetting import rebuild
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.followers.window import LogWindow
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change, create_device
from stadtsinn.cloud.town.stations import service
from stadtsinn.cloud.town.stations.model import Deployment
from stadtsinn.cloud.town.stations.repository import deployments_page
from stadtsinn.cloud.town.stations.service import Editor
from stadtsinn.cloud.town.stations.tables import series_corrections

pytestmark = pytest.mark.slow

NEW = "70b3d5e75e0000ff"
NOON, LAST = 30, 60
"""Minutes after opening: the swap that nobody noted, and when it is put right."""


def at(minute: float) -> Instant:
    return Instant(OPENING + round(minute * MINUTE))


class LoggedMarket:
    """The market over the log: an hour of reports. Since noon another counter hangs at the north
    gate, by the registry still in its box. The directory is as stale as it can be."""

    def __init__(self, market: Market, folder: Path) -> None:
        self.market = market
        self.archive = Archive(folder / "archive")
        self.editor = Editor(Scope(market.tenant, Role.ADMIN, 0), at(0), "Bauhof")
        with change(market.database) as connection:
            create_device(connection, self.editor.scope, counter(NEW), at(0))
        directory = DirectoryCache(market.database, monotonic=lambda: 0.0)
        market.follower = LiveFollower(directory, market.clock, self.archive)
        for minute in range(LAST):
            came, left = 2 * minute, minute
            if minute < NOON:
                self.report(NORTH, minute, 1_000_000 + came, 900_000 + left)
            else:
                self.report(NEW, minute, came - 2 * NOON, left - NOON)
            self.report(SOUTH, minute, 5, 5)
        self.follow()
        self.tick(LAST)

    def report(self, dev_eui: str, minute: float, came: int, left: int) -> None:
        made = self.market.uplink(dev_eui, minute, came, left)
        up = replace(
            fake_uplinks.uplink(made.f_cnt, 0, dev_eui=dev_eui),
            event_time=made.event_time,
            received_at=made.received_at,
        )
        entry = fake_uplinks.entry(up, tenant_id=self.market.tenant, outcome=made.outcome)
        with self.market.database.write() as connection:
            append(connection, [entry], made.committed_at)

    def follow(self) -> None:
        market = self.market
        loop = FollowerLoop(
            market.database, market.follower, market.clock, window=LogWindow(self.archive)
        )
        while loop.run_once():
            pass

    def tick(self, minute: float) -> None:
        self.market.tick(at(minute))

    def one_tick(self, minute: float) -> None:
        """In one transaction: there may be more."""
        self.market.clock.set(at(minute))
        with self.market.database.write() as connection:
            self.market.follower.tick(connection, at(minute))

    def change(self, what: Any, *arguments: Any) -> None:
        with change(self.market.database) as connection:
            what(connection, self.editor, *arguments)

    def place(self, dev_eui: str) -> Any:
        with self.market.database.read() as connection:
            return deployments_page(connection, self.editor.scope, None, None, dev_eui=dev_eui)[0]

    def put_right(self, dev_eui: str, **fields: Any) -> None:
        place = self.place(dev_eui)
        known = {name: getattr(place, name) for name in Deployment.model_fields}
        self.change(service.replace_deployment, place.id, Deployment(**{**known, **fields}))

    def counted_from_the_log(self) -> list[tuple[int, int, int, int, bool]]:
        market = self.market
        rebuild(market.database, market.follower, market.clock, self.archive)
        self.follow()
        return market.history(0, 2 * LAST)


@pytest.fixture
def logged(market: Market, tmp_path: Path) -> LoggedMarket:
    return LoggedMarket(market, tmp_path)


CHANGES: dict[str, Callable[[LoggedMarket], None]] = {
    "swapped": lambda one: one.change(service.swap_device, NORTH, NEW, at(NOON)),
    "swapped too early": lambda one: one.change(service.swap_device, NORTH, NEW, at(NOON - 9.5)),
    "mounted back to front": lambda one: one.put_right(NORTH, swapped=True),
    "ended before": lambda one: one.put_right(NORTH, end=to_datetime(at(NOON - 10))),
    "began later": lambda one: one.put_right(NORTH, start=to_datetime(at(10.5))),
    "another line": lambda one: one.put_right(NORTH, channels={"line_2": "line_1"}),
    "deleted": lambda one: one.change(service.delete_deployment, one.place(NORTH).id),
    "taken elsewhere": lambda one: one.change(service.move_device, SOUTH, "nord-2", at(NOON)),
}


@pytest.mark.parametrize("what", [name for name in CHANGES if name != "taken elsewhere"])
def test_counts_are_what_the_log_gives_and_no_sample_comes_of_it(
    logged: LoggedMarket, what: str
) -> None:
    market = logged.market
    before, samples = market.history(0, 2 * LAST), market.samples()
    CHANGES[what](logged)
    logged.tick(LAST)
    after = market.history(0, 2 * LAST)
    assert after != before
    assert market.samples() == samples  # what rules read: nothing fires
    logged.tick(LAST + 0.5)
    assert market.samples() == samples
    assert after == logged.counted_from_the_log()


def test_the_next_report_shows_the_number_that_was_put_right(logged: LoggedMarket) -> None:
    """A swap at noon, noted an hour later: who came in between is inside."""
    market = logged.market
    assert market.latest().occupancy == NOON - 1
    CHANGES["swapped"](logged)
    logged.tick(LAST)
    logged.report(NEW, LAST, 2 * NOON, NOON)
    logged.follow()
    assert market.latest().occupancy == LAST - 1
    assert market.history(0, 2 * LAST) == logged.counted_from_the_log()


def test_a_second_tick_and_a_rebuild_have_nothing_to_do(logged: LoggedMarket) -> None:
    database = logged.market.database
    CHANGES["swapped"](logged)
    with database.read() as connection:
        assert uncounted(connection)
    logged.tick(LAST)
    with database.read() as connection:
        assert uncounted(connection) == []
    CHANGES["deleted"](logged)
    logged.counted_from_the_log()
    with database.read() as connection:
        assert uncounted(connection) == []


def test_one_town_does_not_wait_for_all_of_another(
    logged: LoggedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look is at one town's changes, and the next one at another's."""
    looked: list[list[str]] = []

    def looking(parts: Sequence[Uncounted], *others: Any) -> Any:
        looked.append(sorted({part.tenant_id for part in parts}))
        return read_waiting(parts[:1], *others)

    monkeypatch.setattr("stadtsinn.cloud.domains.crowd.follower.read_waiting", looking)
    database = logged.market.database
    add_tenant(database, "aaa-loud")
    fields = {"start": 0, "end": 1, "requested_at": 0, "requested_by": "key 1"}
    rows = [{"tenant_id": "aaa-loud", "station": f"s{n}", **fields} for n in range(9)]
    with database.write() as connection:
        connection.execute(insert(series_corrections), rows)
    CHANGES["swapped"](logged)
    logged.tick(LAST)
    assert looked[:2] == [["aaa-loud"], [logged.market.tenant]]


def test_the_zones_of_a_station_are_counted_anew_a_few_at_a_time(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One in each transaction here. After a kill in between the others come."""
    scope = Scope(market.tenant, Role.ADMIN, 0)
    with change(market.database) as connection:
        for slug in ("halle", "hof", "saal"):
            insert_zone(connection, scope, Zone(slug=slug, name=slug))
            gate = Gate(slug="nord", name="Nord", station="nord", channel="line_1")
            insert_gate(connection, scope, slug, gate)
    logged = LoggedMarket(market, tmp_path)
    monkeypatch.setattr(module, "WORK", module.LOADED - 1)
    CHANGES["swapped"](logged)
    before = _counted(market)
    for done in range(1, len(before) + 1):
        logged.one_tick(LAST)
        assert sum(counts != before[zone] for zone, counts in _counted(market).items()) == done
        follower = LiveFollower(DirectoryCache(market.database), market.clock, logged.archive)
        market.follower = follower
    with market.database.read() as connection:
        assert uncounted(connection) == []
    counted = _counted(market)
    logged.counted_from_the_log()
    assert counted == _counted(market)


def _counted(market: Market) -> dict[int, list[tuple[Any, ...]]]:
    """Of each zone, what its gates counted."""
    columns = (gates.c.zone_id, gate_counts.c.gate_id, gate_counts.c.direction)
    query = select(*columns, gate_counts.c.event_time, gate_counts.c.counted).join(
        gates, gates.c.id == gate_counts.c.gate_id
    )
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    with market.database.read() as connection:
        for zone_id, *counts in connection.execute(query.order_by(*query.selected_columns)):
            found[zone_id].append(tuple(counts))
    return dict(found)


def test_archived_reports_are_counted_too(logged: LoggedMarket) -> None:
    market = logged.market
    logged.report(SOUTH, 2 * 1440, 5, 5)
    logged.follow()
    list(
        archive_before(
            market.database, logged.archive, Instant(OPENING + DAY), ("live",), market.clock
        )
    )
    CHANGES["swapped"](logged)
    logged.tick(2 * 1440 + 1)
    assert market.history(0, LAST)[-1][1] == LAST - 2
    counted = market.history(0, 2 * LAST)
    assert counted == logged.counted_from_the_log()


def test_an_archive_that_is_away_keeps_nothing_else_waiting(logged: LoggedMarket) -> None:
    market = logged.market
    logged.report(SOUTH, 2 * 1440, 5, 5)
    logged.follow()
    before = Instant(OPENING + DAY)
    list(archive_before(market.database, logged.archive, before, ("live",), market.clock))
    market.restart()  # without an archive
    history = market.history(0, LAST)
    CHANGES["swapped"](logged)
    market.tick(at(2 * 1440 + 1))
    assert market.history(0, LAST) == history
    with market.database.read() as connection:
        assert uncounted(connection) == []


def test_what_is_older_than_a_week_stays_until_a_rebuild(logged: LoggedMarket) -> None:
    market = logged.market
    history = market.history(0, LAST)
    CHANGES["swapped"](logged)
    market.tick(Instant(OPENING + 8 * DAY))
    assert market.history(0, LAST) == history
    assert logged.counted_from_the_log()[:LAST] != history


def test_a_station_whose_uplinks_cannot_be_read_keeps_no_zone_from_its_time(
    logged: LoggedMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        raise KeyError("no such line")

    monkeypatch.setattr("stadtsinn.cloud.domains.crowd.recount.reports_of", failing)
    CHANGES["swapped"](logged)
    resets = len(logged.market.corrections("reset"))
    logged.tick(DAY // MINUTE)
    assert len(logged.market.corrections("reset")) == resets + 1
    with logged.market.database.read() as connection:
        assert uncounted(connection) == []

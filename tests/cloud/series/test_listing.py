"""Lists of series come in pages, and a list twice as long is twice the work.

20,000 series of one station once took 80 s. Work is counted: statements of the database, questions
to the store, and steps that SQLite carries out in the file of the series.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

import counted
from api_callers import HOME, NOW, ApiWorld
from databases import fresh_database
from fake_uplinks import deployed, register, station
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.decoders.reading import Quality

pytestmark = pytest.mark.slow

DEVICE = "70b3d50000000100"
FED = f"/api/v1/devices/{DEVICE}/series"
MEASURED = f"/api/v1/stations/{DEVICE}/series"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    register(made.database, DEVICE, tenant_id=HOME)
    yield made
    made.series.close()


def fill(
    world: ApiWorld, count: int, *, at: str = DEVICE, quality: Quality = Quality.GOOD
) -> list[SeriesKey]:
    """So many series of a station, each with one value at a time of its own."""
    keys = [SeriesKey(at, "soil_moisture", f"c{n:05}") for n in range(count)]
    world.series.write(
        [
            Point(HOME, "soil", key, Instant(NOW - n), 1.0, quality, DEVICE)
            for n, key in enumerate(keys)
        ]
    )
    return keys


def keep_for_a_day(world: ApiWorld, keys: list[SeriesKey]) -> None:
    with world.database.write() as connection:
        make_streams(connection, {(HOME, key): NOW for key in keys})
        connection.exec_driver_sql("UPDATE datastreams SET retention_days = 1")


def walk(world: ApiWorld, path: str, limit: int) -> list[list[str]]:
    """The channels on each page, until there is no other."""
    caller, pages, cursor = world.client(Role.READER), [], None
    while True:
        given = {"limit": str(limit)} | ({"cursor": cursor} if cursor else {})
        page = caller.get(path, params=given).json()
        pages.append([one.get("station", "") + one["channel"] for one in page["items"]])
        cursor = page["next"]
        if cursor is None:
            return pages


def statements(world: ApiWorld, work: Callable[[], object]) -> int:
    """How many statements the database carries out for it."""
    with counted.statements(world.database) as asked:
        work()
    return len(asked)


def steps(world: ApiWorld, work: Callable[[], object]) -> int:
    """How many hundreds of steps SQLite carries out for it in the file of the series."""
    done = 0

    def step() -> int:
        nonlocal done
        done += 1
        return 0

    with world.series._file.read() as connection:  # type: ignore[attr-defined]
        connection.set_progress_handler(step, 100)
        work()
        connection.set_progress_handler(None, 100)
    return done


@pytest.mark.parametrize("path", [FED, MEASURED])
def test_pages_hold_every_series_once_and_in_order(world: ApiWorld, path: str) -> None:
    fill(world, 25)
    (whole,) = walk(world, path, 1000)
    assert len(whole) == 25
    pages = walk(world, path, 10)
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [*chain(*pages)] == whole == sorted(whole)


def test_pages_of_a_device_go_over_all_its_stations(world: ApiWorld) -> None:
    slugs = [f"baum-{n}" for n in range(4)]
    with world.database.write() as connection:
        for slug in slugs:
            station(connection, slug, HOME)
            deployed(connection, DEVICE, slug, HOME)
        bump_revision(connection)
    for slug in slugs:
        fill(world, 3, at=slug)
    (whole,) = walk(world, FED, 1000)
    assert whole == [f"{slug}c{n:05}" for slug in slugs for n in range(3)]
    for limit in (1, 2, 3, 5):
        assert [*chain(*walk(world, FED, limit))] == whole


@pytest.mark.parametrize("cursor", ["a|b|c|d", "nothing", "42"])
@pytest.mark.parametrize("path", [FED, MEASURED])
def test_a_cursor_of_another_list_is_refused_or_means_the_place_it_names(
    world: ApiWorld, path: str, cursor: str
) -> None:
    assert world.client().get(path, params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize("quality", [Quality.GOOD, Quality.SUSPECT])
def test_the_store_lists_twice_as_many_series_with_twice_the_steps(
    world: ApiWorld, quality: Quality
) -> None:
    taken = []
    for count in (400, 800, 1_600):
        fill(world, count, quality=quality)
        taken.append(steps(world, lambda: world.series.series(HOME, DEVICE)))
    assert taken[1] < 2.5 * taken[0]
    assert taken[2] < 2.5 * taken[1]


@pytest.mark.parametrize("path", [FED, MEASURED])
@pytest.mark.parametrize("retention", [False, True])
def test_a_request_takes_the_same_statements_however_many_series(
    world: ApiWorld, path: str, *, retention: bool
) -> None:
    caller = world.client(Role.READER)
    caller.get(path)  # the key's first use is noted
    counted = set()
    for count in (10, 20, 40):
        keys = fill(world, count)
        if retention:
            keep_for_a_day(world, keys)
        counted.add(statements(world, lambda: caller.get(path, params={"limit": 1000})))
    assert len(counted) == 1


def test_a_station_is_asked_once_however_often_the_device_was_there(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 5)
    with world.database.write() as connection:
        for _ in range(50):
            deployed(connection, DEVICE, DEVICE, HOME)
        bump_revision(connection)
    asked: list[str] = []
    kind = type(world.series)
    series = kind.series

    def counting(store: Any, tenant_id: str, slug: str) -> list[SeriesKey]:
        asked.append(slug)
        return list(series(store, tenant_id, slug))

    monkeypatch.setattr(kind, "series", counting)
    assert len(walk(world, FED, 1000)[0]) == 5
    assert asked == [DEVICE]


def test_what_is_past_its_retention_is_in_no_list(world: ApiWorld) -> None:
    keys = fill(world, 3)
    keep_for_a_day(world, keys[:2])
    world.clock.set(Instant(NOW + DAY))  # the value of the first is a day old, not more
    assert [len(page) for page in walk(world, MEASURED, 10)] == [2]

"""Public answers come from memory, and are never older than what they were made from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event, text, update

from api_callers import AWAY, HOME, ApiWorld
from fake_market import NORTH, OPENING, SOUTH, Market
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.cloud.domains.crowd.zones.model import Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_zone
from stadtsinn.cloud.domains.crowd.zones.tables import zones
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.publish.web.answer import Answer
from stadtsinn.cloud.publish.web.memory import Memory
from stadtsinn.cloud.publish.web.variant import Kind, Variant
from stadtsinn.cloud.town.repository import bump_revision

pytestmark = pytest.mark.slow

DATA = f"/public/{HOME}/zones/marktplatz"
PAGE = f"/{HOME}/zaehler/marktplatz"


@pytest.fixture
def steady() -> list[float]:
    """The steady clock by which the memory looks again."""
    return [0.0]


@pytest.fixture
def viewer(world: ApiWorld, market: Market, steady: list[float]) -> TestClient:
    world.app.state.public_memory._monotonic = lambda: steady[0]
    for minute in range(4):
        market.apply(
            market.uplink(NORTH, minute, 100 * minute, 0), market.uplink(SOUTH, minute, 0, 0)
        )
    market.clock.set(Instant(OPENING + 3 * MINUTE + 10 * SECOND))
    return world.nobody()


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _x: Any, _many: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


MANY_PARAMETERS = "&".join(f"utm_{number}=1" for number in range(200))


@pytest.mark.parametrize(
    "address",
    [
        DATA,
        PAGE,
        f"/en{PAGE}",
        "/",
        f"{PAGE}?lang=en&pause=1&utm_source=poster",
        f"{PAGE}?{MANY_PARAMETERS}",
    ],
)
def test_many_viewers_cost_one_computation(
    world: ApiWorld, viewer: TestClient, address: str
) -> None:
    first = viewer.get(address)
    assert first.status_code == 200
    with statements(world.database) as asked:
        answers = [viewer.get(address) for _ in range(20)]
    assert asked == []
    assert {answer.content for answer in answers} == {first.content}
    assert {answer.headers["etag"] for answer in answers} == {first.headers["etag"]}


def test_what_social_networks_append_makes_no_other_answer(
    world: ApiWorld, viewer: TestClient
) -> None:
    for number in range(20):
        assert viewer.get(f"{PAGE}?fbclid={number}").status_code == 200
    assert len(world.app.state.public_memory) == 1


@pytest.mark.parametrize("address", [DATA, PAGE])
def test_a_report_and_a_changed_zone_show_at_once(
    market: Market, viewer: TestClient, address: str
) -> None:
    tags = [viewer.get(address).headers["etag"]]
    market.apply(market.uplink(NORTH, 4, 480, 0), market.uplink(SOUTH, 4, 0, 0))
    tags.append(viewer.get(address).headers["etag"])
    with market.database.write() as connection:
        connection.execute(update(zones).values(name="Rathausplatz"))
        bump_revision(connection)
    renamed = viewer.get(address)
    assert "Rathausplatz" in renamed.text
    tags.append(renamed.headers["etag"])
    assert len(set(tags)) == 3
    for old in tags[:2]:
        assert viewer.get(address, headers={"If-None-Match": old}).status_code == 200
    assert viewer.get(address, headers={"If-None-Match": tags[2]}).status_code == 304


@pytest.mark.parametrize("address", [DATA, PAGE, "/"])
def test_a_zone_that_another_process_hides_is_gone_after_the_next_look(
    market: Market, viewer: TestClient, steady: list[float], address: str
) -> None:
    assert "Marktplatz" in viewer.get(address).text
    other = open_database(market.database.engine.url.render_as_string(hide_password=False))
    with other.write() as connection:
        connection.execute(update(zones).values(public=False))
        bump_revision(connection)
    other.dispose()
    assert "Marktplatz" in viewer.get(address).text
    steady[0] += 0.21
    assert "Marktplatz" not in viewer.get(address).text


def test_a_look_that_finds_nothing_new_keeps_the_answer(
    world: ApiWorld, viewer: TestClient, steady: list[float]
) -> None:
    before = viewer.get(PAGE).headers["etag"]
    steady[0] += 0.21
    with statements(world.database) as asked:
        assert viewer.get(PAGE).headers["etag"] == before
    assert len(asked) == 2  # the registry's revision and the zone's newest sample


def test_an_answer_ends_with_the_numbers_validity_and_on_full_minutes(
    market: Market, viewer: TestClient
) -> None:
    market.clock.set(Instant(OPENING + 6 * MINUTE - 10 * SECOND))
    assert viewer.get(DATA).json()["state"] == "live"
    page = viewer.get(PAGE).headers["etag"]
    market.clock.advance(9 * SECOND)
    assert viewer.get(DATA).json()["state"] == "live"
    assert viewer.get(PAGE).headers["etag"] == page
    market.clock.advance(1 * SECOND)
    assert viewer.get(DATA).json()["state"] == "stale"
    assert viewer.get(PAGE).headers["etag"] != page


def test_a_clock_that_went_back_does_not_keep_the_future(
    market: Market, viewer: TestClient
) -> None:
    market.clock.set(Instant(OPENING + 10 * MINUTE))
    assert viewer.get(DATA).json()["state"] == "stale"
    market.clock.set(Instant(OPENING + 4 * MINUTE))
    assert viewer.get(DATA).json()["state"] == "live"


def test_a_page_from_memory_has_the_time_of_its_sending(market: Market, viewer: TestClient) -> None:
    assert 'data-clock="2026-09-26T08:03:10+02:00"' in viewer.get(PAGE).text
    market.clock.advance(20 * SECOND)
    later = viewer.get(PAGE)
    assert 'data-clock="2026-09-26T08:03:30+02:00"' in later.text
    assert later.headers["x-server-clock"] == "2026-09-26T08:03:30+02:00"


def test_answers_from_memory_are_counted_and_have_the_same_headers(viewer: TestClient) -> None:
    first, second = viewer.get(PAGE), viewer.get(PAGE)
    own = {"x-request-id", "content-length"}
    assert {k: v for k, v in first.headers.items() if k not in own} == {
        k: v for k, v in second.headers.items() if k not in own
    }
    assert second.headers["x-content-type-options"] == "nosniff"
    assert "/{tenant}/zaehler/{zone}" in viewer.get("/metrics").text


# --- other towns -------------------------------------------------------------------------------


def add_zones(database: Database, count: int) -> None:
    """Public zones of the other town."""
    with database.write() as connection:
        for number in range(count):
            zone = Zone(slug=f"platz-{number}", name=f"Platz {number}", public=True)
            insert_zone(connection, Scope(AWAY, Role.ADMIN, 0), zone)
        bump_revision(connection)


def test_a_thousand_zones_of_another_town_cost_this_one_nothing(
    world: ApiWorld, viewer: TestClient
) -> None:
    with statements(world.database) as alone:
        viewer.get(PAGE)
    add_zones(world.database, 1000)
    with statements(world.database) as beside:
        viewer.get(PAGE)
    assert len(beside) <= len(alone)
    with world.database.read() as connection:
        for statement, parameters in beside:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps = [row.detail for row in plan]
            assert not [s for s in steps if s.startswith(("SCAN zones", "SCAN zone_samples"))]


def test_the_memory_is_bounded_and_keeps_what_is_asked_for(
    world: ApiWorld, viewer: TestClient
) -> None:
    memory = world.app.state.public_memory
    memory.capacity = 10
    add_zones(world.database, 30)
    viewer.get(DATA)
    for number in range(30):
        assert viewer.get(f"/public/{AWAY}/zones/platz-{number}").status_code == 200
        with statements(world.database) as asked:
            viewer.get(DATA)
        assert asked == []
    assert len(memory) == 10


def test_names_that_nobody_publishes_leave_nothing_behind(
    world: ApiWorld, viewer: TestClient
) -> None:
    for number in range(50):
        assert viewer.get(f"/public/stadt-{number}/zones/platz").status_code == 404
        assert viewer.get(f"/{HOME}/zaehler/platz-{number}").status_code == 404
    assert len(world.app.state.public_memory) == 0


def answer(tenant: str, until: int = 10**18) -> Answer:
    return Answer(200, (), (tenant.encode(),), "", None, (0,), Instant(0), Instant(until))


def test_one_towns_computation_keeps_no_other_town_waiting(world: ApiWorld) -> None:
    memory = Memory(Services(world.database, world.clock))
    released, begun = threading.Event(), threading.Event()
    made: list[str] = []

    def make(_connection: Connection, variant: Variant, _now: Instant) -> Answer:
        made.append(variant.tenant)
        if variant.tenant == AWAY:
            begun.set()
            assert released.wait(60)
        return answer(variant.tenant)

    async def run() -> None:
        wanted = Variant(Kind.DATA, AWAY, "platz")
        slow = [asyncio.create_task(memory.answer(wanted, make)) for _ in range(200)]
        await asyncio.to_thread(begun.wait, 60)
        found = await asyncio.wait_for(memory.answer(Variant(Kind.DATA, HOME, "m"), make), 60)
        assert found is not None
        assert not any(task.done() for task in slow)
        released.set()
        assert {task.body for task in await asyncio.gather(*slow) if task} == {(b"nebenan",)}

    asyncio.run(run())
    assert sorted(made) == sorted([AWAY, HOME])


def test_a_change_during_the_computation_is_not_overlooked(world: ApiWorld) -> None:
    memory = Memory(Services(world.database, world.clock))
    variant = Variant(Kind.INDEX)
    versions: list[int] = []

    def make(connection: Connection, _variant: Variant, _now: Instant) -> Answer:
        (revision,) = connection.execute(text("SELECT max(revision) FROM registry_revision")).one()
        versions.append(revision or 0)
        if len(versions) == 1:  # it commits while the first computation goes on
            with world.database.write() as writing:
                bump_revision(writing)
        made = answer("x")
        return Answer(**{**made.__dict__, "mark": (versions[-1],)})

    async def run(make: Callable[..., Answer]) -> None:
        for _ in range(3):
            await memory.answer(variant, make)

    asyncio.run(run(make))
    assert versions == [versions[0], versions[0] + 1]

"""The directory followers read: complete, and renewed when the registry changes."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from api_callers import HOME, NOW, ApiWorld, each_counts_the_revision_up
from real_parts import PATIENCE_S
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town import directory as module
from stadtsinn.cloud.town import service
from stadtsinn.cloud.town.directory import Directory, DirectoryCache, read_directory
from stadtsinn.cloud.town.model import Device, Edge

EUI, LINDE = "24e124600c124993", "0" * 15 + "1"


@pytest.fixture
def filled(world: ApiWorld) -> ApiWorld:
    scope = world.scope(Role.EDITOR)
    device = Device(dev_eui=EUI, device_type="milesight/vs133", name="Tor", interval_s=60)
    with service.change(world.database) as connection:
        service.create_device(connection, scope, device, NOW)
        service.create_edge(connection, scope, Edge(id="rathaus", name="Rathaus"), NOW)
    return world


class Stopwatch:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_it_holds_what_was_registered(filled: ApiWorld) -> None:
    directory = DirectoryCache(filled.database).current()
    assert directory.devices[EUI].tenant_id == HOME
    assert directory.devices[EUI].device_type == "milesight/vs133"
    assert directory.edges == {"rathaus": HOME}


def test_a_change_is_seen_after_the_next_check(filled: ApiWorld) -> None:
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    assert LINDE not in cache.current().devices
    answer = filled.client(Role.EDITOR).post(
        "/api/v1/devices",
        json={"dev_eui": LINDE, "device_type": "dragino/lse01", "name": "Linde"},
    )
    assert answer.status_code == 201
    assert LINDE not in cache.current().devices
    watch.seconds += 0.2
    assert LINDE in cache.current().devices


def test_a_small_registry_is_as_recent_as_it_is_current(filled: ApiWorld) -> None:
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    cache.recent()
    _add_linde(filled)
    watch.seconds += 0.2
    assert LINDE in cache.recent().devices


def test_nobody_who_takes_the_recent_one_waits_for_a_large_registry(
    filled: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, may_read, asked = Stopwatch(), threading.Event(), threading.Event()

    def slowly(connection: Connection) -> Directory:
        asked.set()
        assert may_read.wait(PATIENCE_S)
        return read_directory(connection)

    cache = DirectoryCache(filled.database, monotonic=watch)
    cache.recent()
    monkeypatch.setattr(module, "_READ_AT_ONCE", 0)
    monkeypatch.setattr(module, "read_directory", slowly)
    _add_linde(filled)
    watch.seconds += 0.2
    assert LINDE not in cache.recent().devices
    assert asked.wait(PATIENCE_S)
    watch.seconds += 9
    assert LINDE not in cache.recent().devices  # while it is read
    may_read.set()
    assert LINDE in cache.current().devices  # who needs the newest one waits for it
    assert LINDE in cache.recent().devices


def test_a_registry_that_could_not_be_read_beside_is_read_again(
    filled: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, failed = Stopwatch(), threading.Event()

    def away(_: Connection) -> Directory:
        failed.set()
        raise OperationalError("", {}, Exception("away"))

    cache = DirectoryCache(filled.database, monotonic=watch)
    cache.recent()
    monkeypatch.setattr(module, "_READ_AT_ONCE", 0)
    _add_linde(filled)
    with monkeypatch.context() as during:
        during.setattr(module, "read_directory", away)
        watch.seconds += 0.2
        cache.recent()
        assert failed.wait(PATIENCE_S)
        cache._reader.join()  # nothing else says that it has ended
    watch.seconds += 0.2
    cache.recent()
    cache._reader.join()
    assert LINDE in cache.recent().devices


def _add_linde(filled: ApiWorld) -> None:
    device = Device(dev_eui=LINDE, device_type="dragino/lse01", name="Linde", interval_s=600)
    scope = filled.scope(Role.EDITOR)
    with service.change(filled.database) as connection:
        service.create_device(connection, scope, device, NOW)


def test_nothing_is_asked_between_two_checks_and_little_at_a_check(filled: ApiWorld) -> None:
    """The ingest asks for the directory with every batch."""
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    known = cache.current()
    statements: list[str] = []
    event.listen(
        filled.database.engine,
        "before_cursor_execute",
        lambda _c, _k, statement, *_: statements.append(statement),
    )
    for _ in range(100):
        assert cache.current() is known
    assert statements == []
    watch.seconds += 1
    assert cache.current() is known
    assert len([text for text in statements if "registry_revision" in text]) == 1
    assert not [text for text in statements if "devices" in text]


def test_a_refused_change_does_not_wake_the_followers(filled: ApiWorld) -> None:
    before = DirectoryCache(filled.database).current().revision
    refused = filled.client(Role.EDITOR).put(
        f"/api/v1/devices/{EUI}",
        json={"device_type": "milesight/vs133", "name": "Tor", "site": "nirgendwo"},
    )
    assert refused.status_code == 422
    assert DirectoryCache(filled.database).current().revision == before


def test_every_kind_of_change_wakes_the_followers(filled: ApiWorld) -> None:
    """Each write endpoint of the registry counts the revision up."""
    editor = filled.client(Role.EDITOR)
    site = {"slug": "platz", "name": "Platz"}
    device = {"device_type": "dragino/lse01", "name": "Linde"}
    calls = [
        ("POST", "sites", site),
        ("PUT", "sites/platz", {"name": "Anderer Platz"}),
        ("DELETE", "sites/platz", None),
        ("POST", "devices", device | {"dev_eui": LINDE}),
        ("PUT", f"devices/{LINDE}", device | {"interval_s": 5}),
        ("DELETE", f"devices/{LINDE}", None),
        ("PUT", "edges/rathaus", {"name": "Hof"}),
        ("DELETE", "edges/rathaus", None),
    ]
    each_counts_the_revision_up(filled, editor, calls)


def test_a_part_is_read_once_per_revision_and_goes_with_the_directory(filled: ApiWorld) -> None:
    watch = Stopwatch()
    cache = DirectoryCache(filled.database, monotonic=watch)
    seen: list[int] = []

    def names(_connection: Connection, directory: Directory) -> list[str]:
        seen.append(directory.revision)
        return sorted(directory.devices)

    assert cache.part(names) is cache.part(names)
    filled.client(Role.EDITOR).delete(f"/api/v1/devices/{EUI}")
    assert cache.part(names) == [EUI]
    watch.seconds += 1
    assert cache.part(names) == []
    assert seen == [seen[0], cache.current().revision]

"""A follower knows the registry as of its transaction, also while it changes all the time."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection

from counted import statements
from real_parts import PATIENCE_S
from stadtsinn.cloud.log.followers import seen as module
from stadtsinn.cloud.log.followers.follower import TryAgain
from stadtsinn.cloud.log.followers.seen import Seen
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town import quiet
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.service import change


def _whole(_: Connection, directory: Directory) -> SimpleNamespace:
    return SimpleNamespace(directory=directory)


@pytest.fixture
def seen(database: Database) -> Seen[SimpleNamespace]:
    _change(database)
    return Seen(DirectoryCache(database), _whole)


def _change(database: Database) -> None:
    with change(database):
        pass


def _revision(seen: Seen[SimpleNamespace], database: Database) -> int:
    with database.write() as connection:
        return int(seen.as_of(connection).directory.revision)


def _read_in(asked: list[str]) -> list[str]:
    """Statements that read more of the registry than its revision."""
    return [one for one in asked if one.startswith("SELECT") and "revision" not in one]


def _overtake(seen: Seen[SimpleNamespace], database: Database) -> None:
    """The registry changes between each look and the transaction, as often as it may."""
    for _ in range(module._ATTEMPTS):
        seen.look()
        _change(database)
        with pytest.raises(TryAgain):
            _revision(seen, database)


def test_a_registry_that_did_not_change_is_only_compared(
    seen: Seen[SimpleNamespace], database: Database
) -> None:
    seen.look()
    with statements(database) as asked:
        assert _revision(seen, database) == 1
    assert not _read_in(asked)


def test_changes_wait_for_a_follower_that_they_overtook_again_and_again(
    seen: Seen[SimpleNamespace], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()

    def wait(seconds: float) -> None:
        waits.set()
        threading.Event().wait(seconds)

    _overtake(seen, database)
    clock = SimpleNamespace(monotonic=lambda: 0.0, sleep=wait)
    monkeypatch.setattr(quiet, "time", clock)
    monkeypatch.setattr(quiet, "LONGEST_S", PATIENCE_S)
    seen.look()
    changing = threading.Thread(target=_change, args=(database,))
    changing.start()
    assert waits.wait(PATIENCE_S)
    with statements(database) as asked:
        assert _revision(seen, database) == 1 + module._ATTEMPTS
    assert not _read_in(asked)
    seen.look()
    changing.join(PATIENCE_S)
    seen.look()
    assert _revision(seen, database) == 2 + module._ATTEMPTS


def test_a_change_that_had_begun_before_stops_no_follower(
    seen: Seen[SimpleNamespace], database: Database
) -> None:
    _overtake(seen, database)
    seen.look()
    with database.write() as connection:
        bump_revision(connection)
    assert _revision(seen, database) == 2 + module._ATTEMPTS


def test_a_change_waits_only_so_long_for_a_follower_that_died(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _change(database)
    passed = [0.0]

    def wait(seconds: float) -> None:
        passed[0] += seconds

    clock = SimpleNamespace(monotonic=lambda: passed[0], sleep=wait)
    monkeypatch.setattr(quiet, "time", clock)
    quiet.ask_for_quiet(database)
    _change(database)
    assert quiet.LONGEST_S <= passed[0] < quiet.LONGEST_S + 1

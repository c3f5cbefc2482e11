"""Files of data are for their owner only: every file that the roles make, under any umask."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fake_arrivals import event_arrival
from fake_uplinks import LSE01_PAYLOAD, NINE, at, chirpstack_event, event_topic, furnish, uplink
from stadtsinn.base.clock import ManualClock, SharedClock
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.private_files import (
    close_to_others,
    private_database,
    private_file,
    private_folder,
    write_private,
)
from stadtsinn.base.settings.reading import warn_of_open_secrets
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.cloud.broker.files import own_passwords, write_broker
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import archive_before
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.settings import parse_settings
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.spool import Spool

pytestmark = pytest.mark.slow


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["000", "022", "077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_paths(folder: Path) -> dict[str, str]:
    """What others may read or enter below a folder."""
    found = {str(path.relative_to(folder)): mode(path) for path in folder.rglob("*")}
    return {name: f"{one:04o}" for name, one in found.items() if one & 0o077}


def _all_stores(folder: Path, *, again: bool = False) -> None:
    """Everything that a role keeps on the disk, in use: with what SQLite puts beside it."""
    clock = ManualClock(at(3600))
    database = open_database(f"sqlite:///{folder}/town/data/cloud.sqlite")
    upgrade(database)
    if not again:
        furnish(database)
    series = open_store(f"sqlite:///{folder}/town/series/series.sqlite")
    archive = Archive(folder / "town" / "archive")
    ingestor = open_ingestor(database, DirectoryCache(database), clock, archive)
    for n in (1, 2, 3):
        up = uplink(n, n, payload=LSE01_PAYLOAD)
        ingestor.take([event_arrival(event_topic(), chirpstack_event(up), at(n))])
    list(archive_before(database, archive, Instant(NINE + 2 * DAY), (), clock))
    spool = Spool(folder / "edge" / "data" / "spool.sqlite", 1_000_000)
    spool.append([Row(spool.last_position + 1, at(0), b"body")])
    SharedClock.create(folder / "clock", at(0))
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"cloud.sqlite-wal", "series.sqlite-wal", "spool.sqlite-wal"} <= names
    assert any(name.endswith(".parquet") for name in names)
    assert any(name.endswith(".history-lock") for name in names)
    series.close()
    database.dispose()


def test_no_file_of_any_role_is_open_to_others(tmp_path: Path, umask: int) -> None:
    _all_stores(tmp_path)
    assert open_paths(tmp_path) == {}, f"{umask:03o}"


def test_no_file_of_authority_and_broker_is_open_to_others(tmp_path: Path, umask: int) -> None:
    authority = Authority.create(tmp_path / "stage" / "certificates", "Test")
    authority.issue_server(["localhost"])
    authority.issue_edge("rathaus")
    write_broker(tmp_path / "broker", authority, own_passwords(tmp_path / "passwords"))
    assert len(list(tmp_path.rglob("*.pem"))) == 11
    assert open_paths(tmp_path) == {}, f"{umask:03o}"


def test_files_of_an_earlier_version_are_closed_when_they_are_opened(tmp_path: Path) -> None:
    _all_stores(tmp_path)
    for path in tmp_path.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    _all_stores(tmp_path, again=True)
    left = open_paths(tmp_path)
    assert {name for name in left if (tmp_path / name).is_file()} == set()
    assert "town/archive" not in left


def test_a_folder_that_is_there_stays_as_it_is(tmp_path: Path, umask: int) -> None:
    """It may be somebody's home, or hold what others have to read."""
    tmp_path.chmod(0o755)
    private_folder(tmp_path / "a" / "b")
    assert (mode(tmp_path), mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (
        *(0o755, 0o700, 0o700),
    )


def test_what_is_written_is_closed_from_the_beginning(
    tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cloud.toml"
    seen: list[int] = []

    def look(self: Path, *given: Any, **named: Any) -> int:
        seen.append(mode(self))
        return write(self, *given, **named)

    write = Path.write_text
    monkeypatch.setattr(Path, "write_text", look)
    write_private(path, "text")
    assert (seen, path.read_text()) == ([0o600], "text")


def test_a_file_keeps_its_content_and_its_owners_rights(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    path.chmod(0o744)
    private_file(path)
    assert (path.read_text(), mode(path)) == ("kept", 0o700)


def test_files_beside_a_database_are_closed_too(tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / f"a.sqlite{suffix}").touch(0o644)
        (tmp_path / f"a.sqlite{suffix}").chmod(0o644)
    private_database(tmp_path / "a.sqlite")
    assert open_paths(tmp_path) == {}


def test_a_file_of_somebody_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o644)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "chmod", refused)
    close_to_others(path)
    assert f"others may read {path}" in caplog.text
    assert "chmod go-rwx" in caplog.text


def test_a_secret_that_others_may_read_is_named_when_the_program_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "password"
    secret.write_text("hidden")
    settings = parse_settings(
        '[broker]\nusername = "u"\npassword_file = "password"\n', tmp_path / "cloud.toml"
    )
    secret.chmod(0o600)
    warn_of_open_secrets(settings)
    assert caplog.text == ""
    secret.chmod(0o644)
    with caplog.at_level(logging.WARNING):
        warn_of_open_secrets(settings)
    assert f"broker.password: others may read {secret}" in caplog.text
    assert "hidden" not in caplog.text

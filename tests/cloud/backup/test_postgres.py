"""PostgreSQL by its own tools: one snapshot out, one transaction in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from backed_up_town import BackedUpTown
from databases import fresh_postgres, shared_cluster, stamp
from fake_uplinks import at, entry, furnish, uplink
from stadtsinn.cloud.backup import postgres
from stadtsinn.cloud.backup.postgres import ServerToolFailed
from stadtsinn.cloud.backup.restoring import InTheWay
from stadtsinn.cloud.backup.verifying import verified
from stadtsinn.cloud.log.uplinks.repository import append, head
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series import repository as series

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with fresh_postgres(shared_cluster()) as database:
        stamp(database)
        furnish(database)
        with database.write() as connection:
            series.note_beginning(connection, 2)
        yield database


@pytest.fixture
def town(tmp_path: Path, server: Database) -> BackedUpTown:
    made = BackedUpTown(tmp_path / "town")
    url = server.engine.url.set(drivername="postgresql", password="ge:heim")
    text_ = made.config.read_text().replace(
        "sqlite:///data/stadtsinn.sqlite", url.render_as_string(hide_password=False)
    )
    made.config.write_text(text_)
    return made


def _add(database: Database, *counters: int) -> None:
    with database.write() as connection:
        for n in counters:
            append(connection, [entry(uplink(n, n))], at(n))


def _head(database: Database) -> int:
    with database.read() as connection:
        return head(connection)


def test_all_comes_back_and_nothing_of_later(
    town: BackedUpTown, server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _add(server, 1, 2, 3)
    with server.write() as connection:  # gammu-smsd's, in the same database
        connection.execute(text("CREATE SCHEMA gammu"))
        connection.execute(text("CREATE TABLE gammu.outbox AS SELECT 1 AS waits"))
    made = town.back_up()
    with server.write() as connection:
        connection.execute(text("DELETE FROM gammu.outbox"))  # it was sent
    assert "ge%3Aheim" not in (made.folder / "configuration" / "cloud.toml").read_text()
    assert not made.manifest.series
    _add(server, 4, 5)
    with server.read() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(InTheWay, match="1 other sessions use the database"):
            town.restore(made.folder, overwrite=True)
    server.dispose()
    with pytest.raises(InTheWay, match="--overwrite"):
        town.restore(made.folder)
    assert _head(server) == 5
    server.dispose()

    whole = (made.folder / "database" / "stadtsinn.pgdump").read_bytes()
    load = postgres.load

    def cut_first(database: Database, dumped: Path, *rest: object) -> None:
        dumped.write_bytes(whole[: len(whole) - 400])
        load(database, dumped, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(postgres, "load", cut_first)
    with pytest.raises(ServerToolFailed, match="nothing was changed"):
        town.restore(made.folder, overwrite=True)
    monkeypatch.undo()
    assert _head(server) == 5, "all or nothing"
    server.dispose()
    (made.folder / "database" / "stadtsinn.pgdump").write_bytes(whole)
    verified(made.folder)
    town.restore(made.folder, overwrite=True)
    assert _head(server) == 3
    with server.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM gammu.outbox")) == 0, "nobody gets two"
        assert series.layout(connection) == 0
    _add(server, 6)
    assert _head(server) == 4

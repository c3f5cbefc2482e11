"""Databases of earlier versions are brought up to date with everything that was in them."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from first_version import all_rows, bring_to, fill_every_table
from stadtsinn.cloud.migrations import current, head, upgrade
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("revision", ["0001", "0002"])
def test_network_server_formats_keep_every_row(empty: Database, revision: str) -> None:
    """0003 adds the format to quarantine and leaves all else as it was."""
    bring_to(empty, revision)
    fill_every_table(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE quarantine SET kind = 'event'"))
    before = all_rows(empty)
    bring_to(empty, "0003")
    after = all_rows(empty)
    (row,) = after["quarantine"]
    assert row.pop("format") == "chirpstack"
    for table in before.keys() - {"alembic_version"}:
        assert after[table] == before[table], table
    assert all(before[table] for table in before)


@pytest.mark.parametrize("kind", ["item", "batch"])
def test_what_an_edge_made_has_no_format(empty: Database, kind: str) -> None:
    bring_to(empty, "0002")
    fill_every_table(empty)
    with empty.write() as connection:
        connection.execute(text("UPDATE quarantine SET kind = :kind"), {"kind": kind})
    bring_to(empty, "0003")
    assert [row["format"] for row in all_rows(empty)["quarantine"]] == [None]


def _add(database: Database, digest: str) -> None:
    columns = (
        "digest, source, kind, topic, payload, size, reason, detail, received_at, last_at, times"
    )
    with database.write() as connection:
        connection.execute(
            text(
                f"INSERT INTO quarantine ({columns}) "
                "VALUES (:digest, 'edge:a', 'event', 'a', :payload, 1, 'a', 'a', 1, 1, 1)"
            ),
            {"digest": digest, "payload": b"\xff"},
        )


def test_ids_of_quarantine_go_on_counting(empty: Database) -> None:
    """SQLite copies the table: its rows keep their ids, and the next one gets the next."""
    bring_to(empty, "0002")
    _add(empty, "a")
    _add(empty, "b")
    bring_to(empty, "0003")
    _add(empty, "c")
    rows = all_rows(empty)["quarantine"]
    assert [(row["id"], row["digest"]) for row in rows] == [(1, "a"), (2, "b"), (3, "c")]


def test_gates_get_the_station_of_their_device_and_keep_their_counts(empty: Database) -> None:
    """0007 copies the gates in SQLite, where dropping a table deletes what refers to it."""
    bring_to(empty, "0002")
    fill_every_table(empty)
    bring_to(empty, "0006")
    before = all_rows(empty)
    bring_to(empty, "0007")
    after = all_rows(empty)
    (deployment,) = before["deployments"]
    (old,), (new,) = before["gates"], after["gates"]
    assert new.pop("station_id") == deployment["station_id"]
    assert old.pop("dev_eui") == deployment["dev_eui"]
    assert new == old
    assert before["gate_counts"]
    for table in before.keys() - {"alembic_version", "gates"}:
        assert after[table] == before[table], table


def test_from_the_first_version_to_this_one(empty: Database) -> None:
    bring_to(empty, "0001")
    upgrade(empty)
    with empty.read() as connection:
        assert current(connection) == head()

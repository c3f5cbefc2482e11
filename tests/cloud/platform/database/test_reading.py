"""`read()` is one snapshot that writes nothing, on both kinds of database.

Public reports that these tests follow:

- https://github.com/sqlalchemy/sqlalchemy/issues/6621 (read-only cannot be set once a transaction
  has begun: what a pooled connection was left with must not stay)
- https://github.com/rocketride-org/rocketride-server/pull/2118 (a BEGIN READ ONLY of one's own
  comes second and is ignored)
- https://github.com/rmusser01/tldw_server/pull/2851 (pages of one answer from different states)
"""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from databases import add_tenant
from stadtsinn.cloud.platform.database.engine import Database

COUNT = text("SELECT count(*) FROM tenants")


def test_all_statements_see_one_state(database: Database) -> None:
    """A page and its total, a rule and its states: nobody changes one between the two."""
    add_tenant(database, "musterstadt")
    with database.read() as connection:
        assert connection.scalar(COUNT) == 1
        add_tenant(database, "nachbarort")
        assert connection.scalar(COUNT) == 1
    with database.read() as connection:
        assert connection.scalar(COUNT) == 2


def test_reading_writes_nothing(database: Database) -> None:
    add_tenant(database)
    with database.read() as connection, pytest.raises(DBAPIError, match=r"(?i)read-?only"):
        connection.execute(text("DELETE FROM tenants"))
    with database.read() as connection:
        assert connection.scalar(COUNT) == 1


def test_a_connection_forgets_what_it_was_used_for(database: Database) -> None:
    """The pool gives the same connection to a reader, a writer, a migration and a reader."""
    for number in range(3):
        with database.read() as connection:
            assert connection.scalar(COUNT) == number
        add_tenant(database, f"town-{number}")
        with database.write_schema() as connection:
            connection.execute(text("UPDATE tenants SET name = 'x'"))
    with database.read() as connection, pytest.raises(DBAPIError, match=r"(?i)read-?only"):
        connection.execute(text("DELETE FROM tenants"))


def test_a_writer_sees_what_others_committed(database: Database) -> None:
    """Only readers keep one state: a writer that waited for a lock goes on from what is there."""
    add_tenant(database)
    with database.read() as connection:
        connection.scalar(COUNT)
    with database.write() as connection:
        if not database.is_sqlite:
            assert connection.scalar(text("SHOW transaction_isolation")) == "read committed"
            assert connection.scalar(text("SHOW transaction_read_only")) == "off"
        assert connection.scalar(COUNT) == 1

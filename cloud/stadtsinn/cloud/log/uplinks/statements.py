"""The log's SQL for both databases: same results, the fastest statements of each driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from stadtsinn.cloud.log.uplinks.rows import COPIED, INSERTED, READ

Key = tuple[str, str, int]
"""(dev_eui, dev_addr, f_cnt)"""

GENERATIONS = 64
"""The newest frames of a key that are looked at. Of a device with more, that begins its counters
again all the time, a resend is found by its time."""


class Statements(Protocol):
    """What both databases are asked."""

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None: ...

    def copies(self, connection: Connection, keys: Sequence[Key]) -> Sequence[Sequence[Any]]:
        """What is logged with these keys: of each the `GENERATIONS` newest."""
        ...

    def archived_keys(
        self, connection: Connection, keys: Sequence[Key]
    ) -> Sequence[tuple[int, str, str, int]]:
        """Day and key for each archived day that may hold a key."""
        ...

    def read_after(
        self, connection: Connection, position: int, limit: int
    ) -> Sequence[Sequence[Any]]: ...


class Sqlite:
    """One JSON parameter instead of thousands; executemany runs inside the driver."""

    _insert = (
        f"INSERT INTO uplinks ({', '.join(INSERTED)}) VALUES ({', '.join('?' * len(INSERTED))})"  # noqa: S608
    )
    _columns = ", ".join(f"u.{name}" for name in COPIED.split(", "))
    # CROSS JOIN keeps SQLite from reversing the join order and scanning the log.
    _copies = (
        f"SELECT {_columns} FROM json_each(?) AS k CROSS JOIN uplinks AS u "  # noqa: S608
        "WHERE u.dev_eui = json_extract(k.value, '$[0]') "
        "AND u.dev_addr = json_extract(k.value, '$[1]') "
        "AND u.f_cnt = json_extract(k.value, '$[2]')"
    )
    _newest_copies = (
        f"{_copies} AND u.generation > (SELECT max(n.generation) FROM uplinks AS n "  # noqa: S608
        "WHERE n.dev_eui = json_extract(k.value, '$[0]') "
        "AND n.dev_addr = json_extract(k.value, '$[1]') "
        f"AND n.f_cnt = json_extract(k.value, '$[2]')) - {GENERATIONS}"
    )
    _archived_keys = (
        "SELECT s.day, s.dev_eui, s.dev_addr, json_extract(k.value, '$[2]') FROM json_each(?) AS k "
        "CROSS JOIN archived_sessions AS s "
        "WHERE s.dev_eui = json_extract(k.value, '$[0]') "
        "AND s.dev_addr = json_extract(k.value, '$[1]') "
        "AND s.f_cnt_high >= json_extract(k.value, '$[2]') "
        "AND s.f_cnt_low <= json_extract(k.value, '$[2]')"
    )
    _read_after = f"SELECT {READ} FROM uplinks WHERE position > ? ORDER BY position LIMIT ?"  # noqa: S608

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        connection.exec_driver_sql(self._insert, list(rows))

    def copies(self, connection: Connection, keys: Sequence[Key]) -> Sequence[Sequence[Any]]:
        encoded = (msgspec.json.encode(keys).decode(),)
        most = 4 * len(keys) + 1_000
        found = connection.exec_driver_sql(f"{self._copies} LIMIT {most}", encoded)
        rows: Sequence[Sequence[Any]] = found.cursor.fetchall()
        if len(rows) < most:
            return rows
        # Some key has very many. To ask for the newest of each costs more, also for all others.
        return connection.exec_driver_sql(self._newest_copies, encoded).cursor.fetchall()

    def archived_keys(
        self, connection: Connection, keys: Sequence[Key]
    ) -> Sequence[tuple[int, str, str, int]]:
        encoded = msgspec.json.encode(keys).decode()
        return connection.exec_driver_sql(self._archived_keys, (encoded,)).cursor.fetchall()

    def read_after(
        self, connection: Connection, position: int, limit: int
    ) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(self._read_after, (position, limit)).cursor.fetchall()


class Postgres:
    """COPY in binary for the rows (three times as fast as INSERT), arrays for the keys."""

    _types = (
        *("text", "text", "text", "int4", "int8", "int4", "bytea", "int8"),
        *("text", "int8", "int8", "text", "text", "text", "bytea", "bytea"),
    )
    _copy_in = f"COPY uplinks ({', '.join(INSERTED)}) FROM STDIN (FORMAT BINARY)"
    _columns = ", ".join(f"u.{name}" for name in COPIED.split(", "))
    _copies = (
        f"SELECT {_columns} FROM "  # noqa: S608
        "unnest(%s::text[], %s::text[], %s::bigint[]) AS k(dev_eui, dev_addr, f_cnt) "
        "CROSS JOIN LATERAL (SELECT * FROM uplinks AS n WHERE n.dev_eui = k.dev_eui "
        "AND n.dev_addr = k.dev_addr AND n.f_cnt = k.f_cnt ORDER BY n.generation DESC "
        f"LIMIT {GENERATIONS}) AS u"
    )
    _archived_keys = (
        "SELECT s.day, s.dev_eui, s.dev_addr, k.f_cnt FROM "
        "unnest(%s::text[], %s::text[], %s::bigint[]) AS k(dev_eui, dev_addr, f_cnt) "
        "JOIN archived_sessions AS s ON s.dev_eui = k.dev_eui AND s.dev_addr = k.dev_addr "
        "AND s.f_cnt_high >= k.f_cnt AND s.f_cnt_low <= k.f_cnt"
    )
    _read_after = f"SELECT {READ} FROM uplinks WHERE position > %s ORDER BY position LIMIT %s"  # noqa: S608

    def insert(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        import psycopg

        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            with driver.cursor() as cursor, cursor.copy(self._copy_in) as copy:
                copy.set_types(self._types)
                for row in rows:
                    copy.write_row(row)
        except psycopg.Error as error:
            # SQLAlchemy's exception: callers distinguish an outage from a refusal by its class.
            raise DBAPIError.instance(
                self._copy_in,
                None,
                error,
                psycopg.Error,
                connection_invalidated=driver.broken,
                dialect=connection.dialect,
            ) from error

    def copies(self, connection: Connection, keys: Sequence[Key]) -> Sequence[Sequence[Any]]:
        columns = tuple(map(list, zip(*keys, strict=True)))
        return connection.exec_driver_sql(self._copies, columns).cursor.fetchall()

    def archived_keys(
        self, connection: Connection, keys: Sequence[Key]
    ) -> Sequence[tuple[int, str, str, int]]:
        columns = tuple(map(list, zip(*keys, strict=True)))
        return connection.exec_driver_sql(self._archived_keys, columns).cursor.fetchall()

    def read_after(
        self, connection: Connection, position: int, limit: int
    ) -> Sequence[Sequence[Any]]:
        return connection.exec_driver_sql(self._read_after, (position, limit)).cursor.fetchall()


_SQLITE, _POSTGRES = Sqlite(), Postgres()


def statements(connection: Connection) -> Statements:
    return _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES

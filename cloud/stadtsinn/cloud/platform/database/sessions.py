"""Who else uses a PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import Connection, text


def others_connected(connection: Connection) -> int:
    """Sessions of other processes in this database."""
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return int(connection.execute(text(query)).scalar_one())

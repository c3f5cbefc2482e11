"""Ids are never used again: SQLite gives the id of a deleted last row to the next one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = (
    "api_keys",
    "sites",
    "zones",
    "gates",
    "stations",
    "deployments",
    "datastreams",
    "series_corrections",
    "outbox",
    "sandbox_messages",
    "quarantine",
    "redecodings",
    "former_owners",
)

# Alerts know stations by their ids, also those that are gone.
_NEWEST_STATION = """
SELECT max(id) FROM (
    SELECT max(id) AS id FROM stations
    UNION ALL SELECT max(station_id) FROM incidents
    UNION ALL SELECT max(member) FROM incidents
    UNION ALL SELECT max(member) FROM rule_states
) AS ids
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return  # PostgreSQL's sequences only count up
    for table in _TABLES:
        kwargs = {"sqlite_autoincrement": True}
        with op.batch_alter_table(table, recreate="always", table_kwargs=kwargs):
            pass
    _count_on("stations", op.get_bind().execute(sa.text(_NEWEST_STATION)).scalar_one())


def _count_on(table: str, newest: int | None) -> None:
    """The next id is above `newest`."""
    if newest is None:
        return
    connection, values = op.get_bind(), {"name": table, "seq": newest}
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
    insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"
    connection.execute(sa.text(insert), values)

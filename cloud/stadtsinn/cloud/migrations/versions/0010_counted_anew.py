"""Gates are counted anew where deployments are put right; datastreams have no retention"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with _changed("datastreams") as batch_op:
        batch_op.drop_column("retention_days")
    with _changed("series_corrections") as batch_op:
        # In the order of the tables: SQLite's text is then what they would make.
        after: dict[str, Any] = {"insert_after": "done_at"} if _is_sqlite() else {}
        batch_op.add_column(sa.Column("counted_at", sa.BigInteger()), **after)
    # What was put right before the update was counted by a rebuild, or never.
    op.execute("UPDATE series_corrections SET counted_at = requested_at")
    op.create_index(
        "ix_series_corrections_uncounted", "series_corrections", ["counted_at", "id"], unique=False
    )


@contextmanager
def _changed(table: str) -> Iterator[BatchOperations]:
    """SQLite copies the table; it goes on counting where it was, also above deleted rows."""
    newest = _newest(table)
    kwargs = {"sqlite_autoincrement": True}
    recreate: Literal["always", "never"] = "always" if _is_sqlite() else "never"
    with op.batch_alter_table(table, recreate=recreate, table_kwargs=kwargs) as batch_op:
        yield batch_op
    if newest is not None:
        connection, values = op.get_bind(), {"name": table, "seq": newest}
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
        insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"
        connection.execute(sa.text(insert), values)


def _newest(table: str) -> int | None:
    if not _is_sqlite():
        return None
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return op.get_bind().execute(query, {"name": table}).scalar_one_or_none()


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"

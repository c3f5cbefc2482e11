"""Rules have a kind with its parameters, and states what the kind noted"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    last_id = _last_id()
    with _rules() as batch_op:
        kind = sa.Column("kind", sa.String(length=32), nullable=True)
        batch_op.add_column(kind, **_after("zone_id"))
        batch_op.add_column(sa.Column("parameters", sa.JSON(), nullable=True), **_after("kind"))
    _move_thresholds()
    with _rules() as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(length=32), nullable=False)
        batch_op.alter_column("parameters", existing_type=sa.JSON(), nullable=False)
        batch_op.drop_column("direction")
        batch_op.drop_column("on_level")
        batch_op.drop_column("off_level")
    _go_on_after(last_id)

    with op.batch_alter_table("rule_states", recreate=_recreate()) as batch_op:
        notes = sa.Column("notes", sa.JSON(), nullable=True)
        batch_op.add_column(notes, **_after("last_value"))
    states = sa.table("rule_states", sa.column("notes", sa.JSON()))
    op.get_bind().execute(sa.update(states).values(notes={}))
    with op.batch_alter_table("rule_states", schema=None) as batch_op:
        batch_op.alter_column("notes", existing_type=sa.JSON(), nullable=False)


def _rules() -> AbstractContextManager[BatchOperations]:
    # Copying a table leaves out what SQLAlchemy does not read back from SQLite.
    copied = {"sqlite_autoincrement": True}
    return op.batch_alter_table("rules", recreate=_recreate(), table_kwargs=copied)


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _recreate() -> Literal["always", "never"]:
    return "always" if _is_sqlite() else "never"


def _after(column: str) -> dict[str, Any]:
    """Where a copied table gets its new column; others can only append it."""
    return {"insert_after": column} if _is_sqlite() else {}


def _last_id() -> int | None:
    """The id that was given last: incidents are named after rules, so none is used again."""
    if not _is_sqlite():
        return None  # PostgreSQL does not copy the table
    query = "SELECT seq FROM sqlite_sequence WHERE name = 'rules'"
    return op.get_bind().execute(sa.text(query)).scalar_one_or_none()


def _go_on_after(last_id: int | None) -> None:
    if last_id is None:
        return
    connection = op.get_bind()
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'rules'"))
    statement = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('rules', :seq)")
    connection.execute(statement, {"seq": last_id})


def _move_thresholds() -> None:
    """All rules so far are thresholds."""
    rules = sa.table(
        "rules",
        sa.column("id", sa.BigInteger()),
        sa.column("direction", sa.String()),
        sa.column("on_level", sa.Float()),
        sa.column("off_level", sa.Float()),
        sa.column("kind", sa.String()),
        sa.column("parameters", sa.JSON()),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(rules)).all():
        parameters = {"direction": row.direction, "on": row.on_level, "off": row.off_level}
        connection.execute(
            sa.update(rules)
            .where(rules.c.id == row.id)
            .values(kind="threshold", parameters=parameters)
        )

"""Messages know what their incident is about, so that no older one leaves after a newer alarm"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_SUBJECT = sa.String(length=42)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    # A copied table gets the column where the tables have it; others can only append it.
    recreate: Literal["always", "never"] = "always" if is_sqlite else "never"
    place: dict[str, Any] = {"insert_after": "incident_id"} if is_sqlite else {}
    kwargs = {"sqlite_autoincrement": True}
    with op.batch_alter_table("outbox", recreate=recreate, table_kwargs=kwargs) as batch_op:
        batch_op.add_column(sa.Column("subject", _SUBJECT), **place)
    _fill(op.get_bind())
    with op.batch_alter_table("outbox", recreate=recreate, table_kwargs=kwargs) as batch_op:
        batch_op.alter_column("subject", existing_type=_SUBJECT, nullable=False)
    op.create_index("ix_outbox_subject_recipient", "outbox", ["subject", "recipient_id"])


def _fill(connection: sa.Connection) -> None:
    """The incident without the time at which it began."""
    outbox = sa.table("outbox", sa.column("incident_id"), sa.column("subject"))
    for incident in connection.scalars(sa.select(outbox.c.incident_id).distinct()).all():
        rule, *rest = incident.split("-")
        subject = "-".join((rule, *rest[1:]))
        connection.execute(
            sa.update(outbox).where(outbox.c.incident_id == incident).values(subject=subject)
        )

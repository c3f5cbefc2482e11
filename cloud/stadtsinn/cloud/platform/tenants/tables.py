"""Tenants. Every other table of theirs names its tenant."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table

from stadtsinn.cloud.platform.database.engine import InstantColumn, metadata
from stadtsinn.cloud.platform.privacy.kept import Until, kept


def tenant_column() -> Column[str]:
    """The owner of a row."""
    return Column("tenant_id", String(63), ForeignKey("tenants.id"), nullable=False, index=True)


tenants = Table(
    "tenants",
    metadata,
    Column("id", String(63), primary_key=True),  # slug, also in public addresses
    Column("name", String(200), nullable=False),
    Column("created_at", InstantColumn, nullable=False),
    # Since then it is being erased: nobody sees it any more, and nothing of it is taken.
    Column("erasing_since", InstantColumn),
    info=kept(
        "Die Städte dieser Zentrale",
        "the towns of this installation",
        Until.DELETED,
        owner="id",
        name="id",
        text="name",
        fact="created_at erasing_since",
    ),
)

"""Incidents that were left open by a rule that is gone end"""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Deleted while it fired in the same moment. When exactly is not known any more.
    op.execute(
        "UPDATE incidents SET close_reason = 'rule_deleted', closed_at = "
        "CASE WHEN announced_at > opened_at THEN announced_at ELSE opened_at END "
        "WHERE closed_at IS NULL AND rule_id NOT IN (SELECT id FROM rules)"
    )

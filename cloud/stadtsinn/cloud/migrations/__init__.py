"""Brings a database to the schema of this version; `upgrade` is all a process needs."""

from stadtsinn.cloud.migrations.revisions import current, head
from stadtsinn.cloud.migrations.upgrade import (
    NotCurrent,
    is_empty,
    knows,
    pending,
    require_current,
    upgrade,
)

__all__ = [
    "NotCurrent",
    "current",
    "head",
    "is_empty",
    "knows",
    "pending",
    "require_current",
    "upgrade",
]

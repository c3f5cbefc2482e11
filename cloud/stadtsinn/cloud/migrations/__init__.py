"""Brings a database to the schema of this version; `upgrade` is all a process needs."""

from stadtsinn.cloud.migrations.upgrade import (
    NotCurrent,
    head,
    is_empty,
    knows,
    require_current,
    upgrade,
)

__all__ = ["NotCurrent", "head", "is_empty", "knows", "require_current", "upgrade"]

"""An application with two towns on both databases."""

from __future__ import annotations

from api_callers import world
from databases import database

__all__ = ["database", "world"]

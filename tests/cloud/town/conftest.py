"""Towns are applied to both databases."""

from __future__ import annotations

from databases import database

__all__ = ["database"]

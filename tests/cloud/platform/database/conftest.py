from __future__ import annotations

from databases import database, empty

__all__ = ["database", "empty"]

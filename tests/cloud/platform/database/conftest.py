"""Databases of both kinds, whose migrations run one by one."""

from __future__ import annotations

import pytest

from databases import database, empty

__all__ = ["database", "empty"]


@pytest.fixture(autouse=True)
def new_databases_are_copied() -> None:
    """They are not: migrations are what is tested here."""

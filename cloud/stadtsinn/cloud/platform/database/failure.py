"""What of a database's error may be shown: statements, parameters and a server's own words may hold
personal data."""

from __future__ import annotations


def kind_of(error: Exception) -> str:
    """The driver's name for it, else SQLAlchemy's."""
    return type(getattr(error, "orig", None) or error).__name__

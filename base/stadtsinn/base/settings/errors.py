"""What the reader of configurations raises."""

from __future__ import annotations


class SettingsError(ValueError):
    """The configuration cannot be used; the text names file, field and remedy."""

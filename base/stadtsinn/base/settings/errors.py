"""What the reader of configurations raises."""

from __future__ import annotations

from stadtsinn.base.sentence import Unusable


class SettingsError(Unusable):
    """The configuration cannot be used; the text names file, field and remedy."""

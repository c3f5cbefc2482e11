"""Which database an installation uses."""

from __future__ import annotations

from stadtsinn.base.settings.fields import DatabaseUrl
from stadtsinn.base.settings.reading import Section


class DatabaseSettings(Section):
    """``sqlite:///path`` or ``postgresql://user@host/name``."""

    url: DatabaseUrl = "sqlite:///stadtsinn.sqlite"

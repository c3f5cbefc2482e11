"""Where the API listens."""

from __future__ import annotations

from stadtsinn.base.settings.fields import Address
from stadtsinn.base.settings.reading import Section


class ApiSettings(Section):
    """Where HTTP is served. Who else than this machine should reach it goes through a proxy."""

    bind: Address = "127.0.0.1:8000"

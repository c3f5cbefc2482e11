"""Where series are kept."""

from __future__ import annotations

from stadtsinn.base.settings.fields import DatabaseUrl
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret


class SeriesSettings(Section):
    """``sqlite:///path``, ``influxdb://host:8086`` or ``influxdbs://…``."""

    url: DatabaseUrl = "sqlite:///series.sqlite"
    org: str | None = None
    token: Secret = Secret()

"""Imports every domain's tables, so that the shared metadata is complete.

A domain that gets a `tables.py` is named here; tests/cloud/database/test_schema.py looks.
"""

from __future__ import annotations

from stadtsinn.cloud.access import tables as access
from stadtsinn.cloud.alerts import tables as alerts
from stadtsinn.cloud.crowd import tables as crowd
from stadtsinn.cloud.database.engine import metadata
from stadtsinn.cloud.followers import tables as followers
from stadtsinn.cloud.ingest import tables as ingest
from stadtsinn.cloud.log import tables as log
from stadtsinn.cloud.notify import tables as notify
from stadtsinn.cloud.redecode import tables as redecode
from stadtsinn.cloud.registry import tables as registry
from stadtsinn.cloud.series import tables as series

TABLE_MODULES = (
    access,
    alerts,
    crowd,
    followers,
    ingest,
    log,
    notify,
    redecode,
    registry,
    series,
)

__all__ = ["TABLE_MODULES", "metadata"]

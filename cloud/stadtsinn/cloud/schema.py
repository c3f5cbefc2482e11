"""Imports every domain's tables, so that the shared metadata is complete.

A new `tables.py` has to be imported here; tests/cloud/platform/database/test_schema.py checks it.
"""

from __future__ import annotations

from stadtsinn.cloud.alarms.alerts import tables as alerts
from stadtsinn.cloud.alarms.answers import tables as answers
from stadtsinn.cloud.alarms.duty import tables as duty
from stadtsinn.cloud.alarms.notify import tables as notify
from stadtsinn.cloud.alarms.rule_files import tables as rule_files
from stadtsinn.cloud.domains.crowd import tables as crowd
from stadtsinn.cloud.domains.crowd.zones import tables as zones
from stadtsinn.cloud.domains.trees import tables as trees
from stadtsinn.cloud.intake import tables as ingest
from stadtsinn.cloud.intake.device_claims import tables as device_claims
from stadtsinn.cloud.log.cursors import tables as followers
from stadtsinn.cloud.log.set_aside import tables as set_aside
from stadtsinn.cloud.log.uplinks import tables as log
from stadtsinn.cloud.operations import tables as operations
from stadtsinn.cloud.platform.access import tables as access
from stadtsinn.cloud.platform.audit import tables as audit
from stadtsinn.cloud.platform.database.engine import metadata
from stadtsinn.cloud.platform.limits import tables as limits
from stadtsinn.cloud.platform.retention import tables as retention
from stadtsinn.cloud.platform.tenants import tables as tenants
from stadtsinn.cloud.series import tables as series
from stadtsinn.cloud.series.redecode import tables as redecode
from stadtsinn.cloud.series.stores import tables as series_stores
from stadtsinn.cloud.town import tables as registry
from stadtsinn.cloud.town.stations import tables as stations

TABLE_MODULES = (
    access,
    alerts,
    answers,
    audit,
    crowd,
    device_claims,
    duty,
    followers,
    ingest,
    limits,
    log,
    notify,
    operations,
    redecode,
    registry,
    retention,
    rule_files,
    series,
    series_stores,
    set_aside,
    stations,
    tenants,
    trees,
    zones,
)

__all__ = ["TABLE_MODULES", "metadata"]

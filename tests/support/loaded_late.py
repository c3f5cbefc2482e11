"""What the product loads where it is needed. Whoever imports this has it before the first fork:
else each child would load it anew."""

from __future__ import annotations

from importlib import import_module

for _module in (
    "alembic.command",
    "pyarrow.compute",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "stadtsinn.cloud.alarms.notify.senders.http_sms",
    "stadtsinn.cloud.alarms.notify.telephone",
    "stadtsinn.cloud.log.archive_files.parquet",
    "stadtsinn.cloud.platform.api.templates",
):
    import_module(_module)

"""Series stores on a real InfluxDB, each with buckets of its own."""

from __future__ import annotations

import secrets

from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore


def fresh_prefix() -> str:
    """A prefix of bucket names that nobody else on the server has."""
    return f"test{secrets.token_hex(4)}"


def influx_store(
    url: str,
    token: str | None = None,
    org: str | None = None,
    prefix: str | None = None,
    database: Database | None = None,
) -> SeriesStore:
    """A store whose buckets nobody else on that server has."""
    at = f"{url.rstrip('/')}/{prefix or fresh_prefix()}"
    return open_store(at, token=token, org=org, database=database)

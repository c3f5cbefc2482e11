"""Series stores of tests, and how another process opens the same one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from real_parts import InfluxServer
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore


class SeriesAddress(NamedTuple):
    """Words, as a child process is given them."""

    url: str
    token: str = ""
    org: str = ""


def open_at(address: Sequence[str], database: Database | None = None) -> SeriesStore:
    url, token, org = SeriesAddress(*address)
    return open_store(url, token=token or None, org=org or None, database=database)


def fresh_prefix() -> str:
    """A prefix of bucket names that nobody else on the server has."""
    return f"test{secrets.token_hex(4)}"


def fresh_address(server: InfluxServer) -> SeriesAddress:
    """Of a store whose buckets nobody else on that server has."""
    return SeriesAddress(f"{server.url.rstrip('/')}/{fresh_prefix()}", server.token, server.org)


def influx_store(server: InfluxServer, database: Database | None = None) -> SeriesStore:
    """A store whose buckets nobody else on that server has."""
    return open_at(fresh_address(server), database)

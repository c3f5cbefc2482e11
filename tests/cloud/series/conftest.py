"""Each series store that the contract suite runs against, and a history in each kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from databases import add_tenant, fresh_database, fresh_postgres, shared_cluster
from fake_history import TOWN, History
from influx_servers import (
    GENERATIONS,
    OTHER_SERVER,
    influx,
    influxdb_1_8,
    influxdb_2,
    influxdb_elsewhere,
)
from real_series import SeriesAddress, fresh_address, influx_store
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore

__all__ = ["influx", "influxdb_1_8", "influxdb_2", "influxdb_elsewhere"]

STORES = ["embedded", *GENERATIONS]
if OTHER_SERVER in os.environ:
    STORES.append("influxdb_elsewhere")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    """An empty store of each kind. Retention is judged by the machine's clock, as servers do."""
    if request.param == "embedded":
        opened = open_store(str(tmp_path / "series.sqlite"), clock=SystemClock())
    else:
        opened = influx_store(request.getfixturevalue(request.param))
    yield opened
    for tenant in ("musterstadt", "nachbarort"):
        opened.drop_tenant(tenant)
    opened.close()


@pytest.fixture(params=["embedded", *GENERATIONS])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    """Three days in the log and in the series; by name also on PostgreSQL."""
    ending = ExitStack()
    if request.param == "postgres":
        database = ending.enter_context(fresh_postgres(shared_cluster()))
    else:
        database = fresh_database(tmp_path)
        ending.callback(database.dispose)
    add_tenant(database, TOWN)
    if request.param in GENERATIONS:
        address = fresh_address(request.getfixturevalue(request.param))
    else:
        address = SeriesAddress(str(tmp_path / "series.sqlite"))
    made = History(database, tmp_path, address)
    made.furnish()
    made.follow()
    yield made
    made.store.drop_tenant(TOWN)
    made.close()
    ending.close()

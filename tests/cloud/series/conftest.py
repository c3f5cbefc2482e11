"""Each series store that the contract suite runs against, and a history in each kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import real_parts
from databases import add_tenant, fresh_database, fresh_postgres, shared_cluster
from fake_history import TOWN, History
from real_series import fresh_prefix, influx_store
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore

OTHER_SERVER = "STADTSINN_TEST_INFLUX_URL"


@pytest.fixture(scope="session")
def influx_1_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an InfluxDB 1.8 of our own, one for all tests."""
    with real_parts.influxdb(tmp_path_factory.mktemp("influxdb")) as server:
        yield server.url


STORES = ["embedded", "influxdb_1_8"]
if OTHER_SERVER in os.environ:  # an InfluxDB 2 or 3 of the developer's; _TOKEN and _ORG with it
    STORES.append("influxdb_elsewhere")


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    """An empty store of each kind. Retention is judged by the machine's clock, as servers do."""
    if request.param == "embedded":
        opened = open_store(str(tmp_path / "series.sqlite"), clock=SystemClock())
    elif request.param == "influxdb_1_8":
        opened = influx_store(request.getfixturevalue("influx_1_8"))
    else:
        opened = influx_store(
            os.environ[OTHER_SERVER],
            os.environ.get("STADTSINN_TEST_INFLUX_TOKEN"),
            os.environ.get("STADTSINN_TEST_INFLUX_ORG"),
        )
    yield opened
    for tenant in ("musterstadt", "nachbarort"):
        opened.drop_tenant(tenant)
    opened.close()


@pytest.fixture(params=["embedded", "influxdb_1_8"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    """Three days in the log and in the series; by name also on PostgreSQL."""
    ending = ExitStack()
    if request.param == "postgres":
        database = ending.enter_context(fresh_postgres(shared_cluster()))
    else:
        database = fresh_database(tmp_path)
        ending.callback(database.dispose)
    add_tenant(database, TOWN)
    prefix = fresh_prefix()
    opened: list[SeriesStore] = []

    def open_again() -> SeriesStore:
        if request.param != "influxdb_1_8":
            opened.append(open_store(str(tmp_path / "series.sqlite")))
        else:
            url = request.getfixturevalue("influx_1_8")
            opened.append(influx_store(url, prefix=prefix, database=database))
        return opened[-1]

    made = History(database, tmp_path, open_again)
    made.furnish()
    made.follow()
    yield made
    made.store.drop_tenant(TOWN)
    for store in opened:
        store.close()
    ending.close()

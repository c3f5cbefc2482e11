"""Real InfluxDBs for tests, one of each generation for all tests of a process.

A test folder gets them by importing the fixtures in its conftest.py. What runs on 1.8 as well is
for the night, all but a few tests (`by_night`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

import real_parts
from real_parts import InfluxServer

GENERATIONS = ["influxdb_1_8", "influxdb_2"]
"""The fixtures, also as names of variants."""

OTHER_SERVER = "STADTSINN_TEST_INFLUX_URL"
"""A server of the developer's, such as an InfluxDB 3; `_TOKEN` and `_ORG` with it."""


@pytest.fixture(scope="session")
def influxdb_1_8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with real_parts.influxdb(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(scope="session")
def influxdb_2(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InfluxServer]:
    """It is built for the night; by day it is used where it is there."""
    if not pytestconfig.getoption("--nightly") and not real_parts.is_here("influxd2"):
        pytest.skip(f"influxd2 is not here: {real_parts.HOW_TO_GET['influxd2']}")
    with real_parts.influxdb_2(tmp_path_factory.mktemp("influxdb2")) as server:
        yield server


@pytest.fixture(scope="session")
def influxdb_elsewhere() -> InfluxServer:
    given = os.environ
    token = given.get("STADTSINN_TEST_INFLUX_TOKEN", "")
    return InfluxServer(given[OTHER_SERVER], token, given.get("STADTSINN_TEST_INFLUX_ORG", ""))


@pytest.fixture(scope="session", params=GENERATIONS)
def influx(request: pytest.FixtureRequest) -> InfluxServer:
    """Each generation that can all that the store asks for."""
    server: InfluxServer = request.getfixturevalue(request.param)
    return server

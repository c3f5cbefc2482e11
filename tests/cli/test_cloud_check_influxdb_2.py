"""`stadtsinn cloud check --connect` with a real InfluxDB 2: what it says of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from databases import add_tenant, migrated_database
from influx_administrator import Administrator
from influx_servers import influxdb_2
from real_parts import InfluxServer
from real_series import SeriesAddress, fresh_prefix
from stadtsinn.cli.cloud import app
from stadtsinn.simulator.demo.ports import free_port

__all__ = ["influxdb_2"]

pytestmark = pytest.mark.nightly  # by day `test_cloud_check.py` asks a server that keeps no points

CONFIG = """
[web]
imprint_url = "https://www.musterstadt.example/impressum"
privacy_url = "https://www.musterstadt.example/datenschutz"
[database]
url = "sqlite:///town.sqlite"
[ingest]
edges = false
[series]
url = "{url}"
org = "{org}"
token_file = "influx.token"
"""


@pytest.fixture(scope="module")
def administrator(influxdb_2: InfluxServer) -> Administrator:
    return Administrator(influxdb_2)


@pytest.fixture
def prefix() -> str:
    return fresh_prefix()


def checked(folder: Path, address: SeriesAddress, language: str = "C") -> tuple[int, str]:
    """Code and what it says of InfluxDB, for a town in that folder."""
    if not (folder / "town.sqlite").exists():
        database = migrated_database(folder / "town.sqlite")
        add_tenant(database, "musterstadt")
        database.dispose()
    (folder / "influx.token").write_text(f"{address.token}\n")
    (folder / "influx.token").chmod(0o600)
    path = folder / "cloud.toml"
    path.write_text(CONFIG.format(url=address.url, org=address.org))
    arguments = ["check", "--connect", "--config", str(path)]
    result = CliRunner().invoke(app, arguments, env={"LC_ALL": language})
    assert not address.token or address.token not in result.output
    lines = [line for line in result.stderr.splitlines() if "InfluxDB" in line]
    return result.exit_code, "\n".join(lines)


def test_the_guides_token_is_enough(
    administrator: Administrator, prefix: str, tmp_path: Path
) -> None:
    may = [administrator.may(action) for action in ("read", "write")]
    address = administrator.address(prefix, *may)
    code, said = checked(tmp_path, address)
    assert (code, f"has no '{prefix}-musterstadt' yet" in said) == (0, True), said
    administrator.bucket(f"{prefix}-musterstadt")
    assert checked(tmp_path, address) == (0, "")


def test_each_missing_right_is_named(
    administrator: Administrator, prefix: str, tmp_path: Path
) -> None:
    own = administrator.bucket(f"{prefix}-musterstadt")
    writer = administrator.address(prefix, administrator.may("write", own))
    code, said = checked(tmp_path, writer)
    assert (code, f"read nothing from '{prefix}-musterstadt'" in said) == (1, True), said
    reader = administrator.address(prefix, administrator.may("read", own))
    code, said = checked(tmp_path, reader)
    assert (code, f"write nothing to '{prefix}-musterstadt'" in said) == (1, True), said
    assert "uns nichts in" in checked(tmp_path, reader, "de_DE.UTF-8")[1]


def test_a_wrong_token_organisation_or_address_is_named(
    administrator: Administrator, prefix: str, tmp_path: Path
) -> None:
    server = administrator.server
    right = SeriesAddress(f"{server.url}/{prefix}", server.token, server.org)
    away = f"http://127.0.0.1:{free_port()}"
    for wrong, words, german in (
        (right._replace(token="geheim"), "answers 401: Unauthorized: check the token", "Token"),
        (right._replace(org="dorf"), "has no organisation 'dorf': check 'org'", "keine Organis"),
        (right._replace(url=away), "check that it runs", "antwortet nicht"),
    ):
        code, said = checked(tmp_path, wrong)
        assert (code, words in said) == (1, True), said
        assert german in checked(tmp_path, wrong, "de_DE.UTF-8")[1]


def test_a_name_that_leads_elsewhere_is_named(
    administrator: Administrator, prefix: str, tmp_path: Path
) -> None:
    old = administrator.bucket(f"{prefix}-musterstadt/autogen")
    administrator.map(f"{prefix}-musterstadt", old)
    administrator.bucket(f"{prefix}-musterstadt")
    server = administrator.server
    address = SeriesAddress(f"{server.url}/{prefix}", server.token, server.org)
    code, said = checked(tmp_path, address)
    assert (code, f"from the bucket '{prefix}-musterstadt/autogen'" in said) == (1, True), said

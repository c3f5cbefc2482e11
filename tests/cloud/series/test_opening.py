"""Which URL opens which store."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.influxdb.store import InfluxStore
from stadtsinn.cloud.series.stores.opening import open_store


@pytest.mark.parametrize("prefix", ["", "sqlite:///"])
def test_a_path_is_the_embedded_store(tmp_path: Path, prefix: str) -> None:
    store = open_store(f"{prefix}{tmp_path}/deep/series.sqlite")
    assert isinstance(store, EmbeddedStore)
    assert (tmp_path / "deep" / "series.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("influxdb://influx:8086", "http://influx:8086"),
        ("influxdbs://influx:8086/town", "https://influx:8086"),
        ("https://influx", "https://influx"),
    ],
)
def test_an_influxdb_is_not_asked_before_it_is_used(url: str, server: str) -> None:
    store = open_store(url, token="secret-token")
    assert isinstance(store, InfluxStore)
    assert store._server.url == server


@pytest.mark.parametrize(
    "url",
    [
        "influxdb://admin:secret@influx:8086",
        "influxdb://influx:8086?token=secret",
        "postgresql://influx",
        "influxdb://",
        "sqlite:///",
        "",
    ],
)
def test_anything_else_is_refused_without_repeating_a_secret(url: str) -> None:
    with pytest.raises(ValueError, match=r"give|token") as refused:
        open_store(url)
    assert "secret" not in str(refused.value)

"""What `make test-arm64` runs on an emulated machine fits the examples of the product."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci_scripts import ci_script
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town_file.example import EXAMPLE as TOWN_EXAMPLE
from stadtsinn.cloud.town_file.model import load_town
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.agent.decoding import KERNEL_FROM
from stadtsinn.edge.agent.settings import EXAMPLE as EDGE_EXAMPLE
from stadtsinn.edge.agent.settings import load_settings
from stadtsinn.edge.network_servers.formats import format_named

ROOT = Path(__file__).resolve().parents[2]


arm64_edge = ci_script("arm64_edge")


def test_it_names_what_the_examples_name(tmp_path: Path) -> None:
    edge, town = tmp_path / "edge.toml", tmp_path / "town.toml"
    edge.write_text(EDGE_EXAMPLE)
    town.write_text(TOWN_EXAMPLE, encoding="utf-8")
    settings = load_settings(edge)
    assert (settings.edge_id, settings.cloud_broker.host) == (arm64_edge.EDGE, arm64_edge.BROKER)
    assert f"http://{settings.health.address}" == arm64_edge.AGENT
    assert settings.local_broker.port != arm64_edge.CENTRES_PORT
    assert settings.commit.rows >= arm64_edge.BURST >= KERNEL_FROM
    types = {one.dev_eui: one.device_type for one in load_town(town).devices}
    assert types[arm64_edge.DEVICE] == "dragino/lse01"


def test_its_uplinks_are_read_as_uplinks(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(
        arm64_edge.paho.mqtt.publish, "multiple", lambda messages, **_: sent.extend(messages)
    )
    arm64_edge.publish(7)
    chirpstack = format_named("chirpstack")
    uplinks = [chirpstack.uplink(one["payload"].encode(), Instant(0), None) for one in sent]
    assert [one.f_cnt for one in uplinks if isinstance(one, Uplink)] == list(
        range(7, 7 + arm64_edge.BURST)
    )
    assert {one.payload.hex().upper() for one in uplinks if isinstance(one, Uplink)} == {
        arm64_edge.FRAME
    }


def test_it_starts_what_the_unit_starts() -> None:
    unit = arm64_edge.Edge(ROOT).unit("hardware/edge-agent/stadtsinn-edge.service")
    assert unit["ExecStart"] == [
        "/opt/stadtsinn/current/bin/stadtsinn edge run --config /etc/stadtsinn/edge.toml"
    ]
    assert "NUMBA_CACHE_DIR=/var/cache/stadtsinn/numba" in unit["Environment"]

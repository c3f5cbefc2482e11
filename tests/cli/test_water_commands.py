"""`stadtsinn rain` and `stadtsinn level`, for people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import HOUR, Instant, parse
from stadtsinn.cli import levels, rain, registry
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

NOW = parse("2026-07-15T12:00:00+02:00")
TOWN = """
tenant = "musterstadt"
name = "Musterstadt"
[[stations]]
slug = "bach"
name = "Mühlbach"
kind = "gauge"
[[devices]]
dev_eui = "70b3d57ed0000001"
type = "dragino/lse01"
name = "Sensor 1"
interval_s = 300
station = "bach"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A brook where rain, level and oxygen are measured."""
    SharedClock.create(tmp_path / "clock", NOW)
    config = tmp_path / "cloud.toml"
    config.write_text(
        f'clock = "shared:{tmp_path / "clock"}"\n[database]\nurl = "sqlite:///town.sqlite"\n'
        '[series]\nurl = "sqlite:///series.sqlite"\n',
        encoding="utf-8",
    )
    town = tmp_path / "town.toml"
    town.write_text(TOWN, encoding="utf-8")
    _called(config, registry.app, "apply", str(town))
    series = open_store(f"sqlite:///{tmp_path / 'series.sqlite'}")
    for quantity, hours, value in (
        ("precipitation", 0, 5.25),
        ("water_level", 0, 1.31),
        ("dissolved_oxygen", 7, 4.2),
        ("dissolved_oxygen", 8, 4.1),
        ("dissolved_oxygen", 9, 4.3),
    ):
        moment = Instant(NOW - hours * HOUR)
        series.write([Point("musterstadt", "x", SeriesKey("bach", quantity), moment, value)])
    series.close()
    return config


def _called(config: Path, app: object, *arguments: str, exit_code: int = 0) -> str:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    done = CliRunner().invoke(app, list(arguments), env=environment)  # type: ignore[arg-type]
    assert done.exit_code == exit_code, done.output
    return done.stderr if exit_code else done.stdout


def test_rain_levels_and_lakes(config: Path) -> None:
    listed = _called(config, rain.app, "list")
    assert listed.splitlines()[1].split()[:3] == ["bach", "5.2", "5.2*"]
    assert "no warning of the DWD" in listed
    shown = [
        json.loads(one) for one in _called(config, rain.app, "show", "bach", "--json").splitlines()
    ]
    assert [one["unknown_s"] for one in shown][:2] == [0, 600]
    assert "station list" in _called(config, rain.app, "show", "x", exit_code=1)
    levels_shown = _called(config, levels.app, "list")
    assert levels_shown.splitlines()[1].split()[:2] == ["bach", "1.31"]
    assert "nobody has checked" in levels_shown
    lake = json.loads(_called(config, levels.app, "lakes", "--json"))
    assert (lake["state"], lake["night"]["oxygen_mg_l"]) == ("strained", 4.1)
    assert "strained" in _called(config, levels.app, "lakes")

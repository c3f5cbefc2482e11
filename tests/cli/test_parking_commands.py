"""`stadtsinn parking`: lots, spaces and who stays for too long, for people and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import HOUR, Instant, parse
from stadtsinn.cli import parking, registry
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey

NOW = parse("2026-07-15T12:00:00+02:00")
TOWN = """
tenant = "musterstadt"
name = "Musterstadt"
[[sites]]
slug = "markt"
name = "Marktstraße"
[[stations]]
slug = "platz-1"
name = "Platz 1"
kind = "parking_space"
site = "markt"
attributes = { longest_s = 3600 }
[[devices]]
dev_eui = "70b3d57ed0000001"
type = "bosch/tps110"
name = "Sensor 1"
interval_s = 86400
station = "platz-1"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A town with one space, taken for three hours."""
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
    taken = Instant(NOW - 3 * HOUR)
    series.write([Point("musterstadt", "parking", SeriesKey("platz-1", "occupied"), taken, 1)])
    series.close()
    return config


def _called(config: Path, app: object, *arguments: str, exit_code: int = 0) -> str:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    done = CliRunner().invoke(app, list(arguments), env=environment)  # type: ignore[arg-type]
    assert done.exit_code == exit_code, done.output
    return done.stderr if exit_code else done.stdout


def test_lots_spaces_and_overstays(config: Path) -> None:
    listed = _called(config, parking.app, "list")
    assert listed.splitlines()[1].split() == ["markt", "Marktstraße", "1", "0", "1", "0"]
    shown = _called(config, parking.app, "show", "markt")
    assert shown.startswith("Marktstraße: 0 free of 1\n")
    assert "taken" in shown
    over = json.loads(_called(config, parking.app, "overstay", "--json"))
    assert (over["station"], over["state"], over["lot"]) == ("platz-1", "occupied", "markt")
    assert _called(config, parking.app, "overstay", "--longest", "20000").strip() == "none"
    assert "parking list" in _called(config, parking.app, "show", "x", exit_code=1)

"""Every command of docs/stations.md runs, one after the other, with the example town."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from stadtsinn.cli import devices, registry, stations, tenants
from stadtsinn.cloud.town_file.example import EXAMPLE

PAGE = Path(__file__).parents[2] / "docs" / "stations.md"
GROUPS = {
    "device": devices.app,
    "registry": registry.app,
    "station": stations.app,
    "tenant": tenants.app,
}


def blocks(language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("stadtsinn ")]


@pytest.mark.slow
def test_the_commands_fit_the_example_town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("cloud.toml").write_text(
        '[database]\nurl = "sqlite:///town.sqlite"\n[series]\nurl = "sqlite:///series.sqlite"\n'
    )
    (addition,) = blocks("toml")
    Path("town.toml").write_text(f"{EXAMPLE}\n{addition}", encoding="utf-8")
    ran = commands()
    assert {group for _, group, *_ in ran} == set(GROUPS)
    for _, group, *words in ran:
        result = CliRunner().invoke(GROUPS[group], words)
        assert result.exit_code == 0, (words, result.output, result.exception)

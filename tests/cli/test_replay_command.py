"""`stadtsinn replay`: what it says where nothing can be replayed, and its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from stadtsinn.cli import output, replay
from stadtsinn.cli.replay import _print
from stadtsinn.simulator.replay.replay import DeviceResult, LatestValue
from stadtsinn.simulator.replay.replay import Result as Replayed

OLD = {"applicationID": "1", "devEUI": "a840410000000001", "fCnt": 1, "data": "ziI="}

app = typer.Typer()
app.command(help=replay.HELP)(replay.replay)


def run(path: Path, *options: str, language: str = "C") -> Result:
    return CliRunner().invoke(app, [str(path), *options], env={"LC_ALL": language})


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "folders"))
    (tmp_path / "folders").mkdir()
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(OLD) + "\n")
    return path


def test_a_recording_without_an_uplink_ends_with_a_sentence_and_starts_nothing(
    recording: Path,
) -> None:
    done = run(recording)
    assert done.exit_code == 1
    assert "line 1: an event of ChirpStack 3: stadtsinn reads version 4" in done.stderr
    assert done.stdout == ""
    assert list((recording.parent / "folders").iterdir()) == []


def test_the_sentence_is_german_on_a_german_terminal_and_json_for_programs(recording: Path) -> None:
    german = run(recording, language="de_DE.UTF-8")
    assert "Zeile 1: ein Ereignis von ChirpStack 3: stadtsinn liest Version 4" in german.stderr
    answer = json.loads(run(recording, "--json").stdout)
    assert answer["ok"] is False
    assert "ChirpStack 3" in answer["error"]


def device(number: int, **counts: dict[str, int]) -> DeviceResult:
    latest = tuple(
        LatestValue(
            "particulate_matter_2_5", f"channel_{n}", 1234.5, "ug/m3", "2026-11-26T15:00:00Z"
        )
        for n in range(2)
    )
    return DeviceResult(
        dev_eui=f"70b3d5000000{number:04x}",
        device_type="decentlab/dl-atm41-with-a-long-name" if number else None,
        uplinks=12_345,
        decoded=12_000,
        undecoded=counts.get("undecoded", {}),
        quarantined=counts.get("quarantined", {}),
        first=None,
        last=None,
        latest=latest,
    )


def test_its_table_fits_80_columns_with_whole_dev_euis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        output,
        "_console",
        lambda *, stderr=False: Console(width=80, force_terminal=True, color_system=None),
    )
    devices = (
        device(1, undecoded={"no_payload": 300, "unknown_port": 45}),
        device(0, quarantined={"unregistered_device": 12_345}),
    )
    _print(Replayed(9, 8, 1, 0, ("line 1: x",), devices, {"missing_field": 1}))
    shown = capsys.readouterr()
    table = [line for line in shown.out.splitlines() if not line.startswith(("9 mess", "Unread"))]
    assert max(map(len, table)) <= 80
    named = [word for line in table for word in line.split() if word.startswith("70b3")]
    assert named == ["70b3d50000000001", "70b3d50000000000"] * 2
    for words in (
        "300 no_payload",
        "45 unknown_port",
        "unregistered_device",
        "particulate_matter_2_5 [channel_1] 1234.5 ug/m3",
    ):
        assert any(words in line for line in table), words
    assert "devices without a type" in shown.err
    assert "line 1: x" in shown.err

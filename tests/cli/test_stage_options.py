"""The folder and the end of `demo` and `replay`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import typer

from stadtsinn.cli.stage_options import errors_as_sentences, stage_folder
from stadtsinn.simulator.demo.check import Stuck
from stadtsinn.simulator.demo.children import ended_as_by_ctrl_c, interrupt_waits


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_what_failed_keeps_the_logs_that_its_text_names(
    temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(typer.Exit), errors_as_sentences("demo", False):
        played(Stuck("see the logs", "siehe die Logs"))
    (place,) = temporary.iterdir()
    assert (place / "cloud.log").read_text() == "why"
    assert f"kept in {place}" in capsys.readouterr().err


def played(ends: BaseException | None) -> None:
    with stage_folder(None) as place:
        (place / "cloud.log").write_text("why")
        if ends is not None:
            raise ends


def test_nothing_is_left_of_a_success_of_an_interrupt_and_of_an_empty_folder(
    temporary: Path,
) -> None:
    played(None)
    with pytest.raises(KeyboardInterrupt):
        played(KeyboardInterrupt())
    with pytest.raises(typer.BadParameter), stage_folder(None):
        raise typer.BadParameter("--speed 0")
    assert list(temporary.iterdir()) == []


def test_a_folder_of_an_earlier_run_is_refused_and_stays_as_it_is(temporary: Path) -> None:
    used = temporary / "used"
    with stage_folder(used) as place:
        place.mkdir()
        (place / "cloud.sqlite").touch()
    with pytest.raises(typer.BadParameter, match="name a new folder"), stage_folder(used):
        pass
    assert [one.name for one in used.iterdir()] == ["cloud.sqlite"]
    (used / "cloud.sqlite").unlink()
    with stage_folder(used) as place:
        assert place == used


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_ending_signal_is_as_ctrl_c_and_waits_for_a_child_that_starts(
    how: signal.Signals,
) -> None:
    before = signal.getsignal(how)
    reached: list[str] = []

    def start_a_child() -> None:
        with ended_as_by_ctrl_c(), interrupt_waits():
            os.kill(os.getpid(), how)
            reached.append("the note of the child")

    with pytest.raises(KeyboardInterrupt):
        start_a_child()
    assert reached
    assert signal.getsignal(how) is before


def test_under_nohup_a_closed_terminal_changes_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_as_by_ctrl_c(), interrupt_waits():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)

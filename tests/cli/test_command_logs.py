"""Logs of a command that ends by itself do not disturb who sits before it."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import structlog

from stadtsinn.cli import command_logs as module
from stadtsinn.cli.command_logs import command_logs
from stadtsinn.cloud.migrations import require_current, upgrade
from stadtsinn.cloud.platform.database.engine import open_database


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def speak() -> None:
    """As the libraries of a command do."""
    structlog.get_logger().info("town_erased", town="musterstadt")
    structlog.get_logger().warning("broker_away")
    logging.getLogger("alembic").warning("a revision")


def test_a_terminal_gets_errors_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    command_logs("debug")
    speak()
    assert screen.getvalue() == ""
    structlog.get_logger().error("disk_failed")
    assert "disk_failed" in screen.getvalue()


def test_a_timers_journal_gets_json_lines_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    command_logs("info")
    speak()
    said = capsys.readouterr()
    assert said.out == ""
    events = [json.loads(line)["event"] for line in said.err.splitlines()]
    assert events == ["town_erased", "broker_away", "a revision"]


def test_only_the_services_set_up_other_logs() -> None:
    found = {
        path.name
        for path in Path(module.__file__).parent.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "configure_logs"
    }
    assert found == {"command_logs.py", "cloud.py", "edge.py"}


@pytest.fixture
def new_databases_are_copied() -> None:
    """They are not: what migrations log is tested here."""


@pytest.mark.slow
def test_alembic_says_what_it_changes_not_that_it_looked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'town.sqlite'}")
    with caplog.at_level("INFO", logger="alembic.runtime.migration"):
        upgrade(database)
        require_current(database)
    database.dispose()
    said = [record.getMessage() for record in caplog.records]
    assert said
    assert all(one.startswith("Running upgrade") for one in said)


def test_a_first_command_says_only_what_it_changes(tmp_path: Path) -> None:
    """In a process of its own: there Alembic is loaded when logs are set up already."""
    config = tmp_path / "cloud.toml"
    config.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/town.sqlite"\n')
    command = [sys.executable, "-m", "stadtsinn.cli", "tenant", "list", "--config", str(config)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    lines = [json.loads(line)["event"] for line in said.splitlines() if line.startswith("{")]
    assert lines
    assert all(one.startswith("Running upgrade") for one in lines)

"""`stadtsinn serial`, with sensors on pseudo-terminals; keys and passwords appear nowhere."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fake_sensor import KEY, QUICK, Dragino, Faults, Rak
from stadtsinn.cli.main import _load
from stadtsinn.firmware.sensors import recognising

NEW_KEY = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"


def run(*words: str, language: str = "C", stdin: str | None = None) -> Any:
    return CliRunner().invoke(
        _load("serial"), list(words), env={"LC_ALL": language, "COLUMNS": "80"}, input=stdin
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognising, "recognised", partial(recognising.recognised, timing=QUICK))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "sensor.key"
    path.write_text(":".join(NEW_KEY[i : i + 2] for i in range(0, 32, 2)).lower() + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.slow
def test_show_set_and_set_again(key_file: Path) -> None:
    with Dragino() as sensor:
        shown = run("show", sensor.port)
        assert shown.exit_code == 0, shown.output
        assert "SN50_v3-LB" in shown.output
        assert "AppKey          set" in shown.output
        assert "1200 s" in shown.output

        words = ("set", sensor.port, "--interval", "900", "--app-key-file", str(key_file))
        dry = run(*words, "--dry-run")
        assert dry.exit_code == 0, dry.output
        assert "~ interval: 1200 s -> 900 s" in dry.output
        assert "2 settings would change" in dry.output
        assert sensor.writes == []

        done = run(*words)
        assert done.exit_code == 0, done.output
        assert "2 settings written" in done.output
        assert sensor.values["AT+TDC"] == "900000"
        assert sensor.values["AT+APPKEY"] == NEW_KEY

        again = run(*words, language="de_DE.UTF-8")
        assert "alles ist schon wie verlangt" in again.output
        everything = shown.output + dry.output + done.output + again.output
        assert not any(key in everything for key in (KEY, NEW_KEY, "123456"))


@pytest.mark.slow
def test_a_key_from_standard_input_and_answers_in_json() -> None:
    with Rak() as sensor:
        done = run("set", sensor.port, "--app-key-stdin", "--json", stdin=NEW_KEY + "\n")
        assert done.exit_code == 0, done.output
        assert sensor.values["AT+APPKEY"] == NEW_KEY
        assert '"setting":"app_key"' in done.output
        assert NEW_KEY not in done.output
        shown = run("show", sensor.port, "--json")
        assert '"app_key_set":true' in shown.output
        assert KEY not in shown.output


def test_a_key_that_others_can_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o644)
    said = run("set", "/dev/null", "--app-key-file", str(key_file))
    assert said.exit_code == 2
    assert "chmod 600" in said.output


@pytest.mark.parametrize(
    ("words", "english", "german"),
    [
        (("--dev-eui", "A84O410001810001"), "is it a 0?", "ist es eine 0?"),
        (("--dev-eui", "A840"), "an EUI has 16 digits", "eine EUI hat 16 Ziffern"),
        (("--join-mode", "x"), "otaa or abp", "otaa oder abp"),
        ((), "nothing is to be set", "nichts zu setzen"),
        (("--app-key-stdin", "--imported"), "comes from one place", "kommt von einer Stelle"),
    ],
)
def test_what_was_typed_wrong_is_said_before_the_port_is_opened(
    words: tuple[str, ...], english: str, german: str
) -> None:
    for language, expected in (("C", english), ("de_DE.UTF-8", german)):
        said = run("set", "/dev/ttyNOWHERE", *words, language=language, stdin=NEW_KEY + "\n")
        assert said.exit_code == 2
        assert expected in said.output
        assert NEW_KEY not in said.output


def test_a_port_that_is_not_there() -> None:
    said = run("show", "/dev/ttyNOWHERE", language="de_DE.UTF-8")
    assert said.exit_code == 1
    assert "'stadtsinn serial list' zeigt die vorhandenen" in said.output


def test_the_list_of_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 80 columns, also with long names; and without any port."""
    from stadtsinn.firmware.sensors import port

    one = port.Port("/dev/ttyUSB0", "Silicon Labs CP2102 USB to UART Bridge Controller", "0001")
    monkeypatch.setattr(port, "ports", lambda: [one])
    assert "/dev/ttyUSB0" in run("list").output
    monkeypatch.setattr(port, "ports", list)
    assert "no serial port" in run("list").output


@pytest.mark.slow
def test_join_in_words() -> None:
    with Rak() as sensor:
        sensor.on_join = lambda: [(0.1, "+EVT:JOINED")]
        assert "joined after" in run("join", sensor.port).output
        sensor.on_join = lambda: [(0.1, "+EVT:JOIN_FAILED_RX_TIMEOUT")]
        failed = run("join", sensor.port, language="de_DE.UTF-8")
        assert failed.exit_code == 1
        assert "am Netzwerkserver angelegt" in failed.output
        sensor.values["AT+NJS"] = "1"
        assert "already" in run("join", sensor.port).output


@pytest.mark.slow
def test_no_secret_is_among_the_arguments_of_the_process(key_file: Path) -> None:
    """There is no option that takes one."""
    from typer.main import get_command

    commands = get_command(_load("serial")).commands  # type: ignore[attr-defined]
    options = [one.name for command in commands.values() for one in command.params]
    secret = [one for one in options if "key" in one or "password" in one]
    assert sorted(set(secret)) == ["app_key_file", "app_key_stdin", "password_file"]


@pytest.mark.slow
def test_a_cut_line_ends_with_words_and_code_1(key_file: Path) -> None:
    with Dragino(Faults(cut_at="AT+APPKEY=0")) as sensor:
        said = run("set", sensor.port, "--interval", "900", "--app-key-file", str(key_file))
        assert said.exit_code == 1
        assert "while the AppKey was set" in said.output
        assert NEW_KEY not in said.output
        assert os.fspath(key_file) not in said.output

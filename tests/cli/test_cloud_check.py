"""`stadtsinn cloud check`: what a configuration would do, and whether its brokers keep messages."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from real_parts import mosquitto
from stadtsinn.cli.cloud import app

CONFIG = """
[database]
url = "postgresql://stadtsinn:geheim@db.example/stadtsinn"
[broker]
port = {port}
session_days = 14
[[network_servers]]
name = "county"
"""


def run(*arguments: str, language: str = "C") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments], env={"LC_ALL": language})
    return result.exit_code, result.stdout, result.stderr


def config(folder: Path, port: int = 1) -> str:
    path = folder / "cloud.toml"
    path.write_text(CONFIG.format(port=port))
    return str(path)


def test_check_says_what_it_would_do_and_no_secret(tmp_path: Path) -> None:
    code, out, err = run("--config", config(tmp_path))
    assert (code, err) == (0, "")
    assert "postgresql" in out
    assert "geheim" not in out
    assert "takes from county" in out
    assert "127.0.0.1:1, on this machine, unencrypted, session kept for 14 days" in out


def test_check_is_german_by_locale(tmp_path: Path) -> None:
    out = run("--config", config(tmp_path), language="de_DE.UTF-8")[1]
    assert "auf diesem Rechner, unverschlüsselt, Sitzung 14 Tage aufbewahrt" in out


def test_only_a_broker_elsewhere_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    for host, warned in (("localhost", False), ("::1", False), ("mqtt.example", True)):
        path.write_text(f'[broker]\nhost = "{host}"\n')
        assert ("NO encryption" in run("--config", str(path))[1]) is warned


def test_check_shows_where_files_come_and_names_what_it_cannot_write(tmp_path: Path) -> None:
    """Below a file nobody makes a folder, not even root."""
    path, file = tmp_path / "cloud.toml", tmp_path / "file"
    path.write_text('[database]\nurl = "sqlite:///town.sqlite"\n')
    code, out, err = run("--config", str(path))
    assert (code, err) == (0, "")
    assert str(tmp_path / "town.sqlite") in "".join(out.split())
    assert str(tmp_path / "archive") in "".join(out.split())
    file.write_text("")
    path.write_text(
        '[database]\nurl = "sqlite:///file/town.sqlite"\n[archive]\nfolder = "file/archive"\n'
    )
    code, _, err = run("--config", str(path))
    assert code == 1
    assert f"cannot write {file}/town.sqlite" in err
    assert f"cannot write {file}/archive" in err
    assert "series.sqlite" not in err


def test_check_names_a_mistake_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text("[broker]\nsession_days = 0\n")
    code, _, err = run("--config", str(path))
    assert code == 2
    assert "session_days" in err


@pytest.mark.slow
def test_connect_tries_each_broker_once(tmp_path: Path) -> None:
    """Edges and network server are at the same broker here."""
    with mosquitto(tmp_path / "b") as broker:
        path = config(tmp_path, broker.port)
        code, out, _ = run("--connect", "--config", path)
        assert code == 0, out
        assert out.count("keeps messages for a client that is away") == 1
    access = tmp_path / "acl"
    access.write_text("topic readwrite application/#\n")
    with mosquitto(tmp_path / "c", options=[f"acl_file {access}"]) as broker:
        code, out, _ = run("--connect", "--config", config(tmp_path, broker.port))
        assert code == 1
        assert "stadtsinn/check" in out
        assert "access list" in out

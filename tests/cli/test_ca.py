"""`stadtsinn ca` and `stadtsinn broker`: certificates and Mosquitto's files."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge_names import REFUSED
from stadtsinn.cli.broker import app as broker
from stadtsinn.cli.ca import app as ca


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "ca"
    assert run("create", "--name", "Stadt Musterstadt", folder=made)[0] == 0
    return made


def run(*arguments: str, folder: Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(
        ca, [arguments[0], "--folder", str(folder), *arguments[1:]], env={"LC_ALL": "C"}
    )
    return result.exit_code, result.stdout, result.stderr


def test_from_nothing_to_a_written_broker(folder: Path, tmp_path: Path) -> None:
    assert run("server", "mqtt.example", folder=folder)[0] == 0
    code, out, _ = run("edge", "rathaus-1", folder=folder)
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [
        "ca.pem",
        "rathaus-1.pem",
        "rathaus-1.key",
    ]
    to = tmp_path / "mosquitto"
    to.mkdir()
    code, out = write(folder, to)
    assert code == 0, out
    assert "systemctl restart mosquitto" in out
    configured = (to / "conf.d/stadtsinn.conf").read_text()
    assert f"acl_file {to}/stadtsinn/acl" in configured
    assert "listener 8884\n" in configured
    secrets = [path.read_text().strip() for path in (tmp_path / "passwords").iterdir()]
    assert len(secrets) == 3
    hashed = (to / "stadtsinn/passwords").read_text()
    for secret in secrets:
        assert secret not in out
        assert secret not in hashed


def write(folder: Path, to: Path, *more: str) -> tuple[int, str]:
    arguments = ["--ca", str(folder), "--to", str(to), "--port", "8884", *more]
    own = ["--passwords", str(to.parent / "passwords"), "--owner", getpass.getuser()]
    result = CliRunner().invoke(broker, ["write", *own, *arguments], env={"LC_ALL": "C"})
    return result.exit_code, result.output


def test_an_owner_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    run("server", "mqtt.example", folder=folder)
    to = tmp_path / "mosquitto"
    to.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    code, out = write(folder, to, "--owner", "nobody-of-that-name")
    assert code == 2
    assert "there is no user" in out


@pytest.mark.parametrize("name", [name for name in REFUSED if not name.startswith("-")])
def test_a_name_that_is_no_edge_id_is_refused(folder: Path, name: str) -> None:
    code, out, err = run("edge", name, folder=folder)
    assert (code, out) == (2, "")
    assert "use 1 to 63" in err or "parts of the cloud" in err
    assert run("list", folder=folder)[1].startswith("no certificate was made yet")


def test_a_revoked_name_is_listed_and_the_remedy_printed(folder: Path) -> None:
    run("edge", "rathaus-1", folder=folder)
    run("role", "ingest", folder=folder)
    code, out, _ = run("revoke", "rathaus-1", folder=folder)
    assert code == 0
    assert "1 revoked" in out
    assert f"install -m 0644 {folder}/revoked.pem" in out
    lines = run("list", "--json", folder=folder)[1].splitlines()
    assert [(one["name"], one["revoked"]) for one in map(json.loads, lines)] == [
        ("ingest", False),
        ("rathaus-1", True),
    ]


def test_the_brokers_certificate_is_listed_by_its_present_names(folder: Path) -> None:
    run("edge", "server", folder=folder)
    run("server", "old.example", folder=folder)
    run("server", "mqtt.example", "192.0.2.1", "--days", "30", folder=folder)
    lines = run("list", "--json", folder=folder)[1].splitlines()
    listed = [(one["name"], one["kind"]) for one in map(json.loads, lines)]
    assert listed == [("mqtt.example, 192.0.2.1", "server"), ("server", "client")]


def test_a_word_that_is_none_ends_with_code_2_and_what_is_not_there_with_1(
    folder: Path, tmp_path: Path
) -> None:
    assert run("server", "a b", folder=folder)[0] == 2
    assert run("role", "rathaus", folder=folder)[0] == 2
    assert run("create", "--name", "x", folder=folder)[0] == 1
    assert run("revoke", "nobody", folder=folder)[0] == 1
    assert run("list", folder=tmp_path / "elsewhere")[0] == 1
    assert write(tmp_path / "elsewhere", tmp_path)[0] == 1

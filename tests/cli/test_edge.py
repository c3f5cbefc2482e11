"""`stadtsinn edge`: output, errors and exit codes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from real_parts import mosquitto
from stadtsinn.base.instant import parse
from stadtsinn.cli.edge import app
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.agent.too_large import moved
from stadtsinn.edge.messages.delivery import Item, RawItem

NOW = parse("2026-06-01T08:00:00+00:00")
encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(Item).decode

CONFIG = """
edge_id = "rathaus-1"
[cloud_broker]
host = "mqtt.example"
[cloud_broker.tls]
ca = "{ca}"
certificate = "{certificate}"
key = "{key}"
[device_types]
"Bodenfeuchte" = "dragino/lse01"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    files = Authority.create(tmp_path / "ca", "Test").issue_edge("rathaus-1")
    path = tmp_path / "edge.toml"
    path.write_text(CONFIG.format(ca=files.ca, certificate=files.certificate, key=files.key))
    return path


def run(*arguments: str, language: str = "C") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*arguments], env={"LC_ALL": language})
    return result.exit_code, result.stdout, result.stderr


def test_check_says_what_it_would_do(config: Path) -> None:
    code, out, err = run("check", "--config", str(config))
    assert (code, err) == (0, "")
    assert "rathaus-1" in out
    assert "mqtt.example:8883, TLS" in out
    assert "ChirpStack at 127.0.0.1:1883, application/+/device/+/event/up" in out
    assert "every 50 uplinks or 1 s" in out


def test_check_names_the_network_server(config: Path) -> None:
    config.write_text(config.read_text() + '[local_broker]\nformat = "the_things_stack"\n')
    assert (
        "The Things Stack at 127.0.0.1:1883, v3/+/devices/+/up"
        in run("check", "--config", str(config))[1]
    )


def test_check_is_german_by_locale(config: Path) -> None:
    assert "liefert an" in run("check", "--config", str(config), language="de_DE.UTF-8")[1]


def test_check_warns_of_unknown_device_types(config: Path) -> None:
    config.write_text(config.read_text() + '"Pegel" = "acme/pegel"\n')
    code, _, err = run("check", "--config", str(config))
    assert code == 0
    assert "acme/pegel" in err


def test_check_names_a_certificate_that_is_not_there(config: Path) -> None:
    Path(config.parent / "ca/clients/rathaus-1/rathaus-1.key").unlink()
    code, _, err = run("check", "--config", str(config))
    assert code == 2
    assert "rathaus-1.key" in err


@pytest.mark.parametrize("command", ["check", "run"])
def test_mistakes_end_with_code_2_and_a_remedy(command: str, config: Path) -> None:
    config.write_text(config.read_text().replace("edge_id", "edgeid"))
    code, _, err = run(command, "--config", str(config))
    assert code == 2
    assert "edge_id" in err


def test_absent_configuration_names_the_way_to_one(tmp_path: Path) -> None:
    code, _, err = run("run", "--config", str(tmp_path / "none.toml"))
    assert code == 2
    assert "config-example" in err


def test_run_refuses_an_unknown_clock(config: Path) -> None:
    config.write_text(config.read_text() + '[spool]\npath = "spool.sqlite"\n')
    code, _, err = run("run", "--config", str(config), "--clock", "sundial")
    assert code == 2
    assert "shared:PATH" in err


def test_printed_example_passes_the_check(config: Path) -> None:
    """The output of config-example is valid once its certificates exist."""
    code, example, _ = run("config-example")
    assert code == 0
    for name in ("ca.pem", "rathaus-1.pem", "rathaus-1.key"):
        example = example.replace(f'"{name}"', f'"ca/clients/rathaus-1/{name}"')
    config.write_text(example)
    assert run("check", "--config", str(config))[0] == 0


def test_help_ends_with_an_example() -> None:
    for command in ("run", "check", "config-example"):
        assert f"stadtsinn edge {command}" in run(command, "--help")[1]


@pytest.mark.slow
def test_check_with_connect_tries_both_brokers(tmp_path: Path) -> None:
    with mosquitto(tmp_path / "b") as broker:
        config = tmp_path / "edge.toml"
        config.write_text(
            f'edge_id = "rathaus-1"\nlocal_broker = {{ port = {broker.port} }}\n'
            f'cloud_broker = {{ host = "127.0.0.1", port = {broker.port} }}\n'
        )
        code, out, _ = run("check", "--connect", "--config", str(config))
        assert code == 0, out
        assert out.count("keeps messages for a client that is away") == 2
    code, out, _ = run("check", "--connect", "--config", str(config), language="de_DE.UTF-8")
    assert code == 1
    assert out.count("keine Verbindung") == 2


def test_aside_lists_what_is_too_large_and_marks_it_for_another_try(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        'edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n'
        'spool = { path = "spool.sqlite" }\n'
    )
    code, _, err = run("aside", "list", "--config", str(config))
    assert code == 1
    assert "has the agent run" in err
    spool = Spool(tmp_path / "spool.sqlite", 1_000_000)
    item = encode_item(RawItem(1, "t", b"x" * 5_000, "too_large", NOW))
    spool.append([Row(1, NOW, item)])
    spool.set_aside(1, encode_item(RawItem(1, "t", b"", "set_aside_by_edge", NOW)), "big", NOW)
    code, out, _ = run("aside", "list", "--config", str(config))
    assert code == 0
    assert "big" in out
    assert str(len(item)) in out
    assert run("aside", "retry", "--config", str(config))[1].startswith("1 marked")
    assert spool.take_back(moved) == 1
    assert (spool.aside, spool.last_position) == (0, 2)
    ((position, body),) = spool.read(1, 10, 100_000)
    assert (position, decode_item(body)) == (2, RawItem(2, "t", b"x" * 5_000, "too_large", NOW))
    spool.close()

"""`stadtsinn edge`: output, errors and exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner

from certificate_files import NOW as CERTIFIED
from certificate_files import files, signer, write_key
from fake_uplinks import UNDECODED, uplink
from real_parts import mosquitto
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.disk import MEGABYTE, Space
from stadtsinn.base.health import HealthServer
from stadtsinn.base.instant import parse
from stadtsinn.base.mqtt.probe import probe
from stadtsinn.cli.edge import app
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.agent.too_large import moved
from stadtsinn.edge.messages.delivery import Item, RawItem, UplinkItem

NOW = parse("2026-06-01T08:00:00+00:00")
encode_item = msgspec.msgpack.Encoder().encode
decode_item = msgspec.msgpack.Decoder(Item).decode

SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)

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


@contextmanager
def web_server() -> Iterator[str]:
    """Any that says what time it is."""
    server = HealthServer()
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}/healthz"
    finally:
        server.stop()


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


def certified(folder: Path, **options: Any) -> Path:
    """An edge.toml with certificates of some kind, judged at `certificate_files.NOW`."""
    tls = files(folder / "tls", **options)
    path = folder / "edge.toml"
    text = CONFIG.format(ca=tls.ca, certificate=tls.certificate, key=tls.key)
    path.write_text(f'{text}[spool]\npath = "spool.sqlite"\n')
    SharedClock.create(folder / "clock", CERTIFIED)
    return path


def check_at(config: Path, language: str = "C") -> tuple[int, str]:
    clock = f"shared:{config.parent}/clock"
    code, _, err = run("check", "--config", str(config), "--clock", clock, language=language)
    return code, err


@pytest.mark.parametrize(
    ("options", "code", "english", "german"),
    [
        ({}, 0, "", ""),
        ({"days": 5}, 1, "own.pem ended on", "abgelaufen"),
        ({"days": 20}, 0, "warning: ", "Warnung: "),
        ({"days": 20}, 0, "own.pem ends in 10 days", "läuft in 10 Tagen ab"),
        ({"begins": 1}, 1, "own.pem is not valid before", "gilt erst ab"),
        ({"names": ["rathaus-2"]}, 1, "is for 'rathaus-2' (CN)", "lautet auf 'rathaus-2' (CN)"),
        ({"trusted": [signer("x")]}, 1, "was not issued by", "stammt von keiner"),
        ({"usage": SERVER}, 1, "no certificate for clients", "kein Zertifikat für Clients"),
    ],
)
def test_check_looks_into_certificates(
    options: dict[str, Any], code: int, english: str, german: str, tmp_path: Path
) -> None:
    config = certified(tmp_path, **options)
    for language, expected in (("C", english), ("de_DE.UTF-8", german)):
        found, err = check_at(config, language)
        assert found == code, err
        assert expected in err
        assert expected or not err


def test_check_names_a_key_that_does_not_fit(tmp_path: Path) -> None:
    config = certified(tmp_path)
    write_key(tmp_path / "tls/own.key")
    code, err = check_at(config)
    assert code == 2
    assert err.count("own.key") == 1
    assert "is not the key of" in err


def test_check_names_who_may_read_a_key_and_change_its_folder(tmp_path: Path) -> None:
    config = certified(tmp_path)
    key = tmp_path / "tls/own.key"
    for mode, wrong in ((0o600, False), (0o640, False), (0o644, True), (0o660, True)):
        key.chmod(mode)
        code, err = check_at(config)
        assert (code == 1, f"mode {mode:04o}" in err) == (wrong, wrong), err
    key.chmod(0o600)
    key.parent.chmod(0o777)
    code, err = check_at(config)
    assert code == 1
    assert f"chmod o-w {key.parent}" in err
    key.parent.chmod(0o1777)  # nobody takes others' files away there
    assert check_at(config)[0] == 0


def test_check_names_an_impossible_clock(tmp_path: Path) -> None:
    config = certified(
        tmp_path, begins=-25_000, days=50_000, issuer=signer(begins=-25_000, days=50_000)
    )
    SharedClock(tmp_path / "clock").set(parse("1970-01-02T00:00:00Z"))
    code, err = check_at(config)
    assert code == 1
    assert "1970-01-02" in err


def test_check_says_when_the_disk_is_too_small_for_the_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = certified(tmp_path)
    for free, code, words in ((50, 1, "is full"), (500, 0, "may grow by 1024 MB"), (9_000, 0, "")):
        space = Space(free * MEGABYTE, 20_000 * MEGABYTE)
        monkeypatch.setattr("stadtsinn.base.disk.space_of", lambda _, space=space: space)
        found, err = check_at(config)
        assert (found, words in err) == (code, True), err


def test_check_compares_the_clock_with_the_api(tmp_path: Path) -> None:
    config = certified(tmp_path)
    with web_server() as url:
        result = run("check", "--config", str(config), "--api", url)
        assert result[0] == 1  # the certificates begin later
        assert "minutes" not in result[2]
        clock = f"shared:{tmp_path}/clock"
        code, _, err = run("check", "--config", str(config), "--clock", clock, "--api", url)
        assert code == 1
        assert f"minutes ahead of that of {url}" in err
    assert "does not answer" in run("check", "--config", str(config), "--api", url)[2]


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
def test_check_with_connect_tries_both_brokers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mosquitto(tmp_path / "b") as broker:
        config = tmp_path / "edge.toml"
        config.write_text(
            f'edge_id = "rathaus-1"\nlocal_broker = {{ port = {broker.port} }}\n'
            f'cloud_broker = {{ host = "127.0.0.1", port = {broker.port} }}\n'
        )
        code, out, _ = run("check", "--connect", "--config", str(config))
        assert code == 0, out
        assert out.count("keeps messages for a client that is away") == 2
    # Nobody is there any more, and waiting for it longer shows nothing else.
    monkeypatch.setattr("stadtsinn.base.mqtt.probe.probe", partial(probe, timeout=0.5))
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


def test_kept_lists_devices_and_drops_those_named(tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        'edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n'
        'spool = { path = "spool.sqlite" }\n'
    )
    spool = Spool(tmp_path / "spool.sqlite", 1_000_000)
    devices = ("70b3d50000000900", "70b3d50000000901")
    for n, dev_eui in enumerate(devices, start=1):
        item = UplinkItem(n, uplink(n, n, dev_eui=dev_eui), UNDECODED)
        spool.append([Row(n, NOW, encode_item(item))])
    spool.acknowledge(2, [(1, 2)])
    given = ("--config", str(config))
    shown = [json.loads(line) for line in run("kept", "list", "--json", *given)[1].splitlines()]
    assert [(one["device"], one["items"]) for one in shown] == [(one, 1) for one in devices]
    assert "2026-06-01 10:00:00+02:00" in run("kept", "list", *given)[1]
    assert run("kept", "drop", *given)[0] == 2, "nothing is deleted that was not named"
    assert run("kept", "drop", "70b3d5000000ffff", *given)[0] == 1
    code, out, _ = run("kept", "drop", "70-B3-D5-00-00-00-09-00", *given, language="de_DE.UTF-8")
    assert (code, out) == (0, "gelöschte Einträge: 1\n")
    assert run("kept", "drop", "--all", *given)[1] == "items deleted: 1\n"
    assert (
        run("kept", "list", *given, language="de_DE.UTF-8")[1]
        == "Nichts wird verwahrt: Die Stadt kennt jedes Gerät, das hier zu hören war.\n"
    )
    spool.close()

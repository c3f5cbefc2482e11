"""What people reported of other software for the same work, tried on ours.

Each case names its public report (a GitHub repository and the number there); what is here is made
from the facts, in our words.
"""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import parse
from stadtsinn.cli.main import _load

pytestmark = pytest.mark.slow

Command = Callable[..., Result]
DEVICE = "70b3d57ed0000001"
V3 = {
    "applicationID": "3",
    "deviceName": "d",
    "devEUI": DEVICE,
    "rxInfo": [],
    "adr": False,
    "txInfo": {"frequency": 868_100_000, "dr": 5},
    "fCnt": 7,
    "fPort": 10,
    "data": "AQID",
}
NULLS = bytes(65_536)
GATEWAY = {"topic": "eu868/gateway/0016c001f1500812/event/up", "payload_hex": "0a1740260b1e2a8001"}


@pytest.fixture
def run(tmp_path: Path) -> Command:
    """Commands in a folder with the configuration of a centre and of an edge."""
    (tmp_path / "cloud.toml").write_text(
        '[database]\nurl = "sqlite:///town.sqlite"\n[series]\nurl = "sqlite:///series.sqlite"\n'
    )
    (tmp_path / "edge.toml").write_text(
        'edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n'
        'spool = { path = "spool.sqlite" }\n'
    )
    (tmp_path / "town.toml").write_text('tenant = "musterstadt"\nname = "Musterstadt"\n')

    def command(noun: str, *given: str) -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(tmp_path / "cloud.toml"), "LC_ALL": "C"}
        return CliRunner().invoke(_load(noun), list(given), env=environment)

    return command


@pytest.fixture
def town(run: Command, tmp_path: Path) -> Command:
    migrated_database(tmp_path / "town.sqlite").dispose()
    assert run("registry", "apply", str(tmp_path / "town.toml")).exit_code == 0
    return run


def test_a_file_of_nulls_after_a_power_cut_is_named(run: Command, tmp_path: Path) -> None:
    """eclipse-mosquitto/mosquitto 2639 and 3159: it starts no more, and nobody says why."""
    (tmp_path / "town.sqlite").write_bytes(NULLS)
    (tmp_path / "spool.sqlite").write_bytes(NULLS)
    centre, edge = run("edges"), run("edge", "check", "--config", str(tmp_path / "edge.toml"))
    for said in (centre, edge):
        assert said.exit_code == 1
        assert "is damaged (file is not a database)" in said.stderr
    assert "'stadtsinn restore BACKUP --overwrite'" in centre.stderr
    assert "begins a new one" in edge.stderr
    backup = run("backup", str(tmp_path / "backups"))
    assert "no backup was made of it" in backup.stderr


def test_a_restored_database_does_not_meet_the_journal_of_the_old_one(
    town: Command, tmp_path: Path
) -> None:
    """zadam/trilium 1835: a write-ahead log that was left beside it makes it look damaged."""
    assert town("backup", str(tmp_path / "backups")).exit_code == 0
    (tmp_path / "town.sqlite").write_bytes(NULLS)
    for left in ("town.sqlite-wal", "town.sqlite-shm"):
        (tmp_path / left).write_bytes(os.urandom(40_000))
    restored = town("restore", str(tmp_path / "backups"), "--overwrite")
    assert restored.exit_code == 0, restored.output
    assert "musterstadt" in town("tenant", "list").stdout


def test_a_restore_over_what_is_there_says_how(town: Command, tmp_path: Path) -> None:
    """influxdata/influxdb 25893: one refusal after another, none with the way on."""
    assert town("backup", str(tmp_path / "backups")).exit_code == 0
    refused = town("restore", str(tmp_path / "backups"))
    assert refused.exit_code == 1
    assert "give --overwrite to put the backup in its place" in refused.stderr


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_device_list_may_have_any_separator(town: Command, tmp_path: Path, between: str) -> None:
    """TheThingsNetwork/lorawan-stack 5632: semicolons only, and no word of it. Its template has
    ids with a prefix, keys, and a JoinEUI of zeros. CGI-FR/IoT-Hub-Portal 3250 has it as well."""
    heads = ("id", "dev_eui", "join_eui", "name", "frequency_plan_id", "app_key", "model")
    row = (f"eui-{DEVICE}", DEVICE.upper(), "0" * 16, "Elsys", "EU_863_870_TTN", "0f" * 16)
    rows = (heads, (*row, "elsys/elsys"))
    (tmp_path / "list.csv").write_text("".join(between.join(one) + "\n" for one in rows))
    done = town("registry", "import-devices", "musterstadt", str(tmp_path / "list.csv"))
    assert done.exit_code == 0, done.output
    assert f"+ device {DEVICE}" in done.output
    assert "0f0f" not in done.output


def test_a_dev_eui_may_be_written_as_on_the_device(town: Command, tmp_path: Path) -> None:
    """TheThingsArchive/ttn 334: blanks between its bytes were refused."""
    spaced = " ".join(DEVICE[at : at + 2] for at in range(0, 16, 2)).upper()
    (tmp_path / "list.csv").write_text(f"DevEUI;Model\n{spaced};elsys/elsys\n")
    done = town("registry", "import-devices", "musterstadt", str(tmp_path / "list.csv"))
    assert f"+ device {DEVICE}" in done.output
    assert DEVICE in town("device", "status", spaced).stdout


@pytest.mark.parametrize("nobodys", ["0" * 16, "F" * 16, "00-00-00-00-00-00-00-00"])
def test_a_dev_eui_of_nobody_is_no_device(town: Command, tmp_path: Path, nobodys: str) -> None:
    """helium/console 1277: zeros where nobody knew it; all such devices would be one."""
    (tmp_path / "list.csv").write_text(f"DevEUI;Model\n{nobodys};elsys/elsys\n")
    with (tmp_path / "town.toml").open("a") as file:
        file.write(f'[[devices]]\ndev_eui = "{nobodys}"\ntype = "elsys/elsys"\nname = "x"\n')
        file.write("interval_s = 600\n")
    listed = town("registry", "import-devices", "musterstadt", str(tmp_path / "list.csv"))
    applied = town("registry", "apply", str(tmp_path / "town.toml"))
    for refused in (listed, applied):
        assert refused.exit_code == 1, refused.output
        assert "is no device's DevEUI: copy it from the sticker" in refused.stderr
    assert "line 2: DevEUI" in listed.stderr


def test_a_certificate_of_tomorrow_and_a_clock_of_yesterday_are_told_apart(
    run: Command, tmp_path: Path
) -> None:
    """chirpstack/chirpstack-gateway-bridge 210: it gave up for good. Waziup/WaziGate 20 and
    hypriot/image-builder-rpi 191: a Pi without a clock of its own trusts no certificate."""
    authority = ("--folder", str(tmp_path / "ca"))
    for given in (("create", "--name", "Musterstadt"), ("edge", "rathaus-1")):
        assert run("ca", *given, *authority).exit_code == 0
    client = tmp_path / "ca/clients/rathaus-1"
    (tmp_path / "edge.toml").write_text(
        'edge_id = "rathaus-1"\nspool = { path = "spool.sqlite" }\n'
        '[cloud_broker]\nhost = "mqtt.example"\n'
        f'[cloud_broker.tls]\nca = "{client}/ca.pem"\n'
        f'certificate = "{client}/rathaus-1.pem"\nkey = "{client}/rathaus-1.key"\n'
    )
    SharedClock.create(tmp_path / "clock", parse("2014-07-03T18:50:00+00:00"))
    check = ("edge", "check", "--config", str(tmp_path / "edge.toml"))
    early = run(*check, "--clock", f"shared:{tmp_path}/clock")
    assert early.exit_code == 1
    assert "is not valid before" in early.stderr
    assert "clock" in early.stderr


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        (json.dumps(V3), "an event of ChirpStack 3", "upgrade, or record at a ChirpStack 4"),
        (json.dumps(json.dumps(V3)), "an event of ChirpStack 3", "upgrade, or record"),
        (json.dumps(GATEWAY), "a LoRaWAN frame as gateways send it", "application/#"),
    ],
)
def test_a_recording_of_something_else_is_named(
    run: Command, tmp_path: Path, line: str, what: str, remedy: str
) -> None:
    """chirpstack/node-red-contrib-chirpstack 1: an event of version 3, quoted once more.
    chirpstack/chirpstack-docker 59: a gateway's own protobuf, taken for broken JSON."""
    (tmp_path / "recording").write_text(f"{line}\n")
    said = run("replay", str(tmp_path / "recording"))
    assert said.exit_code == 1
    assert what in said.output
    assert remedy in said.output


def test_the_brokers_files_are_for_the_broker(run: Command, tmp_path: Path) -> None:
    """owntracks/quicksetup 67, eclipse-mosquitto/mosquitto 1972 and 3289: files of root alone, or
    in somebody's home, which Mosquitto's user cannot open. Ours lie with its configuration."""
    authority = ("--folder", str(tmp_path / "ca"))
    for given in (("create", "--name", "Musterstadt"), ("server", "mqtt.example")):
        assert run("ca", *given, *authority).exit_code == 0
    written = tmp_path / "mosquitto"
    written.mkdir()
    done = run(
        *("broker", "write", "--ca", str(tmp_path / "ca"), "--to", str(written)),
        *("--passwords", str(tmp_path / "passwords"), "--owner", getpass.getuser()),
    )
    assert done.exit_code == 0, done.output
    configured = (written / "conf.d/stadtsinn.conf").read_text()
    for key in ("keyfile", "certfile", "cafile", "password_file", "acl_file"):
        (named,) = {line.split()[1] for line in configured.splitlines() if line.startswith(key)}
        assert Path(named).is_relative_to(written / "stadtsinn")
        assert Path(named).stat().st_mode & 0o007 == 0 or key in {"cafile", "certfile"}

"""docs/install.md, hardware/install.sh and the example files fit together.

`make test-install` follows the page on a bare Debian; what can be seen without one is here.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from real_parts import PATIENCE_S, dies_with_the_test, require, wait_until
from stadtsinn.base.mqtt.broker import SESSION_DAYS
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.cloud.broker.files import (
    CONFIGURATION,
    Listening,
    access_list,
    configuration,
    own_passwords,
    write_broker,
)
from stadtsinn.cloud.settings import EXAMPLE, load_settings
from stadtsinn.cloud.town_file.example import EXAMPLE as TOWN_EXAMPLE
from stadtsinn.cloud.town_file.model import Town, load_town
from stadtsinn.edge.agent.settings import EXAMPLE as EDGE_EXAMPLE
from stadtsinn.edge.agent.settings import load_settings as load_edge_settings
from stadtsinn.edge.messages import delivery
from stadtsinn.edge.messages.edge_id import INGEST
from stadtsinn.simulator.demo.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
HARDWARE = ROOT / "hardware"
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
SCRIPT = (HARDWARE / "install.sh").read_text(encoding="utf-8")
UNITS = sorted(HARDWARE.glob("*/*.service"))
STATE = "/var/lib/stadtsinn/"
DEBIANS_MOSQUITTO = """\
pid_file {folder}/mosquitto.pid
persistence true
persistence_location {folder}/
log_dest file {folder}/mosquitto.log
include_dir {folder}/conf.d
"""
"""What /etc/mosquitto/mosquitto.conf of Debian 12 and 13 sets, in a folder of the test."""


# --- the files that are named -------------------------------------------------------------


def _wheel_copies() -> set[str]:
    """What `make wheel` puts into dist beside the wheel."""
    (line,) = re.findall(r"^\tcp -R (.*) dist/$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {Path(word).name for word in line.split()}


def test_dist_has_what_the_page_and_the_script_name() -> None:
    named = set(re.findall(r"\bdist/([\w./-]+)", PAGE)) - {"install.sh"}
    script = set(re.findall(r'"?\$dist/([a-z.]+)', SCRIPT)) - {"constraints.txt", "stadtsinn-"}
    assert {"cloud/nginx.conf", "cloud/Caddyfile"} <= named
    assert [name for name in named | script if not (HARDWARE / name).exists()] == []
    assert {Path(name).parts[0] for name in named | script | {"install.sh"}} <= _wheel_copies()


def test_the_script_finds_unit_and_configuration_of_each_kind() -> None:
    for folder, part in (("cloud", "cloud"), ("edge-agent", "edge")):
        assert f"files={folder}" in SCRIPT
        assert (HARDWARE / folder / f"stadtsinn-{part}.service").is_file()
    assert set(re.findall(r"release/files/([a-z.-]+)", SCRIPT)) <= {
        path.name for path in [*HARDWARE.glob("*/*"), HARDWARE / "install.sh"]
    }


def test_units_and_pages_start_the_release_that_the_script_links() -> None:
    """A path of an earlier layout in any of them would start nothing, or an old release."""
    pages = [*ROOT.glob("docs/*.md"), *HARDWARE.rglob("*.md"), *UNITS]
    named = {
        found
        for page in pages
        for found in re.findall(r"/opt/stadtsinn/[\w/.-]*stadtsinn\b", page.read_text("utf-8"))
    }
    assert named == {"/opt/stadtsinn/current/bin/stadtsinn"}
    assert '/usr/local/bin/stadtsinn "$opt/current/bin/stadtsinn"' in SCRIPT


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_each_line_of_a_unit(tmp_path: Path, unit: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not here")
    copy = tmp_path / unit.name
    text, times = re.subn("(?m)^ExecStart=.*$", "ExecStart=/bin/true", unit.read_text())
    assert times == 1
    copy.write_text(text)
    said = subprocess.run(
        [analyze, "verify", "--man=no", str(copy)], check=False, capture_output=True, text=True
    )
    assert (said.returncode, unit.name in said.stderr) == (0, False), said.stderr


# --- the script ---------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["gateway", "."], ["cloud"], ["back", "now"]])
def test_the_script_says_how_it_is_called(arguments: list[str]) -> None:
    """Wrong words change nothing, also for root."""
    said = subprocess.run(
        ["sh", str(HARDWARE / "install.sh"), *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1
    assert "call it as" in said.stderr or "needs root" in said.stderr


# --- the configurations -------------------------------------------------------------------


def _sed(text: str, into: Path, **values: str) -> None:
    """Run the `sed` commands of a text on a file, as the shell would."""
    for line in re.findall(r"^\s*(sed -i .*)$", text.replace("\\\n", ""), re.MULTILINE):
        words = shlex.split(line)[:-1]
        for name, value in values.items():
            words = [word.replace(f"${name}", value) for word in words]
        subprocess.run([*words, str(into)], check=True)


def test_the_centres_configuration_is_as_script_and_page_make_it(tmp_path: Path) -> None:
    """Everything that is written comes where the service may write; broker and edges are known."""
    config = tmp_path / "cloud.toml"
    config.write_text(EXAMPLE)
    _sed(SCRIPT, config, state=STATE.rstrip("/"))
    before, postgresql, influxdb = re.split(r"(?m)^\*\*(?:PostgreSQL|InfluxDB)\*\* ", PAGE)
    _sed(before, config)
    for name in ("ingest.password", "influx.token"):
        (tmp_path / name).write_text("a password")
    settings = load_settings(config)
    assert settings.database.url.startswith(f"sqlite:///{STATE}")
    assert settings.series.url.startswith(f"sqlite:///{STATE}")
    assert str(settings.archive.folder).startswith(STATE)
    assert settings.broker.username == INGEST
    assert settings.edges.authority == tmp_path / "ca.pem"
    _sed(postgresql, config)
    assert load_settings(config).database.url == "postgresql:///stadtsinn?host=/run/postgresql"
    _sed(influxdb, config)
    settings = load_settings(config)
    assert settings.series.url == "influxdb://127.0.0.1:8086"
    assert settings.series.token.file == tmp_path / "influx.token"


def test_the_edges_example_fits_the_brokers_access_list(tmp_path: Path) -> None:
    """What the agent of the example writes and reads, the broker of the page allows its name."""
    (tmp_path / "edge.toml").write_text(EDGE_EXAMPLE)
    edge = load_edge_settings(tmp_path / "edge.toml")
    assert edge.cloud_broker.tls is not None
    assert edge.cloud_broker.tls.certificate == tmp_path / f"{edge.edge_id}.pem"
    allowed = {
        (way, topic.replace("%u", edge.edge_id))
        for way, topic in re.findall(r"^pattern (\w+) (\S+)$", access_list(), re.MULTILINE)
    }
    assert allowed == {
        ("write", delivery.batch_topic(edge.edge_id)),
        ("write", delivery.status_topic(edge.edge_id)),
        ("read", delivery.ack_topic(edge.edge_id)),
        ("read", delivery.config_topic(edge.edge_id)),
        ("readwrite", delivery.check_topic(edge.edge_id)),
    }
    assert f"ca edge {edge.edge_id} " in PAGE
    assert f"ca server {edge.cloud_broker.host}\n" in PAGE
    assert edge.cloud_broker.port == Listening().port


def test_the_example_town_has_what_the_other_examples_name(tmp_path: Path) -> None:
    """Its edge, the sensor of the page's uplink, and who is told when something is wrong."""
    town = _example_town(tmp_path)
    edge = tmp_path / "edge.toml"
    edge.write_text(EDGE_EXAMPLE)
    assert [one.id for one in town.edges] == [load_edge_settings(edge).edge_id]
    assert f"ca edge {town.edges[0].id} --tenant {town.tenant}\n" in PAGE
    types = {one.dev_eui: one.device_type for one in town.devices}
    (topic,) = re.findall(r"-t application/[0-9a-f-]+/device/(\w+)/event/up", PAGE)
    said = dict(re.findall(r'"(devEui|deviceProfileName)": "([^"]+)"', PAGE))
    assert types[topic] == said["deviceProfileName"]
    assert said["devEui"] == topic
    assert set(re.findall(r"stadtsinn trace (\w+)", PAGE)) == {topic}
    assert set(re.findall(r"tenant delete ([a-z]+)", PAGE)) == {town.tenant}
    zones = {f"/{town.tenant}/zaehler/{one.slug}" for one in town.zones if one.public}
    assert set(re.findall(r"/\w+/zaehler/\w+", PAGE)) == zones


def test_the_operators_section_fits_the_example_town(tmp_path: Path) -> None:
    """Its lines have to be uncommented, and no more."""
    config = tmp_path / "cloud.toml"
    section = re.search(r"^# \[operator\].*\n(# .*\n)+", EXAMPLE, re.MULTILINE)
    assert section is not None
    config.write_text(re.sub("(?m)^# ", "", section.group()))
    operator, town = load_settings(config).operator, _example_town(tmp_path)
    assert operator.tenant == town.tenant
    assert set(operator.recipients) < {one.slug for one in town.recipients}


def _example_town(folder: Path) -> Town:
    path = folder / "town.toml"
    path.write_text(TOWN_EXAMPLE, encoding="utf-8")
    return load_town(path)


def test_one_web_address_is_named_everywhere() -> None:
    proxies = [(HARDWARE / "cloud" / name).read_text() for name in ("nginx.conf", "Caddyfile")]
    named = set(re.findall(r"\b[a-z]+\.musterstadt\.example\b", "".join(proxies)))
    assert named == {"stadtsinn.musterstadt.example"}
    assert f"--domain {named.pop()}\n" in PAGE


def test_nginx_makes_its_folder_in_one_that_debian_has() -> None:
    """nginx makes the last folder of the path only."""
    (path,) = re.findall(r"proxy_cache_path (\S+)", (HARDWARE / "cloud/nginx.conf").read_text())
    assert Path(path).parent == Path("/var/cache")


def test_sessions_are_kept_as_long_on_both_ends(tmp_path: Path) -> None:
    (tmp_path / "edge.toml").write_text(EDGE_EXAMPLE)
    (tmp_path / "cloud.toml").write_text(EXAMPLE)
    edge = load_edge_settings(tmp_path / "edge.toml")
    cloud = load_settings(tmp_path / "cloud.toml")
    files = [(HARDWARE / "edge-agent/mosquitto-local.conf").read_text()]
    files.append(configuration(Path("/x"), Listening()))
    said = [re.findall(r"(?m)^persistent_client_expiration (\d+)d$", text) for text in files]
    asked = {edge.local_broker.session_days, edge.cloud_broker.session_days}
    assert asked | {cloud.broker.session_days} == {SESSION_DAYS}
    assert said == [[str(SESSION_DAYS)]] * 2


def test_the_edges_broker_has_a_file_of_its_own() -> None:
    """`broker write` would overwrite one of the same name."""
    assert f"$broker/{CONFIGURATION}" in SCRIPT
    assert "ours=$broker/stadtsinn-edge.conf" in SCRIPT


# --- Mosquitto takes them -----------------------------------------------------------------


def _loads(folder: Path, text: str, *ports: int) -> str:
    """Debian's Mosquitto with one more file; what it said until it listened, or ended."""
    (folder / "conf.d").mkdir()
    for port in ports:
        text, times = re.subn(rf"(?m)^listener {port}\b", f"listener {free_port()}", text)
        assert times == 1, port
    (folder / "conf.d" / "one.conf").write_text(text)
    main, log = folder / "mosquitto.conf", folder / "mosquitto.log"
    # As root it would go on as a user who may not enter the test's folder.
    main.write_text(f"user root\n{DEBIANS_MOSQUITTO.format(folder=folder)}")
    process = subprocess.Popen(
        [*dies_with_the_test(), str(require("mosquitto")), "-c", str(main)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(
            lambda: process.poll() is not None or (log.exists() and " running" in log.read_text()),
            "Mosquitto listens or ends",
        )
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=PATIENCE_S)
    return errors + (log.read_text() if log.exists() else "")


def test_debians_mosquitto_loads_the_edges_file(tmp_path: Path) -> None:
    text = (HARDWARE / "edge-agent/mosquitto-local.conf").read_text()
    assert " running" in _loads(tmp_path, text, 1883)


def test_debians_mosquitto_loads_the_centres_file(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca", "Stadt Musterstadt")
    authority.issue_server(["mqtt.musterstadt.example"])
    write_broker(tmp_path / "files", authority, own_passwords(tmp_path / "passwords"))
    text = configuration(tmp_path / "files", Listening())
    assert " running" in _loads(tmp_path, text, 1883, 8883)


def test_a_file_that_debians_mosquitto_refuses_is_noticed(tmp_path: Path) -> None:
    said = _loads(tmp_path, "persistence_location /var/lib/mosquitto/\n")
    assert "Duplicate persistence_location" in said
    assert " running" not in said

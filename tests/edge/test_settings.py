"""The configuration file: the example is valid, every mistake names file, field and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.edge.agent.settings import EXAMPLE, load_settings, parse_settings

MINIMAL = """
edge_id = "rathaus-1"
[cloud_broker]
host = "mqtt.example"
"""
PLACE = Path("/etc/stadtsinn/edge.toml")


def test_example_is_valid_and_complete() -> None:
    settings = parse_settings(EXAMPLE, PLACE)
    assert settings.edge_id == "rathaus-1"
    assert settings.cloud().tls is not None


def test_minimal_file_has_working_defaults() -> None:
    settings = parse_settings(MINIMAL, PLACE)
    assert settings.topics == ("application/+/device/+/event/up",)
    assert (settings.commit.rows, settings.commit.seconds) == (50, 1.0)
    assert settings.local().client_id != settings.cloud().client_id


def test_paths_start_at_the_file() -> None:
    text = MINIMAL + '[cloud_broker.tls]\nca = "ca.pem"\n[spool]\npath = "spool.sqlite"'
    settings = parse_settings(text, PLACE)
    assert settings.spool.path == Path("/etc/stadtsinn/spool.sqlite")
    tls = settings.cloud().tls
    assert tls is not None
    assert tls.ca == Path("/etc/stadtsinn/ca.pem")


def test_password_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("geheim\n")
    text = MINIMAL + '[local_broker]\nusername = "u"\npassword_file = "pw"'
    assert parse_settings(text, tmp_path / "edge.toml").local().password == "geheim"


def test_missing_password_file_is_named(tmp_path: Path) -> None:
    text = MINIMAL + '[local_broker]\npassword_file = "pw"'
    with pytest.raises(SettingsError, match=r"local_broker\.password_file.*pw.*write the secret"):
        parse_settings(text, tmp_path / "edge.toml").local()


MISTAKES = {
    "not TOML": ("edge_id = ", "no valid TOML"),
    "edge_id absent": ('[cloud_broker]\nhost = "h"', "edge_id"),
    "cloud broker absent": ('edge_id = "a"', "cloud_broker"),
    "misspelt field": (MINIMAL + "[commit]\nrwos = 3", "did you mean 'rows'"),
    "misspelt section": (MINIMAL + "[comit]\nrows = 3", "did you mean 'commit'"),
    "wrong type": (MINIMAL + '[commit]\nrows = "many"', "commit.rows"),
    "out of range": (MINIMAL + "[commit]\nrows = 0", "commit.rows"),
    "port": (MINIMAL + "port = 99999", "cloud_broker.port"),
    "topic characters in edge_id": (MINIMAL.replace("rathaus-1", "a/#"), "edge_id: use 1 to 63"),
    "a name of the cloud as edge_id": (MINIMAL.replace("rathaus-1", "ingest"), "edge_id: parts"),
    "health address": (MINIMAL + '[health]\naddress = "9801"', "health.address.*host:port"),
    "log level": ('log_level = "loud"\n' + MINIMAL, "log_level 'loud': use debug"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_explained(mistake: str) -> None:
    text, message = MISTAKES[mistake]
    with pytest.raises(SettingsError, match=message) as caught:
        parse_settings(text, PLACE)
    assert str(caught.value).startswith("/etc/stadtsinn/edge.toml: ")


def test_the_agents_variables_have_their_own_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STADTSINN_HEALTH_BIND", "127.0.0.1:1")  # the cloud's
    monkeypatch.setenv("STADTSINN_EDGE_HEALTH_ADDRESS", "127.0.0.1:2")
    monkeypatch.setenv("STADTSINN_EDGE_DEVICE_TYPES", '{"Pegel": "acme/pegel"}')
    settings = parse_settings(MINIMAL, PLACE)
    assert settings.health.address == "127.0.0.1:2"
    assert settings.device_types == {"Pegel": "acme/pegel"}


def test_error_for_an_absent_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="config-example"):
        load_settings(tmp_path / "edge.toml")

"""cloud.toml: defaults, secrets, and refusals that say what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.alarms.notify.senders.settings import SandboxSettings
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.settings import EXAMPLE, CloudSettings, parse_settings


def parse(text: str, folder: Path) -> CloudSettings:
    return parse_settings(text, folder / "cloud.toml")


def test_the_printed_example_is_valid_and_says_the_defaults(tmp_path: Path) -> None:
    example, empty = parse(EXAMPLE, tmp_path), parse("", tmp_path)
    assert example.intake.broker_for("edges") == empty.intake.broker_for("edges")
    assert (example.api, example.health) == (empty.api, empty.health)
    assert example.notify == NotifySettings({"sms": SandboxSettings()})


def test_every_line_commented_out_in_the_example_is_known(tmp_path: Path) -> None:
    lines = []
    for line in EXAMPLE.splitlines()[3:]:
        bare = line.removeprefix("# ")
        lines.append(bare if "=" in bare or bare.startswith("[") else line)
    text = "\n".join(line for line in lines if not line.startswith('url = "sqlite'))
    settings = parse(text.replace('password_file = "broker.password"', ""), tmp_path)
    assert settings.network_servers[0].name == "town"
    assert settings.series.org == "town"


def test_relative_databases_live_beside_the_file(tmp_path: Path) -> None:
    settings = parse('[database]\nurl = "sqlite:///data/x.sqlite"', tmp_path)
    assert settings.database.url == f"sqlite:///{tmp_path}/data/x.sqlite"
    assert settings.series.url == f"sqlite:///{tmp_path}/series.sqlite"
    remote = parse('[database]\nurl = "postgresql://u@h/n"', tmp_path)
    assert remote.database.url == "postgresql://u@h/n"


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_DATABASE_URL", "postgresql://u:s3cret@h/n")
    monkeypatch.setenv("STADTSINN_SERIES_TOKEN", "t0ken")
    monkeypatch.setenv("STADTSINN_BROKER_PASSWORD", "s3cret")
    settings = parse("", tmp_path)
    assert settings.database.url == "postgresql://u:s3cret@h/n"
    assert settings.series.token.read() == "t0ken"
    assert settings.intake.broker_for("edges").password == "s3cret"
    assert "s3cret" not in repr(settings) + repr(settings.intake.broker_for("edges"))


def test_the_edge_agents_variables_are_not_the_clouds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_EDGE_HEALTH_ADDRESS", "127.0.0.1:2")
    monkeypatch.setenv("STADTSINN_HEALTH_BIND", "127.0.0.1:1")
    assert parse("", tmp_path).health.bind == "127.0.0.1:1"
    monkeypatch.setenv("STADTSINN_SERIS_TOKEN", "t0ken")
    with pytest.raises(
        SettingsError, match=r"^STADTSINN_SERIS_TOKEN: .*'STADTSINN_SERIES_TOKEN'\?$"
    ):
        parse("", tmp_path)


def test_a_password_file_is_read_and_its_absence_explained(tmp_path: Path) -> None:
    settings = parse('[broker]\npassword_file = "secret"', tmp_path)
    with pytest.raises(SettingsError, match=r"broker\.password_file.*secret.*write the secret"):
        settings.intake.broker_for("edges")
    (tmp_path / "secret").write_text("s3cret\n")
    assert settings.intake.broker_for("edges").password == "s3cret"


def test_a_network_server_may_have_a_broker_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_BROKER_PASSWORD", "of-our-broker")
    settings = parse(
        '[[network_servers]]\nname = "a"\n[network_servers.broker]\nhost = "ns.example"', tmp_path
    )
    broker = settings.intake.broker_for("a", settings.network_servers[0].broker)
    assert (broker.host, broker.client_id, broker.password) == (
        "ns.example",
        "stadtsinn-ingest-a",
        None,
    )


REFUSED = [
    ("[databse]\nurl = 'x'", "did you mean 'database'"),
    ("nonsense = 1", "unknown entry 'nonsense': known are"),
    ("[broker]\nport = 0", r"broker\.port"),
    ("[broker]\nprot = 1883", "prot"),
    ("[api]\nbind = '8000'", "host:port"),
    ("[[network_servers]]\nname = 'a'\n[[network_servers]]\nname = 'a'", "same name"),
    ("[[network_servers]]\nname = 'a/b'", "name"),
    ("[broker", "no valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_wrong_is_named_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as refusal:
        parse(text, tmp_path)
    assert "cloud.toml" in str(refusal.value)

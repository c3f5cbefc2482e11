"""docs/broker.md is true: its commands fit the example configuration and the files it copies."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

from stadtsinn.cloud.settings import EXAMPLE, load_settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "broker.md").read_text(encoding="utf-8")
STATE = "/var/lib/stadtsinn/"


def test_the_clouds_configuration_is_made_as_step_4_says(tmp_path: Path) -> None:
    """Everything that is written comes where the service may write, and its lines are there."""
    config = tmp_path / "cloud.toml"
    config.write_text(EXAMPLE)
    (line,) = re.findall(r"^sed .*$", PAGE, re.MULTILINE)
    subprocess.run([*shlex.split(line)[:-1], str(config)], check=True)
    step = PAGE.partition("**4. The cloud**")[2].partition("**5.")[0]
    (lines,) = re.findall(r"```toml\n(.*?)```", step, re.DOTALL)
    wanted = [one for one in lines.splitlines() if not one.startswith("[")]
    text = config.read_text()
    for one in wanted:
        assert f"\n# {one}" in text
        text = text.replace(f"\n# {one}", f"\n{one}")
    config.write_text(text)
    (tmp_path / "ingest.password").write_text("a password")
    settings = load_settings(config)
    assert settings.database.url.startswith(f"sqlite:///{STATE}")
    assert settings.series.url.startswith(f"sqlite:///{STATE}")
    assert str(settings.archive.folder).startswith(STATE)
    said = tomllib.loads(lines)
    assert settings.broker.username == said["broker"]["username"]
    assert settings.edges.authority == tmp_path / said["edges"]["authority"]


def test_the_files_that_are_copied_exist() -> None:
    copied = re.findall(r"\bcp (\S+)", PAGE)
    assert copied
    assert [name for name in copied if not (ROOT / name).is_file()] == []


def test_the_edges_broker_has_a_file_of_its_own() -> None:
    """`broker write` would overwrite one of the same name."""
    from stadtsinn.cloud.broker.files import CONFIGURATION

    page = (ROOT / "hardware" / "edge-agent" / "README.md").read_text(encoding="utf-8")
    assert f"conf.d/{CONFIGURATION}" not in page
    assert "conf.d/stadtsinn-edge.conf" in page

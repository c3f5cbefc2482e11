"""`stadtsinn cloud …` as an operator meets it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from databases import migrated_database
from fake_arrivals import event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    NINE,
    chirpstack_event,
    event_topic,
    furnish,
    register,
    uplink,
)
from stadtsinn.base.clock import SystemClock
from stadtsinn.cli.cloud import app
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.set_aside.repository import SetAside, add
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache

NEW = "70b3d50000000900"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LC_ALL", "C")
    path = tmp_path / "cloud.toml"
    path.write_text(CliRunner().invoke(app, ["config-example"]).stdout)
    return path


@pytest.fixture
def database(config: Path) -> Database:
    opened = migrated_database(config.parent / "stadtsinn.sqlite")
    furnish(opened)
    up = uplink(1, 0, dev_eui=NEW, payload=LSE01_PAYLOAD)
    arrival = event_arrival(event_topic(NEW), chirpstack_event(up), SystemClock().now())
    archive = Archive(config.parent / "archive")
    open_ingestor(opened, DirectoryCache(opened), SystemClock(), archive).take([arrival])
    return opened


def call(config: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [*arguments, "--config", str(config)])
    return result.exit_code, result.stdout, result.stderr


def test_quarantine_is_listed_shown_and_replayed(config: Path, database: Database) -> None:
    code, listed, _ = call(config, "quarantine", "list")
    assert (code, "unregistered_device" in listed, NEW in listed) == (0, True, True)
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+0[12]:00  ", listed), "Berlin's time"
    code, shown, _ = call(config, "quarantine", "show", "1", "--json")
    assert json.loads(shown)["payload_hex"].startswith(b"{".hex())
    assert json.loads(shown)["format"] == "chirpstack"
    code, again, _ = call(config, "quarantine", "replay")
    assert "1 still not taken: unregistered_device" in again
    register(database, NEW)
    code, replayed, _ = call(config, "quarantine", "replay", "--dev-eui", NEW, "--json")
    counts = {"taken": 1, "copies": 0, "resent": 0, "refused": {}, "never": {}}
    assert json.loads(replayed) == counts
    with database.read() as connection:
        assert head(connection) == 1
    assert "empty" in call(config, "quarantine", "list")[1]


def test_what_a_follower_set_aside_is_listed_with_its_reason(
    config: Path, database: Database
) -> None:
    assert "Nothing is set aside" in call(config, "set-aside", "list")[1]
    with database.write() as connection:
        add(connection, SetAside("live", 7, NEW, "OverflowError", "too large", NINE))
        add(connection, SetAside("alerts", 8, NEW, "ValueError", "no number", NINE))
    code, listed, _ = call(config, "set-aside", "list", "--follower", "live")
    assert (code, "OverflowError: too large" in listed) == (0, True)
    assert "no number" not in listed
    as_json = call(config, "set-aside", "list", "--json")[1]
    rows = [json.loads(line) for line in as_json.splitlines()]
    assert [(row["follower"], row["position"]) for row in rows] == [("alerts", 8), ("live", 7)]
    call(config, "rebuild", "live")
    assert "too large" not in call(config, "set-aside", "list")[1]


def test_a_rebuild_names_what_happens_next(config: Path, database: Database) -> None:
    for name in ("series", "live", "alerts"):
        code, said, _ = call(config, "rebuild", name)
        assert code == 0
        assert said.startswith(f"{name}: set back")


REFUSALS = [
    (["rebuild", "everything"], "series, live, alerts"),
    (["run", "--only", "ingst"], "roles are ingest"),
    (["quarantine", "show", "999"], "no item 999"),
]


@pytest.mark.parametrize(("arguments", "remedy"), REFUSALS)
def test_refusals_name_the_remedy(
    config: Path, database: Database, arguments: list[str], remedy: str
) -> None:
    code, _, refused = call(config, *arguments)
    assert code == 2
    assert remedy in refused


def test_a_missing_configuration_and_a_broken_database_are_explained(tmp_path: Path) -> None:
    code, _, refused = call(tmp_path / "none.toml", "quarantine", "list")
    assert (code, "config-example" in refused) == (2, True)
    broken = tmp_path / "cloud.toml"
    (tmp_path / "noise").write_bytes(b"no database at all" * 100)
    broken.write_text('[database]\nurl = "sqlite:///noise"')
    code, _, refused = call(broken, "quarantine", "list")
    assert code == 1
    assert "noise is damaged" in refused
    assert "Traceback" not in refused


def test_a_refusal_hides_the_password_of_the_database(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STADTSINN_DATABASE_URL", "postgresql://u:s3cret@127.0.0.1:1/none")
    code, said, refused = call(config, "quarantine", "list")
    assert code == 1
    assert "s3cret" not in said + refused

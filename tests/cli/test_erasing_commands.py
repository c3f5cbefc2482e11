"""Commands that erase: they say what goes, ask, and the telephone number is in no argument."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from filled_towns import NEIGHBOUR, TOWN, fill
from stadtsinn.base.clock import SystemClock
from stadtsinn.cli import devices, personal, tenants
from stadtsinn.cli.main import _load
from stadtsinn.cloud.erasure import device, page, slices, town
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.schema import metadata

APPS = {"tenant": tenants.app, "device": devices.app, "personal": personal.app}
Command = Callable[..., Result]
NUMBER = "+4915112345678"
EUI = "70b3d57ed0000001"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two towns; nothing waits for other processes."""
    for module in (town, device):
        monkeypatch.setattr(module, "SEEN_S", 0)
    monkeypatch.setattr(slices, "_PAUSE_S", 0)
    made = migrated_database(tmp_path / "town.sqlite")
    fill(made)
    with made.write() as connection:
        recipients = metadata.tables["recipients"]
        at = SystemClock().now()
        connection.execute(recipients.update().values(address=NUMBER, name="Erika Müller"))
        connection.execute(metadata.tables["tenants"].update().values(created_at=at))
        of_ours = metadata.tables["devices"].c.dev_eui == "1x"
        connection.execute(metadata.tables["devices"].update().where(of_ours).values(dev_eui=EUI))
    yield made
    made.dispose()


@pytest.fixture
def run(tmp_path: Path, database: Database) -> Command:
    config = tmp_path / "cloud.toml"
    config.write_text(
        '[database]\nurl = "sqlite:///town.sqlite"\n[series]\nurl = "sqlite:///series.sqlite"\n'
    )

    def command(noun: str, *arguments: str, given: str = "") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
        return CliRunner().invoke(APPS[noun], list(arguments), env=environment, input=given)

    return command


def count(database: Database, table: str) -> int:
    with database.read() as connection:
        return len(connection.execute(metadata.tables[table].select()).all())


def test_a_town_goes_only_when_its_short_name_is_typed(run: Command, database: Database) -> None:
    refused = run("tenant", "delete", TOWN, given="muster\n")
    assert refused.exit_code == 1
    assert "nothing was erased" in refused.stderr
    for said in (
        "uplinks",
        "days of archive",
        "series",
        "alarms",
        "messages",
        "keys",
        "edge agents",
    ):
        assert said in refused.stdout
    assert count(database, "tenants") == 2
    erased = run("tenant", "delete", TOWN, given=f"{TOWN}\n")
    assert erased.exit_code == 0, erased.output
    assert f"'{TOWN}' is erased" in erased.stdout
    assert "configurations of edge agents still lie at the broker (1)" in erased.stdout
    assert "backups" in erased.stdout
    assert "audit_lines: 1" in erased.stderr
    with database.read() as connection:
        left = connection.execute(metadata.tables["tenants"].select()).all()
    assert [one.id for one in left] == [NEIGHBOUR]
    again = run("tenant", "delete", TOWN, "--yes")
    assert again.exit_code == 1
    assert "There is no town" in again.stderr


def test_a_device_is_erased_by_name_or_with_yes(run: Command, database: Database) -> None:
    assert run("device", "erase", EUI, given="nein\n").exit_code == 1
    assert count(database, "devices") == 2
    done = run("device", "erase", EUI.upper(), "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["tenant"] == TOWN
    assert count(database, "devices") == 1
    unknown = run("device", "erase", EUI, "--yes", "--tenant", TOWN)
    assert unknown.exit_code == 1


def test_a_person_is_asked_for_on_stdin_and_shown_by_place(
    run: Command, database: Database
) -> None:
    found = run("personal", "find", "--json", given="0151 1234 5678\n")
    assert found.exit_code == 0, found.output
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(one["tenant"], one["table"]) for one in rows] == [
        (TOWN, "recipients"),
        (NEIGHBOUR, "recipients"),
    ]
    shown = run("personal", "find", "--tenant", TOWN, given="Erika Müller\n").stdout
    assert "recipients: who gets messages" in shown
    assert "Erika" not in shown
    unsure = run("personal", "erase", "--tenant", TOWN, given="Erika Müller\n")
    assert (unsure.exit_code, count(database, "recipients")) == (2, 2)
    erased = run("personal", "erase", "--tenant", TOWN, "--yes", given="Erika Müller\n")
    assert erased.stdout == "recipients: 1\n"
    assert "person_erased" in erased.stderr
    assert count(database, "recipients") == 1
    nobody = run("personal", "find", "--tenant", TOWN, given="Erika Müller\n")
    assert nobody.stdout.startswith("nowhere")
    again = run("personal", "erase", "--tenant", TOWN, "--yes", given="Erika Müller\n")
    assert again.stdout.startswith("nowhere")
    assert "person_erased" not in again.stderr


def test_periods_are_shown_and_set(run: Command) -> None:
    assert run("tenant", "retention", TOWN, "outbox", "30").exit_code == 0
    shown = {
        one["retention"]: one["days"]
        for one in map(json.loads, run("tenant", "retention", TOWN, "--json").stdout.splitlines())
    }
    assert shown == {
        "log": None,
        "archive": None,
        "series": None,
        "samples": 7,
        "outbox": 30,
        "audit": 365,
    }
    refused = run("tenant", "retention", TOWN, "samples", "30")
    assert refused.exit_code == 1
    assert "'samples'" in refused.stderr
    assert run("tenant", "retention", TOWN, "log", "soon").exit_code == 2
    assert run("tenant", "retention", TOWN, "moon").exit_code == 2
    back = run("tenant", "retention", TOWN, "outbox", "default").stdout
    assert "outbox" in back
    assert "90" in back


@pytest.mark.parametrize("form", list(page.FORMATS))
def test_the_page_is_written(form: str) -> None:
    done = CliRunner().invoke(_load("privacy"), ["--format", form])
    assert done.stdout == page.FORMATS[form]()
    assert CliRunner().invoke(_load("privacy"), ["--format", "pdf"]).exit_code == 2

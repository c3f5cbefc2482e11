"""The next kind of station is one entry of `KINDS`: it is made here and used everywhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api_callers import HOME, NOW, ApiWorld
from databases import add_tenant, migrated_database
from stadtsinn.cli import stations as command
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.kinds import KINDS, Attribute, StationKind
from stadtsinn.cloud.town.stations.model import Station
from stadtsinn.cloud.town.stations.service import Editor, create_station

HIVE = {"slug": "imkerei", "name": "Imkerei am Wall", "kind": "beehive"}


@pytest.fixture(autouse=True)
def beehive(monkeypatch: pytest.MonkeyPatch) -> None:
    hives = Attribute("Völker", "Colonies", float, 1, 100)
    monkeypatch.setitem(KINDS, "beehive", StationKind("Bienenstock", "Beehive", {"hives": hives}))


def test_the_api_takes_checks_and_finds_it(world: ApiWorld) -> None:
    editor = world.client(Role.EDITOR)
    many = editor.post("/api/v1/stations", json={**HIVE, "attributes": {"hives": 1000}})
    assert "from 1 to 100" in many.json()["detail"]
    made = editor.post("/api/v1/stations", json={**HIVE, "attributes": {"hives": 4}})
    assert made.status_code == 201, made.text
    found = editor.get("/api/v1/stations", params={"kind": "beehive"}).json()["items"]
    assert [one["attributes"] for one in found] == [{"hives": 4}]


def test_the_command_line_names_it_in_the_readers_language(tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    database = migrated_database(tmp_path / "town.sqlite")
    add_tenant(database, HOME)
    with change(database) as connection:
        create_station(connection, Editor(operator_scope(HOME), NOW), Station.model_validate(HIVE))
    database.dispose()
    german = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "de_DE.UTF-8"}
    shown = CliRunner().invoke(command.app, ["show", "imkerei"], env=german)
    assert "Bienenstock" in shown.output, shown.output

"""What senders and earlier versions left in the database steers no terminal, by any command."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from sqlalchemy import Integer, LargeBinary, String, Text, insert
from typer.testing import CliRunner

from databases import migrated_database
from stadtsinn.base.foreign_text import visible
from stadtsinn.cli import cloud, devices, edges, keys, tenants
from stadtsinn.cloud.intake.arrival import Kind
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.tables import edge_states, quarantine
from stadtsinn.cloud.log.set_aside.tables import set_aside
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.tables import api_keys
from stadtsinn.cloud.platform.audit.line import Action
from stadtsinn.cloud.platform.audit.tables import audit_lines
from stadtsinn.cloud.platform.tenants.tables import tenants as tenant_table
from stadtsinn.cloud.town.tables import devices as device_table
from stadtsinn.cloud.town.tables import edges as edge_table

pytestmark = pytest.mark.slow

WATCHED = (device_table, edge_table)
HOSTILE = "Linde\x1b[2J\x1b]0;root\x07\x9b31m\u202eedniL\u2066\r\nroot@stadt:~# "
LISTS = [
    (tenants.app, "list"),
    (tenants.app, "audit", "a"),
    (keys.app, "list"),
    (cloud.app, "quarantine", "list"),
    (cloud.app, "quarantine", "show", "1"),
    (cloud.app, "set-aside", "list"),
    (edges.app,),
    (devices.app, "status"),
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An installation whose tables hold the text wherever they hold text at all."""
    database = migrated_database(tmp_path / "town.sqlite")
    known: dict[str, dict[str, Any]] = {
        "tenants": {"id": "a"},
        "api_keys": {"tenant_id": "a", "role": Role.READER.value},
        "audit_lines": {"tenant_id": "a", "action": Action.CHANGED.value},
        "quarantine": {
            "kind": Kind.EVENT.value,
            "reason": Reason.BAD_FIELD.value,
            "replayed_at": None,
        },
        "set_aside": {"follower": "live", "dev_eui": "70b3d57ed0001234"},
        "devices": {"tenant_id": "a", "dev_eui": "70b3d57ed0001234", "site_id": None, "tags": {}},
        "edges": {"tenant_id": "a", "id": "rathaus"},
    }
    report = msgspec.json.encode({"state": "online", "version": HOSTILE, "warnings": [HOSTILE]})
    with database.write() as connection:
        for table in (tenant_table, api_keys, audit_lines, quarantine, set_aside, *WATCHED):
            values = {column.name: _value(column.type) for column in table.columns}
            connection.execute(insert(table).values(values | known[table.name]))
        state = {"edge_id": "rathaus", "status": report, "heard_at": 1, "offline_reason": ""}
        connection.execute(insert(edge_states).values(state))
    database.dispose()
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    return path


def _value(kind: Any) -> Any:
    if isinstance(kind, LargeBinary):
        return HOSTILE.encode()
    if isinstance(kind, String | Text):
        return HOSTILE
    return 1 if isinstance(kind, Integer) else 1_700_000_000_000_000


@pytest.mark.parametrize("command", LISTS, ids=lambda command: " ".join(command[1:]))
@pytest.mark.parametrize("as_json", [False, True])
def test_no_list_steers_the_terminal(
    config: Path, command: tuple[typer.Typer, str], as_json: bool
) -> None:
    app, *arguments = command
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    given = [*arguments, "--json"] if as_json else arguments
    result = CliRunner().invoke(app, given, env=environment)
    assert result.exit_code == 0, result.output
    assert visible(result.output, lines=True) == result.output
    assert "Linde" in result.output
    assert not any(line.startswith("root@stadt") for line in result.output.splitlines())
    if as_json:
        assert all(json.loads(line) for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        (tenants.app, "create", "b", "--name", HOSTILE),
        (tenants.app, "create", HOSTILE, "--name", "B"),
        (keys.app, "create", "a", "--name", HOSTILE),
        (keys.app, "create", HOSTILE, "--name", "B"),
        (cloud.app, "quarantine", "list", "--reason", HOSTILE),
        (cloud.app, "rebuild", HOSTILE),
    ],
    ids=lambda arguments: " ".join(map(repr, arguments[1:3])),
)
def test_no_command_takes_such_a_text_or_repeats_it(
    config: Path, arguments: tuple[typer.Typer, str]
) -> None:
    app, *given = arguments
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
    result = CliRunner().invoke(app, given, env=environment)
    assert result.exit_code != 0, result.output
    assert visible(result.output, lines=True) == result.output


def test_every_list_of_the_operator_is_tried() -> None:
    """A list that is new is added above, or shows only what a town file refuses."""
    tried = {str(word) for command in LISTS for word in command[1:]}
    listing = {
        command.name or (command.callback.__name__ if command.callback is not None else "")
        for app in (tenants.app, keys.app)
        for command in app.registered_commands
        if command.callback is not None and "print_list" in inspect.getsource(command.callback)
    }
    assert listing - {"limit", "retention"} <= tried, "limits and days are numbers"

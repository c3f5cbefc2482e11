"""From an empty database to a working installation, by commands on the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Unauthenticated
from stadtsinn.cli import keys, registry, tenants
from stadtsinn.cloud.platform.access.service import authenticate
from stadtsinn.cloud.platform.database.engine import open_database

pytestmark = pytest.mark.slow

Command = Callable[..., Result]
"""What the `run` fixture gives: call it with a noun and its arguments."""

APPS = {"tenant": tenants.app, "key": keys.app, "registry": registry.app}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    return path


@pytest.fixture
def run(config: Path) -> Command:
    def command(noun: str, *arguments: str) -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "C"}
        return CliRunner().invoke(APPS[noun], list(arguments), env=environment)

    return command


def test_applying_names_a_rule_that_watches_nothing(run: Command, config: Path) -> None:
    town = config.with_name("town.toml")
    example = run("registry", "example").stdout
    town.write_text(example.replace('group = { kind = "tree"', 'group = { kind = "lake"'))
    applied = run("registry", "apply", str(town), "--dry-run")
    assert applied.exit_code == 0
    assert "boden-trocken watches no station yet: none has kind lake, site markt" in applied.stderr


def test_from_nothing_to_a_town_with_a_key(run: Command, config: Path) -> None:
    town = config.with_name("town.toml")
    town.write_text(run("registry", "example").stdout, encoding="utf-8")
    dry_run = run("registry", "apply", str(town), "--dry-run")
    assert "+ zone wochenmarkt" in dry_run.stdout
    assert run("tenant", "list", "--json").stdout == ""
    applied = run("registry", "apply", str(town))
    assert applied.exit_code == 0, applied.output
    again = run("registry", "apply", str(town), "--json")
    assert (again.exit_code, again.stdout) == (0, "")
    assert json.loads(run("tenant", "list", "--json").stdout)["id"] == "musterstadt"
    listed = [
        json.loads(line) for line in _lines(run("registry", "devices", "musterstadt", "--json"))
    ]
    assert [device["device_type"] for device in listed] == ["milesight/vs133", "dragino/lse01"]

    made = run("key", "create", "musterstadt", "--name", "Portal", "--role", "editor")
    token = made.stdout.strip()
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    assert authenticate(database, token, Instant(1)).tenant_id == "musterstadt"
    (key,) = [json.loads(line) for line in _lines(run("key", "list", "--json"))]
    assert token not in json.dumps(key)
    listed_for_people = run("key", "list").stdout
    assert key["created"][:19].replace("T", " ") + key["created"][-6:] in listed_for_people
    assert key["created"][-6:] in {"+01:00", "+02:00"}, "Berlin's"
    assert run("key", "revoke", str(key["id"])).exit_code == 0
    with pytest.raises(Unauthenticated):
        authenticate(database, token, Instant(1))


def _lines(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_devices_of_a_spreadsheet(run: Command, config: Path) -> None:
    run("tenant", "create", "musterstadt", "--name", "Stadt Musterstadt")
    sheet = config.with_name("delivery.csv")
    sheet.write_text("dev_eui,type,name\n70b3d57ed0001234,dragino/lse01,Linde\n", encoding="utf-8")
    made = run("registry", "import-devices", "musterstadt", str(sheet))
    assert "+ device 70b3d57ed0001234" in made.stdout
    unknown = run("registry", "import-devices", "nirgends", str(sheet))
    assert unknown.exit_code == 1
    assert "stadtsinn tenant create" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (("registry", "apply", "missing.toml"), "missing.toml", 2),
        (("tenant", "create", "Muster Stadt", "--name", "x"), "tenant: ", 1),
        (("key", "create", "nirgends", "--name", "x"), "stadtsinn tenant create", 1),
        (
            ("key", "create", "nirgends", "--name", "x", "--role", "king"),
            "reader, editor, admin",
            2,
        ),
        (("key", "revoke", "7"), "stadtsinn key list", 1),
    ],
)
def test_a_failure_names_the_remedy(
    run: Command, arguments: tuple[str, ...], words: str, code: int
) -> None:
    failed = run(*arguments)
    assert failed.exit_code == code, failed.output
    assert words in failed.stderr
    assert "Traceback" not in failed.output


def test_the_operator_says_whose_an_edge_is(run: Command) -> None:
    for town in ("musterstadt", "nachbarstadt"):
        assert run("tenant", "create", town, "--name", town).exit_code == 0
    given = run("registry", "give-edge", "rathaus", "musterstadt", "--name", "Rathaus, Dach")
    assert "rathaus belongs to 'musterstadt'" in given.stdout
    moved = run("registry", "give-edge", "rathaus", "nachbarstadt", "--json")
    assert json.loads(moved.stdout) == {
        "id": "rathaus",
        "tenant": "nachbarstadt",
        "from": "musterstadt",
    }
    assert "no edge is registered" in run("registry", "edges", "musterstadt").stdout
    (line,) = run("registry", "edges", "--json").stdout.splitlines()
    assert json.loads(line) == {"id": "rathaus", "name": "rathaus", "tenant": "nachbarstadt"}
    assert (
        "no longer to 'nachbarstadt'"
        in run("registry", "give-edge", "rathaus", "musterstadt").stdout
    )
    assert run("registry", "take-edge", "rathaus").exit_code == 0
    assert run("registry", "edges", "--json").stdout == ""
    for arguments, code in (
        (("take-edge", "rathaus"), 1),
        (("give-edge", "rathaus", "nirgends"), 1),
        (("give-edge", "a/b", "musterstadt"), 2),
        (("give-edge", "ingest", "musterstadt"), 2),
    ):
        failed = run("registry", *arguments)
        assert (failed.exit_code, "Traceback" in failed.output) == (code, False), failed.output


def test_without_a_configuration_the_command_says_how_to_get_one(tmp_path: Path) -> None:
    missing = str(tmp_path / "cloud.toml")
    failed = CliRunner().invoke(tenants.app, ["list", "--config", missing], env={"LC_ALL": "C"})
    assert failed.exit_code == 2
    assert "config-example" in failed.stderr


def test_german_by_locale(run: Command, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": "de_DE.UTF-8"}
    answer = CliRunner().invoke(keys.app, ["list"], env=environment)
    assert "kein Schlüssel" in answer.stdout
    town = config.with_name("example.toml")
    town.write_text(run("registry", "example").stdout, encoding="utf-8")
    told = CliRunner().invoke(registry.app, ["apply", str(town), "--dry-run"], env=environment)
    kinds = {line.split()[1] for line in told.stdout.splitlines() if line.startswith("+ ")}
    assert kinds == {
        *(
            "Stadt",
            "Ort",
            "Messstelle",
            "Gerät",
            "Agent",
            "Zone",
            "Empfänger",
            "Bereitschaft",
            "Regel",
        ),
    }
    assert ", Zugang nordtor" in told.stdout
    created = CliRunner().invoke(tenants.app, ["create", "dorf", "--name", "Dorf"], env=environment)
    assert created.stdout == "+ Stadt\n"


def test_the_operator_sees_and_sets_what_a_town_may_have(run: Command, config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write("[limits]\nkeys = 1\n")
    assert run("tenant", "limit", "musterstadt").exit_code == 1, "there is no such town"
    assert run("tenant", "create", "musterstadt", "--name", "M").exit_code == 0

    def shown(*arguments: str) -> list[dict[str, object]]:
        answer = run("tenant", "limit", "musterstadt", *arguments, "--json")
        return [json.loads(line) for line in _lines(answer)]

    assert {"limit": "keys", "at_most": 1, "usual": 1} in shown()
    assert run("key", "create", "musterstadt", "--name", "a").exit_code == 0
    refused = run("key", "create", "musterstadt", "--name", "b")
    assert refused.exit_code == 1
    assert "stadtsinn tenant limit musterstadt keys" in refused.output
    assert shown("keys", "2") == [{"limit": "keys", "at_most": 2, "usual": 1}]
    assert run("key", "create", "musterstadt", "--name", "b").exit_code == 0
    assert shown("keys", "default") == [{"limit": "keys", "at_most": 1, "usual": 1}]
    for wrong in (("kyes", "2"), ("keys", "many"), ("keys", "0"), ("kyes",)):
        assert run("tenant", "limit", "musterstadt", *wrong).exit_code in {1, 2}

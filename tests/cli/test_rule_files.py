"""`stadtsinn rule plan` and `apply`: the rules of a folder and those of the town."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.instant import Instant, parse
from stadtsinn.cli import rules
from stadtsinn.cloud.alarms.alerts import service
from stadtsinn.cloud.alarms.alerts.repository import rules_page
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.rule_files.applying import apply
from stadtsinn.cloud.alarms.rule_files.planning import Wish, plan
from stadtsinn.cloud.alarms.rule_files.reading import read_folder
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import authenticate, create_key, operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

NOW = parse("2026-06-02T12:00:00+02:00")
HOME, AWAY = "musterstadt", "nebenan"
Command = Callable[..., Result]


def town(tenant: str) -> Town:
    return Town.read(
        {
            "tenant": tenant,
            "name": tenant.title(),
            "recipients": [{"slug": "amt", "name": "Amt", "address": "0170 1234567"}],
            "stations": [{"slug": "linde", "name": "Linde", "kind": "tree"}],
        }
    )


def written(slug: str, on: int = 15, **other: str) -> str:
    more = "".join(f"{key} = {value}\n" for key, value in other.items())
    return (
        f'[[rules]]\nslug = "{slug}"\nname = "{slug}"\nstation = "linde"\n'
        f'quantity = "soil_moisture"\ndirection = "below"\non = {on}\noff = 40\n'
        f'recipients = ["amt"]\n{more}'
    )


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = migrated_database(tmp_path / "town.sqlite")
    apply_town(made, town(HOME), Instant(1))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "regeln"
    (made / "baeume").mkdir(parents=True)
    (made / "eins.toml").write_text(written("eins"), encoding="utf-8")
    (made / "baeume" / "mehr.toml").write_text(
        written("zwei") + "\n" + written("drei"), encoding="utf-8"
    )
    return made


@pytest.fixture
def run(database: Database, tmp_path: Path) -> Command:
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")

    def command(*arguments: str, language: str = "C") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(rules.app, list(arguments), env=environment)

    return command


def found(database: Database, tenant: str = HOME) -> dict[str, Rule]:
    with database.read() as connection:
        scope = operator_scope(tenant, DEFAULTS)
        return {one.rule.slug: one.rule for one in rules_page(connection, scope, None, None)}


def edited_by_key(database: Database, slug: str, **other: object) -> None:
    """Somebody with an API key changes a rule."""
    _, token = create_key(database, HOME, "Büro Meier", Role.EDITOR, NOW)
    scope = authenticate(database, token, NOW)
    rule = found(database)[slug]
    with change(database, scope, Instant(2**52)) as connection:
        service.replace_rule(connection, scope, Rule.model_validate({**rule.model_dump(), **other}))


@pytest.mark.slow
def test_applied_twice_nothing_changes(run: Command, database: Database, folder: Path) -> None:
    planned = run("plan", str(folder))
    assert planned.exit_code == 0, planned.output
    assert "+ create eins" in planned.stdout
    assert found(database) == {}
    assert run("apply", str(folder)).exit_code == 0
    assert set(found(database)) == {"eins", "zwei", "drei"}
    assert run("apply", str(folder)).stdout == "nothing changed\n"
    assert run("plan", str(folder), language="de_DE.UTF-8").stdout == "nichts zu ändern\n"

    (folder / "eins.toml").write_text(written("eins", on=12), encoding="utf-8")
    shown = run("plan", str(folder)).stdout
    assert "~ change eins" in shown
    assert "on: 15.0 → 12.0" in shown
    assert run("apply", str(folder)).exit_code == 0
    assert found(database)["eins"].model_dump()["on"] == 12


@pytest.mark.slow
def test_what_somebody_else_changed_is_named_and_left(
    run: Command, database: Database, folder: Path
) -> None:
    run("apply", str(folder))
    edited_by_key(database, "zwei", on=9)
    (folder / "eins.toml").write_text(written("eins", on=11), encoding="utf-8")
    result = run("apply", str(folder), language="de_DE.UTF-8")
    assert result.exit_code == 1
    assert "! nicht übernommen zwei" in result.stdout
    assert "durch den Schlüssel 'Büro Meier' geändert" in result.stdout
    now = {slug: rule.model_dump()["on"] for slug, rule in found(database).items()}
    assert now == {"eins": 11, "zwei": 9, "drei": 15}
    assert run("apply", str(folder), "--overwrite").exit_code == 0
    assert found(database)["zwei"].model_dump()["on"] == 15

    # Taken into the file, it is no conflict any more.
    edited_by_key(database, "drei", on=8)
    text = written("zwei") + "\n" + written("drei", on=8)
    (folder / "baeume" / "mehr.toml").write_text(text, encoding="utf-8")
    assert "= take over drei" in run("apply", str(folder)).stdout
    assert run("apply", str(folder)).stdout == "nothing changed\n"


@pytest.mark.slow
def test_only_what_the_folder_brought_is_removed_and_only_when_asked(
    run: Command, database: Database, folder: Path
) -> None:
    scope = operator_scope(HOME, DEFAULTS)
    own = Rule.model_validate(
        {"slug": "von-hand", "name": "x", "station": "linde", "quantity": "soil_moisture"}
        | {"on": 2, "off": 1}
    )
    with change(database, scope, NOW) as connection:
        service.create_rule(connection, scope, own)
    run("apply", str(folder))
    (folder / "eins.toml").unlink()
    result = run("apply", str(folder))
    assert result.exit_code == 0
    assert "not in the folder any more, --remove removes eins" in result.stdout
    assert "eins" in found(database)
    # Another folder neither removes it nor takes it.
    other = folder.parent / "andere"
    other.mkdir()
    (other / "eins.toml").write_text(written("eins", on=13), encoding="utf-8")
    refused = run("apply", str(other), "--remove")
    assert refused.exit_code == 1
    assert "it is of the folder 'regeln'" in refused.stdout
    assert run("apply", str(folder), "--remove").exit_code == 0
    assert set(found(database)) == {"zwei", "drei", "von-hand"}
    assert run("apply", str(other)).exit_code == 0


@pytest.mark.slow
def test_all_mistakes_of_all_files_are_named_and_nothing_is_changed(
    run: Command, database: Database, folder: Path
) -> None:
    (folder / "a.toml").write_text(written("vier", fors="3"), encoding="utf-8")
    (folder / "b.toml").write_text('[[rules]]\nslug = "fünf\n', encoding="utf-8")
    (folder / "c.toml").write_text("\n\n" + written("eins"), encoding="utf-8")
    (folder / "d.toml").write_text('name = "x"\n', encoding="utf-8")
    result = run("apply", str(folder), language="de_DE.UTF-8")
    assert result.exit_code == 1
    for words in (
        f"{folder}/a.toml:10: Regel vier: fors: ",
        f"{folder}/b.toml:2: ",
        f"{folder}/eins.toml:1: die Regel 'eins' steht schon in {folder}/c.toml:3",
        f"{folder}/d.toml: 'name' gehört nicht in eine Regeldatei",
    ):
        assert words in result.stderr
    for name in "abcd":
        (folder / f"{name}.toml").unlink()
    wrong = (
        written("vier").replace('"linde"', '"linda"')
        + "\n"
        + written("acht").replace('["amt"]', '["amd"]')
    )
    (folder / "a.toml").write_text(wrong, encoding="utf-8")
    result = run("apply", str(folder))
    assert result.exit_code == 1
    assert f"{folder}/a.toml:1: rule vier: " in result.stderr
    assert f"{folder}/a.toml:11: rule acht: " in result.stderr
    assert "Did you mean 'amt'" in result.stderr
    assert found(database) == {}


@pytest.mark.slow
def test_each_file_says_its_town(run: Command, database: Database, folder: Path) -> None:
    apply_town(database, town(AWAY), Instant(1))
    assert "name one with --tenant" in run("plan", str(folder)).stderr
    (folder / "eins.toml").write_text(f'tenant = "{AWAY}"\n{written("eins")}', encoding="utf-8")
    result = run("apply", str(folder), "--tenant", HOME, "--json")
    done = [json.loads(line) for line in result.stdout.splitlines()]
    assert {(one["tenant"], one["rule"]) for one in done} == {(HOME, "zwei"), (HOME, "drei")}
    (folder / "baeume" / "mehr.toml").unlink()
    assert run("apply", str(folder)).exit_code == 0
    assert set(found(database, AWAY)) == {"eins"}
    assert set(found(database)) == {"zwei", "drei"}


def test_an_interrupted_apply_goes_on(database: Database, folder: Path) -> None:
    """Each rule and where it came from are written together: what is left is done the next time."""
    scope, wish = operator_scope(HOME, DEFAULTS), Wish("regeln")

    def planned() -> list[str]:
        with database.read() as connection:
            return [one.slug for one in plan(connection, scope, read_folder(folder), wish)]

    with database.read() as connection:
        whole = plan(connection, scope, read_folder(folder), wish)
    for left in (2, 1, 0):
        with database.read() as connection:
            rest = plan(connection, scope, read_folder(folder), wish)
        next(iter(apply(database, scope, rest, wish, NOW)))
        assert len(planned()) == left
    assert len(whole) == 3


def test_a_path_that_is_no_folder_is_a_wrong_call(run: Command, tmp_path: Path) -> None:
    for command in ("plan", "apply"):
        refused = run(command, str(tmp_path / "regeln"))
        assert refused.exit_code == 2
        assert "is no folder" in refused.stderr

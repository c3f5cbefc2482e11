"""A town file: applied as a whole, again without effect, never half."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld
from stadtsinn.cloud.domains.crowd.zones.repository import zone_entries
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import read_directory, read_revision
from stadtsinn.cloud.town.stations.kinds import KINDS
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.example import EXAMPLE
from stadtsinn.cloud.town_file.model import DeviceSection, Town, load_town
from stadtsinn.cloud.town_file.problems import TownRefused

EUI = "70b3d57ed0001234"


def _example(folder: Path) -> Town:
    path = folder / "town.toml"
    path.write_text(EXAMPLE, encoding="utf-8")
    return load_town(path)


def test_the_example_makes_a_town_from_an_empty_database(
    database: Database, tmp_path: Path
) -> None:
    changes = apply_town(database, _example(tmp_path), NOW)
    assert {change.kind for change in changes} == {"created"}
    assert [change.what for change in changes] == [
        "tenant",
        "site marktplatz",
        "station nordtor",
        "station linde-am-markt",
        f"device {EUI}",
        "device 70b3d57ed0005678",
        "edge rathaus-1",
        "zone wochenmarkt",
        "zone wochenmarkt, gate nordtor",
        "recipient ordnungsamt",
        "recipient it-bereitschaft",
        "duty group bereitschaft",
        "rule wochenmarkt-voll",
        "rule wochenmarkt-genehmigung",
        "rule boden-trocken",
    ]
    with database.read() as connection:
        directory = read_directory(connection)
        (zone,) = zone_entries(connection)
    assert set(directory.devices) == {EUI, "70b3d57ed0005678"}
    assert zone.gates[0].station == "nordtor"
    (place,) = directory.deployments_of(EUI)
    assert place.station.slug == "nordtor"
    assert set(directory.stations) == {1, 2}


def test_a_rule_for_a_group_without_a_station_is_reported(
    database: Database, tmp_path: Path
) -> None:
    """Of the example none is; one that matches in part is, in a dry run as well."""
    idle: list[str] = []
    apply_town(database, _example(tmp_path), NOW, on_idle=lambda rule: idle.append(rule.slug))
    assert idle == []
    document = tomllib.loads(EXAMPLE)
    (rule,) = (one for one in document["rules"] if one["slug"] == "boden-trocken")
    rule["group"] = {"kind": "soil", "site": "marktplatz"}
    for dry_run in (True, False):
        apply_town(
            database,
            Town.read(document),
            NOW,
            dry_run=dry_run,
            on_idle=lambda rule: idle.append(rule.slug),
        )
    assert idle == ["boden-trocken", "boden-trocken"]


def _with_steering_text(document: Any) -> Iterator[tuple[str, Any]]:
    """The document with one of its texts changed, each in turn."""
    if isinstance(document, str):
        for sign in ("\x1b[2J", "\x9b", "\u202e", "\u2028"):
            yield repr(sign), document[:1] + sign + document[1:]
    elif isinstance(document, dict):
        for key, value in document.items():
            for name, inner in _with_steering_text(value):
                yield f"{key}.{name}", {**document, key: inner}
    elif isinstance(document, list):
        for at, value in enumerate(document):
            for name, inner in _with_steering_text(value):
                yield f"{at}.{name}", [*document[:at], inner, *document[at + 1 :]]


def test_no_text_that_steers_a_terminal_or_a_page_is_taken() -> None:
    document = tomllib.loads(EXAMPLE)
    for name, changed in _with_steering_text(document):
        if ".address" in name:
            continue  # of a telephone number only the digits are kept
        with pytest.raises(TownRefused):
            Town.read(changed)


def test_applying_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    town = _example(tmp_path)
    apply_town(database, town, NOW)
    with database.read() as connection:
        revision = read_revision(connection)
    assert apply_town(database, town, NOW) == ()
    with database.read() as connection:
        assert read_revision(connection) == revision


def test_a_change_says_old_and_new(database: Database, tmp_path: Path) -> None:
    town = _example(tmp_path)
    apply_town(database, town, NOW)
    zone = town.zones[0].model_copy(update={"permitted": 1000})
    (change,) = apply_town(database, town.model_copy(update={"zones": (zone,)}), NOW)
    assert (change.kind, change.what) == ("changed", "zone wochenmarkt")
    assert change.detail == "permitted: 900 → 1000"


def test_a_dry_run_says_the_same_and_does_nothing(database: Database, tmp_path: Path) -> None:
    town = _example(tmp_path)
    said = apply_town(database, town, NOW, dry_run=True)
    with database.read() as connection:
        assert read_directory(connection).devices == {}
        assert read_revision(connection) == 0
    assert said == apply_town(database, town, NOW)


LINDEN = {"dev_eui": EUI, "type": "dragino/lse01", "name": "x"}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"sites": [{"slug": "A B", "name": "x"}]}, "site A B: slug"),
        ({"sites": [{"slug": "a", "name": "x", "latitude": 1.0}]}, "latitude and longitude"),
        ({"devices": [LINDEN | {"dev_eui": "12"}]}, "device 12"),
        ({"devices": [LINDEN | {"type": "dragino/lse1"}]}, "dragino/lse01"),
        ({"devices": [LINDEN | {"station": "nix"}]}, "no station 'nix'"),
        ({"stations": [{"slug": "s", "name": "S", "kind": "tre"}]}, "station s: kind"),
        ({"edges": [{"id": "", "name": "x"}]}, "edge : id"),
        ({"zones": [{"slug": "z", "name": "Z", "site": "nix"}]}, "no site 'nix'"),
        ({"zones": [{"slug": "z", "name": "Z", "reset_at": "25:00"}]}, "zone z: reset_at"),
        (
            {"zones": [{"slug": "z", "name": "Z", "gates": [{"slug": "t", "chanel": ""}]}]},
            "zone z, gate t: chanel: unknown key. Did you mean 'channel'?",
        ),
        ({"sites": [{"name": "x"}, {"name": "y"}]}, "site 2: slug: Field required"),
        ({"colour": "red"}, "colour: unknown key. Known: tenant, name, sites"),
        ({"rules": [{"slug": "r", "name": "R", "zone": "nix", "on": 2, "off": 1}]}, "rule r"),
    ],
)
def test_a_wrong_section_is_named_and_nothing_is_applied(
    database: Database, section: dict[str, object], words: str
) -> None:
    with pytest.raises(TownRefused, match=re.escape(words)):
        apply_town(database, Town.read({"tenant": "m", "name": "M", **section}), NOW)
    with database.read() as connection:
        assert read_revision(connection) == 0


def test_another_towns_device_is_refused(world: ApiWorld) -> None:
    device = DeviceSection(dev_eui=EUI, device_type="dragino/lse01", name="Linde")
    apply_town(world.database, Town(tenant=HOME, name="M", devices=(device,)), NOW)
    with pytest.raises(TownRefused, match="already registered"):
        apply_town(world.database, Town(tenant=AWAY, name="N", devices=(device,)), NOW)


def test_a_misspelt_key_of_the_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    path.write_text('tenant="a"\nname="A"\n[[sites]]\nslug="b"\nnam="B"\n', encoding="utf-8")
    with pytest.raises(TownRefused, match=r"town\.toml.*nam"):
        load_town(path)


def test_numbers_of_recipients_stay_out_of_errors_and_representations(tmp_path: Path) -> None:
    town = _example(tmp_path)
    assert "04069001" in town.recipients[0].address
    assert "04069001" not in repr(town)


def test_the_example_names_every_kind_of_station() -> None:
    words = set(re.findall(r"\w+", EXAMPLE))
    assert set(KINDS) <= words

"""A town file: applied as a whole, again without effect, never half."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from api_callers import AWAY, HOME, NOW, ApiWorld
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import read_directory, read_revision
from stadtsinn.cloud.town_file.apply import TownRefused, apply_town
from stadtsinn.cloud.town_file.device_csv import read_devices
from stadtsinn.cloud.town_file.example import EXAMPLE
from stadtsinn.cloud.town_file.model import (
    DeviceSpec,
    EdgeSpec,
    RuleSpec,
    SiteSpec,
    Town,
    ZoneSpec,
    load_town,
)

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
        f"device {EUI}",
        "device 70b3d57ed0005678",
        "edge rathaus-dach",
        "zone wochenmarkt",
        "zone wochenmarkt, gate nordtor",
        "recipient ordnungsamt",
        "rule wochenmarkt-voll",
    ]
    with database.read() as connection:
        directory = read_directory(connection)
    assert set(directory.devices) == {EUI, "70b3d57ed0005678"}
    (zone,) = directory.zones.values()
    assert zone.gates[0].dev_eui == EUI


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
    zone = msgspec.structs.replace(town.zones[0], permitted=1000)
    (change,) = apply_town(database, msgspec.structs.replace(town, zones=(zone,)), NOW)
    assert (change.kind, change.what) == ("changed", "zone wochenmarkt")
    assert change.detail == "permitted: 900 → 1000"


def test_a_dry_run_tells_the_same_and_does_nothing(database: Database, tmp_path: Path) -> None:
    town = _example(tmp_path)
    told = apply_town(database, town, NOW, dry_run=True)
    with database.read() as connection:
        assert read_directory(connection).devices == {}
        assert read_revision(connection) == 0
    assert told == apply_town(database, town, NOW)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"sites": (SiteSpec(slug="A B", name="x"),)}, "site A B: slug"),
        ({"sites": (SiteSpec(slug="a", name="x", latitude=1.0),)}, "latitude and longitude"),
        ({"devices": (DeviceSpec(dev_eui="12", type="dragino/lse01", name="x"),)}, "device 12"),
        (
            {"devices": (DeviceSpec(dev_eui=EUI, type="dragino/lse1", name="x"),)},
            "dragino/lse01",
        ),
        ({"edges": (EdgeSpec(id="", name="x"),)}, "edge : id"),
        ({"zones": (ZoneSpec(slug="z", name="Z", site="nix"),)}, "no site 'nix'"),
        ({"zones": (ZoneSpec(slug="z", name="Z", reset_at="25:00"),)}, "zone z: reset_at"),
        ({"rules": (RuleSpec(slug="r", name="R", zone="nix", on=2, off=1),)}, "rule r"),
    ],
)
def test_a_wrong_section_is_named_and_nothing_is_applied(
    database: Database, section: dict[str, object], words: str
) -> None:
    town = Town(tenant="musterstadt", name="Musterstadt", **section)  # type: ignore[arg-type]
    with pytest.raises(TownRefused, match=words.replace("(", r"\(")):
        apply_town(database, town, NOW)
    with database.read() as connection:
        assert read_revision(connection) == 0


def test_another_towns_device_is_refused(world: ApiWorld) -> None:
    device = DeviceSpec(dev_eui=EUI, type="dragino/lse01", name="Linde")
    apply_town(world.database, Town(tenant=HOME, name="M", devices=(device,)), NOW)
    with pytest.raises(TownRefused, match="already registered"):
        apply_town(world.database, Town(tenant=AWAY, name="N", devices=(device,)), NOW)


def test_a_misspelt_key_of_the_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    path.write_text('tenant="a"\nname="A"\n[[sites]]\nslug="b"\nnam="B"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"town\.toml.*nam"):
        load_town(path)


def test_numbers_of_recipients_stay_out_of_errors_and_representations(tmp_path: Path) -> None:
    town = _example(tmp_path)
    assert "04069001" in town.recipients[0].address
    assert "04069001" not in repr(town)


def test_a_german_spreadsheet_is_read(tmp_path: Path) -> None:
    text = (
        "\ufeffDevEUI;Typ;Bezeichnung;Intervall_s;Breite;Länge\r\n"
        "70-B3-D5-7E-D0-00-12-34;dragino/lse01;Linde, alt;1200;51,96;7,62\r\n"
        ";;;;;\r\n"
    )
    assert read_devices(text) == (
        DeviceSpec(
            dev_eui="70-B3-D5-7E-D0-00-12-34",
            type="dragino/lse01",
            name="Linde, alt",
            interval_s=1200,
            latitude=51.96,
            longitude=7.62,
        ),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1"),
        ("dev_eui,type\n", "needs each"),
        ("dev_eui,type,name,farbe\n", "unknown column 'farbe'"),
        ("dev_eui,type,name\n1,dragino/lse01,\n", "line 2: name is empty"),
        ("dev_eui,type,name,latitude\n1,a,b,nord\n", "line 2: 'nord' is no number"),
        ('dev_eui,type,name\n"1,a\n', "line"),
    ],
)
def test_a_spreadsheet_that_cannot_be_read_names_the_line(text: str, words: str) -> None:
    with pytest.raises(TownRefused, match=words):
        read_devices(text)

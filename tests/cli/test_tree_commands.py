"""`stadtsinn tree`: from the town's register to the list of a crew and what it did."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import DAY, HOUR, Instant, parse
from stadtsinn.cli import registry, trees
from stadtsinn.cloud.domains.trees import group_service
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.service import change

NOW = parse("2026-07-15T07:00:00+02:00")
TOWN = """
tenant = "musterstadt"
name = "Musterstadt"
[[stations]]
slug = "linde"
name = "Linde"
kind = "tree"
attributes = { tree_id = "L-1" }
"""
REGISTER = (
    "Baumnummer;Baumart;Pflanzjahr;Straße;Rechtswert;Hochwert;Gruppe;Zustand\n"
    "L-1;Tilia cordata;2023;Am Markt 1;405600;5757700;jung;gut\n"
    "L-2;Tilia cordata;2023;Am Markt 2;405650;5757750;jung;gut\n"
    "X-1;Acer;1990;Wald;;;;gut\n"
)


class Town:
    """An installation of one town, in July."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._config = folder / "cloud.toml"
        self.clock = SharedClock.create(folder / "clock", NOW)
        text = f'clock = "shared:{folder / "clock"}"\n[database]\nurl = "sqlite:///town.sqlite"\n'
        text += '[series]\nurl = "sqlite:///series.sqlite"\n'
        self._config.write_text(text, encoding="utf-8")
        self.file("town.toml", TOWN)
        environment = {"STADTSINN_CLOUD_CONFIG": str(self._config), "LC_ALL": "C"}
        made = CliRunner().invoke(
            registry.app, ["apply", str(folder / "town.toml")], env=environment
        )
        assert made.exit_code == 0, made.output

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="cp1252")
        return str(path)

    def run(self, *arguments: str, language: str = "C", code: int = 0) -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(self._config), "LC_ALL": language}
        done = CliRunner().invoke(trees.app, list(arguments), env=environment)
        assert done.exit_code == code, done.output
        return done

    def grouped(self) -> None:
        database = open_database(f"sqlite:///{self.folder / 'town.sqlite'}")
        body = {"slug": "jung", "name": "Junge Linden", "station": "linde", "soil_class": "Sl3"}
        scope = operator_scope("musterstadt")
        with change(database, scope, NOW) as connection:
            group_service.create_group(connection, scope, TreeGroup.model_validate(body))
        database.dispose()

    def measured(self, *days: float) -> None:
        """Moisture at 30 cm, four values a day, the last day ending now."""
        store = open_store(f"sqlite:///{self.folder / 'series.sqlite'}")
        key = SeriesKey("linde", "soil_moisture", "30cm")
        now = self.clock.now()
        store.write(
            Point("musterstadt", "soil", key, Instant(now - back * DAY - hours * HOUR), value)
            for back, value in enumerate(reversed(days))
            for hours in (0, 6, 12, 18)
        )
        store.close()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_register_is_looked_at_then_imported(town: Town) -> None:
    register = town.file("bäume.csv", REGISTER)
    unclear = town.run("import", register, code=1)
    assert "nothing was changed" in unclear.output
    assert "say which with --crs" in unclear.output
    german = town.run("import", register, language="de_DE.UTF-8", code=1)
    assert "nichts geändert" in german.output
    assert "mit --crs sagen, welches" in german.output
    tried = town.run("import", register, "--crs", "EPSG:25832", "--dry-run")
    assert "3 trees: 3 new, 0 changed, 0 as they were" in tried.output
    assert "no such trees" in town.run("list").output
    done = town.run("import", register, "--crs", "EPSG:25832", language="de_DE.UTF-8")
    assert "Koordinaten: ETRS89 / UTM 32N (EPSG:25832)" in done.output
    assert "1 ohne Koordinaten: sie stehen am Ende der Gießlisten" in done.output
    assert "Spalten ohne Platz: Zustand" in done.output
    fewer = town.file("fewer.csv", "Baumnummer;Baumart\nL-1;Tilia\n")
    assert "not in the file: 2 trees;" in town.run("import", fewer).output
    assert (
        json.loads(town.run("import", fewer, "--remove-missing", "--json").stdout)["removed"] == 2
    )
    assert "L-2" not in town.run("list").output


@pytest.mark.parametrize("options", [(), ("--now",)])
def test_without_groups_the_list_says_how_to_get_one(town: Town, options: tuple[str, ...]) -> None:
    said = town.run("watering-list", *options, language="de_DE.UTF-8").output
    assert "keine Baumgruppen: zu jedem Messbaum eine anlegen" in said
    assert "--now" not in said


@pytest.mark.slow
def test_from_the_soil_to_the_season(town: Town) -> None:
    town.run("import", town.file("b.csv", REGISTER), "--crs", "25832")
    town.grouped()
    assert "Junge Linden" in town.run("groups").output
    lonely = town.run("list", "--without-group", language="de_DE.UTF-8").output
    assert "X-1" in lonely
    assert "(keine Gruppe passt)" in lonely
    assert "L-1" not in lonely
    town.measured(20, 12, 12)
    assert "no list of 2026-07-15: it is made at 05:00" in town.run("watering-list").output
    shown = town.run("watering-list", "--now", language="de_DE.UTF-8").output
    assert "30 cm: 24 % nFK, seit 2 Tagen, gleichbleibend" in shown
    assert "dringend" in shown
    forecast = town.file(
        "regen.csv", "Zeit;mm\n15.07.2026 08:00;1,5\n2026-07-15T09:00:00+02:00;2\n"
    )
    assert "2 hours of rain" in town.run("forecast", forecast).output
    wrong = town.file("falsch.csv", "Zeit;mm\nmorgen;viel\n")
    assert "line 2: 'morgen' is no time" in town.run("forecast", wrong, code=1).output
    page, table, places = (town.folder / f"liste.{kind}" for kind in ("html", "csv", "geojson"))
    for path in (page, table, places):
        town.run("watering-list", "--out", str(path), language="de_DE.UTF-8")
    assert "Vorhersage für 48 h 3,5 mm" in page.read_text(encoding="utf-8")
    assert table.read_bytes().startswith(b"\xef\xbb\xbfTour;")
    assert len(json.loads(places.read_text(encoding="utf-8"))["features"]) == 2
    assert "has to end in" in town.run("watering-list", "--out", "liste.pdf", code=2).output
    lines = town.run("watering-list", "--json").stdout.splitlines()
    assert [json.loads(line)["tree"] for line in lines] == ["L-1", "L-2"]
    assert "L-1: 100 l" in town.run("water", "L-1", "100", "--crew", "Kolonne 2").output
    assert "is still to come" in town.run("water", "L-1", "9", "--at", "2026-07-16", code=1).output
    assert "no tree 'Q'" in town.run("water", "Q", "9", code=1).output
    assert "watered a short while ago: 1 tree" in town.run("watering-list").output
    town.clock.set(Instant(NOW + 2 * DAY))
    town.measured(16, 18)
    answered = town.run("answers", "jung", language="de_DE.UTF-8").output
    assert "hat geantwortet" in answered
    assert "30 cm: 100 l machen es um" in answered
    season = town.run("season").output
    assert "Litres" in season
    assert "100" in season
    town.run("season", "--out", str(town.folder / "jahr.csv"), language="de_DE.UTF-8")
    saved = (town.folder / "jahr.csv").read_text(encoding="utf-8-sig").splitlines()
    assert saved[1].startswith("jung;2;1;1;100;1;1;1;")
    assert saved[2].startswith("(ohne Gruppe);1;0;0;0;")

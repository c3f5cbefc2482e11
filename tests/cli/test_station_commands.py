"""`stadtsinn station` and `stadtsinn device`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from fake_uplinks import at, entry, uplink
from stadtsinn.base import berlin
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY
from stadtsinn.cli import devices, registry, stations
from stadtsinn.cloud.domains.crowd.zones.model import Gate, Zone
from stadtsinn.cloud.domains.crowd.zones.repository import insert_gate, insert_zone
from stadtsinn.cloud.intake.device_claims.model import ClaimRequest
from stadtsinn.cloud.intake.device_claims.service import claim
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.service import change as town_change
from stadtsinn.cloud.town.stations.tables import datastreams
from stadtsinn.decoders.reading import Decoded, Reading

pytestmark = pytest.mark.slow

OLD, NEW, COUNTER = "70b3d57ed0000001", "70b3d57ed0000002", "70b3d57ed0000003"
TOWN = f"""
tenant = "musterstadt"
name = "Musterstadt"
[[devices]]
dev_eui = "{OLD}"
type = "dragino/lse01"
name = "Linde am Markt"
[[devices]]
dev_eui = "{NEW}"
type = "dragino/lse01"
name = "Ersatz"
[[devices]]
dev_eui = "{COUNTER}"
type = "milesight/vs133"
name = "Nordtor"
"""

SWAPPED = "2026-06-12 12:00:00+02:00"

Command = Callable[..., Result]
APPS = {"station": stations.app, "device": devices.app, "registry": registry.app}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "cloud.toml"
    path.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    (tmp_path / "town.toml").write_text(TOWN, encoding="utf-8")
    return path


@pytest.fixture
def run(config: Path) -> Command:
    def command(noun: str, *arguments: str, language: str = "C") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(APPS[noun], list(arguments), env=environment)

    assert command("registry", "apply", str(config.with_name("town.toml"))).exit_code == 0
    return command


def rows(result: Result) -> list[list[str]]:
    """The cells of a printed table; cells are two blanks apart."""
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if set(line) - set(" ─")]
    return [re.split(r" {2,}", line.strip()) for line in lines]


def test_the_list_has_every_station_with_its_kind(run: Command) -> None:
    listed = rows(run("station", "list"))
    assert ["linde-am-markt", "Soil", "Linde am Markt"] in listed
    assert ["nordtor", "Gate", "Nordtor"] in listed
    gates = run("station", "list", "--kind", "gate", "--json").stdout.splitlines()
    assert [json.loads(line)["slug"] for line in gates] == ["nordtor"]


def test_a_swap_keeps_the_station_and_its_history_shows_both(run: Command) -> None:
    done = run("device", "swap", OLD, NEW, "--at", "2026-06-12 12:00", "--by", "Bauhof")
    assert done.exit_code == 0, done.output
    assert "measures at 'linde-am-markt' from 2026-06-12 12:00:00+02:00 on" in done.stdout
    assert rows(run("station", "history", "linde-am-markt")) == [
        ["Device", "From", "To", "Remarks"],
        [OLD, "the beginning", SWAPPED],
        [NEW, SWAPPED, "now", "Bauhof"],
    ]
    assert NEW in run("station", "show", "linde-am-markt").stdout
    assert "ersatz" not in run("station", "list").stdout, "a station that never measured is gone"


def test_a_dry_run_changes_nothing(run: Command) -> None:
    dry_run = run("device", "swap", OLD, NEW, "--at", "2026-06-12 12:00", "--dry-run")
    assert (dry_run.exit_code, "nothing was changed" in dry_run.stdout) == (0, True)
    history = rows(run("station", "history", "linde-am-markt"))
    assert history[1:] == [[OLD, "the beginning", "now"]]


def series_of(config: Path) -> SeriesFollower:
    """The installation's follower of series, all that was logged written."""
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    store = open_store(f"sqlite:///{config.with_name('series.sqlite')}")
    follower = SeriesFollower(store, DirectoryCache(database))
    loop = FollowerLoop(database, follower, SystemClock())
    while loop.run_once():
        pass
    return follower


def measured(config: Path, hours: int) -> None:
    """The old device has measured once an hour, the new one too, beside it."""
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    outcome = Decoded("dragino/lse01@1", (Reading("soil_moisture", 12.5),))
    ups = [
        entry(uplink(number, number * 3600, dev_eui=dev_eui), outcome=outcome)
        for dev_eui in (OLD, NEW)
        for number in range(hours)
    ]
    with database.write() as connection:
        append(connection, ups, at(0))
    database.dispose()
    series_of(config)


def hours(first: int, last: int) -> list[str]:
    return [berlin.for_people(at(hour * 3600)) for hour in (first, last)]


def test_a_dry_run_says_which_parts_of_series_would_change(run: Command, config: Path) -> None:
    measured(config, 24)
    moment = berlin.isoformat(at(12 * 3600))
    dry_run = run("device", "swap", OLD, NEW, "--at", moment, "--dry-run")
    assert dry_run.exit_code == 0, dry_run.output
    _, head, *found = rows(dry_run)
    assert head[-3:] == ["Values gone", "new", "changed"]
    assert found == [
        ["ersatz", "soil_moisture", *hours(12, 23), "12", "0", "0"],
        ["linde-am-markt", "soil_moisture", *hours(12, 23), "0", "0", "12"],
    ]
    german = run("device", "swap", OLD, NEW, "--at", moment, "--dry-run", language="de_DE.UTF-8")
    assert rows(german)[1][-3:] == ["Werte entfallen", "neu", "anders"]
    said = run("device", "swap", OLD, NEW, "--at", moment, "--dry-run", "--json").stdout
    place, *differences = [json.loads(line) for line in said.splitlines()]
    assert (place["dev_eui"], place["dry_run"]) == (NEW, True)
    assert differences[0] == {
        "station": "ersatz",
        "quantity": "soil_moisture",
        "channel": "",
        "removed": 12,
        "added": 0,
        "changed": 0,
        "first": moment,
        "last": berlin.isoformat(at(23 * 3600)),
        "dry_run": True,
    }


def test_a_dry_run_of_a_move_says_what_comes_and_what_goes(run: Command, config: Path) -> None:
    measured(config, 6)
    moment = berlin.isoformat(at(4 * 3600))
    dry_run = run("device", "move", OLD, "nordtor", "--at", moment, "--dry-run")
    assert dry_run.exit_code == 0, dry_run.output
    assert rows(dry_run)[2:] == [
        ["linde-am-markt", "soil_moisture", *hours(4, 5), "2", "0", "0"],
        ["nordtor", "soil_moisture", *hours(4, 5), "0", "2", "0"],
    ]
    later = berlin.isoformat(at(9 * 3600))
    nothing = run("device", "move", OLD, "nordtor", "--at", later, "--dry-run")
    assert nothing.stdout.splitlines()[1:] == ["no value of a series would change"]


def test_a_dry_run_without_its_series_store_names_the_remedy(run: Command, config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write('[series]\nurl = "influxdb://127.0.0.1:1"\n')
    failed = run("device", "swap", OLD, NEW, "--at", "2026-06-12 12:00", "--dry-run")
    assert (failed.exit_code, "does not answer" in failed.output) == (1, True), failed.output


def test_a_swap_of_long_ago_at_a_gate_says_what_counts_the_older_days(
    run: Command, config: Path
) -> None:
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    scope = Scope("musterstadt", Role.ADMIN, 0)
    with town_change(database) as connection:
        insert_zone(connection, scope, Zone(slug="markt", name="Markt"))
        gate = Gate(slug="nord", name="Nord", station="nordtor", channel="line_1")
        insert_gate(connection, scope, "markt", gate)
    now = SystemClock().now()
    recent, old = (berlin.isoformat(now - days * DAY) for days in (6, 8))
    said = "'stadtsinn cloud rebuild live'"
    swapped = run("device", "swap", COUNTER, NEW, "--at", recent, "--json")
    assert (swapped.exit_code, said in swapped.output) == (0, False), swapped.output
    back = run("device", "swap", COUNTER, OLD, "--at", old)
    assert (back.exit_code, said in back.output) == (0, True), back.output


def test_a_move_ends_the_one_and_begins_the_other(run: Command) -> None:
    taken = run("device", "move", NEW, "linde-am-markt")
    assert (taken.exit_code, "already fed" in taken.output) == (1, True), taken.output
    assert run("device", "swap", OLD, NEW, "--at", "2026-06-12 12:00").exit_code == 0
    moved = run("device", "move", NEW, "nordtor", "--at", "2026-07-01T10:00:00Z")
    assert moved.exit_code == 0, moved.output
    history = rows(run("station", "history", "linde-am-markt"))
    assert history[-1] == [NEW, SWAPPED, "2026-07-01 12:00:00+02:00", "operator"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("swap", OLD, "70b3d57ed00000ff"), 1, "Register it first"),
        (("swap", "70b3d57ed00000ff", NEW), 1, "registry apply"),
        (("swap", "linde", NEW), 2, "16 hexadecimal digits"),
        (("hand-over", "linde", "nachbarort"), 2, "16 hexadecimal digits"),
        (("swap", OLD, NEW, "--at", "gestern"), 2, "2026-06-12 12:00"),
        (("swap", OLD, NEW, "--at", "2026-10-25 02:30"), 2, "2026-10-25 02:30:00+01:00"),
        (("move", OLD, "nirgends"), 1, "no station 'nirgends'"),
    ],
)
def test_what_cannot_be_done_names_the_remedy(
    run: Command, arguments: tuple[str, ...], code: int, words: str
) -> None:
    failed = run("device", *arguments)
    assert (failed.exit_code, words in failed.output) == (code, True), failed.output


def test_germans_read_german(run: Command) -> None:
    done = run("device", "swap", OLD, NEW, "--at", "2026-06-12 12:00", language="de_DE.UTF-8")
    assert "misst ab 12.06.2026 12:00:00 an 'linde-am-markt'" in done.stdout
    shown = run("station", "show", "linde-am-markt", language="de_DE.UTF-8").stdout
    assert "Misst jetzt:" in shown
    assert "Bodenmessstelle" in shown


def test_with_several_towns_one_has_to_be_named(run: Command, config: Path) -> None:
    second = config.with_name("second.toml")
    second.write_text('tenant = "nachbarort"\nname = "Nachbarort"\n', encoding="utf-8")
    assert run("registry", "apply", str(second)).exit_code == 0
    unclear = run("station", "list")
    assert unclear.exit_code == 1
    assert "musterstadt, nachbarort" in unclear.output
    assert "linde" in run("station", "list", "--tenant", "musterstadt").stdout
    assert "no stations" in run("station", "list", "--tenant", "nachbarort").stdout


def test_a_device_is_handed_over_to_another_town(run: Command, config: Path) -> None:
    neighbour = config.with_name("neighbour.toml")
    neighbour.write_text('tenant = "nachbarstadt"\nname = "Nachbarstadt"\n', encoding="utf-8")
    assert run("registry", "apply", str(neighbour)).exit_code == 0
    tried = run("device", "hand-over", OLD, "nachbarstadt", "--dry-run")
    assert (tried.exit_code, "would go to 'nachbarstadt'" in tried.stdout) == (0, True)
    given = run("device", "hand-over", OLD, "nachbarstadt", "--name", "Ulme", "--json")
    assert json.loads(given.stdout) == {
        "dev_eui": OLD,
        "from": "musterstadt",
        "to": "nachbarstadt",
        "dry_run": False,
    }
    assert ["ulme", "Soil", "Ulme"] in rows(run("station", "list", "--tenant", "nachbarstadt"))
    again = run("device", "hand-over", OLD, "nachbarstadt")
    assert again.exit_code != 0
    assert "nirgendwo" in run("device", "hand-over", OLD, "nirgendwo").output


def test_the_operator_sees_who_claims_a_device(run: Command, config: Path) -> None:
    assert "no claim is open" in run("device", "claims").stdout
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    request = ClaimRequest(dev_eui=OLD, device_type="dragino/lse01", name="Ulme", message="Bitte")
    with database.write() as connection:
        create_tenant(connection, "nachbarstadt", "Nachbarstadt", at(0))
        claim(connection, Scope("nachbarstadt", Role.EDITOR, 1), request, SystemClock().now())
    database.dispose()
    (row,) = rows(run("device", "claims"))[1:]
    assert row[:3] == [OLD, "nachbarstadt", "musterstadt"]
    assert row[-2:] == ["waiting", "Bitte"]
    (line,) = run("device", "claims", "--json").stdout.splitlines()
    found = json.loads(line)
    assert (found["owner"], found["opened_by"], found["ending"]) == ("musterstadt", "key 1", None)


def test_show_says_how_long_each_datastream_is_kept(config: Path, run: Command) -> None:
    measured(config, 2)
    assert ["soil_moisture", "as all of the town"] in rows(run("station", "show", "linde-am-markt"))
    database = open_database(f"sqlite:///{config.with_name('town.sqlite')}")
    with database.write() as connection:
        connection.execute(update(datastreams).values(retention_days=90, label="Wurzelraum"))
    database.dispose()
    shown = run("station", "show", "linde-am-markt", language="de_DE.UTF-8")
    assert ["soil_moisture", "Wurzelraum", "90 Tage"] in rows(shown)
    (line,) = run("station", "show", "linde-am-markt", "--json").stdout.splitlines()
    assert json.loads(line)["datastreams"] == [
        {
            "quantity": "soil_moisture",
            "channel": "",
            "label": "Wurzelraum",
            "retention_days": 90,
        }
    ]

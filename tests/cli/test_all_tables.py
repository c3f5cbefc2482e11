"""Every table that a command prints, at 80 columns: with long names, and every DevEUI whole."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from sqlalchemy import Boolean, Connection, Integer, LargeBinary, String, Text, insert, select
from typer.testing import CliRunner

from databases import migrated_database
from fake_uplinks import at, uplink
from operated_town import Town, status
from stadtsinn.base.berlin import for_people
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import DAY, HOUR, Instant
from stadtsinn.cli import decode, output, replay, rule_report, trace
from stadtsinn.cli.devices import _columns as columns_of_a_change
from stadtsinn.cli.main import _load
from stadtsinn.cloud.domains.trees import group_service
from stadtsinn.cloud.domains.trees.model import TreeGroup
from stadtsinn.cloud.intake.arrival import Kind
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.series.corrections.preview import Difference
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Point, SeriesKey
from stadtsinn.cloud.town.service import change
from stadtsinn.decoders.reading import Quality, Reading, Undecoded
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.messages.delivery import RawItem, UplinkItem
from stadtsinn.simulator.replay.replay import DeviceResult, LatestValue, Result

pytestmark = pytest.mark.slow

encode_item = msgspec.msgpack.Encoder().encode
LONG = "Bodenfeuchtesensor an der Winterlinde vor dem Bürgerhaus Obermusterhausen"
SLUG = "winterlinde-vor-dem-buergerhaus-obermusterhausen"
EUIS = ("70b3d57ed0005678", "70b3d57ed0009abc")
NOW = at(100_000)
RULE = f"""\
[[rules]]
slug = "trocken-{SLUG}"
name = "{LONG}"
station = "{SLUG}"
quantity = "soil_moisture"
channel = "30cm"
direction = "below"
on = 15.5
off = 20
recipients = ["bereitschaft"]
"""
FILE = f"""
tenant = "musterstadt"
name = "{LONG}"
[[sites]]
slug = "{SLUG}"
name = "{LONG}"
latitude = 51.9
longitude = 7.6
[[stations]]
slug = "{SLUG}"
name = "{LONG}"
kind = "tree"
site = "{SLUG}"
attributes = {{ tree_id = "L-1", species = "{LONG}" }}
[[stations]]
slug = "stellplatz-{SLUG}"
name = "{LONG}"
kind = "parking_space"
site = "{SLUG}"
[[zones]]
slug = "{SLUG}"
name = "{LONG}"
site = "{SLUG}"
permitted = 900
reset_at = "04:00"
interval_s = 60
[[devices]]
dev_eui = "{EUIS[0]}"
type = "dragino/lse01"
name = "{LONG}"
interval_s = 1200
station = "{SLUG}"
[[devices]]
dev_eui = "{EUIS[1]}"
type = "dragino/lse01"
name = "{LONG}"
interval_s = 1200
[[edges]]
id = "{SLUG}"
name = "{LONG}"
[[recipients]]
slug = "{SLUG}"
name = "{LONG}"
channel = "sms"
address = "+49 176 04069001"
[[recipients]]
slug = "vertretung"
name = "Vertretung {LONG[:50]}"
channel = "sms"
address = "+49 176 04069002"
[[stations]]
slug = "pegel-{SLUG}"
name = "{LONG}"
kind = "gauge"
site = "{SLUG}"
{RULE}[[rules]]
slug = "voll-{SLUG}"
name = "{LONG}"
zone = "{SLUG}"
on = 810
off = 760
recipients = ["{SLUG}"]
[[duty_groups]]
slug = "bereitschaft"
name = "{LONG}"
region = "NW"
members = ["{SLUG}", "vertretung"]
[[duty_groups.shifts]]
on_duty = "{SLUG}"
days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
start = "08:00"
end = "20:00"
"""
TREES = (
    "Baumnummer;Baumart;Pflanzjahr;Straße;Rechtswert;Hochwert;Gruppe\n"
    f"L-1;{LONG};2023;{LONG};405600;5757700;jung\n"
    f"{SLUG[:30]};Tilia cordata;2023;{LONG};405650;5757750;jung\n"
)
MOISTURE = SeriesKey(SLUG, "soil_moisture", "30cm")
GAUGE = f"pegel-{SLUG}"
INCIDENT = "1-1790409600000000"
GRID = ("--grid", "--limits", "12.5,15.5", "--holds", "0,600")
DAY_OF_MARKET = ("--event-name", LONG, "--start", "07:00", "--end", "13:00")
PLACE = ("--from", "2026-09-30", "--to", "2026-10-02", "-g", "bereitschaft")
COMMANDS: list[tuple[str, ...]] = [
    ("tenant", "list"),
    ("tenant", "limit", "musterstadt"),
    ("tenant", "audit", "musterstadt"),
    ("key", "list"),
    ("registry", "devices", "musterstadt"),
    ("registry", "edges", "musterstadt"),
    ("station", "list"),
    ("station", "show", SLUG),
    ("station", "history", SLUG),
    ("device", "status"),
    ("device", "claims"),
    ("zone", "list"),
    ("zone", "events", SLUG),
    ("rain", "list"),
    ("rain", "show", GAUGE),
    ("level", "list"),
    ("level", "lakes"),
    ("rule", "list"),
    ("rule", "backtest", "rules.toml", "--from", "2026-09-20", *GRID),
    ("alert", "list", "--all"),
    ("alert", "show", INCIDENT),
    ("alert", "mutes"),
    ("alert", "preview", f"trocken-{SLUG}"),
    ("parking", "list"),
    ("parking", "show", SLUG),
    ("edges",),
    ("trace", EUIS[0]),
    ("cloud", "quarantine", "list"),
    ("cloud", "set-aside", "list"),
    ("redecode", "--list"),
    ("roster", "stand-in", SLUG, "vertretung", *PLACE),
    ("roster", "show"),
    ("roster", "stand-in", "-g", "bereitschaft"),
    ("tree", "list"),
    ("tree", "groups"),
    ("tree", "watering-list", "--now"),
    ("tree", "season"),
    ("tree", "answers", "jung"),
    ("decode", "dragino/lse01", "--f-port", "2", "CE2900F107A5099B6E2890"),
    ("edge", "aside", "list", "--config", "edge.toml"),
    ("edge", "kept", "list", "--config", "edge.toml"),
]


Shown = tuple[str, str, Sequence[Sequence[output.Cell]]]
"""Where it is printed, what came out, and its rows."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation whose things have the longest names that people give."""
    folder = tmp_path_factory.mktemp("long")
    SharedClock.create(folder / "clock", NOW)
    (folder / "cloud.toml").write_text(
        f'clock = "shared:{folder}/clock"\n[database]\nurl = "sqlite:///town.sqlite"\n'
        '[series]\nurl = "sqlite:///series.sqlite"\n'
    )
    (folder / "town.toml").write_text(FILE, encoding="utf-8")
    (folder / "trees.csv").write_text(TREES, encoding="utf-8")
    (folder / "rules.toml").write_text(RULE, encoding="utf-8")
    migrated_database(folder / "town.sqlite").dispose()
    for given in (
        ("registry", "apply", str(folder / "town.toml")),
        ("tree", "import", str(folder / "trees.csv"), "--crs", "25832"),
        ("key", "create", "musterstadt", "--role", "editor", "--name", LONG),
        ("zone", "add-event", SLUG, "samstag", *DAY_OF_MARKET, "--day", "sat", "--staff", LONG),
        ("alert", "mute", "--station", SLUG, "--until", "2026-10-02", "--reason", LONG),
    ):
        done = run(folder, given)
        assert done.exit_code == 0, done.output
    _measure(folder)
    _log(folder)
    _fill(folder)
    _spool(folder)
    at_noon = for_people(Instant(NOW - 2 * DAY))
    done = run(folder, ("tree", "water", "L-1", "100", "--at", at_noon[:16]))
    assert done.exit_code == 0, done.output
    return folder


def run(folder: Path, given: Sequence[str], language: str = "C", typed: str = "") -> Any:
    environment = {"STADTSINN_CLOUD_CONFIG": str(folder / "cloud.toml"), "LC_ALL": language}
    with contextlib.chdir(folder):
        return CliRunner().invoke(_load(given[0]), list(given[1:]), env=environment, input=typed)


def _measure(folder: Path) -> None:
    """A dry week, and rain in it."""
    store = open_store(f"sqlite:///{folder / 'series.sqlite'}")
    store.write(
        Point("musterstadt", "soil", MOISTURE, Instant(NOW - hours * HOUR), 12 + 6 * (hours < 48))
        for hours in range(0, 168, 6)
    )
    hours = [Instant(NOW - hour * HOUR) for hour in range(24)]
    for name, value in (
        ("precipitation", 1.25),
        ("water_level", 1.31),
        ("dissolved_oxygen", 4.2),
        ("water_temperature", 21.5),
    ):
        key = SeriesKey(GAUGE, name)
        store.write(Point("musterstadt", "water", key, hour, value) for hour in hours)
    store.close()


def _log(folder: Path) -> None:
    """Uplinks, good and bad, by way of an edge that complains."""
    database = open_database(f"sqlite:///{folder / 'town.sqlite'}")
    town = Town(database)
    bad = Reading("soil_moisture", 240, "30cm", Quality.BAD, "out_of_range")
    town.log(99_000, bad, Reading("battery_voltage", 3.58), dev_eui=EUIS[0], source=f"edge:{SLUG}")
    why = "dragino/lse01: truncated: 11 bytes needed at offset 0, 2 there"
    town.log(99_500, dev_eui=EUIS[1], outcome=Undecoded("truncated", why))
    waiting = {"items": 12_345_678, "oldest": "2026-09-26T06:00:00Z"}
    town.says(99_990, status(99_990, spool=waiting, warnings=[LONG]), SLUG)
    database.dispose()


def _fill(folder: Path) -> None:
    """A row of each table that others than people write."""
    rows: dict[str, dict[str, Any]] = {
        "quarantine": {
            "kind": Kind.EVENT.value,
            "reason": Reason.BAD_FIELD.value,
            "dev_eui": EUIS[0],
            "tenant_id": "musterstadt",
            "replayed_at": None,
        },
        "set_aside": {"follower": "alerts", "dev_eui": EUIS[0], "tenant_id": "musterstadt"},
        "redecodings": {
            "tenant_id": "musterstadt",
            "devices": list(EUIS),
            "decoders": [{"old": "dragino/lse01-121@12", "new": "dragino/lse01@13", "uplinks": 9}],
        },
        "device_claims": {
            "tenant_id": "musterstadt",
            "dev_eui": EUIS[0],
            "device": {"device_type": "dragino/lse01", "name": LONG, "message": LONG},
            "agreed_by": None,
            "former_owner": None,
        },
    }
    database = open_database(f"sqlite:///{folder / 'town.sqlite'}")
    with database.write() as connection:
        rows |= _an_incident(connection)
        for name, known in rows.items():
            table = metadata.tables[name]
            values = {one.name: _value(one.type) for one in table.columns if not one.nullable}
            connection.execute(insert(table).values(values | known))
        streams = metadata.tables["datastreams"]
        stations = metadata.tables["stations"]
        station = select(stations.c.id).where(stations.c.slug == SLUG)
        values = {one.name: _value(one.type) for one in streams.columns if not one.nullable}
        known = {"tenant_id": "musterstadt", "quantity": "soil_moisture", "channel": "30cm"}
        number = {"station_id": connection.execute(station).scalar_one()}
        connection.execute(insert(streams).values(values | known | number))
    scope = operator_scope("musterstadt")
    group = {"slug": "jung", "name": LONG, "station": SLUG, "soil_class": "Sl3"}
    with change(database, scope, NOW) as connection:
        group_service.create_group(connection, scope, TreeGroup.model_validate(group))
    database.dispose()


def _an_incident(connection: Connection) -> dict[str, dict[str, Any]]:
    """One that is over, acknowledged, and about which somebody was told."""
    rules, recipients = metadata.tables["rules"], metadata.tables["recipients"]
    rule = connection.execute(select(rules.c.id).order_by(rules.c.id)).scalars().first()
    person = connection.execute(select(recipients.c.id)).scalars().first()
    own = {"tenant_id": "musterstadt", "level": 1}
    about = {"incident_id": INCIDENT, "recipient_id": person}
    return {
        "incidents": own
        | {"id": INCIDENT, "rule_id": rule, "rule_name": LONG, "station": SLUG}
        | {"station_name": LONG, "closed_at": NOW, "close_reason": "station_left"},
        "acknowledgements": own | about | {"via": "api", "by": LONG},
        "outbox": own
        | about
        | {"kind": "ESCALATION", "status": "EXPIRED", "reason": "a newer alarm took its place"}
        | {"channel": "sms", "settled": True, "facts": {}, "language": "de", "sent_at": NOW},
    }


def _value(kind: Any) -> Any:
    if isinstance(kind, Boolean):
        return False
    if isinstance(kind, LargeBinary):
        return b"{}"
    if isinstance(kind, String | Text):
        return LONG[: getattr(kind, "length", None) or 200]
    return 1 if isinstance(kind, Integer) else NOW - DAY


def _spool(folder: Path) -> None:
    """What an edge has set aside, and what it keeps of a device that is not registered."""
    (folder / "edge.toml").write_text(
        'edge_id = "rathaus-1"\ncloud_broker = { host = "mqtt.example" }\n'
        'spool = { path = "spool.sqlite" }\n'
    )
    spool = Spool(folder / "spool.sqlite", 1_000_000)
    large = encode_item(RawItem(1, "t", b"x" * 5_000, "too_large", NOW))
    unread = Undecoded("unknown_device", "unknown")
    spool.append([Row(1, NOW, large)])
    spool.set_aside(1, encode_item(RawItem(1, "t", b"", "set_aside_by_edge", NOW)), LONG, NOW)
    kept = encode_item(UplinkItem(2, uplink(2, 2, dev_eui=EUIS[0]), unread))
    spool.append([Row(2, NOW, kept)])
    spool.acknowledge(2, [(2, 2)])
    spool.close()


@pytest.fixture(scope="module", params=["C", "de_DE.UTF-8"])
def shown(request: pytest.FixtureRequest, folder: Path) -> list[Shown]:
    """All tables that the commands print, in one language."""
    tables: list[Shown] = []
    original = output.print_table

    def noted(heads: Sequence[str], rows: Any, **more: str) -> None:
        kept, into = [list(row) for row in rows], io.StringIO()
        with contextlib.redirect_stdout(into):
            original(heads, kept, **more)
        tables.append((_caller(), into.getvalue(), kept))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "_WIDE", 80)
        for module in (output, decode, replay, rule_report, trace):
            patch.setattr(module, "print_table", noted)
        for given in COMMANDS:
            done = run(folder, given, request.param)
            assert done.exit_code == 0, (given, done.output, done.exception)
        _without_servers(folder, request.param)
        patch.setenv("LC_ALL", request.param)
        change = Difference(MOISTURE, 12_345, 12_345, 12_345, NOW, NOW)
        output.print_list([change], columns_of_a_change(), str, as_json=False, empty="")
        tables[-1] = ("devices.py:_change", *tables[-1][1:])
    return tables


def _without_servers(folder: Path, language: str) -> None:
    """Tables of commands that need other things than a database, or a person at a terminal."""
    latest = LatestValue("soil_moisture", "30cm", 21.5, "%", "2026-09-26T06:00:00+02:00")
    counts = {"truncated": 1_234, "unknown_port": 99}
    devices = tuple(
        DeviceResult(one, "dragino/lse01-121", 9, 9, counts, counts, None, None, (latest,) * 5)
        for one in EUIS
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", language)
        replay._print(Result(99, 99, 9, 9, (), devices, {}))
    found = run(folder, ("personal", "find"), language, typed=f"{LONG}\n")
    assert found.exit_code == 0, found.output
    authority = ("--folder", str(folder / "ca"))
    if not (folder / "ca").exists():
        for given in (("create", "--name", LONG[:60]), ("server", f"mqtt.{SLUG[:50]}.example")):
            done = run(folder, ("ca", *given, *authority))
            assert done.exit_code == 0, done.output
    assert run(folder, ("ca", "list", *authority), language).exit_code == 0


def _caller() -> str:
    """FILE:FUNCTION of the command that prints."""
    frame = sys._getframe(2)
    while Path(frame.f_code.co_filename).name == "output.py" and frame.f_back:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"


def _places() -> Iterator[str]:
    for path in Path(output.__file__).parent.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef) and path.name != "output.py":
                calls = (one for one in ast.walk(function) if isinstance(one, ast.Call))
                if any(ast.unparse(one.func) in {"print_list", "print_table"} for one in calls):
                    yield f"{path.name}:{function.name}"


def test_each_fits_and_shows_what_it_has_whole(shown: list[Shown]) -> None:
    for place, printed, rows in shown:
        assert max(map(cell_len, printed.splitlines())) <= 80, f"{place}\n{printed}"
        for row in rows:
            for cell in row:
                for word in (cell if isinstance(cell, str) else " ".join(cell)).split():
                    assert word in printed, f"{place}: {word}\n{printed}"


NOT_TRIED = {
    "alert_output.py:say_answers",  # two narrow columns, and nobody has answered in this town
    "device_orders.py:_refuse_rows",  # need a ChirpStack: test_device_orders.py
    "device_orders.py:_refuse_devices",
    "device_scans.py:_from_photos",  # needs photos: test_device_scans.py
    "serial_sensors.py:list_ports",  # what is plugged in here: test_serial_commands.py
}
IN_OTHER_WORDS = {
    "decode.py:_print_tables",  # the vendor's fields as the vendor writes them
    "alert_output.py:say_previews",  # what a message says in each language
    "tenants.py:audit",  # what the record keeps: fields of the API with their values
}
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]|\b)")
ENGLISH_NUMBER = re.compile(r"(?<![\w.@:/-])\d+\.\d+(?![\w.])")
ENGLISH_WORD = re.compile(r"\b(mon|tue|wed|thu|fri|sat|sun|yes|no|none|never|[A-Z]+_[A-Z]+)\b")


def test_german_tables_have_german_times_numbers_and_words(
    request: pytest.FixtureRequest, shown: list[Shown]
) -> None:
    if "de_DE" not in request.node.name:
        return
    wrong = {
        f"{place}: {line.strip()}"
        for place, printed, _ in shown
        if place not in IN_OTHER_WORDS
        for line in printed.splitlines()
        for pattern in (ISO_TIME, ENGLISH_NUMBER, ENGLISH_WORD)
        if pattern.search(line)
    }
    assert "\n".join(sorted(wrong)) == ""


def test_every_table_is_tried(shown: list[Shown]) -> None:
    """One that is new is to be added to COMMANDS."""
    assert set(_places()) - {place for place, *_ in shown} == NOT_TRIED

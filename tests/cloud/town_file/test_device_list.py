"""A device list of a spreadsheet, a vendor or a network server: read, or refused cell by cell.

Columns after the manuals of ChirpStack, The Things Stack (CSV file reference), Actility ThingPark
and after delivery lists of Milesight and Dragino; ids and keys are our own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from databases import add_tenant, fresh_database
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.lists.row_errors import WrongCell
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.repository import devices_named
from stadtsinn.cloud.town.stations.repository import deployments_of
from stadtsinn.cloud.town_file import device_csv
from stadtsinn.cloud.town_file.device_cells import centimetres, dev_eui, seconds, tags
from stadtsinn.cloud.town_file.device_columns import column_of
from stadtsinn.cloud.town_file.device_import import Imported, import_devices
from stadtsinn.cloud.town_file.problems import TownRefused

pytestmark = pytest.mark.slow

EUI = "70b3d57ed0001234"
DEEP = '"' + '{""a"":' * 17_000 + '"'
OTHER = "70b3d57ed0005678"
KEY = "00112233445566778899AABBCCDDEEFF"
NOW = Instant(1)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = fresh_database(tmp_path)
    for tenant in ("musterstadt", "nachbar"):
        add_tenant(made, tenant)
    return made


def given(database: Database, text: str | bytes, *types: str, dry_run: bool = False) -> Imported:
    content = text if isinstance(text, bytes) else text.encode()
    return import_devices(database, "musterstadt", content, NOW, types=types, dry_run=dry_run)


def registered(database: Database, *dev_euis: str, tenant: str = "musterstadt") -> list[Device]:
    with database.read() as connection:
        found = devices_named(connection, operator_scope(tenant), dev_euis or (EUI, OTHER))
    return [found[one] for one in sorted(found)]


GERMAN = (
    "DevEUI;Typ;Bezeichnung;Intervall_s;Breite;Länge;Tag:mast\n"
    "70-B3-D5-7E-D0-00-12-34;dragino/lse01;Bäume, alt;1200;51,96;7,62;M-017\n"
    ";;;;;;\n"
)


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode(),
        GERMAN.encode("utf-8-sig"),
        GERMAN.encode("cp1252"),
        GERMAN.replace("\n", "\r\n").encode("utf-16"),
        GERMAN.encode("utf-16-le"),
        GERMAN.replace(";", "\t").encode(),
        GERMAN.replace("Bäume, alt", '"Bäume, alt"')
        .replace("51,96;7,62", "51.96;7.62")
        .replace(";", ",")
        .encode(),
        ("sep=;\n" + GERMAN).encode("cp1252"),
        GERMAN.replace("Breite;Länge", "Breite (WGS84);Länge [Grad]").encode("cp1252"),
        ("Lieferschein 4711;;;;;;\nStadt Musterstadt;;;;;;\n\n" + GERMAN).encode("cp1252"),
        GERMAN.replace("Intervall_s", "Intervall (min)").replace("1200", "20").encode(),
        GERMAN.replace("Intervall_s", "Sendeintervall").replace("1200", "20 min").encode(),
        GERMAN.replace("Tag:mast", "Tags").replace("M-017", "mast=M-017").encode(),
    ],
)
def test_a_german_spreadsheet_is_read_however_it_was_saved(
    database: Database, content: bytes
) -> None:
    assert given(database, content).table.left_out == ()
    assert registered(database) == [
        Device(
            dev_eui=EUI,
            device_type="dragino/lse01",
            name="Bäume, alt",
            interval_s=1200,
            latitude=51.96,
            longitude=7.62,
            tags={"mast": "M-017"},
        )
    ]


@pytest.mark.parametrize(
    ("heads", "cells"),
    [
        (
            "id;dev_eui;join_eui;name;brand_id;model_id;app_key",
            f"linde;{EUI.upper()};70B3D57ED0000000;Linde;dragino;lse01;{KEY}",
        ),
        (
            "DevEUI,Name,Device profile name,AppKey,Tags",
            f'{EUI},Linde,dragino/lse01,{KEY},"{{""a"": ""b""}}"',
        ),
        (
            "No.\tModel\tDEV EUI\tAPP EUI\tAPP KEY\tS/N\tName",
            f"1\tLSE01\t70 B3 D5 7E D0 00 12 34\tA840410000000100\t{KEY}\tLS-1\tLinde",
        ),
        ("Hersteller;Modell;Geräte-EUI;Bezeichnung", f"Dragino;LSE01;eui-{EUI};Linde"),
        ("EUI;Typ;Gerätename;NwkKey;AppSKey", f"'{EUI};LSE01;Linde;{KEY};{KEY}"),
        (
            "Directive;dev_eui;DevAddr;Device model;JoinEUI;AppKey;Name",
            f"CREATE_OTAA;{EUI};;LSE01;;{KEY};Linde",
        ),
    ],
)
def test_lists_of_vendors_and_network_servers_are_read(
    database: Database, heads: str, cells: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imported = given(database, f"{heads}\n{cells}\n", "LSE01=dragino/lse01")
    (device,) = registered(database)
    assert (device.device_type, device.name) == ("dragino/lse01", "Linde")
    assert KEY not in device.model_dump_json() + str(imported.changes)
    assert KEY.encode() not in b"".join(
        path.read_bytes()
        for path in Path(str(database.engine.url.database)).parent.glob("*sqlite*")
    )
    if KEY in cells:
        assert imported.table.secret


def test_empty_cells_keep_what_is_there(database: Database) -> None:
    given(database, GERMAN)
    (before,) = registered(database)
    given(database, f"dev_eui;type;name;interval_s;latitude;longitude;tag:mast\n{EUI};;;;;;\n")
    assert registered(database) == [before]
    given(database, f"dev_eui;name;tags\n{EUI};Linde;baum=17\n")
    (after,) = registered(database)
    changes = {"name": "Linde", "tags": {"mast": "M-017", "baum": "17"}}
    assert after == before.model_copy(update=changes)
    given(database, f"dev_eui,model,id\n{EUI},LSE01,sensor-1\n")
    assert registered(database) == [after], "a model names no other type, an id no other name"


def test_a_new_device_without_a_name_is_called_by_its_id_or_its_dev_eui(database: Database) -> None:
    given(database, f"dev_eui;id\n{EUI};linde-1\n{OTHER};\n", "dragino/lse01")
    assert [one.name for one in registered(database)] == ["linde-1", OTHER]


def test_all_that_is_wrong_is_said_at_once_with_line_and_column(database: Database) -> None:
    add = "dev_eui;type;name\n70b3d57ed0000001;dragino/lse01;Nachbars\n"
    import_devices(database, "nachbar", add.encode(), NOW)
    with pytest.raises(TownRefused) as refused:
        given(
            database,
            "DevEUI;Typ;Name;Intervall_s;Breite;Länge;Ort;Messstelle\n"
            "1,23E+15;dragino/lse01;a;;;;;\n"
            f"{EUI};LSE01;b;1.200;;;;\n"
            f"{EUI};dragino/lse01;c;;nord;7,6;;\n"
            f"{OTHER};dragino/lse01;d;0;91;7;;\n"
            "70b3d57ed0000001;dragino/lse01;e;;;;;\n"
            "70b3d57ed0000002;dragino/lse01;f;;;;nirgends;\n"
            "70b3d57ed0000003;dragino/lse01;g;;;;;keine\n"
            f"{KEY};dragino/lse01;h;;;;;\n"
            f"70b3d57ed0000004;dragino/lse01;{KEY};;;;;\n"
            ";dragino/lse01;i;;;;;\n",
        )
    said = str(refused.value).splitlines()
    for beginning in (
        "line 2: DevEUI: Excel made the number '1,23E+15' of it",
        "line 3: Typ: there is no device type 'LSE01'. Did you mean dragino/lse01?",
        "line 3: Intervall_s: '1.200' may be 1200 or 1 and a fraction",
        "line 4: DevEUI: the same as in line 3",
        "line 4: Breite: 'nord' is no number of degrees",
        "line 5: Intervall_s: ",
        "line 5: Breite: ",
        "line 6: The device '70b3d57ed0000001' is already registered",
        "line 7: There is no site 'nirgends'",
        "line 8: ",
        "line 9: DevEUI: 32 hexadecimal digits are a key",
        "line 10: Name: this looks like a key",
        "line 11: DevEUI: is empty",
    ):
        assert any(one.startswith(beginning) for one in said), beginning
    german = refused.value.sentence.german.splitlines()
    assert german[0] == "nichts geändert"
    assert any(one.startswith("Zeile 3: Typ: es gibt keinen Gerätetyp 'LSE01'") for one in german)
    assert KEY not in str(refused.value) + refused.value.sentence.german
    assert registered(database) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: needs a line with the names"),
        ("dev_eui,nmae\n", "unknown column 'nmae': did you mean 'name'"),
        ("dev_eui,typ,typ\n", "the column 'typ' is there twice"),
        (f"{EUI};dragino/lse01;Linde\n", "no line above it that names the columns"),
        (f"CREATE_OTAA,{EUI},,x,,{KEY}\n", "Actility ThingPark has no heads"),
        ("type,name\nx,y\n", "line 1: needs a line with the names"),
        (f"dev_eui,type,name\n{EUI},dragino/lse01,Linde, alt\n", "line 2: more cells than heads"),
        (f"dev_eui,type,name\n{EUI},,Linde\n", "line 2: type: is empty"),
        (f"dev_eui,name\n{EUI},Linde\n", "line 2: type: is empty: name it in a column 'type'"),
        (f"dev_eui,type,name\n{EUI},dragino/lse01,Lin\u202ede\n", r"line 2: name: .*U\+202E"),
        ("dev_eui,type,name\n12,dragino/lse01,Linde\n", "line 2: dev_eui: a DevEUI is 16 hexa"),
        (
            "dev_eui,type,name\n12345678,dragino/lse01,x\n",
            "line 2: dev_eui: 8 digits, a DevEUI has 16",
        ),
        ('dev_eui,type,name\n"1,a\n', "line 2: "),
        (
            f"dev_eui,type,name,latitude\n{EUI},dragino/lse01,x,51\n",
            "line 2: give latitude and longitude",
        ),
        (b"PK\x03\x04xlsx", "Excel file: save the sheet as"),
        (bytes(100), "this is no text"),
        ('{"ids": {"dev_eui": "x"}}', "this is JSON"),
        (f"dev_eui,type,tags\n{EUI},dragino/lse01,baum\n", "line 2: tags: 'baum' is no tag"),
        (f"dev_eui,type,interval\n{EUI},dragino/lse01,20\n", "line 2: interval: in which unit"),
        (f"{'a' * 140_000}\ndev_eui,type\n{EUI},{'b' * 140_000}\n", "line 3: field larger than"),
        (f'"type"x,dev_eui\n{EUI}\n', "line 1: "),
        (f'dev_eui,type,"na\n{"x" * 140_000}\n', "line 1: field larger than"),
        (f"dev_eui;type;tags\n{EUI};dragino/lse01;{DEEP}\n", "line 2: tags: this is no JSON"),
    ],
)
def test_a_list_that_cannot_be_taken_names_line_and_remedy(
    database: Database, text: str | bytes, words: str
) -> None:
    with pytest.raises(TownRefused, match=words):
        given(database, text)
    assert registered(database) == []


@pytest.mark.parametrize(
    "head",
    [
        *("altitude", "fPort", "Production Date", "PO Number", "Artikel-Nr.", "Gerätenummer"),
        *("location", "supports_class_c", "rx2_frequency", "Baumart", "Standort", "Höhe"),
    ],
)
def test_another_word_that_looks_alike_is_no_misspelt_column(head: str) -> None:
    assert column_of(head).field == ""


@pytest.mark.parametrize("head", ["nmae", "longitud", "interval_ss", "devui", "Bezeichung"])
def test_a_wrong_key_struck_is_an_error(head: str) -> None:
    with pytest.raises(WrongCell):
        column_of(head)


def test_what_has_no_place_is_left_out_and_named(database: Database) -> None:
    table = given(
        database, f"dev_eui;type;Farbe;S/N;AppKey\n{EUI};dragino/lse01;rot;1;{KEY}\n"
    ).table
    assert (table.left_out, table.secret) == (("Farbe", "S/N"), ("AppKey",))


def test_a_dry_run_says_the_same_and_does_nothing(database: Database) -> None:
    said = given(database, GERMAN, dry_run=True).changes
    assert registered(database) == []
    assert said == given(database, GERMAN).changes


@pytest.mark.parametrize(
    "cell",
    [
        *("70B3D57ED0001234", "70-b3-d5-7e-d0-00-12-34", "70:B3:D5:7E:D0:00:12:34"),
        *("70 B3 D5 7E D0 00 12 34", "0x70B3D57ED0001234", "eui-70b3d57ed0001234"),
        *("'70B3D57ED0001234", '="70B3D57ED0001234"', "70B3\u00a0D57E\u00a0D000\u00a01234"),
        *("70B3D57ED0001234\u200b", "70–B3–D5–7E–D0–00–12–34"),
    ],
)
def test_a_dev_eui_is_read_as_people_write_it(cell: str) -> None:
    assert dev_eui(cell) == EUI


@pytest.mark.parametrize("cell", ["1.23E+15", "1,23457E+15", "7e15", "1E+16", "7,03E+014"])
def test_a_dev_eui_that_excel_destroyed_is_called_so(cell: str) -> None:
    with pytest.raises(WrongCell, match="Excel"):
        dev_eui(cell)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("30", 30),
        ("30cm", 30),
        ("0,3 m", 30),
        ("1.2 M", 120),
        ("0", "unit"),
        ("0,3", "unit"),
        ("-30", "no depth"),
        ("1.000", "no depth"),
        ("30 mm", "no depth"),
        ("tief", "no depth"),
    ],
)
def test_a_depth_is_in_centimetres_or_says_its_unit(cell: str, expected: float | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(WrongCell, match=expected):
            centimetres(cell)
    else:
        assert centimetres(cell) == expected


def test_a_new_device_measures_at_the_depth_that_the_list_says(database: Database) -> None:
    given(database, f"DevEUI;Typ;Tiefe (cm)\n{EUI};dragino/lse01;60\n{OTHER};dragino/lse01;\n")
    with database.read() as connection:
        placed = deployments_of(connection, operator_scope("musterstadt"), [EUI, OTHER])
    assert {one.dev_eui: one.depths_cm for one in placed} == {EUI: {"": 60}, OTHER: {}}


@pytest.mark.parametrize(
    ("cell", "unit", "expected"),
    [
        ("1200", 1, 1200),
        ("1200,0", 1, 1200),
        ("20 min", None, 1200),
        ("20min.", 1, 1200),
        ("1,5", 60, 90),
        ("0.5 h", None, 1800),
        ("1 Tag", None, 86_400),
        ("1.200", 1, None),
        ("1,200", 1, None),
        ("1.200", 60, None),
        ("1.200 s", None, None),
        ("1.200.000", 1, None),
        ("0,7", 1, None),
        ("stündlich", 1, None),
        ("20", None, None),
        ("-5", 1, None),
    ],
)
def test_a_time_is_whole_seconds_and_a_point_for_thousands_is_refused(
    cell: str, unit: int | None, expected: int | None
) -> None:
    if expected is not None:
        assert seconds(cell, unit) == expected
        return
    with pytest.raises(WrongCell):
        seconds(cell, unit)


def test_tags_are_read_as_json_and_as_pairs() -> None:
    expected = {"mast": "M-017", "amt": "umwelt"}
    for cell in (
        '{"mast": "M-017", "amt": "umwelt"}',
        "mast=M-017;amt=umwelt",
        "mast: M-017, amt: umwelt",
    ):
        assert tags(cell) == expected


def test_a_list_is_read_in_one_pass(database: Database) -> None:
    rows = "".join(f"70b3d5000000{n:04x};dragino/lse01;Baum {n}\n" for n in range(300))
    table = device_csv.read_devices(f"dev_eui;type;name\n{rows}")
    assert (len(table.rows), table.rows[-1].row, table.errors) == (300, 301, ())

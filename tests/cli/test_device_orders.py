"""`stadtsinn device import|plan|apply|pull`: delivery notes as Excel and CSV, and mistakes."""

from __future__ import annotations

import io
import json
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from chirpstack_under_test import Chirpstack, chirpstack_under_test
from provisioned_town import KEY, TOWN, ProvisionedTown, provisioned_town
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli import devices
from stadtsinn.cli.sheets import read_list

pytestmark = pytest.mark.slow

Command = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[Chirpstack]:
    with chirpstack_under_test() as one:
        yield one


@pytest.fixture
def town(server: Chirpstack, tmp_path: Path) -> Iterator[ProvisionedTown]:
    with provisioned_town(server, tmp_path) as one:
        yield one


@pytest.fixture
def run(town: ProvisionedTown, tmp_path: Path) -> Command:
    key = tmp_path / "chirpstack.key"
    key.write_text(town.server.key)
    config = tmp_path / "cloud.toml"
    config.write_text(
        '[database]\nurl = "sqlite:///town.sqlite"\n[provisioning]\n'
        f'address = "{town.server.address}"\napi_key_file = "chirpstack.key"\n'
    )

    def command(*arguments: object, language: str = "C") -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(devices.app, list(map(str, arguments)), env=environment)

    return command


def excel(path: Path, *rows: tuple[object, ...], sheets: tuple[str, ...] = ("Devices",)) -> Path:
    book = openpyxl.Workbook()
    for number, title in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        assert sheet is not None
        sheet.title = title
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_from_an_excel_file_to_devices_and_again(
    run: Command, town: ProvisionedTown, tmp_path: Path
) -> None:
    first, second = (one.upper() for one in town.euis[:2])
    note = excel(
        tmp_path / "delivery.xlsx",
        ("Lieferschein 4711", None),
        ("Pos", "Modell", "DEV EUI", "APP KEY", "Bezeichnung", "Breite", "Länge"),
        (1, "LSE01", first, f"{KEY[:-1]}1", "Eiche am Bach", 51.9607, 7.6261),
        (2, "LSE01", second, f"{KEY[:-1]}2", "Linde", 51.9608, 7.6262),
    )
    imported = run("import", note, "--supplier", "dragino", "--type", "LSE01=dragino/lse01")
    assert imported.exit_code == 0, imported.output
    assert "2 devices are in order; 2 wait for 'stadtsinn device apply'" in imported.stdout
    kept = tmp_path / "provisioning" / f"{TOWN}.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert KEY[:-1] in kept.read_text(), "until it is applied"

    planned = run("plan", language="de_DE.UTF-8")
    assert f"+ Gerät {town.euis[0]}  (Eiche am Bach)" in planned.stdout
    assert "'stadtsinn device apply' macht sie" in planned.stdout
    assert town.registered() == {}
    applied = run("apply")
    assert applied.exit_code == 0, applied.output
    assert town.registered()[town.euis[0]] == "Eiche am Bach"
    assert town.keys_at_server(town.euis[1]).nwk_key == f"{KEY[:-1]}2"
    assert KEY[:-1] not in kept.read_text(), "applied"
    assert run("apply").stdout == "everything is as it was ordered\n"
    assert run("plan", "--json").stdout == ""
    for said in (imported, planned, applied):
        assert KEY[:-1] not in said.output

    further = tmp_path / "further.csv"
    further.write_text(f"Modell;DEV EUI;APP KEY\nLSE01;{town.euis[2]};{KEY}\n")
    again = run("import", further, "--supplier", "dragino")
    assert "1 device is in order; 1 waits" in again.stdout, again.output
    assert run("import", further).exit_code == 1, "another supplier may mean another type"
    steps = [json.loads(line) for line in run("plan", "--json").stdout.splitlines()]
    assert [(step["at"], step["what"]) for step in steps[:2]] == [
        ("network_server", "device"),
        ("network_server", "keys"),
    ]


def test_mistakes_are_a_table_by_row_and_nothing_is_kept(
    run: Command, town: ProvisionedTown, tmp_path: Path
) -> None:
    note = tmp_path / "delivery.csv"
    first, second, third = town.euis[:3]
    rows = [
        "Modell;DevEUI;AppKey;Intervall (s)",
        f"LSE01;{first};{KEY};1.200",
        f"LSE01;{KEY};{second};600",
        f"LSE01;{third};{KEY[:-2]};600",
        f"XYZ9;{first};{KEY};600",
        "LSE01;8,40417E+15;2,5E+31;600",
    ]
    note.write_bytes("\r\n".join(["Gerätelieferung", *rows]).encode("cp1252"))
    refused = run("import", note, "--type", "LSE01=dragino/lse01")
    assert refused.exit_code == 1
    lines = refused.stdout.splitlines()
    assert lines[0].split() == ["Row", "Column", "What", "is", "wrong,", "and", "what", "helps"]
    assert [line.split()[0] for line in lines[1:]] == ["3", "4", "5", "6", "6", "7"]
    assert "are cells shifted?" in refused.stdout
    assert "30 digits, a key has 32" in refused.stdout
    assert "no device type 'XYZ9'" in refused.stdout
    assert "nothing was kept or changed" in refused.stderr
    assert KEY[:-2] not in refused.output
    assert not (tmp_path / "provisioning" / f"{TOWN}.json").exists()
    found = [json.loads(line) for line in run("import", note, "--json").stdout.splitlines()]
    assert {"row", "field", "error"} == set(found[0])


def test_keys_may_come_in_a_list_of_their_own(
    run: Command, town: ProvisionedTown, tmp_path: Path
) -> None:
    devices_list, keys_list = tmp_path / "devices.csv", tmp_path / "keys.csv"
    devices_list.write_text(f"DevEUI;Typ;Name\n{town.euis[0]};dragino/lse01;Eiche\n")
    keys_list.write_text(f"DevEUI;Schlüssel des Geräts\n{town.euis[0]};{KEY}\n")
    first = run("import", devices_list)
    assert "1 without AppKey" in first.stderr
    second = run("import", keys_list, "--column", "Schlüssel des Geräts=app_key")
    assert second.exit_code == 0, second.output
    assert second.stderr == ""
    assert run("apply").exit_code == 0
    assert town.keys_at_server(town.euis[0]).nwk_key == KEY
    assert town.registered() == {town.euis[0]: "Eiche"}


def test_a_key_of_the_vendor_for_all_is_pointed_out(
    run: Command, town: ProvisionedTown, tmp_path: Path
) -> None:
    note = tmp_path / "devices.csv"
    rows = "".join(f"{one};dragino/lse01;{KEY}\n" for one in town.euis[:3])
    note.write_text(f"DevEUI;Typ;AppKey\n{rows}")
    said = run("import", note)
    assert "2 devices have the AppKey of another one" in said.stderr
    assert run("import", note, "--anew").exit_code == 0


def test_what_was_typed_wrong(run: Command, tmp_path: Path) -> None:
    assert "nothing was imported yet" in run("plan").stdout
    note = tmp_path / "devices.csv"
    note.write_text("DevEUI;Typ\n")
    refused = run("import", note, "--column", "Batch=colour")
    assert refused.exit_code == 2
    assert "write HEAD=FIELD with one of dev_eui, type" in refused.stderr
    assert run("import", note, "--sheet", "Devices").exit_code == 2
    assert run("import", tmp_path / "nothing.csv").exit_code == 2
    assert run("import", note, "--tenant", "nowhere").exit_code == 1


# --- Excel -------------------------------------------------------------------------------


def test_numbers_of_excel_are_what_somebody_typed_or_are_refused(tmp_path: Path) -> None:
    long = 1_122_334_455_667_780  # typed as 1122334455667788: Excel kept 15 digits
    path = excel(
        tmp_path / "a.xlsx", ("DevEUI", "x"), (long, 51.5), (12345678, 3600.0), (True, None)
    )
    text = read_list(path)
    assert text == "DevEUI;x\n1.12233E+15;51.5\n12345678;3600\ntrue\n"


def test_rows_keep_their_numbers_and_cells_their_line(tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", ("Title",), (), ("DevEUI", "a\nb; c"))
    assert read_list(path) == 'Title\n\nDevEUI;"a b; c"\n'


def test_sheets_are_chosen_by_name(tmp_path: Path) -> None:
    path = excel(tmp_path / "a.xlsx", ("DevEUI",), sheets=("Info", "Geräte"))
    with pytest.raises(Unusable, match="--sheet: 'Info', 'Geräte'"):
        read_list(path)
    assert read_list(path, "Geräte") == "DevEUI\n"


def test_what_only_looks_like_excel(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 and nothing")
    with pytest.raises(Unusable, match="damaged"):
        read_list(path)
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("list.csv", "DevEUI")
    path.write_bytes(other.getvalue())
    with pytest.raises(Unusable, match="no Excel file"):
        read_list(path)
    whole = excel(tmp_path / "b.xlsx", ("DevEUI",)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Unusable, match="damaged"):
        read_list(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", bytes(300_000_000))
    with pytest.raises(Unusable, match="too much else"):
        read_list(path)

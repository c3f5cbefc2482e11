"""`stadtsinn device scan|label`: photos and a scanner, ticked devices, labels, and mistakes."""

from __future__ import annotations

import io
import json
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import segno
from PIL import Image, ImageFilter
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.instant import Instant
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli import devices
from stadtsinn.cli.label_sheets import DeviceLabel, as_picture, as_svg, formats, sheets
from stadtsinn.cli.photos import codes_on, photos_of
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.platform.tenants.service import create_tenant
from stadtsinn.cloud.provisioning.order import Order, OrderFile
from stadtsinn.cloud.provisioning.tr005 import DeviceCode, written
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.service import change, create_device

Command = Callable[..., Result]
TOWN, NOW = "musterstadt", Instant(1_780_000_000_000_000)
JOIN = "a840410000000107"
EUIS = ["a84041000181c001", "a84041000181c002", "a84041000181c003"]
KEY = "2b7e151628aed2a6abf7158809cf4f3c"


@pytest.fixture
def run(tmp_path: Path) -> Command:
    database = migrated_database(tmp_path / "town.sqlite")
    with change(database) as connection:
        create_tenant(connection, TOWN, "Musterstadt", NOW)
    database.dispose()
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:///town.sqlite"\n')

    def command(*arguments: object, language: str = "C", typed: bytes | None = None) -> Result:
        environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
        return CliRunner().invoke(
            devices.app, list(map(str, arguments)), env=environment, input=typed
        )

    return command


@pytest.fixture
def delivered(run: Command, tmp_path: Path) -> Command:
    """Three devices of a delivery were imported."""
    rows = (f"{eui};Eiche {n};{KEY[:-1]}{n};{JOIN}" for n, eui in enumerate(EUIS, 1))
    note = tmp_path / "delivery.csv"
    note.write_text("\n".join(("DevEUI;Name;AppKey;JoinEUI", *rows)))
    assert run("import", note, "--type", "dragino/lse01").exit_code == 0
    return run


def order(tmp_path: Path) -> Order:
    return OrderFile(tmp_path / "provisioning", TOWN).read()


def code(dev_eui: str, join_eui: str = JOIN, serial: str = "") -> str:
    return written(DeviceCode(join_eui, dev_eui, "000a0001", serial))


def drawn(*texts: str) -> Image.Image:
    """A photo with these codes beside each other."""
    page = Image.new("L", (420 * len(texts), 420), 255)
    for number, text in enumerate(texts):
        content = io.BytesIO()
        segno.make_qr(text).save(content, kind="png", scale=8, border=4)
        page.paste(Image.open(content).convert("L"), (420 * number, 0))
    return page


def photo(path: Path, *texts: str) -> Path:
    drawn(*texts).save(path)
    return path


def test_from_photos_to_ticks(delivered: Command, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo(folder / "1.jpg", code(EUIS[0], serial="DS01"))
    photo(folder / "2.png", code(EUIS[1]), code(EUIS[2]), "https://washing.example/?sn=1")
    photo(folder / "3.jpg", code(EUIS[0], serial="DS01"))
    (folder / "Thumbs.db").write_bytes(b"no picture")
    scanned = delivered("scan", folder)
    assert scanned.exit_code == 0, scanned.output
    assert "3 of 3 devices of the delivery scanned" in scanned.stdout
    assert "Eiche 1" in scanned.stdout
    assert "2.png, code 1 of 3" in scanned.stdout
    assert "ticked already: the same as in" in scanned.stdout
    assert "washing" not in scanned.stdout
    kept = order(tmp_path)
    assert kept.rows[0].serial == "DS01"
    assert kept.rows[0].app_key == f"{KEY[:-1]}1", "keys stay"
    assert {one.profile for one in kept.labels} == {"000a0001"}
    assert KEY[:-1] not in scanned.output
    again = [json.loads(one) for one in delivered("scan", folder, "--json").stdout.splitlines()]
    assert [one["outcome"] for one in again].count("scanned") == 3, "again: the same"


def test_a_scanner_is_answered_line_by_line(delivered: Command, tmp_path: Path) -> None:
    lines = [
        code(EUIS[0]),
        code(EUIS[1]).replace(":", "Ö"),
        EUIS[2].upper(),
        "",
        code(EUIS[2])[:-1] + "X",
        code("a84041000181c0ff"),
        code(JOIN, EUIS[0]),
        code("0" * 16),
        code(EUIS[0], "1" * 16),
        "A" * 20_000,
        "4002516319191",
    ]
    typed = "\r\n".join(lines).encode("cp1252")
    scanned = delivered("scan", typed=typed)
    assert scanned.exit_code == 1
    said = scanned.stdout.splitlines()
    assert said[0] == f"line 1  {EUIS[0]}  Eiche 1  ticked"
    assert "ticked: typed with another keyboard layout, and understood" in said[1]
    assert said[2] == f"line 3  {EUIS[2]}  Eiche 3  ticked"
    for line, meant in zip(
        said[3:],
        (
            "line 5  the checksum does not fit",
            "line 6  a84041000181c0ff  it is in no delivery list",
            f"line 7  {JOIN}  DevEUI and JoinEUI are swapped",
            "line 8  0000000000000000  0000000000000000 is no device's DevEUI",
            f"line 9  {EUIS[0]}  Eiche 1  the label says JoinEUI 1111111111111111",
            "line 10  no code of a LoRaWAN device, but a text that is too long",
            "line 11  no code of a LoRaWAN device, but a text of 13 signs",
            "3 of 3 devices",
        ),
        strict=True,
    ):
        assert line.startswith(meant)
    assert "7 labels are not in order" in scanned.stderr
    german = delivered("scan", typed=typed, language="de_DE.UTF-8")
    assert "Zeile 7" in german.stdout
    assert "vertauscht" in german.stdout
    assert "abgehakt: mit anderer Tastaturbelegung" in german.stdout


def test_what_is_missing_is_named(delivered: Command) -> None:
    scanned = delivered("scan", "-", typed=code(EUIS[1]).lower().encode())
    assert f"missing: {EUIS[0]}, {EUIS[2]}" in scanned.stdout
    assert scanned.exit_code == 0


def test_a_device_of_another_town_or_of_this_one(delivered: Command, tmp_path: Path) -> None:
    database = migrated_database_at(tmp_path)
    with change(database) as connection:
        create_tenant(connection, "nachbarstadt", "Nachbarstadt", NOW)
        for town, dev_eui in (("nachbarstadt", EUIS[0]), (TOWN, "a84041000181c0aa")):
            device = Device(dev_eui=dev_eui, name="Linde", device_type="dragino/lse01")
            create_device(connection, operator_scope(town), device, NOW)
    database.dispose()
    typed = f"{code(EUIS[0])}\n{code('a84041000181c0aa')}\n".encode()
    arguments = ("--tenant", TOWN)
    first, second, *_ = delivered("scan", *arguments, typed=typed).stdout.splitlines()
    assert "by another town: delete it there, or hand it over" in first
    assert f"'stadtsinn device hand-over {EUIS[0]}" in first
    assert "Linde" not in first
    assert "is registered already" in second
    sheet = tmp_path / "one.svg"
    made = delivered("label", "a84041000181c0aa", "--out", sheet, *arguments)
    assert made.exit_code == 0, made.output
    assert "Linde" in sheet.read_text()


def migrated_database_at(folder: Path) -> Database:

    return open_database(f"sqlite:///{folder / 'town.sqlite'}")


def test_keys_by_serial_number(delivered: Command, tmp_path: Path) -> None:
    """The supplier's list of keys has serial numbers alone: labels have said whose they are."""
    keys = tmp_path / "keys.csv"
    keys.write_text(f"Seriennummer;AppKey\nds01;{KEY[::-1]}\n")
    unknown = delivered("import", keys)
    assert unknown.exit_code != 0
    delivered("scan", typed=code(EUIS[0], serial="DS01").encode())
    assert delivered("import", keys).exit_code == 0
    assert order(tmp_path).rows[0].app_key == KEY[::-1]
    keys.write_text(f"Seriennummer;AppKey\nDS99;{KEY[::-1]}\n")
    refused = delivered("import", keys)
    assert "scan the label of the device first" in refused.stdout
    assert KEY[::-1] not in refused.output


def test_a_label_scanned_before_its_list_counts(run: Command, tmp_path: Path) -> None:
    first = run("scan", typed=code(EUIS[0], serial="DS7").encode())
    assert first.exit_code == 1
    assert "no delivery was imported yet" in first.stdout
    note = tmp_path / "note.csv"
    note.write_text(f"DevEUI;AppKey\n{EUIS[0]};{KEY}\n")
    assert run("import", note, "--type", "dragino/lse01").exit_code == 0
    assert order(tmp_path).rows[0].serial == "DS7"
    assert order(tmp_path).rows[0].join_eui == JOIN
    serial = run("scan", typed=b"https://www.milesight-iot.com/?SN=DS7")
    assert serial.stdout.startswith(f"line 1  {EUIS[0]}"), serial.output


# --- photos that are none ------------------------------------------------------------------


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is that large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0\0\0\x0aIDAT"
    )


@pytest.mark.parametrize(
    ("content", "meant"),
    [
        (b"\0\0\0\x18ftypheic" + b"\0" * 40, "HEIC"),
        (bomb(30_000, 30_000), "million pixels"),
        (bomb(8_000, 8_000), "million pixels"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "no photo"),
        (b"", "no photo"),
        (b"GIF89a" + bytes(range(40)), "damaged"),
    ],
)
def test_pictures_that_are_refused(
    delivered: Command, tmp_path: Path, content: bytes, meant: str
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    refused = delivered("scan", path)
    assert refused.exit_code == 1
    assert "photo.jpg" in refused.stdout
    assert meant in refused.stdout
    assert "1 label is not in order" in refused.stderr


def test_a_photo_that_is_cut_off(tmp_path: Path) -> None:
    whole = photo(tmp_path / "photo.jpg", code(EUIS[0])).read_bytes()
    said = set()
    generator = random.Random(7)
    for length in [*generator.sample(range(len(whole)), 20), len(whole) // 2]:
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        try:
            assert codes_on(tmp_path / "cut.jpg") in ([], [code(EUIS[0])])
        except Unusable as error:
            said.add(str(error).split(" (")[0])
    assert said <= {"no photo", "the photo is cut off or damaged: copy it from the phone again"}


def test_a_photo_without_a_code(delivered: Command, tmp_path: Path) -> None:
    Image.effect_noise((300, 300), 60).save(tmp_path / "lawn.png")
    Image.new("1", (3, 3)).save(tmp_path / "dot.png")
    refused = delivered("scan", tmp_path / "lawn.png", tmp_path / "dot.png", language="de_DE")
    assert refused.stdout.count("kein Code gefunden: näher, scharf") == 2
    assert refused.exit_code == 1


def test_folders_and_files_that_are_not_there(delivered: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nothing.jpg"):
        said = delivered("scan", path)
        assert said.exit_code == 2
        assert str(path) in said.output
    with pytest.raises(Unusable, match="no photos in this folder"):
        photos_of([tmp_path / "empty"])


# --- labels ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", formats())
def test_labels_are_scanned_again(form: str) -> None:
    """Printed, photographed askew and out of focus."""
    text = code(EUIS[0], serial="DS026349738")
    label = DeviceLabel(text, "Winterlinde an der Promenade (Südseite)", ("Beet 4", "A840"))
    chosen = formats()[form]
    place = chosen.count - 1
    (page,) = sheets([label], chosen, place)
    dots = 600 / 25.4
    left, top = (round(one * dots) for one in chosen.corner(place))
    size = round(chosen.width * dots), round(chosen.height * dots)
    picture = as_picture(page).convert("L").crop((left, top, left + size[0], top + size[1]))
    picture = picture.reduce(3)
    width, height = picture.size
    askew = picture.rotate(17, expand=True, fillcolor=255).filter(ImageFilter.GaussianBlur(1.2))
    sloping = picture.transform(
        picture.size,
        Image.Transform.QUAD,
        (-10, -8, -3, height + 12, width + 20, height - 4, width + 6, 2),
        Image.Resampling.BILINEAR,
        fillcolor=255,
    )
    for seen in (picture, askew, sloping, picture.point(lambda one: 90 + one // 8)):
        content = io.BytesIO()
        seen.save(content, "JPEG", quality=70)
        assert read_from(content.getvalue()) == [text]


def read_from(content: bytes) -> list[str]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        path.write_bytes(content)
        return codes_on(path)


@pytest.mark.parametrize("form", formats())
def test_every_label_is_on_the_sheet_and_holds_what_it_has(form: str) -> None:
    chosen = formats()[form]
    name = "Straßenbegleitgrün<&> " * 9 + "W" * 60
    label = DeviceLabel(code(EUIS[0], serial="S" * 20), name, (name, "A840 4100 0181 C001", "S/N"))
    (page,) = sheets([label] * chosen.count, chosen)
    for place in range(chosen.count):
        left, top = chosen.corner(place)
        assert left >= -0.01
        assert top >= -0.01
        assert left + chosen.width <= 210.01
        assert top + chosen.height <= 297.01
    lines = len(page.words) // chosen.count
    for number, words in enumerate(page.words):
        left, top = chosen.corner(number // lines)
        assert left < words.x
        assert words.x + words.width <= left + chosen.width
        assert top <= words.y - words.size * 0.8
        assert words.y <= top + chosen.height
    assert "<&>" not in as_svg(page)


def test_labels_as_pdf_and_svg(delivered: Command, tmp_path: Path) -> None:
    pdf = tmp_path / "labels.pdf"
    made = delivered("label", "--out", pdf, "--format", "46x21", "--first", "47")
    assert made.exit_code == 0, made.output
    assert "3 labels on 2 sheets" in made.stdout
    assert pdf.read_bytes().startswith(b"%PDF")
    svg = tmp_path / "labels.svg"
    answer = json.loads(
        delivered("label", "--out", svg, "--format", "46x21", "--first", "47", "--json").stdout
    )
    assert [Path(one).name for one in answer["files"]] == ["labels.svg", "labels-2.svg"]
    for path in (pdf, svg):
        assert KEY[:-1].encode() not in path.read_bytes()
    assert "A840 4100 0181 C001" in svg.read_text()


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("--format", "9x9"), "known: 70x36"),
        (("--out", "labels.png"), ".pdf or .svg"),
        (("--first", "25"), "24 labels"),
        (("a84041000181c0ff",), "neither in the delivery nor registered"),
        (("nonsense",), "16 hexadecimal digits"),
    ],
)
def test_labels_that_cannot_be(
    delivered: Command, tmp_path: Path, arguments: tuple[str, ...], meant: str
) -> None:
    out = () if "--out" in arguments else ("--out", tmp_path / "labels.pdf")
    refused = delivered("label", *arguments, *out)
    assert refused.exit_code != 0
    assert meant in refused.output + str(refused.exception)
    assert not (tmp_path / "labels.pdf").exists()

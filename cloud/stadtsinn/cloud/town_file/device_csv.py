"""Devices from a spreadsheet: CSV as spreadsheets, vendors and network servers write it.

All that is wrong is said at once, each with row and column; a cell that may be a key is never
repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stadtsinn.base.sentence import Sentence
from stadtsinn.base.text_files import NoText
from stadtsinn.cloud.platform.lists.csv_table import (
    HEADING_WITHIN,
    Rows,
    delimiter_of,
    split,
    text_of,
    too_many,
)
from stadtsinn.cloud.platform.lists.row_errors import RowError, WrongCell, told
from stadtsinn.cloud.town_file.device_cells import (
    centimetres,
    degrees,
    dev_eui,
    looks_like_a_key,
    seconds,
    tags,
)
from stadtsinn.cloud.town_file.device_columns import Column, Heads
from stadtsinn.cloud.town_file.device_keys import aes_key, join_eui
from stadtsinn.cloud.town_file.problems import TownRefused


@dataclass(frozen=True)
class DeviceRow:
    """What a row says of a device: only what its cells hold.

    `types` are what may name its type, `vendor` who made it, `fallback_name` what it is called
    where it has no name. `serial`, `join_eui` and keys are there where they were asked for.
    """

    row: int
    dev_eui: str
    values: Mapping[str, object]
    types: tuple[str, ...] = ()
    vendor: str = ""
    fallback_name: str = ""
    serial: str = ""
    join_eui: str = ""
    app_key: str = field(default="", repr=False)
    nwk_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class DeviceTable:
    """A device list. `left_out` are heads of columns that stadtsinn has no place for, `secret`
    those of keys. `heads` names the column of a field."""

    rows: tuple[DeviceRow, ...]
    errors: tuple[RowError, ...] = ()
    left_out: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)


_FOR_THE_REGISTRY = Heads()


def read_devices(content: bytes | str, heads: Heads = _FOR_THE_REGISTRY) -> DeviceTable:
    """The devices of a CSV; comma, semicolon or tab between cells, in any encoding of Windows.

    Raises TownRefused where it is no such table.
    """
    text = _text(content) if isinstance(content, bytes) else content.removeprefix("\ufeff")
    lines = text.splitlines(keepends=True)
    start = _heading(lines, heads)
    errors: list[RowError] = []
    rows = Rows(lines, start, errors)
    columns = _columns(rows.heads(), heads, start + 1, errors)
    if errors:
        raise _refused(told(errors))
    found: list[DeviceRow] = []
    first: dict[str, int] = {}
    for row, cells in rows:
        if (device := _device(columns, cells, row, errors, heads.by_serial)) is None:
            continue
        if (before := first.setdefault(device.dev_eui, row)) != row:
            said = Sentence(f"the same as in line {before}", f"dieselbe wie in Zeile {before}")
            errors.append(RowError(row, _head(columns, "dev_eui"), said))
        found.append(device)
    return DeviceTable(
        tuple(found),
        tuple(errors),
        tuple(one.head for one in columns if not one.field and not one.secret and one.head),
        tuple(one.head for one in columns if one.secret),
        {one.field: one.head for one in reversed(columns) if one.field},
    )


def _refused(sentence: Sentence) -> TownRefused:
    return TownRefused.of(sentence)


def _text(content: bytes) -> str:
    try:
        text = text_of(content)
    except WrongCell as error:
        more = Sentence(
            f"{error.sentence.english} {_LOOK.english}", f"{error.sentence.german} {_LOOK.german}"
        )
        raise _refused(more) from None
    except NoText:
        raise _refused(_NO_TEXT) from None
    if text.lstrip().startswith(("{", "[{")):
        raise _refused(_JSON)
    return text


_LOOK = Sentence(
    "Look at the DevEUIs before: as numbers Excel destroys them.",
    "Vorher die DevEUIs ansehen: als Zahlen zerstört Excel sie.",
)
_NO_TEXT = Sentence(
    "this is no text: save the table as CSV.", "das ist kein Text: die Tabelle als CSV speichern."
)
_JSON = Sentence(
    "this is JSON: export the devices as CSV, or write a table of them.",
    "das ist JSON: die Geräte als CSV exportieren oder als Tabelle schreiben.",
)
_SERIAL_ALONE = Sentence(
    "nobody has told the DevEUI of this serial number yet: scan the label of the device first "
    "('stadtsinn device scan'), or import a list with DevEUI and serial number",
    "zu dieser Seriennummer ist noch keine DevEUI bekannt: erst den Aufkleber des Geräts scannen "
    "('stadtsinn device scan'), oder eine Liste mit DevEUI und Seriennummer importieren",
)
_NO_HEADING = Sentence(
    "line 1: needs a line with the names of the columns, of which 'dev_eui' (or 'DevEUI') is one; "
    "also known: type, name, interval_s, site, station, depth_cm, latitude, longitude, tags.",
    "Zeile 1: es braucht eine Zeile mit den Namen der Spalten, darunter 'dev_eui' (oder 'DevEUI'); "
    "bekannt sind auch: type, name, interval_s, site, station, depth_cm, latitude, longitude, "
    "tags.",
)


def _heading(lines: Sequence[str], heads: Heads) -> int:
    """Which line has the heads."""
    for number, line in enumerate(lines[:HEADING_WITHIN]):
        cells = split(line, delimiter_of(line))
        if heads.is_heading(cells):
            return number
        if cells and cells[0].strip().upper() in {"CREATE_OTAA", "CREATE_ABP", "UPDATE_OTAA"}:
            raise _refused(
                Sentence(
                    f"line {number + 1}: a device list of Actility ThingPark has no heads: put a "
                    "line before it that names its columns (Directive,dev_eui,DevAddr,type,…).",
                    f"Zeile {number + 1}: eine Geräteliste von Actility ThingPark hat keine "
                    "Kopfzeile: eine davor setzen (Directive,dev_eui,DevAddr,type,…).",
                )
            )
        if any(_is_dev_eui(cell) for cell in cells):
            raise _refused(
                Sentence(
                    f"line {number + 1}: a DevEUI, but no line above it that names the columns: "
                    "put one before it, e.g. 'dev_eui;type;name'.",
                    f"Zeile {number + 1}: eine DevEUI, aber darüber keine Kopfzeile: eine davor "
                    "setzen, z. B. 'dev_eui;type;name'.",
                )
            )
    raise _refused(_NO_HEADING)


def _is_dev_eui(cell: str) -> bool:
    try:
        return bool(dev_eui(cell))
    except WrongCell:
        return False


def _columns(
    heading: Sequence[str], heads: Heads, row: int, errors: list[RowError]
) -> list[Column]:
    columns: list[Column] = []
    for head in heading:
        try:
            column = heads.column(head)
        except WrongCell as error:
            errors.append(RowError(row, "", error.sentence))
            continue
        twice = column.field and (column.field, column.rank, column.tag) in {
            (one.field, one.rank, one.tag) for one in columns
        }
        if twice:
            said = Sentence(
                f"the column '{column.head}' is there twice",
                f"die Spalte '{column.head}' gibt es zweimal",
            )
            errors.append(RowError(row, "", said))
        columns.append(column)
    return columns


def _device(
    columns: Sequence[Column],
    cells: Sequence[str],
    row: int,
    errors: list[RowError],
    by_serial: Mapping[str, str],
) -> DeviceRow | None:
    """What a row says; None where it does not say of which device."""
    if (said := too_many(cells, len(columns))) is not None:
        errors.append(RowError(row, "", said))
        return None
    read = _Row()
    for column, cell in zip(columns, cells, strict=False):
        if not cell.strip() or not column.field:
            continue
        try:
            read.take(column, cell.strip())
        except WrongCell as error:
            errors.append(RowError(row, column.head, error.sentence))
            if column.field == "dev_eui":
                return None
    read.dev_eui = read.dev_eui or by_serial.get(read.serial.upper(), "")
    if not read.dev_eui:
        field_name, said = "dev_eui", Sentence("is empty", "ist leer")
        if not any(one.field == "dev_eui" for one in columns):
            field_name, said = "serial", _SERIAL_ALONE
        errors.append(RowError(row, _head(columns, field_name), said))
        return None
    return read.device(row)


class _Row:
    """The cells of one row as they are read."""

    def __init__(self) -> None:
        self.dev_eui = ""
        self.serial = ""
        self._values: dict[str, object] = {}
        self._tags: dict[str, str] = {}
        self._texts: dict[str, list[tuple[int, str]]] = {}
        self._needed: dict[str, str] = {}

    def take(self, column: Column, cell: str) -> None:
        """Raises WrongCell."""
        if column.field == "dev_eui":
            self.dev_eui = self.dev_eui or dev_eui(cell)
        elif column.field == "join_eui":
            self._needed.setdefault("join_eui", join_eui(cell))
        elif column.field in {"app_key", "nwk_key"}:
            self._needed.setdefault(column.field, aes_key(cell))
        elif looks_like_a_key(cell):
            raise WrongCell(
                "this looks like a key, which is not stored: are cells shifted?",
                "das sieht aus wie ein Schlüssel, der nicht gespeichert wird: sind Zellen "
                "verschoben?",
            )
        elif column.field == "serial":
            self.serial = self.serial or cell
        elif column.field == "interval_s":
            self._values["interval_s"] = seconds(cell, column.unit)
        elif column.field in {"latitude", "longitude"}:
            self._values[column.field] = degrees(cell)
        elif column.field == "depth_cm":
            self._values["depths_cm"] = {"": centimetres(cell)}
        elif column.field == "tag":
            self._tags[column.tag] = cell
        elif column.field == "tags":
            self._tags.update(tags(cell))
        else:
            self._texts.setdefault(column.field, []).append((column.rank, cell))

    def device(self, row: int) -> DeviceRow:
        texts = {
            name: tuple(cell for _, cell in sorted(some)) for name, some in self._texts.items()
        }
        values = self._values | {
            name: texts[name][0] for name in ("name", "site", "station") if name in texts
        }
        if self._tags:
            values["tags"] = self._tags
        return DeviceRow(
            row,
            self.dev_eui,
            values,
            texts.get("type", ()),
            texts.get("vendor", ("",))[0],
            texts.get("id", ("",))[0],
            self.serial,
            **self._needed,
        )


def _head(columns: Sequence[Column], field_name: str) -> str:
    return next(one.head for one in columns if one.field == field_name)

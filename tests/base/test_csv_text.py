"""CSV in both dialects, and what a spreadsheet must not execute."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtsinn.base.csv_text import (
    GERMAN,
    RFC_4180,
    Cell,
    Dialect,
    rounded,
    stream_csv,
    write_csv,
)
from stadtsinn.base.foreign_text import visible

ROOT = Path(__file__).parents[2]


def test_for_programs() -> None:
    written = write_csv(["time", "value", "ok"], [["12:00", -1.5, True], ["12:01", 3, None]])
    assert written == b"time,value,ok\r\n12:00,-1.5,true\r\n12:01,3,\r\n"


def test_for_a_german_spreadsheet() -> None:
    written = write_csv(["Größe", "Wert"], [["a;b", 1234.5]], GERMAN)
    assert written == '\ufeffGröße;Wert\r\n"a;b";1234,5\r\n'.encode()


@pytest.mark.parametrize(
    "text", ["=1+1", "+49", "-2", "@SUM(A1)", " =1", "\u00a0=1", "＝1", "＠A1"]
)
@pytest.mark.parametrize("dialect", [RFC_4180, GERMAN])
def test_no_text_is_a_formula(text: str, dialect: Dialect) -> None:
    assert _read_back(text, dialect) == f"'{text}"


@pytest.mark.parametrize("text", ["\t=1", "\r=1", "\n=1", "\x1b[2J", "\u202e=1", "\ufeff=1", "\0"])
@pytest.mark.parametrize("dialect", [RFC_4180, GERMAN])
def test_no_text_steers_who_shows_it(text: str, dialect: Dialect) -> None:
    assert _read_back(text, dialect) == visible(text)


@pytest.mark.parametrize("text", ["Linde;=1+1", "Linde,@SUM(A1)", 'a";+1', "a;-cmd|x", "a;-(1)"])
@pytest.mark.parametrize("dialect", [RFC_4180, GERMAN])
def test_a_program_that_takes_the_other_separator_finds_no_formula(
    text: str, dialect: Dialect
) -> None:
    """The German Excel cuts a file with commas at semicolons, the English one the other way."""
    line = write_csv([], [["x", text]], dialect).decode("utf-8-sig").splitlines()[1]
    for separator in ",;":
        assert not any(cell.startswith(tuple("=+-@")) for cell in line.split(separator))


def _read_back(text: str, dialect: Dialect) -> str:
    written = write_csv(["a"], [[text]], dialect)
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    return rows[1][0]


def test_numbers_and_harmless_text_stay_as_they_are() -> None:
    cells: list[Cell] = [-2, -2.5, "a=1", "'quoted", 'say "x"', "a,b", "5,- Euro", "A, -1. Stock"]
    rows = list(csv.reader(io.StringIO(write_csv(["h"], [cells]).decode(), newline="")))
    assert rows[1] == [str(cell) for cell in cells]


def test_nobody_else_writes_csv() -> None:
    """But for a sheet of Excel, whose cells our own reader of lists gets as they are."""
    found = {
        path.relative_to(ROOT)
        for part in (
            *("base", "decoders", "rules", "edge", "cloud", "simulator"),
            *("gateway-firmware-tools", "cli"),
        )
        for path in (ROOT / part).rglob("*.py")
        if "csv.writer" in path.read_text(encoding="utf-8")
        or "csv.DictWriter" in path.read_text(encoding="utf-8")
    }
    own = {Path("base/stadtsinn/base/csv_text.py"), Path("cli/stadtsinn/cli/sheets.py")}
    assert found == own


def test_a_german_spreadsheet_gets_one_mark_and_no_line_that_names_the_separator() -> None:
    """What opens by a double click.

    Semicolon and mark: https://github.com/terminal42/contao-leads/issues/31 and
    https://github.com/cosmocode/dokuwiki-plugin-struct/issues/416. ``sep=`` makes Excel forget the
    mark, and umlauts break: https://github.com/alexcaza/export-to-csv/issues/119,
    https://github.com/asafdav/ng-csv/issues/28, https://github.com/ag-grid/ag-grid/pull/655.
    """
    rows: list[list[str | float | bool | None]] = [["Größe", n] for n in range(20_000)]
    parts = list(stream_csv(["Straße", "Wert"], rows, GERMAN))
    assert len(parts) > 3
    whole = b"".join(parts)
    assert whole == write_csv(["Straße", "Wert"], rows, GERMAN)
    assert whole.startswith("\ufeffStraße;Wert\r\n".encode())
    assert whole.count("\ufeff".encode()) == 1
    assert b"sep=" not in whole


def test_of_a_long_table_only_one_part_is_in_memory() -> None:
    taken = 0

    def rows() -> Iterator[list[Cell]]:
        nonlocal taken
        for n in range(1_000_000):
            taken = n
            yield ["a" * 60, n]

    next(stream_csv(["a", "b"], rows()))
    assert taken < 2_000


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (23.416666666666668, 2, "23,42"),
        (23.4, 2, "23,4"),
        (23.0, 2, "23"),
        (-0.001, 2, "0"),
        (0.1 + 0.2, 2, "0,3"),
        (1e-5, 5, "0,00001"),
        (1e16, 0, "10000000000000000"),
        (-3.456, 1, "-3,5"),
    ],
)
def test_numbers_as_people_read_them(value: float, decimals: int, written: str) -> None:
    text = write_csv(["h"], [[rounded(value, decimals)]], GERMAN).decode("utf-8-sig")
    assert text.splitlines()[1] == written


@pytest.mark.parametrize(("value", "written"), [(1e-05, "0.00001"), (2.5e17, "250000000000000000")])
def test_no_number_is_written_with_an_exponent(value: float, written: str) -> None:
    assert write_csv(["h"], [[value]]).decode().splitlines()[1] == written

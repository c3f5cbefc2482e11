"""CSV in both dialects, and what a spreadsheet must not execute."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from stadtsinn.base.csv_text import GERMAN, RFC_4180, Cell, Dialect, write_csv

ROOT = Path(__file__).parents[2]


def test_for_programs() -> None:
    written = write_csv(["time", "value", "ok"], [["12:00", -1.5, True], ["12:01", 3, None]])
    assert written == b"time,value,ok\r\n12:00,-1.5,true\r\n12:01,3,\r\n"


def test_for_a_german_spreadsheet() -> None:
    written = write_csv(["Größe", "Wert"], [["a;b", 1234.5]], GERMAN)
    assert written == '\ufeffGröße;Wert\r\n"a;b";1234,5\r\n'.encode()


@pytest.mark.parametrize("text", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
@pytest.mark.parametrize("dialect", [RFC_4180, GERMAN])
def test_no_text_is_a_formula(text: str, dialect: Dialect) -> None:
    written = write_csv(["a"], [[text]], dialect)
    rows = list(csv.reader(io.StringIO(written.decode("utf-8-sig"), newline="")))
    assert rows[1] == [f"'{text}"]


def test_numbers_and_harmless_text_stay_as_they_are() -> None:
    cells: list[Cell] = [-2, -2.5, "a=1", "'quoted", 'say "x"', "a,b", "line\nbreak"]
    rows = list(csv.reader(io.StringIO(write_csv(["h"], [cells]).decode(), newline="")))
    assert rows[1] == ["-2", "-2.5", "a=1", "'quoted", 'say "x"', "a,b", "line\nbreak"]


def test_nobody_else_writes_csv() -> None:
    found = [
        path.relative_to(ROOT)
        for part in ("base", "decoders", "edge", "cloud", "simulator", "cli")
        for path in (ROOT / part).rglob("*.py")
        if "csv.writer" in path.read_text(encoding="utf-8")
        or "csv.DictWriter" in path.read_text(encoding="utf-8")
    ]
    assert found == [Path("base/stadtsinn/base/csv_text.py")]

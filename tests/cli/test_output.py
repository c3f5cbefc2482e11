"""Tables, facts and JSON lines as people and scripts get them."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from stadtsinn.base.foreign_text import visible
from stadtsinn.cli import output
from stadtsinn.cli.output import print_facts, print_json, print_list, print_table, say, say_as_it_is

Capture = pytest.CaptureFixture[str]


def test_a_table_in_a_pipe_has_each_row_in_one_line(capsys: Capture) -> None:
    print_table(("Key", "Value"), [("a", "x" * 300), ("[b]", "1")], title="Title", numbers="Value")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert lines[0].strip() == "Title"
    assert lines[1].split() == ["Key", "Value"]
    assert lines[2].split() == ["a", "x" * 300]
    assert lines[3] == "[b]" + " " * 301 + "1"


def test_a_list_is_a_table_json_lines_or_a_sentence(capsys: Capture) -> None:
    columns = {"Town": lambda one: one["name"]}
    towns = [{"name": "Köln"}, {"name": "Hof"}]
    print_list(towns, columns, dict, as_json=False, empty="none")
    assert "Köln" in capsys.readouterr().out
    print_list(towns, columns, dict, as_json=True, empty="none")
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == towns
    print_list([], columns, dict, as_json=False, empty="none")
    assert capsys.readouterr().out == "none\n"
    print_list([], columns, dict, as_json=True, empty="none")
    assert capsys.readouterr().out == ""


def test_values_of_facts_stand_below_each_other(capsys: Capture) -> None:
    print_facts([("a", "1"), ("longer", "2")])
    assert capsys.readouterr().out == "a       1\nlonger  2\n"


HOSTILE = "Linde\x1b[2J\x9b31m\u202eedniL\rx"


def test_no_answer_steers_the_terminal(capsys: Capture) -> None:
    say(HOSTILE)
    say(HOSTILE, error=True)
    print_facts([("name", HOSTILE + "\n")])
    print_table(("Name",), [(HOSTILE + "\n",)])
    print_list([HOSTILE], {"Name": str}, str, as_json=True, empty="none")
    print_list([], {"Name": str}, str, as_json=False, empty=HOSTILE)
    print_json({HOSTILE: HOSTILE})
    shown = capsys.readouterr()
    assert visible(shown.out + shown.err, lines=True) == shown.out + shown.err
    assert json.loads(shown.out.splitlines()[-1]) == {HOSTILE: HOSTILE}
    assert len(shown.out.splitlines()) == 7


def test_commands_print_by_this_module_alone() -> None:
    """What is printed elsewhere would not be made visible. `main` prints its own texts."""
    folder = Path(output.__file__).parent
    found = [
        f"{path.name}:{call.lineno}"
        for path in folder.glob("*.py")
        if path.name not in {"output.py", "main.py"}
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        if ast.unparse(call.func) in {"print", "typer.echo", "sys.stdout.write", "sys.stderr.write"}
        or ast.unparse(call.func).startswith("sys.stdout.buffer")
    ]
    assert found == []


def test_a_narrow_terminal_shows_every_dev_eui_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also in a table of many columns with long words; the others are folded."""
    narrow = Console(width=80, force_terminal=True, color_system=None)
    monkeypatch.setattr(output, "_console", lambda *, stderr=False: narrow)
    long = "unregistered_device_of_a_town " * 3
    rows = [
        (long, "2026-11-26 15:00:00 +01:00", "–", long, long, ("a", "b" * 40)),
        (long, "2026-11-26 15:00:00 +01:00", "70b3d50000000001", long, long, ("c",)),
    ]
    print_table(("Town", "When", "Device", "Source", "Reason", "Values"), rows)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("70b3d50000000001" in line for line in lines) == 1


@pytest.mark.parametrize("width", [36, 60, 80])
def test_a_narrow_terminal_loses_no_letter_of_a_table_with_a_dev_eui(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The column of DevEUIs gives no room; what the others need stands below, not beyond."""
    narrow = Console(width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr(output, "_console", lambda *, stderr=False: narrow)
    heads = ("DevEUI", "Name", "Heard", "Every", "Signal", "Battery", "Trouble")
    row = (
        "70b3d57ed0005678",
        "Bodensensor Linde am Markt",
        "29 s",
        "20 min",
        "-102/-12",
        "3.62 V",
        "truncated: dragino/lse01: too short: 11 bytes needed at offset 0, 2 there",
    )
    print_table(heads, [row])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    shown, wanted = Counter("".join(lines)), Counter("".join((*heads, *row)))
    assert {one: shown[one] for one in wanted if one != " "} == {
        one: number for one, number in wanted.items() if one != " "
    }
    if width == 80:  # there is room for whole words
        assert "dragino/lse01:" in " ".join(lines).split()


def test_lines_of_a_cell_stand_in_one_line_of_a_pipe(capsys: Capture) -> None:
    print_table(("A", "B"), [("1", ("x", "y\n"))])
    assert capsys.readouterr().out.splitlines()[1].split() == ["1", "x,", "y\\x0a"]


LONG = "Der Bodensensor an der Linde am Markt hat seit gestern Abend nichts gesendet: Batterie "


@pytest.mark.parametrize("error", [False, True])
def test_a_terminal_gets_sentences_wrapped_between_words(
    error: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_room", lambda _stream: 60)
    path = "/srv/" + "x" * 90
    say(f"{LONG}prüfen.\n  {LONG * 2}\n{LONG}{path}", error=error)
    told = capsys.readouterr()
    lines = (told.err if error else told.out).splitlines()
    assert all(len(line) <= 60 or line == path for line in lines)
    assert path in lines, "what people copy is not broken"
    assert " ".join(" ".join(lines).split()) == f"{LONG}prüfen. {LONG * 3}{path}"
    assert sum(line.startswith("  ") for line in lines) > 3, "what is indented stays so"


def test_neither_a_pipe_nor_json_nor_a_file_for_redirection_is_wrapped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    say(LONG * 3)
    monkeypatch.setattr(output, "_room", lambda _stream: 60)
    print_json({"detail": LONG * 3})
    say_as_it_is(f"# {LONG * 3}\n")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_long_values_of_facts_stand_under_their_beginning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(output, "_room", lambda _stream: 60)
    print_facts([("device", "70b3d50000000001"), ("why", LONG)])
    first, second, *others = capsys.readouterr().out.splitlines()
    assert first == "device  70b3d50000000001"
    assert second.startswith("why     Der Bodensensor")
    assert others
    assert all(line.startswith(" " * 8) and len(line) <= 60 for line in others)


_WORDS = st.text("abcdeäöüß0189-./:", min_size=1, max_size=24)
_CELLS = st.one_of(
    st.lists(_WORDS, max_size=20).map(" ".join),
    st.just("70b3d57ed0005678"),
    st.lists(_WORDS, min_size=1, max_size=4).map(tuple),
)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), columns=st.integers(1, 9), rows=st.integers(1, 4))
def test_any_table_fits_a_terminal_with_whole_words(
    data: st.DataObject, columns: int, rows: int
) -> None:
    """As columns, or each row as pairs: nothing is lost, and no word is broken."""
    heads = [data.draw(st.text("abcdefghij", min_size=1, max_size=20)) for _ in range(columns)]
    cells = [[data.draw(_CELLS) for _ in heads] for _ in range(rows)]
    into = io.StringIO()
    console = Console(file=into, width=80, force_terminal=True, color_system=None)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(into):
        patch.setattr(output, "_console", lambda *, stderr=False: console)
        print_table(heads, cells)
    shown = into.getvalue()
    assert max(map(cell_len, shown.splitlines()), default=0) <= 80
    words = Counter(shown.split())
    for row in cells:
        for cell in row:
            text = cell if isinstance(cell, str) else " ".join(cell)
            words.subtract(visible(text).split())
    assert min(words.values(), default=0) >= 0

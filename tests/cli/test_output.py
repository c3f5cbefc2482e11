"""Tables, facts and JSON lines as people and scripts get them."""

from __future__ import annotations

import json

import pytest

from stadtsinn.cli.output import print_facts, print_list, print_table

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

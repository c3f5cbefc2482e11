"""What is counted is in the singular where it is one: "1 row", never "1 rows"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtsinn.base.counted import counted

ROOT = Path(__file__).parents[2]
WORDS = """
    alarms batches copies days devices edges entries errors events files groups hours items keys
    lines members messages minutes people persons places points readings records rows rules seconds
    sensors series shifts stations tables tenants times towns trees uplinks values weeks zones
    Agenten Alarme Änderungen Bäume Bäumen Dateien Edges Einträge Ereignisse Geräte Geräten Gruppen
    Kopien Meldungen Messwerte Minuten Nachrichten Nummern Personen Punkte Regeln Reihen Schichten
    Schlüssel Sekunden Sensoren Städte Stationen Stunden Tabellen Tage Tagen Termine Uplinks Werte
    Wochen Zeilen Zonen
"""
NOUNS = frozenset(WORDS.split())
NEVER_ONE = {
    "length.days": "a shift that is far too long",
    "count": "too many events of a calendar",
    "days": "a length of two days or more, and a retention below one",
    "len(batch.items)": "more than a batch may hold",
    "len(list(day.uplinks()))": "a simulated day",
    "len(files)": "an archive of several",
    "_shown(self.archive)": "of three numbers",
    "_german(self.archive)": "of three numbers",
    "scope.tenant_id": "no number: a command to copy",
    "archive.folder": "no number",
    "report.resent": "'about edges': the noun is another's",
}
"""What stands before such a noun and is never 1, or no number; and why."""


def _counts(path: Path) -> Iterator[str]:
    """'LINE: {EXPRESSION} NOUN' of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if not isinstance(value, ast.FormattedValue) or not isinstance(after, ast.Constant):
                continue
            word = str(after.value)[1:].partition(" ")[0].strip(".,:;()'!?")
            shown = ast.unparse(value.value)
            is_bound = shown.split(" ")[0].isupper()
            is_counted = str(after.value)[0] == " " and word in NOUNS
            if is_counted and not is_bound and shown not in NEVER_ONE:
                yield f"{path.relative_to(ROOT)}:{node.lineno}: {{{shown}}} {word}"


@pytest.mark.slow
def test_no_number_stands_before_a_plural_whatever_it_is() -> None:
    found = [
        one
        for part in ("base", "cli", "cloud", "edge")
        for path in (ROOT / part).rglob("*.py")
        if "migrations" not in path.parts
        for one in _counts(path)
    ]
    assert found == [], "use 'counted(number, one, many)'"


def test_the_walk_finds_one() -> None:
    found = list(_counts(Path(__file__)))
    assert len(found) == 1, f"{len(found)} rows in this file"  # which is what it looks for


def test_counted() -> None:
    assert counted(1, "row", "rows") == "1 row"
    assert counted(0, "row is", "rows are") == "0 rows are"
    assert counted("1", "Tag", "Tage") == "1 Tag"

"""What is counted is in the singular where it is one: "1 row", never "1 rows"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from stadtsinn.base.counted import counted

ROOT = Path(__file__).parents[2]
WORDS = """
    agents alarms batches bytes characters copies days devices edges entries errors events files
    frames gates gateways groups hours incidents intervals items keys lines members messages minutes
    numbers people persons places points readings recipients records rounds rows rules samples
    seconds sensors series shifts stations tables tenants times towns trees uplinks values weeks
    zones
    Agenten Alarme Änderungen Bäume Bäumen Bytes Dateien Edges Einträge Ereignisse Gateways Geräte
    Geräten Gruppen Kopien Meldungen Messwerte Minuten Nachrichten Nummern Personen Punkte Regeln
    Reihen Schichten Schlüssel Sekunden Sensoren Städte Stationen Stunden Tabellen Tage Tagen
    Termine Uplinks Werte Wochen Zeilen Zonen
"""
NOUNS = frozenset(WORDS.split())
PARTS = (
    *("base", "cli", "cloud", "decoders", "edge", "gateway-firmware-tools", "rules"),
    "simulator",
)
NEVER_ONE = {
    "base/stadtsinn/base/mqtt/guarantees.py": {"size": "a limit of a broker"},
    "cli/stadtsinn/cli/broker_check.py": {"largest": "a limit of a broker"},
    "cli/stadtsinn/cli/roster_output.py": {"days": "a length of two days or more"},
    "cloud/stadtsinn/cloud/alarms/alerts/words.py": {
        "{number}": "the singular stands below it, as 'person'"
    },
    "cloud/stadtsinn/cloud/alarms/notify/senders/smtp.py": {"stated": "a limit of a mail server"},
    "cloud/stadtsinn/cloud/alarms/duty/plan.py": {"length.days": "a shift that is far too long"},
    "cloud/stadtsinn/cloud/alarms/duty/plan_ical.py": {"count": "too many events of a calendar"},
    "cloud/stadtsinn/cloud/backup/verifying.py": {"size": "of a file of a backup"},
    "cloud/stadtsinn/cloud/domains/trees/page_words.py": {
        "{count}": "the singular stands below it, as '…_one'"
    },
    "cloud/stadtsinn/cloud/domains/trees/register_service.py": {
        "scope.tenant_id": "no number: a command to copy"
    },
    "cloud/stadtsinn/cloud/erasure/page_words.py": {"{quarantine}": "a constant of 30"},
    "cloud/stadtsinn/cloud/intake/judging.py": {"len(uplink.payload)": "more than LoRaWAN carries"},
    "cloud/stadtsinn/cloud/intake/reading.py": {
        "size": "more than is read",
        "len(batch.items)": "more than a batch may hold",
    },
    "cloud/stadtsinn/cloud/platform/retention/model.py": {
        "_shown(self.archive)": "of three numbers",
        "_german(self.archive)": "of three numbers",
    },
    "cloud/stadtsinn/cloud/series/stores/store.py": {"days": "a retention below one day"},
    "decoders/stadtsinn/decoders/device_type.py": {"size": "more than LoRaWAN carries"},
    "decoders/stadtsinn/decoders/export/pages.py": {"when.length[1]": "of two numbers"},
    "decoders/stadtsinn/decoders/language/load.py": {"message": "no number"},
    "edge/stadtsinn/edge/agent/batch_limit.py": {
        "self._said": "a limit of a broker",
        "self.allowed": "a limit of a broker",
        "size": "of a batch",
    },
    "edge/stadtsinn/edge/agent/spool.py": {"self._max_bytes": "of a whole file"},
    "edge/stadtsinn/edge/network_servers/fields.py": {"len(data)": "more than LoRaWAN carries"},
    "edge/stadtsinn/edge/network_servers/format.py": {"len(payload)": "more than is read"},
    "simulator/stadtsinn/simulator/demo/play.py": {"len(list(day.uplinks()))": "a simulated day"},
    "simulator/stadtsinn/simulator/devices/encoders/fixed_point.py": {"width": "for programmers"},
    "simulator/stadtsinn/simulator/devices/encoders/vs133.py": {"len(lines)": "none, or over four"},
    "simulator/stadtsinn/simulator/replay/packing.py": {"len(files)": "another number than one"},
    "simulator/stadtsinn/simulator/verification/uplinks.py": {"len(rows)": "more than another"},
}
"""By file: what stands before such a noun and is never 1, or no number; and why."""
_IN_TEMPLATE = re.compile(r"(\{[\w.:,]*\}|%[ds]) (\w+)")
"""A place of a template for `format` or for a log, with the noun after it."""


def _counts(path: Path) -> Iterator[tuple[str, str]]:
    """What is counted in a file, and 'LINE: {EXPRESSION} NOUN'."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        for shown, noun in _said(node):
            is_bound = shown.split(" ")[0].isupper()
            if noun in NOUNS and not is_bound:
                yield shown, f"{path.name}:{node.lineno}: {{{shown}}} {noun}"  # type: ignore[attr-defined]


def _said(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Each expression in a text, and the word after it."""
    if isinstance(node, ast.JoinedStr):
        for value, after in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                said = str(after.value)
                yield (
                    ast.unparse(value.value),
                    said[1:].partition(" ")[0].strip(".,:;()'!?") if said[0] == " " else "",
                )
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from _IN_TEMPLATE.findall(node.value)


@pytest.mark.slow
def test_no_number_stands_before_a_plural_whatever_it_is() -> None:
    found = {
        str(path.relative_to(ROOT)): list(_counts(path))
        for part in PARTS
        for path in (ROOT / part).rglob("*.py")
        if "versions" not in path.parts
    }
    wrong = [
        line
        for name, counts in found.items()
        for shown, line in counts
        if shown not in NEVER_ONE.get(name, {})
    ]
    assert wrong == [], "use 'counted(number, one, many)'"
    unused = [
        f"{name}: {shown}"
        for name, allowed in NEVER_ONE.items()
        for shown in allowed
        if shown not in dict(found[name])
    ]
    assert unused == [], "what is no longer there is to be taken out of NEVER_ONE"


def test_the_walk_finds_each_way_to_put_a_number_into_a_text(tmp_path: Path) -> None:
    """Also of a template, whoever fills it, and of a log."""
    path = tmp_path / "code.py"
    path.write_text(
        'a = f"{len(rows)} rows"\n'
        'b = "{} of {} uplinks, {n:,} devices".format(1, 1, n=1)\n'
        'log("%d items", 1)\n'
        "fine = f\"{counted(n, 'row', 'rows')} rowsome, {MAX} rows\"\n"
    )
    assert sorted(line for _, line in _counts(path)) == [
        "code.py:1: {len(rows)} rows",
        "code.py:2: {{n:,}} devices",
        "code.py:2: {{}} uplinks",
        "code.py:3: {%d} items",
    ]


def test_counted() -> None:
    assert counted(1, "row", "rows") == "1 row"
    assert counted(0, "row is", "rows are") == "0 rows are"
    assert counted("1", "Tag", "Tage") == "1 Tag"

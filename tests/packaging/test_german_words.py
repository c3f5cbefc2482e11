"""The German that people read has one vocabulary: commands, messages, pages, API.

A text is German where it has an umlaut or a small word of German. Slugs and addresses are ASCII and
no part of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    *("base", "decoders", "rules", "edge", "cloud", "simulator"),
    *("gateway-firmware-tools", "cli"),
)

ONE_WORD = {
    "Stadt": r"Mandant\w*|Kommune\w*|Gemeinde\w*|Tenant\w*",
    "Messstelle": r"Messpunkt\w*|Messort\w*|(?<!Basics )Station",
    "Messreihe": r"Zeitreihe\w*|Datenreihe\w*",
    "Gerätetyp": r"Gerätemodell\w*|Sensortyp\w*",
    "Schlüssel": r"API-Token\w*",
    "Zentrale": r"Backend\w*|Cloud",
    "Einbau": r"Deployment\w*",
}
"""The word for a thing, and those that are not used for it."""

DU = re.compile(
    r"\b([Dd]u|[Dd]ein\w*|[Dd]ich|[Dd]ir|[Ee]uch|[Ee]ure\w*|"
    r"[Gg]ib|Lies|[Nn]imm|[Ss]ieh|[Kk]licke|[Ww]ähle|[Pp]rüfe|[Ss]tarte|[Öö]ffne|[Ll]ösche|"
    r"[Ee]ntferne|[Ss]chreibe|[Tt]rage|[Ss]etze|[Ff]ühre)\b"
)
_GERMAN = re.compile(
    r"[äöüßÄÖÜ]|\b(der|das|und|nicht|ist|eine?[nmrs]?|mit|kein\w*|wird|werden|wurde|vom|zum|zur|"
    r"oder|auf|nach|seit|von|bis|Sie|im|am)\b"
)
_SLUG = re.compile(r"\S*/\S*|\b[a-z0-9]+(-[a-z0-9]+)+\b|^[a-z0-9]+$")
_WORD = re.compile(r"[A-Za-zÄÖÜäöüß]{3,}")
_ASCII = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"}
)
COMMON = ("für", "über", "können", "müssen", "möglich", "während", "nächste", "größer", "ungültig")
"""Beside all words that the texts have themselves."""


def _in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = (one.value if isinstance(one, ast.Constant) else "…" for one in node.values)
            yield "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def texts() -> list[tuple[str, str]]:
    """Every text of the software with its file, without slugs; of pages each line is one."""
    found: list[tuple[str, str]] = []
    for path in (file for part in PARTS for file in sorted((ROOT / part).rglob("*"))):
        if "migrations" in path.parts or path.name == "vendor.js":
            continue
        if path.suffix == ".py":
            found += [(path.name, text) for text in _in_python(path)]
        elif path.suffix in {".html", ".js"}:
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [(path.name, line) for line in lines]
    return [(name, _SLUG.sub(" ", text)) for name, text in found]


@cache
def german_texts() -> list[tuple[str, str]]:
    return [(name, text) for name, text in texts() if _GERMAN.search(text)]


def _hits(pattern: re.Pattern[str], among: list[tuple[str, str]]) -> list[str]:
    return [f"{name}: {hit[0]}: {text}" for name, text in among if (hit := pattern.search(text))]


def ascii_spellings() -> re.Pattern[str]:
    """Words with an umlaut as they would be spelt without: of each that a text has."""
    words = {word.lower() for _, text in german_texts() for word in _WORD.findall(text)}
    spelt = {word.translate(_ASCII) for word in {*words, *COMMON}} - words - {"mass"}
    return re.compile(rf"\b({'|'.join(sorted(spelt))})\b", re.IGNORECASE)


@pytest.mark.slow
def test_the_search_sees_the_texts() -> None:
    files = {name for name, _ in german_texts()}
    assert len(german_texts()) > 500
    assert {"main.py", "wording.py", "texts.py", "phone.html", "kinds.py"} <= files


def test_nobody_is_addressed_as_du() -> None:
    assert _hits(DU, german_texts()) == []


@pytest.mark.parametrize("word", ONE_WORD)
def test_a_thing_has_one_word(word: str) -> None:
    assert _hits(re.compile(rf"\b({ONE_WORD[word]})\b"), german_texts()) == []


@pytest.mark.slow
def test_umlauts_are_written() -> None:
    assert _hits(ascii_spellings(), texts()) == []


@pytest.mark.parametrize(
    "wrong", ["Starte den Agenten mit …", "Gib deine Nummer ein und warte", "Das ist für dich"]
)
def test_a_du_would_be_found(wrong: str) -> None:
    assert DU.search(wrong)
    assert _GERMAN.search(wrong)


@pytest.mark.parametrize(
    "wrong", ["fuer alle", "ueber Nacht", "Geraete auflisten", "Schluessel verwalten", "groesser"]
)
def test_a_spelling_without_umlaut_would_be_found(wrong: str) -> None:
    assert ascii_spellings().search(wrong)

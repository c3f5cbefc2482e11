"""docs/architecture.md is true: the files it names exist, and a next thing takes few of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONFIGURATIONS = {"edge.toml", "cloud.toml"}
"""Files of an installation, not of this repository."""
NEXT_THINGS = {
    "rule kind": "tests/rules/test_next_kind.py",
    "message channel": "tests/cloud/alarms/notify/test_next_channel.py",
    "source of the ingest": "tests/cloud/intake/test_next_source.py",
    "format (network server)": "tests/edge/network_servers/test_next_format.py",
    "station kind": "tests/cloud/town/stations/test_next_kind.py",
}


def _rows() -> dict[str, str]:
    table = PAGE.partition("## Where to put the next")[2].partition("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = (line.strip("| ").partition(" | ") for line in lines[2:])
    return {thing: place for thing, _, place in cells}


ROWS = _rows()


def _named(place: str) -> list[str]:
    """The files and folders of a row, as it names them."""
    quoted = (name for name in re.findall(r"`([^`]+)`", place) if name not in CONFIGURATIONS)
    return [name for name in quoted if re.search(r"/|\.(py|toml|md)$", name)]


def _found(name: str, before: Path | None) -> list[Path]:
    pattern = re.sub(r"<[^>]+>", "*", name.rstrip("/"))
    if "/" not in pattern and "." in pattern:
        if before is not None:
            return sorted(before.parent.glob(pattern))
        return sorted((ROOT / "cloud" / "stadtsinn" / "cloud").rglob(pattern))
    part, _, rest = pattern.partition("/")
    inside = f"{part}/stadtsinn/{part}/{rest}".rstrip("/")
    return sorted(ROOT.glob(inside)) or sorted(ROOT.glob(pattern))


def _files(place: str) -> list[Path]:
    """Every path of a row, found; raises AssertionError for one that is not there."""
    files: list[Path] = []
    for name in _named(place):
        found = _found(name, files[-1] if files else None)
        assert found, name
        files.append(found[0])
    return files


def test_the_page_has_the_table() -> None:
    assert NEXT_THINGS.keys() <= ROWS.keys()
    assert len(ROWS) > 10


@pytest.mark.parametrize("thing", ROWS)
def test_every_path_of_the_table_exists(thing: str) -> None:
    for file in _files(ROWS[thing]):
        assert file.exists()


@pytest.mark.parametrize("thing", NEXT_THINGS)
def test_a_next_thing_takes_four_files_at_most_and_a_test_adds_one(thing: str) -> None:
    assert 1 <= len(_files(ROWS[thing])) <= 4
    assert (ROOT / NEXT_THINGS[thing]).exists()


def test_every_link_of_the_pages_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in target
        and not target.startswith("mailto:")
        and not (page.parent / target).exists()
    ]
    assert broken == []


def test_a_path_that_is_not_there_is_noticed() -> None:
    for place in ("`cloud/nowhere.py`", "`edge/agent/settings.py`, `nothing.py`", "`nobodys.py`"):
        with pytest.raises(AssertionError):
            _files(place)

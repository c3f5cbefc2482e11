"""A part imports only what its extra brings, not what another extra happens to bring.

One day typer had `click` inside: `stadtsinn edge` did not start where uvicorn was not beside it.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
PARTS = {"base": "edge-small", "decoders": "edge", "edge": "edge", "cloud": "cloud", "cli": "cli"}
PARTS["gateway-firmware-tools"] = "firmware"
"""And the extra that is enough for what a part imports when it is loaded. Commands load the part
that they are of later."""

APART = {Path("cloud/stadtsinn/cloud/alarms/notify/senders/chat_child.py"): ("cloud", "chat")}
"""Programs that are started only where an extra of their own is there."""


def _brought(extra: str) -> set[str]:
    """The packages that come with an extra, those that its own need included."""
    found: set[str] = set()
    waiting = list(_names([*PROJECT["dependencies"], *_lines(extra)]))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_names(_needs(name)))
    return found


def _lines(extra: str) -> Iterator[str]:
    for requirement in EXTRAS[extra]:
        taken = re.fullmatch(r"stadtsinn\[(.+)\]", requirement)
        yield from _lines(taken[1]) if taken else [requirement]


def _needs(name: str) -> Iterable[str]:
    try:
        return [one for one in requires(name) or () if "extra ==" not in one]
    except PackageNotFoundError:  # on another system or Python
        return ()


def _names(requirements: Iterable[str]) -> Iterator[str]:
    for one in requirements:
        yield _plain(re.split(r"[\[<>=!~;( ]", one)[0])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(paths: Iterable[Path]) -> Iterator[str]:
    """What files import when they are loaded."""
    for path in paths:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def _missing(paths: Iterable[Path], brought: set[str]) -> set[str]:
    """What they import that does not come with these packages."""
    packages = packages_distributions()
    foreign = set(_imported(paths)) - sys.stdlib_module_names - {"stadtsinn"}
    assert foreign
    of = {name: set(map(_plain, packages.get(name, [name]))) for name in foreign}
    return {name for name, found in of.items() if not found & brought}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_what_its_extra_brings(part: str) -> None:
    files = (ROOT / part / "stadtsinn").rglob("*.py")
    own = [path for path in files if path.relative_to(ROOT) not in APART]
    assert _missing(own, _brought(PARTS[part])) == set()


@pytest.mark.parametrize("path", APART)
def test_a_program_apart_needs_its_extra(path: Path) -> None:
    part, extra = APART[path]
    assert _missing([ROOT / path], _brought(part) | _brought(extra)) == set()
    assert _missing([ROOT / path], _brought(part)) == {"apprise"}


def test_what_only_another_extra_brings_is_not_there() -> None:
    assert {"typer", "rich"} <= _brought("cli")
    assert "uvicorn" in _brought("cloud") - _brought("edge")

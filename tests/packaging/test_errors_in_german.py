"""Every error that people read says it in German too; a new one cannot forget it.

Looks at the source alone. That a second text is given at all mypy sees; here that it is another
one, that nothing people read is raised without it, and that commands show it.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PARTS = (
    *("base", "decoders", "rules", "edge", "cloud", "simulator"),
    *("gateway-firmware-tools", "cli"),
)
BASE = ("stadtsinn.base.sentence", "Explained")

PLAIN = {"ValueError", "RuntimeError", "OSError", "Exception"}
"""They have one language. Our own kinds are `Explained` and `Unusable`."""
FOR_PROGRAMMERS = {
    "base/stadtsinn/base/health.py": 1,  # start() was not called
    "cloud/stadtsinn/cloud/publish/serving.py": 1,  # start() was not called
    "cloud/stadtsinn/cloud/publish/connections.py": 1,  # caught where it is raised
    "cloud/stadtsinn/cloud/alarms/notify/text.py": 1,  # a text was not transliterated before
    "cloud/stadtsinn/cloud/migrations/counters.py": 1,  # a wrong migration
    "cloud/stadtsinn/cloud/migrations/env.py": 1,  # alembic was called without us
    "cloud/stadtsinn/cloud/backup/manifest.py": 1,  # OSError with its file; `explaining` has words
    "cloud/stadtsinn/cloud/backup/sqlite.py": 1,  # the same
    "cli/stadtsinn/cli/times.py": 1,  # caught where it is raised
    "decoders/stadtsinn/decoders/batch.py": 3,  # a wrong call
    "decoders/stadtsinn/decoders/compiler/assembler.py": 1,  # no table of that size: a wrong bound
    "edge/stadtsinn/edge/agent/agent.py": 1,  # caught where it is raised, told to the cloud
    "edge/stadtsinn/edge/agent/packing.py": 3,  # caught by the spool, goes to the log
    "edge/stadtsinn/edge/agent/spool.py": 1,  # a wrong call
}
"""How many plain errors a file raises that nobody reads at a terminal, and why."""


@cache
def _modules() -> dict[str, tuple[Path, ast.Module]]:
    found = {}
    for part in PARTS:
        for path in sorted((ROOT / part).rglob("*.py")):
            names = path.relative_to(ROOT / part).with_suffix("").parts
            module = ".".join(names).removesuffix(".__init__")
            found[module] = path, ast.parse(path.read_text(encoding="utf-8"))
    return found


@cache
def _classes(module: str) -> dict[str, ast.ClassDef]:
    if module not in _modules():
        return {}
    nodes = _modules()[module][1].body
    return {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}


@cache
def _imported(module: str) -> dict[str, tuple[str, str]]:
    """Every name that a module imports from another one, at its head or late."""
    nodes = ast.walk(_modules()[module][1]) if module in _modules() else ()
    return {
        one.asname or one.name: (node.module, one.name)
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for one in node.names
    }


@cache
def _defined(module: str, name: str) -> tuple[str, str] | None:
    """Where a class that this module calls `name` stands; ``room.Class`` is one, too."""
    room, _, inner = name.rpartition(".")
    if room:
        above = _imported(module).get(room)
        return _defined(".".join(above), inner) if above is not None else None
    if name in _classes(module):
        return module, name
    above = _imported(module).get(name)
    return _defined(*above) if above is not None else None


@cache
def _is_bilingual(module: str, name: str) -> bool:
    place = _defined(module, name)
    if place is None or place == BASE:
        return place == BASE
    bases = _classes(place[0])[place[1]].bases
    return any(_is_bilingual(place[0], ast.unparse(base)) for base in bases)


def _sentences() -> Iterator[tuple[str, ast.Call]]:
    """Every call with a sentence: of a class of errors, and of the constructors of those that have
    their own."""
    for module, (path, tree) in _modules().items():
        own = [one for one in _classes(module).values() if _is_bilingual(module, one.name)]
        inside = {node for one in own for node in ast.walk(one)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = ast.unparse(node.func)
            own_constructor = called == "super().__init__" and node in inside
            if own_constructor or _takes_a_sentence(module, called):
                yield f"{path}:{node.lineno}", node


def _takes_a_sentence(module: str, name: str) -> bool:
    if not _is_bilingual(module, name):
        return False
    place = _defined(module, name)
    assert place is not None
    body = _classes(place[0])[place[1]].body
    return not any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in body)


def test_every_error_has_a_german_sentence_of_its_own() -> None:
    sentences = list(_sentences())
    assert len(sentences) > 200, "the classes are found"
    wrong = [
        where
        for where, call in sentences
        if len(call.args) != 2 or ast.dump(call.args[0]) == ast.dump(call.args[1])
    ]
    assert wrong == []


def test_nothing_that_people_read_is_raised_in_one_language() -> None:
    found: Counter[str] = Counter()
    for path, tree in _modules().values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                found[str(path.relative_to(ROOT))] += ast.unparse(node.exc.func) in PLAIN
    assert +found == Counter(FOR_PROGRAMMERS)


@pytest.mark.parametrize("name", ["refuse", "end", "say", "Finding", "_fail"])
def test_no_command_shows_an_errors_english_alone(name: str) -> None:
    """`refuse` takes the error itself, the others `in_words(error)`."""
    shown = [
        f"{path}:{node.lineno}"
        for path, tree in _modules().values()
        if ROOT / "cli" in path.parents
        for handler in ast.walk(tree)
        if isinstance(handler, ast.ExceptHandler) and handler.name
        for node in ast.walk(handler)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == name and node.args
        if ast.unparse(node.args[0]) in (f"str({handler.name})", handler.name)
        and not (name == "refuse" and ast.unparse(node.args[0]) == handler.name)
    ]
    assert shown == []

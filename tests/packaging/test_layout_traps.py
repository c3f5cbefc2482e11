"""Two ways to break an editable install that no tool reports (found by experiment)."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = sorted(path.parent.name for path in ROOT.glob("*/stadtsinn") if path.is_dir())


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_there_are_parts() -> None:
    """The other tests of this file find folders at all."""
    assert {
        "base",
        "decoders",
        "rules",
        "edge",
        "cloud",
        "simulator",
        "gateway-firmware-tools",
        "cli",
    } <= set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_the_namespace_folder_has_no_init(part: str) -> None:
    """An `__init__.py` in any `*/stadtsinn/` hides all other parts, and mypy reports no error."""
    assert not (ROOT / part / "stadtsinn" / "__init__.py").exists()


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_built_developed_typed_and_layered(part: str) -> None:
    """A folder missing from `dev-mode-dirs` installs without a message and fails at import."""
    config = _pyproject()
    build = config["tool"]["hatch"]["build"]
    assert part in build["dev-mode-dirs"]
    assert f"{part}/stadtsinn" in build["targets"]["wheel"]["packages"]
    assert f"$MYPY_CONFIG_FILE_DIR/{part}" in config["tool"]["mypy"]["mypy_path"].split(":")
    inner = [path for path in (ROOT / part / "stadtsinn").iterdir() if path.is_dir()]
    names = [f"stadtsinn.{path.name}" for path in inner if path.name != "__pycache__"]
    assert names, f"{part}/stadtsinn is empty"
    for name in names:
        assert name in config["tool"]["importlinter"]["root_packages"]
    for path in inner:
        if path.name != "__pycache__":
            assert (path / "py.typed").exists()


def test_the_lock_names_no_registry() -> None:
    """A town with a mirror of its own installs from there."""
    text = (ROOT / "requirements.lock").read_text()
    assert "--hash=sha256:" in text
    assert "://" not in text


def test_the_lock_has_one_version_of_everything() -> None:
    """Another numpy for another Python once made the types fail on one Debian only."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    names = [line.partition("==")[0] for line in lines if re.match(r"[a-z0-9].*==", line)]
    assert len(names) > 30
    assert [name for name, count in Counter(names).items() if count > 1] == []


def test_the_small_edge_is_the_edge_without_numba() -> None:
    extras = _pyproject()["project"]["optional-dependencies"]
    assert extras["edge"][0] == "stadtsinn[edge-small]"
    assert [re.split("[^a-z-]", name)[0] for name in extras["edge"][1:]] == ["llvmlite", "numba"]

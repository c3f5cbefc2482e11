"""Two ways to break an editable install that no tool reports (found by experiment)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = sorted(path.parent.name for path in ROOT.glob("*/stadtsinn") if path.is_dir())


def _pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_there_are_parts() -> None:
    """The other tests of this file look at something."""
    assert {"base", "decoders", "edge", "cloud", "simulator", "cli"} <= set(PARTS)


@pytest.mark.parametrize("part", PARTS)
def test_the_namespace_folder_has_no_init(part: str) -> None:
    """An `__init__.py` in any `*/stadtsinn/` hides all other parts while mypy stays content."""
    assert not (ROOT / part / "stadtsinn" / "__init__.py").exists()


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_built_developed_typed_and_layered(part: str) -> None:
    """A folder missing from `dev-mode-dirs` installs without a word and fails at import."""
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

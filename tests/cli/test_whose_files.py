"""Root makes no files that the centre's own user could not open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from stadtsinn.base.problems import Conflict
from stadtsinn.cli.main import _load
from stadtsinn.cli.whose_files import refuse_as_root

NOBODY = 65_534


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of another user than root, and root in it."""
    made = tmp_path / "data"
    made.mkdir()
    if os.getuid() == 0:
        os.chown(made, NOBODY, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "cloud.toml").write_text('[database]\nurl = "sqlite:///data/town.sqlite"\n')
    (tmp_path / "town.toml").write_text('tenant = "musterstadt"\nname = "Musterstadt"\n')
    return made


def run(folder: Path, noun: str, *given: str, language: str = "C") -> Result:
    config = folder.parent / "cloud.toml"
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
    return CliRunner().invoke(_load(noun), list(given), env=environment)


@pytest.mark.parametrize(
    "given",
    [
        ("registry", "apply", "town.toml"),
        ("tenant", "create", "musterstadt", "--name", "Musterstadt"),
        ("tenant", "delete", "musterstadt", "--yes"),
        ("cloud", "upgrade"),
        ("cloud", "run"),
        ("cloud", "rebuild", "series"),
        ("archive", "--before", "2026-01-01"),
    ],
    ids=lambda given: " ".join(given[:2]),
)
def test_what_writes_is_refused_with_the_remedy(folder: Path, given: tuple[str, ...]) -> None:
    """Whose the folder is stands in the sentence, and nothing was made."""
    refused = run(folder, *given)
    assert refused.exit_code == 1, refused.output
    assert f"{folder} belongs to '" in refused.stderr
    assert "runuser -u " in refused.stderr
    assert "wäre für" in run(folder, *given, language="de_DE.UTF-8").stderr
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_what_only_reads_may_be_roots(folder: Path) -> None:
    """It makes nothing."""
    assert run(folder, "edges").exit_code == 0
    assert list(folder.iterdir()) == []


def test_roots_own_database_and_another_kind_are_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    file = folder / "town.sqlite"
    refuse_as_root("postgresql:///stadtsinn")
    refuse_as_root("sqlite:///:memory:")
    refuse_as_root(f"sqlite:///{tmp_path}/not/there.sqlite")
    file.touch()
    if os.getuid() == 0:
        refuse_as_root(f"sqlite:///{file}")
        os.chown(file, NOBODY, -1)
    with pytest.raises(Conflict, match="belongs to"):
        refuse_as_root(f"sqlite:///{file}")
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    refuse_as_root(f"sqlite:///{file}")

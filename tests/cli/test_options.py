"""Which configuration a command reads that was given none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stadtsinn.cli import options
from stadtsinn.cli.options import or_installed

NAME = Path("cloud.toml")
chosen = or_installed(str(NAME))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The services' configuration; the caller stands in a folder that has none."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "etc" / NAME).touch()
    monkeypatch.setattr(options, "ETC", tmp_path / "etc")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "etc" / NAME


def test_the_services_configuration_where_the_folder_has_none(installed: Path) -> None:
    assert chosen(NAME) == installed


def test_the_one_of_the_folder_comes_first(installed: Path) -> None:
    NAME.touch()
    assert chosen(NAME) == NAME


@pytest.mark.parametrize("named", ["other.toml", "/srv/cloud.toml", "sub/cloud.toml"])
def test_what_was_named_is_taken_even_where_it_is_missing(installed: Path, named: str) -> None:
    """The error then names what was asked for, and nothing else is changed by mistake."""
    assert chosen(Path(named)) == Path(named)


def test_where_there_is_neither_the_error_names_the_folders(installed: Path) -> None:
    installed.unlink()
    assert chosen(NAME) == NAME


def test_a_folder_that_the_user_may_not_enter_is_no_obstacle(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of root's folder the service's user learns nothing: `runuser -u stadtsinn` keeps it."""
    real = Path.stat

    def stat(path: Path, **kwargs: bool) -> os.stat_result:
        if not path.is_absolute():
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, **kwargs)

    monkeypatch.setattr(Path, "stat", stat)
    assert chosen(NAME) == installed

"""`stadtsinn backup`, `backup verify` and `restore` as their users call them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backed_up_town import BackedUpTown
from stadtsinn.cli.main import _load


def _run(*command: str, language: str = "C", config: Path) -> Any:
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
    return CliRunner().invoke(_load(command[0]), command[1:], env=environment)


@pytest.fixture
def town(tmp_path: Path) -> BackedUpTown:
    made = BackedUpTown(tmp_path / "town")
    made.add(range(12))
    made.archive_days(1)
    return made


def test_made_verified_lost_and_restored(town: BackedUpTown) -> None:
    folder, config = str(town.backups), town.config
    for _ in range(3):
        made = _run("backup", "--keep", "2", folder, config=config)
        assert made.exit_code == 0, made.output
    assert "log to position 12" in made.stdout
    assert "secrets  not included" in made.stdout
    assert f"deleted  {folder}" in made.stdout
    verify = _run("backup", "verify", folder, "--json", config=config)
    assert [json.loads(line)["uplinks"] for line in verify.stdout.splitlines()] == [12, 12]
    newest = json.loads(verify.stdout.splitlines()[-1])["backup"]
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], check=True, cwd=newest)

    refused = _run("restore", folder, config=config)
    assert refused.exit_code == 1
    assert "give --overwrite" in refused.stderr
    shutil.rmtree(town.folder)
    done = _run("restore", folder, config=config, language="de_DE.UTF-8")
    assert done.exit_code == 0, done.output
    assert f"geschrieben: {config}" in done.stdout
    assert "die Agenten liefern nach" in done.stdout
    (town.folder / "ingest.password").write_text("geheim")
    assert town.counters() == list(range(12))


def test_what_is_damaged_ends_with_one_sentence_and_code_1(town: BackedUpTown) -> None:
    made = town.back_up().folder
    (made / "database" / "stadtsinn.sqlite").write_bytes(b"")
    for command in (("backup", "verify", str(town.backups)), ("restore", str(made), "--overwrite")):
        result = _run(*command, config=town.config)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "is damaged: database/stadtsinn.sqlite has 0 of" in result.stderr
    town.path.write_bytes(b"nothing that SQLite knows" * 1000)
    result = _run("backup", str(town.backups), config=town.config)
    assert result.exit_code == 1
    assert "no backup was made of it" in result.stderr


def test_help_says_both_ways(town: BackedUpTown) -> None:
    for arguments in (("--help",), ()):
        said = _run("backup", *arguments, config=town.config).output
        assert "verify" in said
        assert "FOLDER" in said

"""Writes the next migration from the difference between the tables and the migrations.

``python -m stadtsinn.cloud.migrations.generate "what changed"``; read what it
wrote before you commit it. With ``--replace`` as second argument, while nothing is released, the
first migration is written anew instead of adding one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

from stadtsinn.cloud.migrations.upgrade import configuration, upgrade
from stadtsinn.cloud.platform.database.engine import open_database

_VERSIONS = Path(__file__).parent / "versions"


def generate(message: str, *, replace: bool = False) -> list[Path]:
    """Write a migration file; returns the new ones, none where nothing differs."""
    if replace:
        for old in _VERSIONS.glob("*.py"):
            old.unlink()
    before = set(_VERSIONS.glob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/empty.sqlite")
        upgrade(database)
        with database.write() as connection:
            config = configuration()
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{len(before) + 1:04d}")
        database.dispose()
    made = sorted(set(_VERSIONS.glob("*.py")) - before)
    for arguments in (["format", "--quiet"], ["check", "--fix", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, *made], check=True)
    return made


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit('say what changed: python -m stadtsinn.cloud.migrations.generate "…"')
    for made in generate(sys.argv[1], replace="--replace" in sys.argv[2:]):
        sys.stdout.write(f"{made}\n")

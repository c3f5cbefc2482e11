"""PostgreSQL by its own tools: `pg_dump` of one snapshot, `psql` in one transaction.

How to reach the server, with the password, stands in a private file for libpq, never in the list of
processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, text

from stadtsinn.base.logs import mask_text
from stadtsinn.base.private_files import write_private
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.backup.manifest import BackupFailed
from stadtsinn.cloud.platform.database.engine import Database

_SERVICE = "stadtsinn"
_WAIT_FOR_LOCKS = "15s"
_OURS = "public"
"""The schema in which our tables are."""


class ServerToolFailed(BackupFailed):
    """pg_dump, pg_restore or psql did not do it; the text has its words."""


def export_snapshot(connection: Connection) -> str:
    """What this transaction sees, as a name for `dump`, while it is open."""
    return str(connection.execute(text("SELECT pg_export_snapshot()")).scalar_one())


def dump(database: Database, snapshot: str, target: Path) -> None:
    """Raises ServerToolFailed, OSError."""
    with _service(database) as environment:
        command = [
            *(_tool("pg_dump"), f"--dbname=service={_SERVICE}", "--format=custom"),
            # Only what is ours: the tables of gammu-smsd may lie beside it, and what waited there
            # would be sent once more after a restore.
            *(f"--snapshot={snapshot}", f"--schema={_OURS}", "--no-owner", "--no-privileges"),
            f"--file={target}",
        ]
        _run(command, environment)


def require_whole(dumped: Path) -> None:
    """Raises ServerToolFailed where the dump cannot be read to its end."""
    _run([_tool("pg_restore"), "--file=/dev/null", str(dumped)], dict(os.environ))


def load(
    database: Database, dumped: Path, tables: Sequence[str], afterwards: Sequence[str]
) -> None:
    """Replace these tables by the dump's and run the statements `afterwards`: all or nothing.

    A statement that does not fit the schema of an older dump is left out. Raises ServerToolFailed.
    """
    drops = "".join(f'DROP TABLE IF EXISTS public."{table}" CASCADE;\n' for table in tables)
    before = f"BEGIN;\nSET lock_timeout = '{_WAIT_FOR_LOCKS}';\n{drops}"
    after = "SET search_path = public;\n" + "".join(map(_where_it_fits, afterwards)) + "COMMIT;\n"
    with _service(database) as environment, tempfile.TemporaryFile() as errors:
        psql = subprocess.Popen(
            [
                *(_tool("psql"), f"--dbname=service={_SERVICE}", "--no-psqlrc", "--quiet"),
                *("--set=ON_ERROR_STOP=1", "--output=/dev/null", "--file=-"),
            ],
            stdin=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        assert psql.stdin is not None
        try:
            # Without its last line the server undoes everything, also when we are killed.
            _feed(psql.stdin, before, dumped, after)
        except BrokenPipeError:
            pass  # psql has ended and said why
        finally:
            code = _wait(psql)
        _require_success("psql", code, errors)


def _feed(stdin: IO[bytes], before: str, dumped: Path, after: str) -> None:
    stdin.write(before.encode())
    stdin.flush()
    restore = [
        *(_tool("pg_restore"), f"--schema={_OURS}", "--no-owner", "--no-privileges"),
        *("--file=-", str(dumped)),
    ]
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(restore, stdout=stdin, stderr=errors, check=False)
        _require_success("pg_restore", done.returncode, errors)
    stdin.write(after.encode())
    stdin.flush()


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        if process.stdin is not None:
            process.stdin.close()
    except BrokenPipeError:
        pass
    return process.wait()


def _where_it_fits(statement: str) -> str:
    unfit = "WHEN undefined_table OR undefined_column THEN NULL"
    return f"DO $restored$ BEGIN {statement}; EXCEPTION {unfit}; END $restored$;\n"


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    with tempfile.TemporaryFile() as errors:
        done = subprocess.run(command, stderr=errors, env=environment, check=False)
        _require_success(Path(command[0]).name, done.returncode, errors)


def _require_success(tool: str, code: int, errors: IO[bytes]) -> None:
    if code == 0:
        return
    errors.seek(0)
    said = errors.read(4000).decode(errors="replace").strip().splitlines()
    reason = mask_text("; ".join(said[:3])) or f"exit code {code}"
    hint = german = ""
    if "version" in reason:
        hint = ": install the client tools of the server's version"
        german = ": die Clientprogramme der Version des Servers installieren"
    raise ServerToolFailed(
        f"{tool} failed, nothing was changed{hint} ({reason})",
        f"{tool} ist gescheitert, nichts wurde geändert{german} ({reason})",
    )


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ServerToolFailed(
            f"{name} is not here: 'apt-get install postgresql-client', of the server's version or "
            "a newer one",
            f"{name} fehlt hier: 'apt-get install postgresql-client', von der Version des Servers "
            "oder einer neueren",
        )
    return found


@contextmanager
def _service(database: Database) -> Iterator[dict[str, str]]:
    """An environment in which libpq finds the server by the name of a service."""
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    lines = [f"{name}={value}" for name, value in conninfo_to_dict(url).items()]
    if any("\n" in line for line in lines):
        raise Unusable(
            "[database] url holds a line break: take it out",
            "[database] url enthält einen Zeilenumbruch: ihn entfernen",
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "service.conf"
        write_private(file, "\n".join([f"[{_SERVICE}]", *lines, ""]))
        yield {**os.environ, "PGSERVICEFILE": str(file), "PGSERVICE": _SERVICE}

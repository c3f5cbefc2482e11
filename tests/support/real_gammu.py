"""A real gammu-smsd: its modem is a folder (its driver `dummy`), its tables are in PostgreSQL.

Debian's schema, in a schema of its own and by a role of its own, as `docs/channels.md` has it. What
goes out to the network is what the driver was given to send: its log has each message once for each
time.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import make_url

from real_parts import PATIENCE_S, absent, dies_with_the_test, require, wait_until
from stadtsinn.cloud.platform.database.engine import Database

SCHEMA, ROLE, PHONE, ZONE = "gammu", "smsd", "rathaus", "Europe/Berlin"
SCRIPT = Path("/usr/share/doc/gammu-smsd/examples/pgsql.sql")
SMSC = "123456"
"""Of the folder's modem: delivery reports have to come from there."""

_SENT = re.compile(
    r"gammu: SMS Submit\n(?:.*gammu: (?!Recipient).*\n)*"
    r'.*gammu: Recipient number "(?P<number>.*)"\n'
    r"(?:.*gammu: .*\n)*?.*gammu: 7 bit SMS, length .*\n.*?gammu: (?P<text>.*)\n"
)


def lay_tables(database: Database, script: Path | None = None) -> None:
    """Debian's tables; our own role may do there what the page grants."""
    if not (script or SCRIPT).is_file():
        absent("gammu-smsd", "apt-get install gammu-smsd")
    url = make_url(database.engine.url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as admin:
        known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone()
        if known is None:
            admin.execute(f"CREATE ROLE {ROLE} LOGIN")
        admin.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION {ROLE}")
        admin.execute(f"ALTER ROLE {ROLE} SET search_path = {SCHEMA}")
        # Else it takes reports of deliveries for an hour too early or too late.
        admin.execute(f"ALTER ROLE {ROLE} SET timezone = '{ZONE}'")
        admin.execute(f"SET ROLE {ROLE}")
        admin.execute(f"SET search_path = {SCHEMA}")
        text = (script or SCRIPT).read_text(encoding="utf-8")
        admin.execute(text.replace("CREATE LANGUAGE plpgsql;", ""))


@dataclass
class Gammu:
    """Use as a context manager; it can be killed and started again."""

    folder: Path
    database: Database
    options: Mapping[str, object] = field(default_factory=dict)
    """In place of those of its section [smsd] below."""
    zone: str = ZONE
    _process: subprocess.Popen[bytes] | None = None
    _incoming: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.terminate()  # in order: it gives its shared memory back
            self._process.wait(PATIENCE_S)

    @property
    def log(self) -> Path:
        return self.folder / "smsd.log"

    def start(self, *, ready: bool = True) -> None:
        program = require("gammu-smsd")
        for folder in range(1, 6):
            (self.folder / "modem/sms" / str(folder)).mkdir(parents=True, exist_ok=True)
        config = self.folder / "smsdrc"
        config.write_text(self._config())
        before = self._said("Inserting phone info")
        with (self.folder / "out.log").open("ab") as out:
            self._process = subprocess.Popen(
                [*dies_with_the_test(), str(program), f"--config={config}"],
                stdout=out,
                stderr=out,
                env={**os.environ, "TZ": self.zone},
            )
        if ready:
            wait_until(
                lambda: self._said("Inserting phone info") > before, "gammu-smsd has its modem"
            )

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(PATIENCE_S)
            self._process = None

    def sent(self) -> list[tuple[str, str]]:
        """(number, text) of each message that the modem was given to send, as often as it was."""
        return [(one["number"], one["text"]) for one in _SENT.finditer(self._log())]

    def texts(self) -> list[str]:
        return [text for _, text in self.sent()]

    def receive(self, number: str, text: str, **other: object) -> None:
        """Somebody writes to the modem."""
        encoded = text.encode("utf-16-be").hex().upper()
        self._arrives(
            PDU="Deliver",
            Number=f'"{number}"',
            Coding="Unicode_No_Compression" if not text.isascii() else "Default_No_Compression",
            Length=len(text),
            Text00=encoded,
            **other,
        )

    def report_delivered(self, number: str) -> None:
        """The network says that the last message to this number arrived."""
        self._arrives(
            PDU="Status_Report",
            Number=f'"{number}"',
            Coding="Default_No_Compression",
            MessageReference=255,  # the folder's modem gives all messages this one
            Length=9,
            Text00="Delivered".encode("utf-16-be").hex(),
        )

    def rows(self, table: str, order: str = '"ID"') -> list[dict[str, Any]]:
        with self.connect() as connection:
            cursor = connection.cursor(row_factory=dict_row)
            return cursor.execute(f"SELECT * FROM {SCHEMA}.{table} ORDER BY {order}").fetchall()

    def execute(self, statement: str, *values: object) -> None:
        with self.connect() as connection:
            connection.execute(statement, values)

    def connect(self) -> psycopg.Connection[Any]:
        url = make_url(self.database.engine.url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        return psycopg.connect(address, autocommit=True)

    def _arrives(self, **entries: object) -> None:
        self._incoming += 1
        values = {
            "SMSC": f'"{SMSC}"',
            "State": "UnRead",
            "DateTime": f"{datetime.now(UTC):%Y%m%dT%H%M%S}",
            "Folder": 1,
            **entries,
        }
        lines = ["[SMSBackup000]", *(f"{name} = {value}" for name, value in values.items())]
        place = self.folder / "modem/sms/1"
        written = self.folder / "arriving"
        written.write_text("\n".join(lines) + "\n")
        written.rename(place / str(self._incoming))  # whole at once, as it is read at any moment

    def _said(self, what: str) -> int:
        return self._log().count(what)

    def _log(self) -> str:
        if not self.log.exists():
            return ""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def _config(self) -> str:
        url = self.database.engine.url
        values: dict[str, object] = {
            "service": "sql",
            "driver": "native_pgsql",
            "host": f"{url.host}:{url.port}",
            "user": ROLE,
            "password": "unused",
            "database": url.database,
            "phoneid": PHONE,
            "checksecurity": 0,
            "loopsleep": 1,
            "commtimeout": 1,
            "receivefrequency": 1,
            "statusfrequency": 1,
            "deliveryreport": "sms",
            "logfile": self.log,
            "debuglevel": 255,
            **self.options,
        }
        lines = [f"{name} = {value}" for name, value in values.items()]
        device = self.folder / "modem"
        gammu = ["[gammu]", "model = dummy", "connection = none", f"device = {device}"]
        return "\n".join([*gammu, "[smsd]", *lines]) + "\n"

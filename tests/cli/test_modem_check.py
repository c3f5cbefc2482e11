"""`stadtsinn cloud check --connect` with a modem of our own, set up as docs/channels.md says."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from databases import fresh_postgres, shared_cluster
from fake_senders import Outbox
from real_gammu import ROLE, SCHEMA, SCRIPT
from real_parts import absent
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY
from stadtsinn.cli import cloud_check
from stadtsinn.cli.cloud import app
from stadtsinn.cloud.alarms.answers.modem import ModemPost
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import gammu_sender
from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings
from stadtsinn.cloud.platform.database.engine import open_database

PAGE = Path(__file__).resolve().parents[2] / "docs/channels.md"
CONFIG = """
[database]
url = "{database}"
[web]
imprint_url = "https://www.musterstadt.example/impressum"
privacy_url = "https://www.musterstadt.example/datenschutz"
[broker]
port = 1
[notify.sms]
kind = "gammu"
phone = "rathaus"
"""


class Installation:
    """A database whose cloud has a role without further rights."""

    def __init__(self, url: str, folder: Path) -> None:
        self.admin_url = make_url(url).set(drivername="postgresql")
        self.role = f"cloud_{secrets.token_hex(4)}"
        self.config = folder / "cloud.toml"
        self.execute(f"CREATE ROLE {self.role} LOGIN")
        self.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {self.role}")
        self.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {self.role}")
        self.url = self.admin_url.set(username=self.role).render_as_string()
        self.config.write_text(CONFIG.format(database=self.url))

    def execute(self, statement: str) -> None:
        address = self.admin_url.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as admin:
            admin.execute(statement)

    def follow_the_page(self) -> None:
        (block,) = re.findall(
            r"<!-- tried by \S+ -->\n```sql\n(.*?)```", PAGE.read_text(), re.DOTALL
        )
        for statement in block.splitlines():
            known = statement.startswith("CREATE ROLE")
            if not (known and self.has_role()):
                self.execute(statement.replace("TO stadtsinn;", f"TO {self.role};"))
        self.lay_tables()

    def has_role(self) -> bool:
        address = self.admin_url.render_as_string(hide_password=False)
        with psycopg.connect(address) as admin:
            found = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            return found.fetchone() is not None

    def lay_tables(self) -> None:
        if not SCRIPT.is_file():
            absent("gammu-smsd", "apt-get install gammu-smsd")
        address = self.admin_url.set(username=ROLE).render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as daemon:
            daemon.execute(f"SET search_path = {SCHEMA}")
            daemon.execute(SCRIPT.read_text().replace("CREATE LANGUAGE plpgsql;", ""))

    def phone(self, heard: str = "now()", signal: int = 42, *, sends: bool = True) -> None:
        self.execute(f"DELETE FROM {SCHEMA}.phones")
        self.execute(
            f'INSERT INTO {SCHEMA}.phones ("ID", "UpdatedInDB", "IMEI", "IMSI", "Client", "Send", '
            f""""Receive", "Signal") VALUES ('rathaus', {heard}, '1', '', '', {sends}, true,
            {signal})"""
        )

    def said(self, language: str = "C") -> str:
        arguments = ["check", "--config", str(self.config), "--connect"]
        result = CliRunner().invoke(app, arguments, env={"LC_ALL": language})
        return result.stdout + result.stderr


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    monkeypatch.setattr(cloud_check, "_brokers_keep", lambda brokers: True)  # there is none
    with fresh_postgres(shared_cluster()) as database:
        url = database.engine.url.render_as_string(hide_password=False)
        made = Installation(url, tmp_path)
        yield made
        made.execute(f"DROP OWNED BY {made.role} CASCADE")
        made.execute(f"DROP ROLE {made.role}")


def test_each_step_that_is_missing_is_named_with_its_remedy(installed: Installation) -> None:
    assert "there is no schema 'gammu'" in installed.said()
    installed.execute(f"CREATE SCHEMA {SCHEMA}")
    assert "GRANT USAGE ON SCHEMA gammu" in installed.said()
    installed.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {installed.role}")
    assert "gammu, outbox, sentitems, inbox, phones" in installed.said()
    installed.execute(f"DROP SCHEMA {SCHEMA}")
    installed.follow_the_page()
    assert "no modem stands in the table phones under the name 'rathaus'" in installed.said()
    installed.execute(f"REVOKE DELETE ON {SCHEMA}.outbox FROM {installed.role}")
    installed.execute(f'REVOKE USAGE ON {SCHEMA}."outbox_ID_seq" FROM {installed.role}')
    said = installed.said()
    assert "it needs SELECT, INSERT, DELETE: outbox" in said
    assert "it needs USAGE: outbox_ID_seq" in said
    assert "nötig ist USAGE: outbox_ID_seq" in installed.said("de_DE.UTF-8")


def test_as_the_page_has_it_the_cloud_may_do_all_that_it_needs(installed: Installation) -> None:
    installed.follow_the_page()
    installed.phone()
    said = installed.said()
    assert re.search(r"modem +rathaus, tables 17, heard \d+ seconds? ago, signal 42 %", said)
    assert "[notify.sms]" not in said
    database = open_database(installed.url)
    box = Outbox(database)
    box.put()
    sender = gammu_sender(GammuSettings(), database, box.clock)
    box.worker(sender).run_once()
    assert box.statuses() == ["ACCEPTED"]
    ModemPost(database, sender, box.clock, SystemClock()).run_once()
    box.clock.advance(100 * DAY)
    ModemPost(database, sender, box.clock, SystemClock()).run_once()
    assert box.statuses() == ["EXPIRED"]
    database.dispose()


def test_what_the_modem_and_its_tables_say_of_themselves(installed: Installation) -> None:
    installed.follow_the_page()
    installed.phone("now() - interval '53 minutes'")
    assert "the modem was last heard 53 minutes ago" in installed.said()
    installed.phone("now() - interval '2 hours'")
    assert "another time zone than ours" in installed.said()
    installed.phone(signal=8, sends=False)
    said = installed.said()
    assert "signal is weak (8 %)" in said
    assert "gammu-smsd does not send" in said
    installed.phone()
    for version, words in ((16, "too old"), (19, "does not know yet")):
        installed.execute(f'UPDATE {SCHEMA}.gammu SET "Version" = {version}')
        assert words in installed.said()


def test_a_database_that_does_not_answer_and_one_that_cannot_be(installed: Installation) -> None:
    text = CONFIG.format(database="sqlite:///stadtsinn.sqlite")
    installed.config.write_text(text)
    assert "have to lie in PostgreSQL" in installed.said()
    for address, words in (
        ("postgresql://geheim@127.0.0.1:1/gammu", "tables cannot be read"),
        ("mysql://geheim@127.0.0.1/gammu", "no address of a PostgreSQL"),
        ("geheim", "no address of a PostgreSQL"),
    ):
        secret = installed.config.parent / "address"
        secret.write_text(address)
        secret.chmod(0o600)
        installed.config.write_text(f'{text}database = "file:{secret}"\n')
        said = installed.said()
        assert words in said
        assert "geheim" not in said

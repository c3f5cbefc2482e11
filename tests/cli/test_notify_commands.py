"""`stadtsinn notify test`: what goes out, and what cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from databases import migrated_database
from stadtsinn.base.instant import Instant
from stadtsinn.cli import notify
from stadtsinn.cloud.platform.database.engine import open_database
from stadtsinn.cloud.schema import metadata
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town

TOWN = {
    "tenant": "musterstadt",
    "name": "Musterstadt",
    "recipients": [
        {
            "slug": "meier",
            "name": "Anna Meier",
            "channels": [
                {"channel": "sms", "address": "0170 1234567"},
                {"channel": "email", "address": "meier@musterstadt.example"},
            ],
        }
    ],
}
SMS = '[notify.sms]\nkind = "sandbox"\n'


def _tried(folder: Path, tables: str, language: str = "de_DE.UTF-8") -> tuple[Result, list[str]]:
    """What the command said, and the channels of what lies in the outbox."""
    config = folder / "cloud.toml"
    config.write_text(f'[database]\nurl = "sqlite:///town.sqlite"\n{tables}', encoding="utf-8")
    database = migrated_database(folder / "town.sqlite")
    apply_town(database, Town.read(TOWN), Instant(1))
    database.dispose()
    environment = {"STADTSINN_CLOUD_CONFIG": str(config), "LC_ALL": language}
    done = CliRunner().invoke(notify.app, ["test", "meier"], env=environment)
    database = open_database(f"sqlite:///{folder / 'town.sqlite'}")
    with database.read() as connection:
        rows = connection.execute(metadata.tables["outbox"].select()).all()
    database.dispose()
    return done, [row.channel for row in rows]


def test_a_channel_without_a_sender_is_named(tmp_path: Path) -> None:
    done, written = _tried(tmp_path, SMS)
    assert done.exit_code == 2
    assert "Testmeldung an meier über sms: liegt im Postausgang." in done.stdout
    assert "meier ist über email nicht zu erreichen" in done.stderr
    assert "fehlt [notify.email]" in done.stderr
    assert written == ["sms"]


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_without_any_sender_nothing_waits_in_the_outbox(tmp_path: Path, language: str) -> None:
    done, written = _tried(tmp_path, "", language)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "[notify.sms], [notify.email]" in done.stderr
    assert written == []

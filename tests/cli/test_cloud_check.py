"""`stadtsinn cloud check`: what a configuration would do, and whether its brokers keep messages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from certificate_files import NOW, files, signer
from databases import add_tenant, migrated_database
from fake_influx import keeping
from real_parts import mosquitto
from stadtsinn.base.clock import SharedClock, SystemClock
from stadtsinn.cli.cloud import app
from stadtsinn.cloud.migrations import head
from stadtsinn.cloud.platform.database.engine import open_database

CONFIG = """
[database]
url = "{database}"
[web]
imprint_url = "https://www.musterstadt.example/impressum"
privacy_url = "https://www.musterstadt.example/datenschutz"
[broker]
port = {port}
session_days = 14
[[network_servers]]
name = "county"
"""


PAGES = """
[web]
imprint_url = "https://www.musterstadt.example/impressum"
privacy_url = "https://www.musterstadt.example/datenschutz"
"""


def run(*arguments: str, language: str = "C") -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments], env={"LC_ALL": language})
    return result.exit_code, result.stdout, result.stderr


AWAY = "postgresql://stadtsinn:geheim@db.example/stadtsinn"


def config(folder: Path, port: int = 1, database: str = AWAY) -> str:
    path = folder / "cloud.toml"
    path.write_text(CONFIG.format(port=port, database=database))
    return str(path)


def test_check_says_what_it_would_do_and_no_secret(tmp_path: Path) -> None:
    code, out, err = run("--config", config(tmp_path))
    assert (code, err) == (0, "")
    assert "postgresql" in out
    assert "geheim" not in out
    assert "takes from county" in out
    assert "127.0.0.1:1, on this machine, unencrypted, session kept for 14 days" in out


def test_check_is_german_by_locale(tmp_path: Path) -> None:
    out = run("--config", config(tmp_path), language="de_DE.UTF-8")[1]
    assert "auf diesem Rechner, unverschlüsselt, Sitzung 14 Tage aufbewahrt" in out


def test_only_a_broker_elsewhere_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    for host, warned in (("localhost", False), ("::1", False), ("mqtt.example", True)):
        path.write_text(f'[broker]\nhost = "{host}"\n')
        assert ("NO encryption" in run("--config", str(path))[1]) is warned


def test_check_shows_where_files_come_and_names_what_it_cannot_write(tmp_path: Path) -> None:
    """Below a file nobody makes a folder, not even root."""
    path, file = tmp_path / "cloud.toml", tmp_path / "file"
    path.write_text(f'{PAGES}[database]\nurl = "sqlite:///town.sqlite"\n')
    code, out, err = run("--config", str(path))
    assert (code, err) == (0, "")
    assert str(tmp_path / "town.sqlite") in "".join(out.split())
    assert str(tmp_path / "archive") in "".join(out.split())
    file.write_text("")
    path.write_text(
        '[database]\nurl = "sqlite:///file/town.sqlite"\n[archive]\nfolder = "file/archive"\n'
    )
    code, _, err = run("--config", str(path))
    assert code == 1
    assert f"cannot write {file}/town.sqlite" in err
    assert f"cannot write {file}/archive" in err
    assert "series.sqlite" not in err


def town(folder: Path, text: str = PAGES) -> str:
    path = folder / "cloud.toml"
    SharedClock.create(folder / "clock", NOW)
    path.write_text(
        f'clock = "shared:{folder}/clock"\n{text}[database]\nurl = "sqlite:///town.sqlite"\n'
    )
    return str(path)


def test_check_asks_for_imprint_and_privacy(tmp_path: Path) -> None:
    path = town(tmp_path, "")
    code, _, err = run("--config", path)
    assert code == 0
    assert "warning: [web] imprint_url is empty" in err
    assert "warning: [web] privacy_url is empty" in err
    assert "Impressum" in run("--config", path, language="de_DE.UTF-8")[2]


def test_check_names_an_older_and_a_newer_database(tmp_path: Path, upgraded: Path) -> None:
    path = town(tmp_path)
    shutil.copy(upgraded, tmp_path / "town.sqlite")
    database = open_database(str(tmp_path / "town.sqlite"))
    for revision, code, words in (
        (head(), 0, ""),
        ("0017", 1, f"is at revision 0017, this version needs {head()}"),
        ("9999", 1, "'9999'"),
    ):
        with database.write() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
        found, _, err = run("--config", path)
        assert (found, words in err) == (code, True), err
    database.dispose()


def test_check_names_a_damaged_database(tmp_path: Path) -> None:
    path = town(tmp_path)
    (tmp_path / "town.sqlite").write_text("no database, but long enough to be taken for one " * 20)
    code, _, err = run("--config", path)
    assert code == 1
    assert "town.sqlite is damaged" in err


def test_check_looks_into_certificates_and_secrets(tmp_path: Path) -> None:
    tls = files(tmp_path / "tls", names=["ingest"], days=5)
    secret = tmp_path / "ingest.password"
    secret.write_text("geheim")
    secret.chmod(0o604)
    path = town(
        tmp_path,
        f"""{PAGES}
[edges]
authority = "{tls.ca}"
[broker]
password_file = "{secret}"
[broker.tls]
ca = "{tls.ca}"
certificate = "{tls.certificate}"
key = "{tls.key}"
""",
    )
    code, _, err = run("--config", path)
    assert code == 1
    assert f"{tls.certificate} ended" in err
    assert f"{secret} is open to others (mode 0604)" in err
    assert "geheim" not in err
    files(tmp_path / "tls", signer(days=110), names=["ingest"])
    secret.chmod(0o600)
    code, _, err = run("--config", path)
    assert code == 0
    assert err.count("ca.pem ends in 10 days") == 1  # though it is named twice


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of this version with a town; to be copied."""
    path = tmp_path_factory.mktemp("upgraded") / "town.sqlite"
    database = migrated_database(path)
    add_tenant(database, "musterstadt")
    database.dispose()
    return path


@pytest.mark.parametrize(
    ("refused", "retention", "code", "words"),
    [
        ("", 0, 0, ""),
        ("/api/v2/write", 0, 1, "write nothing to 'stadtsinn-musterstadt'"),
        ("/query", 0, 1, "read nothing from 'stadtsinn-musterstadt'"),
        ("/api/v2/buckets", 0, 0, ""),  # a right that the cloud does not need
        ("", 30 * 86_400, 0, "after 30 days by itself"),
        ("", None, 0, "has no 'stadtsinn-musterstadt' yet"),
    ],
)
def test_connect_asks_what_influxdb_allows(
    refused: str, retention: int | None, code: int, words: str, tmp_path: Path, upgraded: Path
) -> None:
    """Servers look at the right before they look at what is written, which is nothing."""
    shutil.copy(upgraded, tmp_path / "town.sqlite")
    with keeping("v2.7.1") as server:
        if retention is not None:
            server.buckets["stadtsinn-musterstadt"] = retention
        server.refused = {refused}
        url = server.url
        series = f'[series]\nurl = "{url}"\norg = "town"\n'
        path = town(tmp_path, f"{PAGES}[ingest]\nedges = false\n{series}")
        SharedClock(tmp_path / "clock").set(SystemClock().now())
        found, _, err = run("--connect", "--config", path)
        assert (found, words in err, bool(words)) == (code, True, bool(err)), err
        assert all(body == b"" for _, body in server.written)
        SharedClock(tmp_path / "clock").set(NOW)
        assert "minutes ahead of that of InfluxDB" in run("--connect", "--config", path)[2]


def test_connect_names_a_database_that_is_away(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text(
        f"{PAGES}[ingest]\nedges = false\n[database]\n"
        'url = "postgresql://stadtsinn:geheim@127.0.0.1:1/stadtsinn"\n'
    )
    assert run("--config", str(path))[0] == 0
    code, _, err = run("--connect", "--config", str(path))
    assert code == 1
    assert "the database cannot be read" in err
    assert "geheim" not in err


def test_check_names_a_mistake_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text("[broker]\nsession_days = 0\n")
    code, _, err = run("--config", str(path))
    assert code == 2
    assert "session_days" in err


@pytest.mark.slow
def test_connect_tries_each_broker_once(tmp_path: Path) -> None:
    """Edges and network server are at the same broker here."""
    with mosquitto(tmp_path / "b") as broker:
        path = config(tmp_path, broker.port, "sqlite:///town.sqlite")
        code, out, _ = run("--connect", "--config", path)
        assert code == 0, out
        assert out.count("keeps messages for a client that is away") == 1
    access = tmp_path / "acl"
    access.write_text("topic readwrite application/#\n")
    with mosquitto(tmp_path / "c", options=[f"acl_file {access}"]) as broker:
        code, out, _ = run("--connect", "--config", config(tmp_path, broker.port))
        assert code == 1
        assert "stadtsinn/check" in out
        assert "access list" in out

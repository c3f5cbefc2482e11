"""A backup is one moment of a running installation, or it is not there at all."""

from __future__ import annotations

import os
import resource
import signal
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backed_up_town import BackedUpTown
from fake_uplinks import at, entry, uplink
from killing import killed_at
from stadtsinn.cloud.backup import making
from stadtsinn.cloud.backup.configuration import without_passwords
from stadtsinn.cloud.backup.manifest import BackupFailed, read_manifest
from stadtsinn.cloud.backup.sqlite import SourceDamaged
from stadtsinn.cloud.backup.store import BackupBusy, backups, only_one
from stadtsinn.cloud.backup.verifying import verified
from stadtsinn.cloud.log.archive_files.archiving import sweep
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.migrations import NotCurrent


def test_a_backup_has_everything_and_is_closed_to_others(town: BackedUpTown) -> None:
    made = town.back_up()
    manifest, _ = verified(made.folder)
    assert (manifest.uplinks, manifest.series, manifest.secrets) == (50, True, False)
    assert sum(name.endswith(".parquet") for name in manifest.files) == 3
    for path in (made.folder, *made.folder.rglob("*")):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_who_writes_meanwhile_neither_waits_nor_gets_in(town: BackedUpTown) -> None:
    database = town.open()
    with database.write() as connection:
        append(connection, [entry(uplink(99, 1))], at(1))
        made = town.back_up()
    database.dispose()
    assert made.manifest.uplinks == 50
    assert town.counters()[-1] == 99


@pytest.mark.parametrize("runs", [1, 2])
def test_a_day_that_is_archived_meanwhile_is_in_it_once(
    town: BackedUpTown, monkeypatch: pytest.MonkeyPatch, runs: int
) -> None:
    """The second run deletes the files that the first one replaced, and that the copy names."""
    town.add(range(100, 103))
    with_late = [uplink(900, 3600), uplink(901, 3 * 86_400), uplink(902, 40 * 86_400)]
    database = town.open()
    with database.write() as connection:
        append(connection, [entry(up) for up in with_late], at(9))
    left = [runs]

    def archive_now(point: str) -> None:
        if point != "backup.database_copied":
            return
        while left[0] > 0:
            town.archive_days(4)
            left[0] -= 1
            if left[0]:
                sweep(database, town.archive)

    expected = sorted(town.counters())
    monkeypatch.setattr(making, "crash_point", archive_now)
    made = town.back_up()
    database.dispose()
    verified(made.folder)
    town.lose()
    town.restore(made.folder)
    assert sorted(town.counters()) == expected


@pytest.mark.parametrize(
    "point", ["backup.database_copied", "backup.day_copied:2", "backup.written"]
)
def test_killed_anywhere_it_leaves_no_backup_and_the_next_one_cleans_up(
    town: BackedUpTown, point: str
) -> None:
    killed_at(point, town.back_up)
    assert backups(town.backups) == []
    assert len(list(town.backups.glob(".unfinished-*"))) == 1
    made = town.back_up()
    assert [path.name for path in town.backups.iterdir() if path.name != ".lock"] == [
        made.folder.name
    ]
    verified(made.folder)


@pytest.mark.parametrize("bytes_", [3_000, 60_000])
def test_a_disk_that_is_full_leaves_the_earlier_ones(town: BackedUpTown, bytes_: int) -> None:
    """A bound on the size of files ends writes as a full disk does."""
    earlier = town.back_up()

    def back_up_on_a_full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        try:
            town.back_up(keep=1)
        except (OSError, BackupFailed):
            os.kill(os.getpid(), signal.SIGKILL)  # what the parent waits for

    killed_at("none", back_up_on_a_full_disk)
    assert backups(town.backups) == [earlier.folder]
    assert not list(town.backups.glob(".unfinished-*"))


def test_only_so_many_stay(town: BackedUpTown) -> None:
    made = [town.back_up(keep=2) for _ in range(4)]
    assert backups(town.backups) == [made[2].folder, made[3].folder]
    assert made[3].dropped == [made[1].folder]
    assert town.back_up().dropped == []


def test_two_at_once_are_refused(town: BackedUpTown) -> None:
    with only_one(town.backups), pytest.raises(BackupBusy, match="wait until it has ended"):
        town.back_up()
    town.back_up()


def test_a_folder_that_holds_other_things_keeps_its_mode(town: BackedUpTown) -> None:
    town.backups.mkdir()
    (town.backups / "photos").touch()
    town.backups.chmod(0o755)
    made = town.back_up()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (town.backups, made.folder)] == [
        0o755,
        0o700,
    ]
    town.backups.chmod(0o1777)
    with pytest.raises(ValueError, match="others may write"):
        town.back_up()
    (town.backups / "photos").unlink()
    town.back_up()
    assert stat.S_IMODE(town.backups.stat().st_mode) & 0o777 == 0o700


def test_a_lock_that_leads_elsewhere_empties_nothing(town: BackedUpTown) -> None:
    town.backups.mkdir()
    (town.backups / ".lock").symlink_to(town.config)
    before = town.config.read_text()
    with pytest.raises(OSError, match=r"\.lock"):
        town.back_up()
    assert town.config.read_text() == before


def test_days_are_shared_with_the_backup_before_unless_they_are_damaged_there(
    town: BackedUpTown,
) -> None:
    first = town.back_up()
    days = sorted(first.folder.glob("archive/*/*"))
    second = town.back_up()
    assert (first.linked, second.linked) == (0, 3)
    days[0].write_bytes(b"damaged")
    third = town.back_up()
    assert third.linked == 2
    verified(third.folder)
    town.back_up(keep=1)
    assert len(sorted(third.folder.parent.glob("*/archive/*/*"))) == 3


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "no database": lambda content: b"a text" * 2000,
    "pages": lambda content: content[:4096] + b"\x5a" * (len(content) - 4096),
    "cut": lambda content: content[: len(content) // 2],
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_of_a_damaged_database_no_backup_is_made_and_none_is_dropped(
    town: BackedUpTown, harm: Callable[[bytes], bytes]
) -> None:
    earlier = [town.back_up(), town.back_up()]
    town.path.write_bytes(harm(town.path.read_bytes()))
    with pytest.raises(SourceDamaged, match="is damaged"):
        town.back_up(keep=1)
    assert backups(town.backups) == [one.folder for one in earlier]


def test_a_damaged_day_of_the_archive_is_named(town: BackedUpTown) -> None:
    day = next(town.archive.folder.glob("*/*.parquet"))
    day.write_bytes(day.read_bytes()[:-20])
    with pytest.raises(SourceDamaged, match=day.name):
        town.back_up()


def test_a_day_that_is_not_there_is_named(town: BackedUpTown) -> None:
    day = next(town.archive.folder.glob("*/*.parquet"))
    day.unlink()
    with pytest.raises(BackupFailed, match=f"{day.name} is named by the database and not there"):
        town.back_up()


def test_a_database_of_a_newer_version_is_left_to_it(town: BackedUpTown) -> None:
    database = town.open()
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.dispose()
    with pytest.raises(NotCurrent, match="newer version"):
        town.back_up()


@pytest.mark.parametrize("there", [False, True])
def test_where_there_is_nothing_nothing_is_backed_up(town: BackedUpTown, there: bool) -> None:
    town.path.unlink()
    if there:
        town.path.touch()
    with pytest.raises(BackupFailed, match="nothing to back up"):
        town.back_up()
    assert town.path.exists() is there


def _configured(town: BackedUpTown, **wishes: Any) -> dict[str, str]:
    """Files of the configuration in a backup, with their text."""
    folder = town.back_up(**wishes).folder / "configuration"
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_secrets_are_only_in_it_when_they_are_asked_for(town: BackedUpTown) -> None:
    assert _configured(town).keys() == {"cloud.toml"}
    found = _configured(town, secrets=True)
    assert found["ingest.password"] == "geheim"


def test_passwords_in_urls_are_taken_out(town: BackedUpTown) -> None:
    text = town.config.read_text()
    url = "influxdb://influx.example:8086"
    comment = '# url = "postgresql://stadtsinn:ge:heim@db.example/stadtsinn"\n'
    town.config.write_text(comment + text.replace("sqlite:///data/series.sqlite", url))
    written = _configured(town)["cloud.toml"]
    assert "heim@" not in written
    assert "postgresql://stadtsinn:PASSWORD@db.example/stadtsinn" in written
    assert url in written
    assert "ge:heim@" in _configured(town, secrets=True)["cloud.toml"]


@pytest.mark.parametrize("quote", ['"', "'", "# "])
@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://stadt:{}/x@db/stadt", "postgresql://stadt:x@{}@db/stadt"),
        *("postgresql://stadt:x {}@db/stadt", "postgresql://stadt:a:{}?#@db/stadt"),
        *("postgresql://:{}@db/stadt", "influxdb://db:8086/?u=stadt&p={}"),
        *("postgresql://db/stadt?user=stadt&password={}", "postgresql://db/stadt?sslpassword={}"),
    ],
)
def test_a_password_is_taken_out_whatever_it_is_made_of(url: str, quote: str) -> None:
    line = f"url = {quote}{url.format('geheim')}{quote.strip('# ')}\n"
    written = without_passwords(f"{line}[next]\nmail = 'amt@stadt.example'\n")
    assert "geheim" not in written
    assert "PASSWORD" in written
    assert written.endswith("[next]\nmail = 'amt@stadt.example'\n")
    if not quote.startswith("#"):
        tomllib.loads(written)


def test_a_key_in_the_file_of_its_certificate_is_a_secret(town: BackedUpTown) -> None:
    both = "-----BEGIN CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n"
    (town.folder / "both.pem").write_text(both)
    (town.folder / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    text = town.config.read_text()
    town.config.write_text(f'{text}[operator]\ncertificates = ["both.pem", "ca.pem"]\n')
    assert _configured(town).keys() == {"cloud.toml", "ca.pem"}
    assert _configured(town, secrets=True)["both.pem"] == both


def test_files_beside_its_folder_are_named_without_going_up(
    town: BackedUpTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that names `..` is refused when it is to be restored."""
    beside = town.folder.parent / "devices"
    beside.mkdir()
    (beside / "soil.toml").write_text("device")
    town.config.write_text(f'devices = "../devices"\n{town.config.read_text()}')
    monkeypatch.chdir(town.folder)
    (town.folder / "more").write_text("more")
    also = (Path("../town/more"), Path("../town/cloud.toml"))
    found = _configured(town, also=also)
    assert found.keys() == {"cloud.toml", "more", f"elsewhere{beside}/soil.toml"}
    verified(backups(town.backups)[-1])
    (beside / "a\u2028b.toml").touch()
    with pytest.raises(ValueError, match=r"a\\u2028b\.toml.*rename it"):
        town.back_up()


def test_device_files_and_what_is_asked_for_come_along(town: BackedUpTown, tmp_path: Path) -> None:
    (town.folder / "devices" / "acme").mkdir(parents=True)
    (town.folder / "devices" / "acme" / "soil.toml").write_text("device")
    (tmp_path / "ca").mkdir()
    (tmp_path / "ca" / "ca.key").write_text("key")
    town.config.write_text(f'devices = "devices"\n{town.config.read_text()}')
    found = _configured(town, also=(tmp_path / "ca",))
    outside = f"elsewhere{tmp_path}/ca/ca.key"
    assert found.keys() == {"cloud.toml", "devices/acme/soil.toml", outside}
    assert read_manifest(backups(town.backups)[-1])[0].secrets
    with pytest.raises(FileNotFoundError):
        town.back_up(also=(tmp_path / "nothing",))

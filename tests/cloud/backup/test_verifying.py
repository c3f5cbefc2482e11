"""Whatever happens to a file of a backup is found and named, before anything is restored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from backed_up_town import BackedUpTown
from stadtsinn.cloud.backup.manifest import (
    BackupDamaged,
    BackupFailed,
    read_manifest,
    write_manifest,
)
from stadtsinn.cloud.backup.store import one_backup
from stadtsinn.cloud.backup.verifying import verified


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


HARMS: dict[str, Callable[[Path], None]] = {
    "flipped": _flip,
    "cut": _cut,
    "gone": lambda path: path.unlink(),
    "added": lambda path: path.with_name("more").touch(),
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS.keys())
def test_every_file_is_watched(town: BackedUpTown, harm: Callable[[Path], None]) -> None:
    folder = town.back_up().folder
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    assert len(names) == 8
    for name in names:
        before = (folder / name).read_bytes()
        harm(folder / name)
        with pytest.raises((BackupDamaged, ValueError)) as caught:
            verified(folder)
        assert str(folder) in str(caught.value)
        (folder / name).write_bytes(before)
        (folder / name).with_name("more").unlink(missing_ok=True)
    verified(folder)


def test_all_faults_are_named_at_once(town: BackedUpTown) -> None:
    folder = town.back_up().folder
    _flip(folder / "database" / "stadtsinn.sqlite")
    _cut(folder / "series" / "series.sqlite")
    with pytest.raises(BackupDamaged, match=r"database/.*series/"):
        verified(folder)


def _rewritten(folder: Path, **changes: object) -> None:
    """As another version would have written it."""
    manifest, sums = read_manifest(folder)
    write_manifest(folder, msgspec.structs.replace(manifest, **changes), sums)


@pytest.mark.parametrize("changes", [{"format": 2}, {"revision": "9999"}])
def test_a_backup_of_a_newer_version_is_left_to_it(
    town: BackedUpTown, changes: dict[str, object]
) -> None:
    folder = town.back_up().folder
    _rewritten(folder, stadtsinn="99.1", **changes)
    with pytest.raises(BackupFailed, match=r"made by stadtsinn 99\.1"):
        verified(folder)


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "archive/../../outside"])
def test_a_manifest_names_nothing_outside(town: BackedUpTown, name: str) -> None:
    folder = town.back_up().folder
    manifest, sums = read_manifest(folder)
    files = {**manifest.files, name: 1}
    write_manifest(folder, msgspec.structs.replace(manifest, files=files), {**sums, name: "0" * 64})
    with pytest.raises(BackupDamaged, match="outside of it"):
        verified(folder)


def test_a_manifest_of_an_unknown_database_is_named(town: BackedUpTown) -> None:
    folder = town.back_up().folder
    _rewritten(folder, database="mysql")
    with pytest.raises(BackupDamaged, match="no database 'mysql'"):
        verified(folder)


def test_sums_do_not_hide_what_was_wrong_from_the_beginning(town: BackedUpTown) -> None:
    folder = town.back_up().folder
    manifest, sums = read_manifest(folder)
    first, second, _ = sorted(name for name in sums if name.endswith(".parquet"))
    (folder / first).write_bytes((folder / second).read_bytes())
    files = {**manifest.files, first: manifest.files[second]}
    changed = msgspec.structs.replace(manifest, files=files)
    write_manifest(folder, changed, {**sums, first: sums[second]})
    with pytest.raises(BackupDamaged, match=f"{first} has 10 of 8 uplinks"):
        verified(folder)


def test_a_folder_without_any_backup_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ValueError, match="is no backup and holds none"):
            one_backup(folder)


def test_of_several_the_newest_is_meant(town: BackedUpTown) -> None:
    made = [town.back_up() for _ in range(3)]
    assert one_backup(town.backups) == made[2].folder
    assert one_backup(made[0].folder) == made[0].folder

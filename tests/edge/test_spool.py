"""The spool: consecutive positions, a size limit, damage that is detected."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from stadtsinn.base.instant import Instant, parse
from stadtsinn.edge.agent.rows import ROW_OVERHEAD, Row
from stadtsinn.edge.agent.spool import Spool, SpoolFull, open_spool
from stadtsinn.edge.messages.delivery import RawItem

NOW = parse("2026-06-01T08:00:00+00:00")
MEGABYTE = 1_000_000
STORED = 100 + 5 + ROW_OVERHEAD
"""Bytes that a row of 100 bytes counts for."""


def rows(spool: Spool, count: int, size: int = 100) -> list[Row]:
    first = spool.last_position + 1
    return [Row(first + n, Instant(NOW + first + n), noise(size)) for n in range(count)]


def noise(size: int) -> bytes:
    """Bytes that cannot be compressed."""
    return random.Random(size).randbytes(size)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "spool.sqlite"


def positions(spool: Spool, after: int = 0) -> list[int]:
    return [position for position, _ in spool.read(after, 10_000, 10 * MEGABYTE)]


def test_rows_survive_a_restart(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 3))
    stream = spool.stream
    spool.close()
    again = Spool(path, MEGABYTE)
    assert (again.stream, positions(again), again.depth) == (stream, [1, 2, 3], 3)


def test_positions_continue_after_everything_was_acknowledged(path: Path) -> None:
    """A restart with an empty spool must not reuse positions: the ingest would drop their items."""
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 5))
    spool.acknowledge(5)
    spool.close()
    again = Spool(path, MEGABYTE)
    assert (again.last_position, again.depth, positions(again)) == (5, 0, [])
    again.append(rows(again, 1))
    assert positions(again) == [6]


def test_killed_before_the_deletion_only_sends_again(path: Path) -> None:
    """Rows that were acknowledged but not deleted at a power cut are read again."""
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 5))
    spool.acknowledge(4)
    del spool  # no close
    again = Spool(path, MEGABYTE)
    assert positions(again) == [1, 2, 3, 4, 5]
    assert again.last_position == 5


def test_acknowledged_rows_go_with_the_next_append(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 10))
    assert spool.acknowledge(9)
    assert not spool.acknowledge(7), "an older acknowledgement changes nothing"
    spool.append(rows(spool, 1))
    stored = sqlite3.connect(path).execute("SELECT position FROM item").fetchall()
    assert stored == [(10,), (11,)]
    assert spool.used_bytes == 2 * STORED


def test_acknowledgement_of_the_unknown_is_refused(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 2))
    with pytest.raises(ValueError, match="beyond the newest"):
        spool.acknowledge(3)


def test_full_spool_refuses_and_takes_again_after_an_acknowledgement(path: Path) -> None:
    spool = Spool(path, 10 * STORED)
    spool.append(rows(spool, 8))
    with pytest.raises(SpoolFull):
        spool.append(rows(spool, 3))
    assert spool.last_position == 8, "a refused row has no position"
    spool.acknowledge(3)
    spool.append(rows(spool, 3))
    assert positions(spool) == list(range(4, 12))


def test_read_is_bounded_by_items_and_bytes_but_never_empty(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 10, size=1000))
    assert len(spool.read(0, 4, MEGABYTE)) == 4
    assert len(spool.read(0, 10, 3500)) == 3
    assert len(spool.read(0, 10, 10)) == 1


def test_flipped_bit_becomes_a_raw_item_with_its_position(path: Path) -> None:
    """SQLite does not detect it; the item must not have a wrong value or block later ones."""
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 3))
    other = sqlite3.connect(path)
    body = bytearray(other.execute("SELECT body FROM item WHERE position = 2").fetchone()[0])
    body[50] ^= 4
    other.execute("UPDATE item SET body = ? WHERE position = 2", (bytes(body),))
    other.commit()
    found = spool.read(0, 10, MEGABYTE)
    assert [position for position, _ in found] == [1, 2, 3]
    item = msgspec.msgpack.decode(found[1][1], type=RawItem)
    assert (item.position, item.reason, item.payload) == (2, "damaged_in_spool", bytes(body))
    assert found[2][1] == noise(100)


def test_oldest_waiting_row(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    assert spool.oldest() is None
    spool.append(rows(spool, 3))
    spool.acknowledge(1)
    assert spool.oldest() == NOW + 2


def test_file_that_is_no_database_is_set_aside(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not SQLite at all" * 100)
    spool = open_spool(path, MEGABYTE, NOW)
    assert (spool.depth, spool.last_position) == (0, 0)
    kept = path.parent / "spool.sqlite.damaged-20260601T080000Z"
    assert kept.read_bytes().startswith(b"this is not")


def test_damaged_pages_begin_a_new_stream_and_keep_the_old_file(
    path: Path,
) -> None:
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 500))
    stream = spool.stream
    spool.close()
    content = bytearray(path.read_bytes())
    content[8192:20480] = bytes(range(256)) * 48
    path.write_bytes(content)
    with capture_logs() as logs:
        again = open_spool(path, MEGABYTE, NOW)
    assert again.stream != stream
    assert again.last_position == 0
    assert len(list(path.parent.glob("spool.sqlite.damaged-*"))) == 1
    assert "damaged-20260601" in logs[0]["kept_as"]
    again.append(rows(again, 1))
    assert positions(again) == [1]


def test_two_damages_in_one_second_keep_both_files(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for text in (b"first damage", b"second damage"):
        path.write_bytes(text * 200)
        open_spool(path, MEGABYTE, NOW).close()
    assert len(list(path.parent.glob("spool.sqlite.damaged-20260601T080000Z*"))) == 2


def test_small_values_are_kept(path: Path) -> None:
    spool = Spool(path, MEGABYTE)
    spool.save("key", b"value")
    spool.close()
    assert Spool(path, MEGABYTE).load("key") == b"value"

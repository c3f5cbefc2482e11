"""The spool: consecutive positions, a size limit, damage that is detected."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from stadtsinn.base.instant import Instant, parse
from stadtsinn.base.sentence import Explained
from stadtsinn.edge.agent.aside import aside, retry
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


def test_a_row_is_read_once_it_is_counted(path: Path) -> None:
    """An acknowledgement that came before would be taken for one of another life."""
    spool = Spool(path, MEGABYTE)
    spool.append(rows(spool, 2))
    spool._last = 1  # the thread that appends stands between its commit and the count
    assert positions(spool) == [1]


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


# --- what is acknowledged and held -----------------------------------------------------


HOUR = 3_600_000_000


def held(path: Path, count: int, keep: int = 48 * HOUR, max_bytes: int = MEGABYTE) -> Spool:
    """A spool of which all is acknowledged; its rows are a microsecond apart."""
    spool = Spool(path, max_bytes, keep)
    spool.append(rows(spool, count))
    spool.acknowledge(count)
    return spool


def test_what_is_acknowledged_waits_again_when_it_is_asked_for(path: Path) -> None:
    spool = held(path, 10)
    spool.append(rows(spool, 2))
    assert positions(spool) == [11, 12]
    assert spool.go_back(4) == 6
    assert (positions(spool), spool.depth, spool.held) == (list(range(5, 13)), 8, 4)
    spool.acknowledge(12)
    assert (spool.depth, spool.held, spool.go_back(12)) == (0, 12, 0)


def test_it_is_held_over_a_restart_and_not_sent_again_by_itself(path: Path) -> None:
    spool = held(path, 250)
    spool.append(rows(spool, 1))
    spool.acknowledge(251)
    spool.close()
    again = Spool(path, MEGABYTE, 48 * HOUR)
    assert (again.depth, again.held, again.used_bytes) == (0, 251, 0)
    assert again.go_back(0) == 251


def test_killed_only_a_few_of_the_held_are_sent_again(path: Path) -> None:
    spool = Spool(path, MEGABYTE, 48 * HOUR)
    for _ in range(30):
        spool.append(rows(spool, 20))
        spool.acknowledge(spool.last_position)
    del spool  # no close
    assert Spool(path, MEGABYTE, 48 * HOUR).depth <= 120


def test_going_back_to_what_is_gone_gives_what_is_here(path: Path) -> None:
    spool = held(path, 300, keep=HOUR)
    later = rows(spool, 1)[0]._replace(received_at=Instant(NOW + HOUR + 250))
    spool.append([later])
    assert spool.holds_after == 200, "in groups of a hundred"
    assert spool.go_back(50) == 100
    assert positions(spool)[0] == 201


def test_the_held_go_first_where_room_is_needed(path: Path) -> None:
    """An hour's waiting uplinks are worth more than yesterday's delivered ones."""
    spool = held(path, 50, max_bytes=60 * STORED)
    assert (spool.used_bytes, spool.fill) == (0, 0)
    spool.append(rows(spool, 40))
    assert positions(spool) == list(range(51, 91))
    assert spool.used_bytes == 40 * STORED
    with pytest.raises(SpoolFull):
        spool.append(rows(spool, 21))
    spool.append(rows(spool, 19))
    assert spool.depth == 59


def test_bytes_are_counted_the_same_after_a_restart(path: Path) -> None:
    spool = held(path, 120, keep=HOUR)
    spool.go_back(70)
    spool.acknowledge(90)
    spool.append([rows(spool, 1)[0]._replace(received_at=Instant(NOW + HOUR + 110))])
    counted = spool.used_bytes, spool.depth, spool.held
    spool.close()
    again = Spool(path, MEGABYTE, HOUR)
    assert (again.used_bytes, again.depth, again.held) == counted


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_is_set_aside(path: Path, left: float) -> None:
    held(path, 500).close()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])
    with capture_logs() as logs:
        assert open_spool(path, MEGABYTE, NOW).last_position == 0
    assert logs[0]["event"] == "spool_damaged"


@pytest.mark.parametrize("offset", [0, 40, 4096])
def test_commands_name_a_damaged_spool(path: Path, offset: int) -> None:
    held(path, 500).close()
    content = bytearray(path.read_bytes())
    content[offset : offset + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    for command in (aside, lambda spool: retry(spool, ())):
        with pytest.raises(Explained, match=r"is damaged .* start the agent again"):
            command(path)

"""Kept items: they make room for others, come back when their device is taken, and are bounded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from fake_uplinks import NINE, UNDECODED, uplink
from stadtsinn.base.sentence import Explained
from stadtsinn.edge.agent.kept import SHARE
from stadtsinn.edge.agent.kept_devices import drop, kept_devices
from stadtsinn.edge.agent.rows import ROW_OVERHEAD, Row
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.agent.too_large import moved
from stadtsinn.edge.messages.delivery import RawItem, UplinkItem

MEGABYTE = 1_000_000
OURS, STRANGE, OTHER = "70b3d50000000100", "70b3d50000000900", "70b3d50000000901"


class Bench:
    """A spool whose time is set by the test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds = 0.0
        self.spool = self._opened()

    def _opened(self) -> Spool:
        spool = Spool(self.path, MEGABYTE)
        spool.kept._monotonic = lambda: self.seconds
        for state in spool.kept._devices.values():
            state.due = 60
        return spool

    def reopen(self) -> None:
        self.seconds = 0.0
        self.spool = self._opened()

    def append(self, dev_euis: Iterable[str], **options: Any) -> None:
        spool = self.spool
        first = spool.last_position + 1
        spool.append(
            [
                Row(
                    first + n,
                    uplink(first + n, first + n).received_at,
                    _encoded(first + n, dev_eui, **options),
                )
                for n, dev_eui in enumerate(dev_euis)
            ]
        )

    def waiting(self) -> list[tuple[int, str, int]]:
        """Position, device and counter of what is to be delivered."""
        found = self.spool.read(0, 1000, MEGABYTE)
        items = [(position, _item(body)) for position, body in found]
        return [
            (position, item.uplink.dev_eui, item.uplink.f_cnt)
            for position, item in items
            if isinstance(item, UplinkItem) and item.position == position
        ]

    def again(self) -> int:
        return self.spool.send_kept_again(moved)


def _encoded(position: int, dev_eui: str, **options: Any) -> bytes:
    up = uplink(position, position, dev_eui=dev_eui, **options)
    return msgspec.msgpack.encode(UplinkItem(position, up, UNDECODED))


def _item(body: bytes) -> UplinkItem | RawItem:
    return msgspec.msgpack.decode(body, type=UplinkItem | RawItem)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "spool.sqlite")


def test_others_go_on_and_one_of_each_device_is_tried_after_a_pause(bench: Bench) -> None:
    bench.append([OURS, STRANGE, STRANGE, OTHER, OURS])
    bench.spool.acknowledge(5, [(2, 4)])
    assert (bench.spool.depth, bench.spool.kept.count) == (0, 3)
    assert bench.again() == 0, "not at once"
    bench.seconds = 60
    assert bench.again() == 2
    assert bench.waiting() == [(6, STRANGE, 2), (7, OTHER, 4)]
    assert bench.again() == 0, "its answer is awaited"


def test_pauses_grow_while_nobody_takes_them(bench: Bench) -> None:
    bench.append([STRANGE, STRANGE])
    bench.spool.acknowledge(2, [(1, 2)])
    sent = []
    for _ in range(60 * 24 * 3):
        bench.seconds += 60
        if bench.again():
            sent.append(bench.seconds / 60)
            bench.spool.acknowledge(bench.spool.last_position, [(bench.spool.last_position,) * 2])
    pauses = [after - before for before, after in zip([0.0, *sent], sent, strict=False)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440]
    assert bench.spool.kept.count == 2


def test_once_one_is_taken_all_of_the_device_follow(bench: Bench) -> None:
    bench.append([STRANGE, OTHER, STRANGE, STRANGE])
    bench.spool.acknowledge(4, [(1, 4)])
    bench.seconds = 60
    bench.again()
    bench.spool.acknowledge(6, [(6, 6)])
    assert bench.again() == 2
    assert bench.waiting() == [(7, STRANGE, 3), (8, STRANGE, 4)]
    bench.spool.acknowledge(8)
    assert (bench.spool.kept.count, bench.spool.kept.devices()) == (1, [OTHER])


def test_what_the_cloud_says_is_ours_is_sent_at_once(bench: Bench) -> None:
    bench.append([STRANGE, OTHER, STRANGE])
    bench.spool.acknowledge(3, [(1, 3)])
    bench.spool.kept.registered({STRANGE: "dragino/lse01", OURS: "dragino/lse01"})
    assert bench.again() == 2
    assert bench.waiting() == [(4, STRANGE, 1), (5, STRANGE, 3)]
    bench.spool.acknowledge(5)
    assert bench.spool.kept.devices() == [OTHER]


def test_refused_again_all_the_same_they_wait(bench: Bench) -> None:
    """Measured while another town had the device: no registration changes that."""
    bench.append([STRANGE] * 3)
    bench.spool.acknowledge(3, [(1, 3)])
    bench.spool.kept.registered([STRANGE])
    assert bench.again() == 3
    bench.spool.acknowledge(6, [(4, 6)])
    assert bench.again() == 0
    bench.seconds = 60
    assert bench.again() == 1


def test_they_survive_a_restart_and_a_kill_before_the_rows_were_deleted(bench: Bench) -> None:
    bench.append([OURS, STRANGE])
    bench.spool.acknowledge(2, [(2, 2)])
    bench.reopen()  # killed: the rows are still there, and are sent and answered once more
    assert [position for position, *_ in bench.waiting()] == [1, 2]
    bench.spool.acknowledge(2, [(2, 2)])
    assert bench.spool.kept.count == 1
    used = bench.spool.used_bytes
    bench.spool.close()
    bench.reopen()
    assert bench.spool.used_bytes <= used
    bench.seconds = 60
    assert bench.again() == 1
    assert bench.waiting()[-1][1:] == (STRANGE, 2)


def test_an_answer_that_names_what_was_kept_before_keeps_nothing_twice(bench: Bench) -> None:
    bench.append([STRANGE, OURS, STRANGE])
    bench.spool.acknowledge(2, [(1, 1)])
    bench.spool.acknowledge(3, [(1, 1), (3, 3)])
    assert bench.spool.kept.count == 2


def test_a_range_that_is_wider_keeps_whatever_is_in_it(bench: Bench) -> None:
    """A cloud joins ranges when there are very many: a raw item is no uplink of a device."""
    bench.append([STRANGE])
    raw = RawItem(2, "topic", b"?", "malformed_json", NINE)
    bench.spool.append([Row(2, NINE, msgspec.msgpack.encode(raw))])
    bench.spool.acknowledge(2, [(1, 2)])
    assert bench.spool.kept.devices() == [STRANGE, "unreadable"]
    bench.seconds = 60
    assert bench.again() == 2


def test_a_share_of_the_spool_bounds_them(bench: Bench) -> None:
    noise = [bytes(range(200))]
    with capture_logs() as said:
        for _ in range(30):
            bench.append([STRANGE] * 100, payload=noise[0])
            first, last = bench.spool.acknowledged + 1, bench.spool.last_position
            bench.spool.acknowledge(last, [(first, last)])
    assert bench.spool.kept.bytes <= MEGABYTE // SHARE
    assert bench.spool.kept.dropped > 0
    assert "kept_items_dropped" in [one["event"] for one in said]
    newest = bench.spool.kept._oldest(STRANGE, 10_000)[-1]
    assert newest.position == 3000, "the oldest go first"
    bench.append([OURS])
    assert bench.waiting()[-1][1] == OURS, "there is room for others"


def test_a_command_lists_devices_and_drops_them_while_the_agent_runs(bench: Bench) -> None:
    bench.append([STRANGE, OTHER, STRANGE, OURS])
    bench.spool.acknowledge(4, [(1, 3)])
    strange, other = kept_devices(bench.path)
    assert (strange.device, strange.items, other.device, other.items) == (STRANGE, 2, OTHER, 1)
    assert strange.oldest < strange.newest
    used, size = bench.spool.used_bytes, strange.bytes + 2 * ROW_OVERHEAD
    assert drop(bench.path, {STRANGE}) == 2
    bench.seconds = 60
    assert bench.again() == 1
    assert bench.waiting()[-1][1] == OTHER
    bench.spool.acknowledge(5, [(5, 5)])
    assert (bench.spool.kept.count, bench.spool.kept.devices()) == (1, [OTHER])
    assert used - bench.spool.used_bytes >= size


def test_a_device_that_is_dropped_while_one_of_it_is_under_way_is_forgotten_when_it_is_taken(
    bench: Bench,
) -> None:
    bench.append([STRANGE, STRANGE])
    bench.spool.acknowledge(2, [(1, 2)])
    bench.seconds = 60
    assert bench.again() == 1
    assert drop(bench.path, {STRANGE}) == 1
    assert bench.again() == 0
    assert bench.spool.kept.devices() == [STRANGE], "its answer is awaited"
    bench.spool.acknowledge(3)
    assert (bench.spool.kept.count, bench.spool.kept.bytes) == (0, 0)
    assert bench.spool.kept.devices() == []


def test_rows_that_were_dropped_while_they_were_sent_again_are_not_counted_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.append([STRANGE, OTHER])
    bench.spool.acknowledge(2, [(1, 2)])
    bench.seconds = 60
    append = bench.spool.append

    def append_and_drop(rows: Sequence[Row]) -> None:
        append(rows)
        drop(bench.path, {STRANGE})

    monkeypatch.setattr(bench.spool, "append", append_and_drop)
    assert bench.again() == 2
    assert (bench.spool.kept.count, bench.spool.kept.bytes) == (0, 0)


def test_what_cannot_be_read_is_dropped_by_its_word_and_what_is_not_there_is_named(
    bench: Bench,
) -> None:
    raw = RawItem(1, "topic", b"?", "malformed_json", NINE)
    bench.spool.append([Row(1, NINE, msgspec.msgpack.encode(raw))])
    bench.append([STRANGE])
    bench.spool.acknowledge(2, [(1, 2)])
    with pytest.raises(Explained, match=OTHER):
        drop(bench.path, {OTHER, STRANGE})
    assert len(kept_devices(bench.path)) == 2, "nothing was deleted"
    assert drop(bench.path, {"unreadable"}) == 1
    assert [one.device for one in kept_devices(bench.path)] == [STRANGE]

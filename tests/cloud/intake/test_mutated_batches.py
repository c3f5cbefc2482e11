"""An edge sends its batch with any one of its values replaced by what breaks programs.

Whatever comes of it: the neighbour's uplink in the same commit is logged, nobody else is answered,
reasons are words of ours, and no follower sets anything aside.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from databases import fresh_database
from fake_arrivals import batch_arrival, event_arrival
from fake_uplinks import (
    LSE01_PAYLOAD,
    at,
    chirpstack_event,
    event_topic,
    furnish,
    register_edge,
    uplink,
)
from stadtsinn.base.batches import batched
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.domains.crowd.follower import LiveFollower
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.tables import quarantine
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.followers.loop import FollowerLoop
from stadtsinn.cloud.log.set_aside.repository import listed
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.series.follower import SeriesFollower
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.edge.messages.delivery import (
    Batch,
    ClockStep,
    RawItem,
    Sender,
    UplinkItem,
    batch_topic,
    encode,
)

EDGE, THEIRS = "rathaus", "70b3d50000000200"
OUTCOME = catalogue().decode("dragino/lse01", 2, LSE01_PAYLOAD)
BATCH = encode(
    Batch(
        edge_id=EDGE,
        stream="spool-1",
        sent_at=at(1),
        items=(
            UplinkItem(1, uplink(1, 0, payload=LSE01_PAYLOAD), OUTCOME),
            RawItem(2, event_topic(), b"{x", "malformed_json", at(0)),
        ),
        sender=Sender(
            id="run",
            begins=0,
            opened=0,
            acknowledged=0,
            clock_ahead=5,
            clock_steps=(ClockStep(1, 5),),
            keeps=True,
            holds=0,
        ),
    )
)
YEAR_300000 = 300_000 * 365 * 86_400 * 10**6
HOSTILE: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 2**32, 2**53, 2**62, 2**63 - 1, -(2**63), 2**64 - 1, YEAR_300000),
    *(float("nan"), float("inf"), 1e300, "", "a\0b", "x" * 70_000, "\u202e\x1b[2J", THEIRS),
    *(b"", b"\xff" * 300, [], {}, [[]] * 50, {"a": {}}),
)
DEEP = b"\x91" * 200_000 + b"\xc0"
BROKEN = (
    *(
        b"\x91" * 1_000_000,
        b"\x81\xa1a" * 300_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
    ),
    *(b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x05", b"\x87" + BATCH[1:] + b"\xa1z" + DEEP),
)
TOPICS = [batch_topic(one) for one in ("", "nachbars-agent", "x" * 5_000, "\0\u202e", "+")]


def _places(tree: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from _places(value, (*place, key))


def _with(tree: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = tree.copy()
    changed[place[0]] = _with(tree[place[0]], place[1:], value)
    return changed


def _batches() -> Iterator[tuple[str, bytes]]:
    """Topics and payloads."""
    tree = msgspec.msgpack.decode(BATCH)
    ours = batch_topic(EDGE)
    for place in _places(tree):
        for value in HOSTILE:
            yield ours, msgspec.msgpack.encode(_with(tree, place, value))
    drawn = random.Random(1)
    for _ in range(200):
        flipped = bytearray(BATCH)
        flipped[drawn.randrange(len(flipped))] = drawn.randrange(256)
        yield ours, bytes(flipped[: drawn.choice((len(flipped), drawn.randrange(len(flipped))))])
    yield from ((ours, one) for one in BROKEN)
    yield from ((topic, BATCH) for topic in TOPICS)


@pytest.mark.slow
def test_no_value_of_a_batch_harms_a_neighbour_or_a_follower(tmp_path: Path) -> None:
    database, clock = fresh_database(tmp_path), ManualClock(at(3600))
    furnish(database)
    register_edge(database, "nachbars-agent", "nachbar")
    directory = DirectoryCache(database)
    ingestor = open_ingestor(database, directory, clock, Archive(tmp_path / "archive"))
    sent = count(1)
    for some in batched(list(_batches()), 40):
        number = next(sent)
        theirs = uplink(number, number, dev_eui=THEIRS, payload=LSE01_PAYLOAD)
        event = chirpstack_event(theirs)
        committed = ingestor.take(
            [
                *(batch_arrival(*one, clock.now(), directory.current()) for one in some),
                event_arrival(event_topic(THEIRS), event, at(number)),
            ]
        )
        assert committed.new["chirpstack:town"] == 1
        assert {edge_id for edge_id, _ in committed.positions} <= {EDGE}
        assert {answer.edge_id for answer in committed.answers} <= {EDGE}
        assert all(isinstance(one.reason, Reason) for one in committed.rejections)
    assert next(sent) > 40
    with database.read() as connection:
        rows = connection.execute(select(quarantine.c.detail, quarantine.c.source)).all()
        newest = head(connection)
    assert [text for row in rows for text in row if visible(text, lines=True) != text] == []
    store = EmbeddedStore(tmp_path / "series.sqlite", clock)
    for follower in (
        SeriesFollower(store, directory, clock),
        LiveFollower(directory, clock),
        AlertsFollower(directory, clock),
    ):
        loop = FollowerLoop(database, follower, clock)
        while loop.run_once():
            pass
        assert f"at position {newest}" in loop.check().detail
    with database.read() as connection:
        assert listed(connection, None, 10) == []
    store.close()
    database.dispose()

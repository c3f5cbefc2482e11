"""A batch names its stream freely: what an edge that invents them costs, and what it cannot lose.

Agents know nothing of the bound. Whatever of their streams is remembered, an Ack says only what is
committed, everything arrives, and it counts once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, func, select

from fake_arrivals import batch_arrival
from fake_uplinks import NINE, UNDECODED, at, register_edge, uplink
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.intake import service
from stadtsinn.cloud.intake.arrival import Arrival
from stadtsinn.cloud.intake.repository import (
    STREAMS_KEPT,
    drop_surplus_streams,
    heard_before,
    read_streams,
    write_streams,
)
from stadtsinn.cloud.intake.service import Committed, Ingestor
from stadtsinn.cloud.intake.streams import PROOFS, StreamState
from stadtsinn.cloud.intake.tables import edge_streams
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.edge.messages.delivery import Batch, Sender, UplinkItem, batch_topic, encode

NEW = service._NEW_STREAMS


class Senders:
    """Sends batches of one item each."""

    def __init__(self, ingestor: Ingestor, clock: ManualClock) -> None:
        self.ingestor = ingestor
        self.clock = clock

    def batch(
        self, stream: str, position: int, f_cnt: int, says: Sender | None, edge: str = "rathaus"
    ) -> Arrival:
        self.clock.advance(1)
        item = UplinkItem(position, uplink(f_cnt, f_cnt), UNDECODED)
        sent_at = Instant(NINE + self.clock.now() - at(3600))
        batch = Batch(edge_id=edge, stream=stream, sent_at=sent_at, items=(item,), sender=says)
        return batch_arrival(batch_topic(edge), encode(batch), NINE, self.ingestor.directory())

    def commit(self, *arrivals: Arrival) -> Committed:
        self.clock.advance(1)
        return self.ingestor.take(arrivals)

    def fill(self, prefix: str = "other") -> None:
        """As many later streams as are kept."""
        for n in range(0, STREAMS_KEPT, NEW):
            streams = range(n, n + NEW)
            self.commit(*(self.batch(f"{prefix}{m}", 1, 500 + m, run(f"r{m}")) for m in streams))


@pytest.fixture
def senders(ingestor: Ingestor, clock: ManualClock) -> Senders:
    return Senders(ingestor, clock)


def run(name: str = "run", acknowledged: int = 0, begins: int = 0) -> Sender:
    return Sender(name, begins, begins, acknowledged)


def known(database: Database, edge: str = "rathaus") -> set[str]:
    with database.read() as connection:
        query = select(edge_streams.c.stream).where(edge_streams.c.edge_id == edge)
        return set(connection.execute(query).scalars())


def logged(database: Database) -> int:
    with database.read() as connection:
        return head(connection)


@contextmanager
def stream_statements(database: Database) -> Iterator[list[str]]:
    """The calls of the driver that are about streams."""
    found: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if "edge_streams" in statement:
            found.append(statement.split(maxsplit=1)[0])

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_streams_of_one_commit_are_read_and_written_at_once(
    senders: Senders, database: Database
) -> None:
    edges = [f"edge-{n}" for n in range(30)]
    for edge in edges:
        register_edge(database, edge)
    first = [senders.batch("s", 1, n, run(), edge) for n, edge in enumerate(edges)]
    with stream_statements(database) as found:
        senders.commit(*first)
    assert found == ["SELECT", "INSERT", "DELETE"]
    more = [senders.batch("s", 2, 100 + n, run(), edge) for n, edge in enumerate(edges)]
    with stream_statements(database) as found:
        committed = senders.commit(*more)
    assert found == ["SELECT", "INSERT"], "nothing is deleted where no stream begins"
    assert {answer.position for answer in committed.answers} == {2}


def test_a_commit_without_edges_asks_nothing(senders: Senders, database: Database) -> None:
    with stream_statements(database) as found:
        senders.commit()
    assert found == []


def test_streams_without_end_leave_few_rows_and_little_work(
    senders: Senders, database: Database
) -> None:
    flood = [senders.batch(f"z{n}", 1, 1, run(f"r{n}")) for n in range(400)]
    with stream_statements(database) as found:
        committed = senders.commit(*flood)
    assert found == ["SELECT", "INSERT", "DELETE"]
    assert len(committed.answers) == NEW
    assert committed.unanswered == {"rathaus": 400 - NEW}
    for n in range(0, 80, NEW):
        senders.commit(*flood[n : n + NEW])
    assert len(known(database)) == STREAMS_KEPT
    assert logged(database) == 1, "one frame, however often it came"
    assert "begins streams without end" in " ".join(senders.ingestor.edges.check().warnings)


def test_what_is_not_answered_is_answered_when_it_comes_again(
    senders: Senders, database: Database
) -> None:
    arrivals = [senders.batch(f"z{n}", 1, n, run(f"r{n}")) for n in range(NEW + 2)]
    first = senders.commit(*arrivals)
    assert [answer.stream for answer in first.answers] == [f"z{n}" for n in range(NEW)]
    again = senders.commit(*arrivals[NEW:])
    assert [answer.stream for answer in again.answers] == [f"z{NEW}", f"z{NEW + 1}"]
    assert again.copies.total() == 2
    assert logged(database) == NEW + 2


def test_an_edges_flood_leaves_others_streams_alone(senders: Senders, database: Database) -> None:
    register_edge(database, "bauhof")
    senders.commit(senders.batch("theirs", 1, 1, run(), "bauhof"))
    flood = [senders.batch(f"z{n}", 1, 2, run(f"r{n}")) for n in range(40)]
    committed = senders.commit(*flood, senders.batch("theirs", 2, 3, run(), "bauhof"))
    assert committed.answers[-1].position == 2
    senders.fill()
    assert known(database, "bauhof") == {"theirs"}
    with database.read() as connection:
        assert heard_before(connection, "edges", edges=True)


@pytest.mark.parametrize("named", [True, False], ids=["an agent of today", "of the first version"])
def test_a_stream_that_was_dropped_goes_on(
    senders: Senders, database: Database, named: bool
) -> None:
    """Its acknowledgement of 2 was lost: the agent sends from 2 on."""
    for position in (1, 2):
        senders.commit(senders.batch("s", position, position, run() if named else None))
    senders.fill()
    assert "s" not in known(database)
    before = logged(database)
    ends = sent = 0
    for _ in range(PROOFS):
        for position in (2, 3):
            says = run("run", acknowledged=1) if named else None
            committed = senders.commit(senders.batch("s", position, position, says))
            sent = max(sent, position)
            told = {a.position for a in committed.answers} | set(committed.positions.values())
            ends = max(ends, *told)
            assert max(told) <= sent
    assert ends == 3
    assert logged(database) == before + 1, "only 3 was new"


def test_a_card_of_long_ago_is_delivered_whole(senders: Senders, database: Database) -> None:
    """Its stream is forgotten; what it sends at used positions are other uplinks."""
    for position in range(1, 6):
        senders.commit(senders.batch("s", position, position, run(acknowledged=position - 1)))
    senders.fill()
    before = logged(database)
    restored = Sender("restored", 0, 2, 2)
    for position in range(3, 8):
        committed = senders.commit(senders.batch("s", position, 100 + position, restored))
        assert [answer.position for answer in committed.answers] == [position]
    assert logged(database) == before + 5


def test_the_stream_just_written_stays_where_the_clocks_of_others_are_later(
    database: Database,
) -> None:
    def write(now: int, *streams: str) -> None:
        with database.write() as connection:
            states = {("rathaus", one): StreamState(1) for one in streams}
            write_streams(connection, states, Instant(now))
            drop_surplus_streams(connection, {"rathaus"}, Instant(now))

    write(1000, *(f"before{n:02}" for n in range(STREAMS_KEPT + 3)))
    assert len(known(database)) == STREAMS_KEPT
    write(5, "present")
    assert "present" in known(database)
    assert len(known(database)) == STREAMS_KEPT


def test_the_newest_are_kept(senders: Senders, database: Database) -> None:
    senders.commit(senders.batch("s", 1, 1, run()))
    senders.fill("first")
    senders.commit(senders.batch("first3", 2, 9, run("r3")))
    senders.fill("second")
    assert known(database) == {f"second{n}" for n in range(STREAMS_KEPT)}
    senders.commit(senders.batch("second0", 2, 10, run("r0")))
    senders.commit(senders.batch("last", 1, 11, run()))
    assert {"last", "second0"} < known(database)


def test_a_table_from_before_the_bound_shrinks_in_small_steps(database: Database) -> None:
    with database.write() as connection:
        states = {("rathaus", f"s{n}"): StreamState(n) for n in range(1_100)}
        write_streams(connection, states, Instant(1))
    left = [len(known(database))]
    while left[-1] > STREAMS_KEPT:
        with database.write() as connection:
            drop_surplus_streams(connection, {"rathaus"}, Instant(2))
        left.append(len(known(database)))
        assert left[-1] < left[-2]
    assert left == [1_100, 600, 100, STREAMS_KEPT]


def test_many_streams_at_once_are_asked_for_in_what_a_database_takes(database: Database) -> None:
    keys = {(f"edge-{n}", f"stream-{n}") for n in range(5_001)}
    with database.write() as connection:
        write_streams(connection, {("edge-7", "stream-7"): StreamState(7)}, Instant(1))
        assert read_streams(connection, keys) == {("edge-7", "stream-7"): StreamState(7)}
        drop_surplus_streams(connection, {edge for edge, _ in keys}, Instant(1))
        assert connection.execute(select(func.count()).select_from(edge_streams)).scalar() == 1


class Spool:
    """A spool of few items; it forgets what it is acknowledged, as far as it has sent that."""

    def __init__(self, name: str, counters: Sequence[int]) -> None:
        self.name = name
        self.counters = counters
        self.acknowledged = 0
        self.sent = 0

    def says(self) -> Sender:
        return run(f"run-{self.name}", self.acknowledged)


@pytest.mark.parametrize("seed", range(3))
def test_more_spools_than_are_remembered_deliver_everything_once(
    senders: Senders, database: Database, seed: int
) -> None:
    """25 agents of one edge id take turns; batches and Acks are lost on the way."""
    chance = random.Random(seed)
    spools = [Spool(f"s{n}", range(n * 4, n * 4 + 4)) for n in range(25)]
    arrived: set[int] = set()
    for _ in range(300):
        waiting = [spool for spool in spools if spool.acknowledged < len(spool.counters)]
        if not waiting:
            break
        turn, arrivals = chance.sample(waiting, min(6, len(waiting))), []
        for spool in turn:
            if chance.random() < 0.3:
                spool.sent = spool.acknowledged  # no answer came: from the oldest one on
            for position in range(spool.sent + 1, min(spool.sent + 3, len(spool.counters)) + 1):
                spool.sent = position
                if chance.random() < 0.8:
                    f_cnt = spool.counters[position - 1]
                    arrivals.append(senders.batch(spool.name, position, f_cnt, spool.says()))
                    arrived.add(f_cnt)
        for answer in senders.commit(*arrivals).answers:
            spool = next(one for one in spools if one.name == answer.stream)
            assert set(spool.counters[: answer.position]) <= arrived, "never beyond what came"
            if chance.random() < 0.7:
                spool.acknowledged = max(spool.acknowledged, answer.position)
    assert all(spool.acknowledged == len(spool.counters) for spool in spools)
    assert logged(database) == 100
    assert len(known(database)) <= STREAMS_KEPT


def test_bound_of_rows_holds_at_any_moment(senders: Senders, database: Database) -> None:
    for n in range(0, 60, 3):
        senders.commit(*(senders.batch(f"z{m}", 1, 1, run()) for m in range(n, n + 3)))
        assert len(known(database)) <= STREAMS_KEPT

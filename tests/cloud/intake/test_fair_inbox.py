"""Nobody's messages wait behind another's backlog, and each sender's own stay in order."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databases import fresh_database
from fake_arrivals import batch_arrival, original_of
from fake_uplinks import UNDECODED, at, event_topic, furnish, register_edge, uplink
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message
from stadtsinn.cloud.intake.arrival import Arrival, Original
from stadtsinn.cloud.intake.edge_watch import EdgeWatch
from stadtsinn.cloud.intake.fair_queue import (
    SHARED_BYTES,
    SHARED_GROUPS,
    TURN_BYTES,
    FairQueue,
    Place,
)
from stadtsinn.cloud.intake.inbox import Inbox, Received
from stadtsinn.cloud.intake.maintenance import Maintenance
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.reading import MAX_ITEMS
from stadtsinn.cloud.intake.sources import EdgeSource
from stadtsinn.cloud.intake.streams import Answer
from stadtsinn.cloud.intake.worker import Grouping, IngestWorker
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.edge.messages.delivery import Batch, UplinkItem, batch_topic, encode


class Nobody:
    """A feed that nothing is read from."""

    name = "nobody"

    def read(self, original: Original, directory: Directory) -> Arrival:
        raise NotImplementedError

    def acknowledge(self, *messages: Message) -> None:
        raise NotImplementedError


def of_edge(edge: str, number: int, size: int = 100, *, spooled: bool = True) -> Received:
    message = Message(batch_topic(edge), b"x" * size, False, number, 1, 1)
    return Received(Nobody(), original_of(message.topic, message.payload, at(0)), message, spooled)


def put(queue: FairQueue, owner: str, edge: str, number: int, size: int) -> None:
    queue.put(Place(owner, f"edge:{edge}"), of_edge(edge, number, size), size)


def of_server(name: str, number: int, tenant: str | None = None) -> Received:
    message = Message(event_topic(), b"{}", False, number, 1, 1)
    original = original_of(message.topic, message.payload, at(0), name=name, tenant=tenant)
    return Received(Nobody(), original, message)


def groups(queue: FairQueue, count: int) -> list[int]:
    """The next messages, of so many groups."""
    return [number for _ in range(count) for number in numbers(queue.take(1000, 10**9))]


def numbers(group: Sequence[Received]) -> list[int]:
    return [received.message.packet_id for received in group]


# --- the queue -------------------------------------------------------------------------


def test_one_batch_of_another_town_waits_for_one_turn_of_the_flood_and_not_for_its_backlog() -> (
    None
):
    queue = FairQueue()
    for n in range(1000):
        put(queue, "b", f"b{n % 50}", n, 10_000)
    put(queue, "a", "a", 5000, 10_000)
    before = numbers(queue.take(1000, 10**9)).index(5000)
    assert before * 10_000 <= TURN_BYTES + 10_000


def test_a_town_with_many_edges_gets_no_more_than_a_town_with_one() -> None:
    queue = FairQueue()
    for n in range(300):
        put(queue, "b", f"b{n % 30}", n, TURN_BYTES)
        put(queue, "a", "a", 1000 + n, TURN_BYTES)
    taken = groups(queue, 25)
    assert len(taken) == 100
    assert abs(sum(n >= 1000 for n in taken) - 50) <= 1


def test_large_messages_of_one_do_not_keep_small_ones_of_another_waiting() -> None:
    queue = FairQueue()
    for n in range(100):
        put(queue, "b", "b", n, 20 * TURN_BYTES)
        put(queue, "a", "a", 1000 + n, TURN_BYTES)
    taken = groups(queue, 8)
    assert abs(sum(n >= 1000 for n in taken) - 20 * sum(n < 1000 for n in taken)) <= 20


def test_groups_are_small_while_several_towns_send_and_for_a_while_after() -> None:
    """What comes just after a group was taken waits for all of it, and for the next one."""
    queue = FairQueue()
    for n in range(2000):
        put(queue, "b", "b", n, TURN_BYTES)
    assert len(queue.take(500, 10**9)) == 500, "alone: as many as there are"
    put(queue, "a", "a", 5000, 100)
    small = 2 * SHARED_BYTES + TURN_BYTES
    for _ in range(SHARED_GROUPS):
        group = queue.take(500, 10**9)
        assert sum(len(one.original.payload) for one in group) <= small
    queue.take(500, 10**9)
    assert len(queue.take(500, 10**9)) == 500, "alone again"


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 200_000)), max_size=80),
    st.integers(1, 20),
    st.integers(1, 400_000),
)
def test_whatever_comes_each_sender_keeps_its_order_and_nothing_is_lost_or_doubled(
    sent: list[tuple[int, int, int]], most: int, most_bytes: int
) -> None:
    queue = FairQueue()
    expected = defaultdict(list)
    for n, (owner, line, size) in enumerate(sent):
        put(queue, f"town{owner}", f"{owner}-{line}", n, size)
        expected[f"edge:{owner}-{line}"].append(n)
    found = defaultdict(list)
    while queue.messages:
        group = queue.take(most, most_bytes)
        assert 0 < len(group) <= most
        assert sum(len(one.original.payload) for one in group[:-1]) < most_bytes
        for one in group:
            found[one.original.origin.source].append(one.message.packet_id)
    assert found == expected
    assert queue.bytes == 0
    assert queue.take(1, 1) == []


# --- the inbox -------------------------------------------------------------------------


def test_who_has_nothing_waiting_is_let_into_a_full_inbox() -> None:
    inbox = Inbox(max_messages=10)
    for n in range(10):
        inbox.put(of_server("b", n))
    inbox.put(of_server("a", 100))  # on this thread: it would wait for ever
    assert 100 in numbers(inbox.take(11, 10**9, 0, 1))


def test_a_town_that_fills_the_inbox_waits_alone() -> None:
    inbox = Inbox(max_messages=4)
    sent: list[int] = []

    def flood() -> None:
        for n in range(8):
            inbox.put(of_server("b1" if n % 2 else "b2", n, tenant="b"))
            sent.append(n)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    wait_until(lambda: len(sent) == 4, "full")
    inbox.put(of_server("a", 100, tenant="a"))
    assert 100 in numbers(inbox.take(3, 10**9, 0, 1))
    inbox.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_flood_is_set_back_beyond_its_share_and_others_go_in() -> None:
    inbox = Inbox()
    inbox.know({"b": "flooding", "a": "quiet"})
    set_back = inbox.put(*(of_edge("b", n) for n in range(5_000)))
    assert len(set_back) == 4_000
    assert inbox.put(*(of_edge("a", 10_000 + n) for n in range(8))) == []
    taken = numbers(inbox.take(1000, 10**9, 0, 1))
    assert [n for n in taken if n >= 10_000] == list(range(10_000, 10_008))
    assert inbox.set_back() == {"edge:b": 4_000}
    assert inbox.set_back() == {}


def test_what_is_set_back_is_of_the_edge_that_floods_not_of_its_town() -> None:
    inbox = Inbox()
    inbox.know({"flood": "town", "quiet": "town", "other": "elsewhere"})
    inbox.put(*(of_edge("flood", n) for n in range(5_000)))
    assert inbox.put(*(of_edge("quiet", n) for n in range(8))) == []
    assert numbers(inbox.put(of_edge("flood", 7))) == [7]


def test_bytes_are_a_share_too() -> None:
    inbox = Inbox(max_bytes=20_000_000)
    inbox.know({"b": "flooding", "a": "quiet"})
    set_back = inbox.put(*(of_edge("b", n, 1_000_000) for n in range(15)))
    assert len(set_back) == 5
    assert inbox.put(of_edge("a", 0, 1_000_000)) == []


def test_strangers_share_one_place_however_many_names_they_invent() -> None:
    inbox = Inbox()
    inbox.know({"a": "quiet"})
    set_back = inbox.put(*(of_edge(f"stranger{n}", n) for n in range(3_000)))
    assert len(set_back) == 2_000
    assert inbox.put(*(of_edge("a", n) for n in range(8))) == []
    assert inbox.set_back() == {"strangers": 2_000}


@pytest.mark.parametrize("edges", [{"b": "town"}, {"b": "town", "a": "elsewhere"}])
def test_an_edge_that_is_alone_is_never_set_back_nor_is_what_a_server_sends(
    edges: dict[str, str],
) -> None:
    inbox = Inbox()
    inbox.know(edges)
    spooled = len(edges) == 1
    assert inbox.put(*(of_edge("b", n, spooled=spooled) for n in range(5_000))) == []
    assert numbers(inbox.take(5_000, 10**9, 0, 1)) == list(range(5_000))


# --- the whole ingest ------------------------------------------------------------------


class Edges(EdgeSource):
    """The source of all edges without its broker: what it is given, and what it answers."""

    def __init__(self, inbox: Inbox, clock: ManualClock) -> None:
        super().__init__(Broker("127.0.0.1", 1, "x"), None, inbox, clock)
        self.answers: list[str] = []
        self.let_go: list[int] = []

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def ended(self) -> str | None:
        return None

    def acknowledge(self, *messages: Message) -> None:
        self.let_go += [message.packet_id for message in messages]

    def answer(self, edge_id: str, stream: str, position: int) -> None:
        self.answers.append(f"{edge_id} {position}")

    def answer_run(self, answer: Answer) -> None:
        raise NotImplementedError

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        pass


def batch_message(edge: str, number: int) -> Message:
    item = UplinkItem(number, uplink(number, number), UNDECODED)
    batch = Batch(edge_id=edge, stream="s", sent_at=at(number), items=(item,))
    return Message(batch_topic(edge), encode(batch), False, number, 1, 1)


def test_an_edge_is_acknowledged_with_the_next_commit_while_another_town_floods(
    tmp_path: Path,
) -> None:
    database = fresh_database(tmp_path)
    furnish(database)
    register_edge(database, "quiet", "nachbar")
    clock, inbox, directory = ManualClock(at(3600)), Inbox(), DirectoryCache(database)
    source = Edges(inbox, clock)
    ingestor = open_ingestor(database, directory, clock, Archive(tmp_path / "archive"))
    worker = IngestWorker(
        *(ingestor, inbox, [source], source, LogSignal()),
        [Maintenance(database, clock)],
        Grouping(max_messages=400, linger_s=0),
    )
    inbox.know(directory.current().edges)
    source._take([batch_message("rathaus", n) for n in range(1, 3001)])
    assert len(source.let_go) == 2_000, "the broker goes on to what comes behind the flood"
    source._take([batch_message("quiet", 1)])
    worker.start()
    wait_until(lambda: len(source.let_go) == 3_001, "all is committed")
    worker.stop()
    assert source.answers[:2] == ["rathaus 399", "quiet 1"], "both in the first commit"
    assert source.answers[-1] == "rathaus 1000", "no answer speaks of what was set back"
    assert "edge:rathaus sends more than its share" in ingestor.edges.check().warnings[0]


def test_what_was_set_back_is_named_in_health_and_counted_once() -> None:
    watch = EdgeWatch()
    watch.note_set_back({"edge:b": 7})
    assert watch.check().ok
    assert "edge:b sends more than its share: 7 batches" in watch.check().warnings[0]


# --- one batch -------------------------------------------------------------------------


@pytest.mark.parametrize(("items", "taken"), [(MAX_ITEMS, MAX_ITEMS), (MAX_ITEMS + 1, 0)])
def test_a_batch_holds_as_many_uplinks_as_an_agent_can_be_set_to_send(
    items: int, taken: int
) -> None:
    up = uplink()
    batch = Batch(
        edge_id="rathaus",
        stream="s",
        sent_at=at(0),
        items=tuple(UplinkItem(n + 1, up, UNDECODED) for n in range(items)),
    )
    registered = Directory({}, {"rathaus": "musterstadt"})
    arrival = batch_arrival(batch_topic("rathaus"), encode(batch), at(0), registered)
    assert len(arrival.candidates) == taken
    assert [one.reason for one in arrival.rejections] == ([] if taken else ["too_large"])
    assert (arrival.progress is None) == (taken == 0), "what is refused is not acknowledged"

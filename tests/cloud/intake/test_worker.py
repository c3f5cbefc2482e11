"""The worker between inbox and acknowledgements, with sources that need no broker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from databases import fresh_database
from fake_arrivals import original_of
from fake_uplinks import (
    CHIRPSTACK,
    NINE,
    UNDECODED,
    at,
    chirpstack_event,
    event_topic,
    furnish,
    register,
    uplink,
)
from real_parts import PATIENCE_S, wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MessageTooLarge
from stadtsinn.cloud.intake import service
from stadtsinn.cloud.intake.arrival import STORED_BYTES, Arrival, Kind, Original
from stadtsinn.cloud.intake.edge_config import EdgeConfigs
from stadtsinn.cloud.intake.inbox import Inbox, Received
from stadtsinn.cloud.intake.maintenance import Maintenance
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.reading import read_edge_batch, read_server_event
from stadtsinn.cloud.intake.repository import quarantined
from stadtsinn.cloud.intake.sources import NetworkServer, ServerSource, shared
from stadtsinn.cloud.intake.streams import Answer
from stadtsinn.cloud.intake.worker import Grouping, IngestWorker
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.uplinks import repository as log_repository
from stadtsinn.cloud.log.uplinks.repository import head, read_after
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory, DirectoryCache
from stadtsinn.cloud.town.model import Edge
from stadtsinn.cloud.town.service import change, delete_edge, give_edge
from stadtsinn.edge.messages.delivery import Batch, Refused, UplinkItem, batch_topic, encode


class FakeSource:
    """A source whose messages are put into the inbox by hand."""

    name = "fake"
    connected = True

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.acknowledged: list[int] = []
        self.configs: list[tuple[str, dict[str, str]]] = []
        self.taken_back: list[str] = []
        self.does_it = True
        self.broken = -1
        self._numbers: dict[int, int] = {}
        self.answers: list[tuple[str, str, int]] = []
        self.refused: list[tuple[str, Refused]] = []

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def ended(self) -> str | None:
        return None

    def send(self, number: int, topic: str, payload: bytes) -> None:
        message = Message(topic, payload, False, number, 1, 1)
        original = original_of(topic, payload, at(1), name="fake")
        self._numbers[id(original)] = number
        self._inbox.put(Received(self, original, message))

    def acknowledge(self, *messages: Message) -> None:
        self.acknowledged += [message.packet_id for message in messages]

    def answer(self, edge_id: str, stream: str, position: int) -> None:
        self.answers.append((edge_id, stream, position))

    def answer_run(self, answer: Answer) -> None:
        self.answers.append((answer.edge_id, answer.stream, answer.position))

    def refuse(self, edge_id: str, why: Refused) -> None:
        self.refused.append((edge_id, why))

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        self.configs.append((edge_id, device_types))

    def unconfigure(self, edge_id: str) -> Callable[[], bool]:
        self.taken_back.append(edge_id)
        return lambda: self.does_it

    def read(self, original: Original, directory: Directory) -> Arrival:
        if self._numbers[id(original)] == self.broken:
            raise ZeroDivisionError
        if original.kind is Kind.BATCH:
            return read_edge_batch(original, directory)
        return read_server_event(CHIRPSTACK, original)


class Bench:
    """A worker with everything around it."""

    def __init__(self, folder: Path) -> None:
        self.database: Database = fresh_database(folder)
        furnish(self.database)
        self.inbox = Inbox()
        self.source = FakeSource(self.inbox)
        clock = ManualClock(at(3600))
        self.signal = LogSignal()
        self.seconds = 0.0
        self.worker = IngestWorker(
            open_ingestor(
                self.database, DirectoryCache(self.database), clock, Archive(folder / "archive")
            ),
            self.inbox,
            [self.source],
            self.source,
            self.signal,
            [Maintenance(self.database, clock)],
            Grouping(max_messages=10, linger_s=0),
            monotonic=lambda: self.seconds,
        )

    def event(self, number: int) -> None:
        up = uplink(number, number)
        self.source.send(number, event_topic(), chirpstack_event(up))

    def head(self) -> int:
        with self.database.read() as connection:
            return head(connection)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_messages_are_acknowledged_in_order_after_their_commit(bench: Bench) -> None:
    for n in range(25):
        bench.event(n)
    bench.worker.start()
    wait_until(lambda: len(bench.source.acknowledged) == 25, "all acknowledged")
    bench.worker.stop()
    assert bench.source.acknowledged == list(range(25))
    assert bench.head() == 25
    assert bench.signal.commits >= 3


def test_an_edge_is_answered_once_per_commit_with_its_position(bench: Bench) -> None:
    for n in range(3):
        item = UplinkItem(n + 1, uplink(n, n), UNDECODED)
        batch = Batch(edge_id="rathaus", stream="s", sent_at=NINE, items=(item,))
        bench.source.send(n, batch_topic("rathaus"), encode(batch))
    bench.worker.start()
    wait_until(lambda: len(bench.source.acknowledged) == 3, "all acknowledged")
    bench.worker.stop()
    assert bench.source.answers == [("rathaus", "s", 3)]


def test_an_unknown_edge_is_told_so_and_gets_no_acknowledgement(bench: Bench) -> None:
    item = UplinkItem(1, uplink(1, 1), UNDECODED)
    batch = Batch(edge_id="fremd", stream="s", sent_at=at(1), items=(item,))
    bench.source.send(1, batch_topic("fremd"), encode(batch))
    bench.source.send(2, batch_topic("fremd"), encode(batch))
    bench.worker.start()
    wait_until(lambda: len(bench.source.acknowledged) == 2, "all acknowledged")
    bench.worker.stop()
    assert bench.source.refused == [("fremd", Refused.UNKNOWN_EDGE)]
    assert bench.source.answers == []


def test_while_the_database_is_away_nothing_is_acknowledged_and_health_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = threading.Event()
    real = log_repository.append

    def append(*arguments: object) -> list[bool]:
        if not back.is_set():
            raise OperationalError("INSERT", {}, Exception("connection refused"))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(service, "append", append)
    bench.event(1)
    bench.worker.start()
    wait_until(lambda: not bench.worker.check().ok, "health shows the outage")
    assert "connection refused" in bench.worker.check().detail
    assert bench.source.acknowledged == []
    back.set()
    wait_until(lambda: bench.source.acknowledged == [1], "acknowledged after the outage")
    assert bench.worker.check().ok
    bench.worker.stop()
    assert bench.head() == 1


@pytest.mark.parametrize("hangs", ["append", "read", "acknowledge", "directory"])
def test_a_step_that_hangs_is_said_with_how_long_it_has_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, hangs: str
) -> None:
    reached, release = threading.Event(), threading.Event()
    where = {"append": service, "directory": bench.worker._ingestor}.get(hangs, bench.source)
    real = getattr(where, hangs)

    def slow(*arguments: object) -> object:
        reached.set()
        assert release.wait(PATIENCE_S)
        return real(*arguments)

    bench.worker.start()
    wait_until(lambda: bench.worker.check().ok, "it runs")
    monkeypatch.setattr(where, hangs, slow)
    bench.event(1)
    assert reached.wait(PATIENCE_S)
    bench.seconds = 29.0
    assert bench.worker.check().ok
    bench.seconds = 95.0
    check = bench.worker.check()
    assert not check.ok
    assert "under way for 95 s: what arrives waits for it" in check.detail
    assert ("one commit" in check.detail) == (hangs == "append")
    release.set()
    wait_until(lambda: bench.source.acknowledged == [1], "the step ends")
    wait_until(lambda: bench.worker.check().ok, "health is well again")
    bench.worker.stop()


def test_a_message_that_breaks_the_reader_is_quarantined_and_acknowledged(bench: Bench) -> None:
    bench.source.broken = 2
    for n in range(4):
        bench.event(n)
    bench.worker.start()
    wait_until(lambda: len(bench.source.acknowledged) == 4, "all acknowledged")
    bench.worker.stop()
    assert bench.head() == 3
    with bench.database.read() as connection:
        (row,) = quarantined(connection)
    assert (row.reason, row.detail) == ("internal_error", "ZeroDivisionError")


def test_stopping_during_an_outage_leaves_the_message_to_come_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def append(*_: object) -> list[bool]:
        raise OperationalError("INSERT", {}, Exception("connection refused"))

    monkeypatch.setattr(service, "append", append)
    bench.event(1)
    bench.worker.start()
    wait_until(lambda: not bench.worker.check().ok, "health shows the outage")
    bench.worker.stop()
    assert bench.source.acknowledged == []


def test_an_edge_learns_its_own_towns_devices_and_every_change(bench: Bench) -> None:
    mine = {"70b3d50000000100": "dragino/lse01", "70b3d50000000101": "dragino/lse01"}
    configs = EdgeConfigs(bench.source, bench.database)
    cache = DirectoryCache(bench.database, monotonic=iter(range(100)).__next__)
    configs.push(cache.current())
    configs.push(cache.current())
    assert bench.source.configs == [("rathaus", mine)]
    register(bench.database, "70b3d50000000300", tenant_id="nachbar")
    configs.push(cache.current())
    assert len(bench.source.configs) == 1
    register(bench.database, "70b3d50000000102", device_type="bosch/tps110")
    configs.push(cache.current())
    assert bench.source.configs[1:] == [("rathaus", {**mine, "70b3d50000000102": "bosch/tps110"})]


def test_the_configuration_ends_with_the_edge(bench: Bench) -> None:
    """Also when another process pushed it, and only once the broker has taken it back."""
    cache = DirectoryCache(bench.database, monotonic=iter(range(100)).__next__)
    EdgeConfigs(bench.source, bench.database).push(cache.current())
    with change(bench.database) as connection:
        delete_edge(connection, operator_scope("musterstadt"), "rathaus")
    bench.source.does_it = False
    for _ in range(2):
        EdgeConfigs(bench.source, bench.database).push(cache.current())
    assert bench.source.taken_back == ["rathaus"] * 2, "the first process ended too early"
    bench.source.does_it = True
    configs = EdgeConfigs(bench.source, bench.database)
    for _ in range(3):
        configs.push(cache.current())
    assert bench.source.taken_back == ["rathaus"] * 3
    EdgeConfigs(bench.source, bench.database).push(cache.current())
    assert bench.source.taken_back == ["rathaus"] * 3, "there is nothing left to take back"


def test_an_edge_that_moves_gets_the_devices_of_its_new_town_only(bench: Bench) -> None:
    cache = DirectoryCache(bench.database, monotonic=iter(range(100)).__next__)
    configs = EdgeConfigs(bench.source, bench.database)
    configs.push(cache.current())
    with change(bench.database) as connection:
        give_edge(connection, operator_scope("nachbar"), Edge(id="rathaus", name="R"), at(0))
    configs.push(cache.current())
    assert bench.source.configs[-1] == ("rathaus", {"70b3d50000000200": "dragino/lse01"})


def test_a_configuration_that_is_too_large_leaves_no_older_one(bench: Bench) -> None:
    """The older one may be of the town that had the edge before."""

    def too_large(edge_id: str, device_types: dict[str, str]) -> None:
        raise MessageTooLarge(1, 2)

    bench.source.configure = too_large  # type: ignore[method-assign]
    EdgeConfigs(bench.source, bench.database).push(DirectoryCache(bench.database).current())
    assert bench.source.taken_back == ["rathaus"]


@pytest.mark.slow
def test_a_running_ingest_sends_the_configuration_by_itself(bench: Bench) -> None:
    bench.worker.start()
    wait_until(lambda: len(bench.source.configs) == 1, "the edge is configured")
    bench.worker.stop()


def test_a_flood_of_megabytes_is_cut_before_it_waits_and_the_next_event_goes_in(
    tmp_path: Path, bench: Bench
) -> None:
    """200 MB of noise on the topic: at most 64 KiB of each message are held."""
    source = ServerSource(
        NetworkServer("town", CHIRPSTACK),
        Broker("127.0.0.1", 1, "x"),
        None,
        bench.inbox,
        ManualClock(at(0)),
    )
    megabyte = b"{" + b"x" * 1_000_000
    for n in range(200):
        source._take([Message(event_topic(), megabyte, False, n, 1, 1)])
    assert REGISTRY.get_sample_value("stadtsinn_ingest_waiting_bytes") == 200 * STORED_BYTES
    bench.worker.start()
    bench.event(7)
    wait_until(lambda: bench.head() == 1, "the good event is logged")
    bench.worker.stop()


def test_a_full_inbox_makes_its_producer_wait_until_there_is_room() -> None:
    inbox = Inbox(max_messages=2)
    source = FakeSource(inbox)
    sent: list[int] = []

    def produce() -> None:
        for n in range(5):
            source.send(n, "t", b"x")
            sent.append(n)

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    wait_until(lambda: len(sent) == 2, "two are in")
    time.sleep(0.05)
    assert len(sent) == 2
    assert len(inbox.take(10, 10**6, 0, 1)) == 2
    wait_until(lambda: len(sent) == 4, "two more are in")
    inbox.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert inbox.take(10, 10**6, 0, 0.01) == []


def test_a_group_is_bounded_in_number_and_bytes() -> None:
    inbox = Inbox()
    source = FakeSource(inbox)
    for n in range(10):
        source.send(n, "t", b"x" * 100)
    assert [r.message.packet_id for r in inbox.take(3, 10**6, 0, 1)] == [0, 1, 2]
    assert [r.message.packet_id for r in inbox.take(100, 250, 0, 1)] == [3, 4, 5]
    assert len(inbox.take(100, 10**6, 0.01, 1)) == 4


def test_a_shared_subscription_is_named_as_the_broker_wants_it() -> None:
    assert shared("a/+/b", "ingest") == "$share/ingest/a/+/b"
    assert shared("a/+/b", None) == "a/+/b"


def test_the_log_signal_wakes_who_waits(bench: Bench) -> None:
    seen = bench.signal.commits
    woken = threading.Event()

    def wait() -> None:
        bench.signal.wait(seen, 30)
        woken.set()

    threading.Thread(target=wait, daemon=True).start()
    bench.event(1)
    bench.worker.start()
    assert woken.wait(PATIENCE_S)
    bench.worker.stop()
    with bench.database.read() as connection:
        assert len(read_after(connection, 0, 10)) == 1

"""The whole agent between two real brokers, in this process."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pytest

from fake_chirpstack import FakeChirpstack, encode, topic, uplink
from fake_ingest import FakeIngest
from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import HOUR, Instant, parse
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.decoders.reading import Decoded, Outcome, Undecoded
from stadtsinn.decoders.uplink import Frame, TimeSource
from stadtsinn.decoders.uplink_bounds import MAX_NAME, MAX_TAGS
from stadtsinn.edge.agent.agent import EdgeAgent
from stadtsinn.edge.agent.decoding import Decode, KernelUnavailable, decode_one_by_one
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.settings import parse_settings
from stadtsinn.edge.messages.delivery import Ack, ack_topic, config_topic, status_topic
from stadtsinn.edge.messages.delivery import encode as encode_message

pytestmark = pytest.mark.slow

NOW = parse("2026-06-01T08:00:00+00:00")
EDGE = "rathaus-1"


def no_kernel(_: threading.Event) -> Decode:
    """For tests that are not about the kernel: the agent decodes with the interpreter."""
    raise KernelUnavailable("not loaded in this test")


class Town:
    """Two brokers, a fake ChirpStack at one, a fake ingest at the other, an agent between."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = mosquitto(folder / "local")
        self.cloud = mosquitto(folder / "cloud")
        self.clock = ManualClock(NOW)
        self.statuses: list[dict[str, Any]] = []
        self._agent: EdgeAgent | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.local.start()
        self.cloud.start()
        self.chirpstack = FakeChirpstack(self.local.port).__enter__()
        self.ingest = FakeIngest(self.cloud.port).__enter__()
        self.observer = MqttLink(
            Broker("127.0.0.1", self.cloud.port, "observer"),
            subscriptions=[status_topic(EDGE)],
            on_message=self._observe,
        )
        self.observer.start()
        assert self.observer.wait_connected(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_agent()
        self.observer.stop()
        self.ingest.link.stop()
        self.chirpstack.__exit__(None, None, None)
        self.local.stop()
        self.cloud.stop()

    def start_agent(
        self,
        extra: str = "",
        decode: Decode = decode_one_by_one,
        load_kernel: Callable[[threading.Event], Decode] = no_kernel,
    ) -> EdgeAgent:
        text = f"""
            edge_id = "{EDGE}"
            local_broker = {{ port = {self.local.port}, topics = ["application/#"] }}
            cloud_broker = {{ host = "127.0.0.1", port = {self.cloud.port} }}
            spool = {{ path = "spool.sqlite", max_megabytes = 1 }}
            commit = {{ rows = 10, seconds = 0.1 }}
            delivery = {{ window = 2, batch_items = 20, ack_timeout_seconds = 0.5 }}
            health = {{ address = "127.0.0.1:0" }}
            {extra}
        """
        settings = parse_settings(text, self.folder / "edge.toml")
        agent = EdgeAgent(settings, self.clock, decode, load_kernel)
        self._agent = agent
        self.exit_code: int | None = None
        self._thread = threading.Thread(target=self._run, args=(agent,))
        self._thread.start()
        wait_until(lambda: self.status("local_broker") and self.status("cloud_broker"), "connected")
        return agent

    def _run(self, agent: EdgeAgent) -> None:
        self.exit_code = agent.run()

    def stop_agent(self) -> None:
        if self._agent is not None and self._thread is not None:
            self._agent.stop()
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
            self._agent = None

    def status(self, key: str) -> Any:
        return self.statuses[-1].get(key) if self.statuses else None

    def send(self, event: dict[str, Any]) -> None:
        self.chirpstack.publish(topic(event["deviceInfo"]["devEui"]), encode(event))

    def push_mapping(self, payload: bytes, *, retain: bool = False) -> None:
        """Returns after the PUBACK of the cloud's broker."""
        sent = self.observer.publish(config_topic(EDGE), payload, retain=retain)
        sent.wait_for_publish(PATIENCE_S)

    def _observe(self, message: Message) -> None:
        self.statuses.append(json.loads(message.payload))
        self.observer.acknowledge(message)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with Town(tmp_path) as running:
        yield running


def health(agent: EdgeAgent) -> tuple[int, dict[str, Any]]:
    try:
        url = f"http://127.0.0.1:{agent.health_port}/healthz"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def metric(agent: EdgeAgent, line: str) -> float:
    url = f"http://127.0.0.1:{agent.health_port}/metrics"
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
        for found in answer.read().decode().splitlines():
            if found.startswith(line + " "):
                return float(found.rpartition(" ")[2])
    return 0.0


def test_uplink_arrives_decoded_with_its_event_time(town: Town) -> None:
    town.start_agent()
    late = uplink(1, Instant(NOW - 6 * HOUR))
    town.send({**late, "rxInfo": [{**late["rxInfo"][0], "nsTime": "2026-06-01T08:00:00+00:00"}]})
    wait_until(lambda: len(town.ingest.uplinks()) == 1, "delivered")
    item = town.ingest.uplinks()[0]
    assert isinstance(item.outcome, Decoded)
    assert item.outcome.decoder.startswith("dragino/lse01@")
    assert {reading.quantity for reading in item.outcome.readings} >= {"soil_moisture"}
    assert item.uplink.event_time == NOW - 6 * HOUR
    assert item.uplink.time_source is TimeSource.GATEWAY
    assert item.uplink.received_at == NOW


def test_undecodable_uplinks_are_forwarded_with_the_reason(town: Town) -> None:
    town.start_agent()
    town.send(uplink(1, NOW, profile="Wundertüte"))
    town.send(uplink(2, NOW, payload=b"\x01"))
    town.send(uplink(3, NOW, payload=b"", f_port=0))
    wait_until(lambda: len(town.ingest.uplinks()) == 3, "delivered")
    unknown, short, empty = town.ingest.uplinks()
    assert isinstance(unknown.outcome, Undecoded)
    assert unknown.outcome.reason == "unknown_device"
    assert unknown.uplink.payload
    assert isinstance(short.outcome, Undecoded)
    assert isinstance(empty.outcome, Undecoded)
    assert empty.outcome.reason == "no_payload"


def test_unreadable_events_are_forwarded_raw_and_stop_nothing(town: Town) -> None:
    agent = town.start_agent()
    eui = "70b3d50000000100"
    town.chirpstack.publish(topic(eui), b'{"cut off')
    town.chirpstack.publish(topic(eui), b"{" + b"x" * 1_000_000)
    town.chirpstack.publish("application/nonsense", b"?")
    for kind in ("join", "status", "ack", "txack", "log", "location", "integration"):
        town.chirpstack.publish(topic(eui, kind), b"{}")
    town.send(uplink(1, NOW))
    wait_until(lambda: len(town.ingest.uplinks()) == 1, "the good one arrives")
    reasons = {raw.reason: raw for raw in town.ingest.raws()}
    assert set(reasons) == {"malformed_json", "too_large", "unknown_topic"}
    assert reasons["malformed_json"].payload == b'{"cut off'
    assert len(reasons["too_large"].payload) == 64 * 1024
    for kind in ("join", "status", "ack", "txack", "log", "location", "integration"):
        assert metric(agent, f'stadtsinn_edge_events_total{{kind="{kind}"}}') == 1
    assert metric(agent, 'stadtsinn_edge_unreadable_events_total{reason="too_large"}') == 1


def test_decoder_that_raises_leaves_only_that_uplink_undecoded(town: Town) -> None:
    def decode(frames: Sequence[Frame]) -> list[Outcome]:
        if any(payload == b"\xbb" for _, _, payload, _ in frames):
            raise ZeroDivisionError
        return decode_one_by_one(frames)

    town.start_agent(decode=decode)
    for number, payload in enumerate([b"\xaa", b"\xbb", b"\xcc"]):
        town.send(uplink(number, NOW, payload=payload))
    wait_until(lambda: len(town.ingest.uplinks()) == 3, "delivered")
    outcomes = [item.outcome for item in town.ingest.uplinks()]
    failed = [o for o in outcomes if isinstance(o, Undecoded) and o.reason == "decoder_failed"]
    assert len(failed) == 1


def test_backlog_of_an_outage_of_the_cloud_is_delivered(town: Town) -> None:
    agent = town.start_agent()
    town.cloud.stop()
    town.chirpstack.publish_uplinks(range(200), NOW)
    wait_until(lambda: metric(agent, "stadtsinn_edge_spool_items") == 200, "spooled")
    status, report = health(agent)
    assert status == 503
    assert not report["checks"]["cloud_broker"]["ok"]
    assert report["checks"]["spool"]["ok"]
    town.cloud.start()
    wait_until(lambda: town.ingest.counters() == list(range(200)), "backlog delivered")
    assert town.ingest.resent == 0


def test_spool_survives_a_restart_of_the_agent(town: Town) -> None:
    agent = town.start_agent()
    town.ingest.silent = True
    town.chirpstack.publish_uplinks(range(30), NOW)
    wait_until(lambda: metric(agent, "stadtsinn_edge_spool_items") == 30, "spooled")
    town.stop_agent()
    stopped = {"state": "offline", "reason": "stopped"}
    wait_until(lambda: town.statuses[-1] == stopped, "status 'stopped' published")
    town.ingest.silent = False
    town.start_agent()
    wait_until(lambda: town.ingest.counters() == list(range(30)), "delivered after the restart")


def test_ingest_that_does_not_acknowledge_gets_single_probes(town: Town) -> None:
    """Without an Ack, one item is sent again at a time until an Ack comes; at most three behind
    it would prove that the ingest is there."""
    agent = town.start_agent()
    town.ingest.silent = True
    town.chirpstack.publish_uplinks(range(100), NOW)
    wait_until(lambda: metric(agent, "stadtsinn_edge_resends_total") >= 2, "probed")
    assert not health(agent)[1]["checks"]["delivery"]["ok"]
    sent = metric(agent, "stadtsinn_edge_items_sent_total")
    probes = metric(agent, "stadtsinn_edge_resends_total")
    assert sent <= 2 * 20 + 4 * probes, "one window of batches, then probes of single items"
    town.ingest.silent = False
    wait_until(lambda: town.ingest.counters() == list(range(100)), "delivered in the end")
    wait_until(lambda: health(agent)[1]["checks"]["delivery"]["ok"], "healthy again")


def test_foreign_and_broken_messages_from_the_cloud_delete_nothing(town: Town) -> None:
    agent = town.start_agent()
    town.ingest.silent = True
    town.chirpstack.publish_uplinks(range(5), NOW)
    wait_until(lambda: metric(agent, "stadtsinn_edge_spool_items") == 5, "spooled")
    link = town.observer
    link.publish(ack_topic(EDGE), b"\xff nonsense")
    link.publish(ack_topic(EDGE), encode_message(Ack(stream="another", position=5)))
    link.publish(config_topic(EDGE), b"{not json").wait_for_publish(PATIENCE_S)
    refused = [
        f'stadtsinn_edge_bad_cloud_messages_total{{kind="{kind}"}}'
        for kind in ("ack", "foreign_ack", "config")
    ]
    wait_until(lambda: [metric(agent, line) for line in refused] == [1, 1, 1], "all refused")
    assert metric(agent, "stadtsinn_edge_spool_items") == 5


def two_kilobytes() -> dict[str, str]:
    """Tags of that size, also when they are packed."""
    drawn = random.Random(1)
    return {f"padding {n}": drawn.randbytes(MAX_NAME // 2).hex() for n in range(MAX_TAGS)}


def test_full_spool_stops_taking_and_the_broker_keeps_the_rest(town: Town) -> None:
    """Nothing is dropped: messages that do not fit stay in the local broker."""
    agent = town.start_agent()
    town.ingest.silent = True
    padding = two_kilobytes()
    town.chirpstack.publish_uplinks(range(500), NOW, tags=padding)
    wait_until(lambda: not health(agent)[1]["checks"]["spool"]["ok"], "refuses")
    assert metric(agent, "stadtsinn_edge_spool_bytes") <= 1_000_000
    wait_until(lambda: bool(town.status("spool")["refuses"]), "the status has the reason")
    town.ingest.silent = False
    wait_until(lambda: town.ingest.counters() == list(range(500)), "all delivered")
    wait_until(lambda: health_ok(agent), "there is room again")


def test_group_larger_than_the_whole_spool_goes_through_in_parts(town: Town) -> None:
    """Messages queued in the broker come as one group, which must not wait until all of it fits."""
    town.start_agent()
    town.stop_agent()  # its session remains and queues messages
    padding = two_kilobytes()
    town.chirpstack.publish_uplinks(range(500), NOW, tags=padding)
    town.start_agent()
    wait_until(lambda: town.ingest.counters() == list(range(500)), "all delivered")


def test_mapping_from_the_cloud_applies_and_survives_a_restart(town: Town) -> None:
    town.start_agent()
    mapping = {"version": 1, "device_types": {"Bodenfeuchte": "dragino/lse01"}}
    town.observer.publish(config_topic(EDGE), json.dumps(mapping).encode()).wait_for_publish(
        PATIENCE_S
    )
    wait_until(lambda: town.status("device_types") == 1, "applied")
    town.stop_agent()
    town.start_agent()
    town.send(uplink(1, NOW, profile="Bodenfeuchte"))
    wait_until(lambda: len(town.ingest.uplinks()) == 1, "delivered")
    assert town.ingest.uplinks()[0].uplink.device_type == "dragino/lse01"
    assert isinstance(town.ingest.uplinks()[0].outcome, Decoded)
    town.push_mapping(b"", retain=True)
    wait_until(lambda: town.status("device_types") == 0, "taken back")


def test_a_mapping_counts_as_known_only_once_it_is_saved(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full card: the broker sends it again, and then it is saved and not taken for known."""
    agent = town.start_agent()
    save, failed = agent._spool.save, threading.Event()

    def full(key: str, value: bytes) -> None:
        if key == "pushed_config" and not failed.is_set():
            failed.set()
            raise OSError("No space left on device")
        save(key, value)

    monkeypatch.setattr(agent._spool, "save", full)
    mapping = json.dumps({"version": 1, "device_types": {"B": "dragino/lse01"}}).encode()
    town.push_mapping(mapping, retain=True)
    assert failed.wait(PATIENCE_S)
    assert agent._pushed.device_types == {}
    town.push_mapping(mapping, retain=True)
    wait_until(lambda: town.status("device_types") == 1, "applied")
    town.stop_agent()
    town.push_mapping(b"", retain=True)  # what the broker keeps is not what restores it
    restarted = EdgeAgent(agent._settings, town.clock, decode_one_by_one, no_kernel)
    assert restarted._pushed.device_types == {"B": "dragino/lse01"}
    restarted._spool.close()


@pytest.mark.parametrize("part", ["_intake", "_delivery"])
def test_a_part_that_ends_by_itself_ends_the_agent_with_a_code(
    town: Town, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd starts it again; a process that only looks alive would stay as it is."""
    agent = town.start_agent()
    monkeypatch.setattr(getattr(agent, part), "ended", lambda: part)
    wait_until(lambda: town.exit_code is not None, "ended")
    assert town.exit_code == 1


def test_mapping_in_the_file_and_pushed_are_merged(town: Town) -> None:
    town.start_agent('device_types = { "A" = "dragino/lse01" }')
    mapping = {"version": 1, "device_types": {"B": "bosch/tps110"}}
    town.observer.publish(config_topic(EDGE), json.dumps(mapping).encode()).wait_for_publish(
        PATIENCE_S
    )
    wait_until(lambda: town.status("device_types") == 1, "applied")
    town.send(uplink(1, NOW, profile="A"))
    town.send(uplink(2, NOW, profile="B"))
    wait_until(lambda: len(town.ingest.uplinks()) == 2, "delivered")
    types = [item.uplink.device_type for item in town.ingest.uplinks()]
    assert types == ["dragino/lse01", "bosch/tps110"]


def test_status_has_spool_brokers_and_clocks(town: Town) -> None:
    agent = town.start_agent()
    town.clock.advance(5_000_000)
    town.send(uplink(1, NOW))
    wait_until(lambda: bool(town.status("last_uplink")), "status published at once")
    status = town.statuses[-1]
    assert (status["state"], status["local_broker"], status["cloud_broker"]) == (
        "online",
        True,
        True,
    )
    assert status["last_uplink"] == "2026-06-01T08:00:05Z"
    assert status["clock"]["network_server_offset"] == 5.0
    assert status["clock"]["gateway_lags"] == {"0016c001f1000001": 0.0}
    assert health(agent)[0] == 200
    assert metric(agent, 'stadtsinn_edge_broker_connected{broker="cloud"}') == 1


def test_status_shows_a_local_broker_that_is_down(town: Town) -> None:
    agent = town.start_agent()
    town.local.kill()
    wait_until(lambda: town.status("local_broker") is False, "status published")
    assert not health(agent)[1]["checks"]["local_broker"]["ok"]
    town.local.start()
    wait_until(lambda: town.status("local_broker") is True, "back")


def test_same_uplinks_in_one_order_whatever_the_group_size(town: Town) -> None:
    """Group commits keep the order of arrival, and positions have no gap."""
    town.start_agent()
    town.chirpstack.publish_uplinks(range(137), NOW)
    wait_until(lambda: len(town.ingest.uplinks()) == 137, "delivered")
    assert [item.uplink.f_cnt for item in town.ingest.uplinks()] == list(range(137))
    assert [item.position for item in town.ingest.uplinks()] == list(range(1, 138))


def test_damaged_spool_ends_the_agent_and_acknowledges_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart checks the spool; the broker still has the messages that were not committed."""
    agent = town.start_agent()

    def damaged(_rows: object) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(agent._spool, "append", damaged)
    town.chirpstack.publish_uplinks(range(3), NOW)
    wait_until(lambda: town.exit_code == 1, "it exits")
    town.stop_agent()
    town.start_agent()
    wait_until(lambda: town.ingest.counters() == [0, 1, 2], "delivered by the next one")


def test_disk_that_is_full_for_a_while_loses_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = town.start_agent()
    append, failures = agent._spool.append, [1, 2]

    def full_twice(rows: list[Row]) -> None:
        if failures:
            failures.pop()
            raise sqlite3.OperationalError("database or disk is full")
        append(rows)

    monkeypatch.setattr(agent._spool, "append", full_twice)
    town.chirpstack.publish_uplinks(range(3), NOW)
    wait_until(lambda: town.ingest.counters() == [0, 1, 2], "delivered")
    assert metric(agent, "stadtsinn_edge_spool_refusals_total") == 2
    assert health(agent)[0] == 200


def test_one_broker_may_be_both_local_and_cloud_broker(town: Town) -> None:
    """The agent has two client ids: with one, each connection would end the other."""
    town.cloud.stop()
    settings = parse_settings(
        f'edge_id = "x"\ncloud_broker = {{ host = "127.0.0.1", port = {town.local.port} }}\n'
        f"local_broker = {{ port = {town.local.port} }}\n"
        'spool = { path = "both.sqlite" }\nhealth = { address = "127.0.0.1:0" }',
        town.folder / "edge.toml",
    )
    agent = EdgeAgent(settings, town.clock)
    thread = threading.Thread(target=agent.run)
    thread.start()
    wait_until(lambda: health_ok(agent), "both connections are up")
    agent.stop()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def health_ok(agent: EdgeAgent) -> bool:
    try:
        return health(agent)[0] == 200
    except (OSError, RuntimeError):
        return False

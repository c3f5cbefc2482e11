"""Publishing the day in simulated time."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessageInfo

from real_parts import PATIENCE_S, mosquitto, wait_until
from stadtsinn.base.clock import ManualClock, SharedClock
from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.radio.network_servers import NetworkServer
from stadtsinn.simulator.radio.publisher import (
    AsFastAsPossible,
    Publisher,
    PublishingStuck,
    TimeLapse,
)


class RecordingLink:
    """Takes everything at once and remembers what time it was."""

    def __init__(self, clock: ManualClock, *, answers: bool = True) -> None:
        self.messages: list[tuple[Instant, str, bytes]] = []
        self._clock = clock
        self._answers = answers

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> MQTTMessageInfo:
        assert qos == 1
        assert not retain
        self.messages.append((self._clock.now(), topic, payload))
        info = MQTTMessageInfo(len(self.messages))
        info.rc = 0  # type: ignore[assignment]
        if self._answers:
            info._set_as_published()
        return info


@pytest.fixture
def clock(day: MarketDay) -> ManualClock:
    return ManualClock(day.span.start)


@pytest.mark.slow
def test_every_message_goes_to_its_server_at_its_time(day: MarketDay, clock: ManualClock) -> None:
    links = {server: RecordingLink(clock) for server in NetworkServer}
    publisher = Publisher(links, clock)
    assert publisher.run(day, AsFastAsPossible())
    for server, link in links.items():
        assert link.messages == [
            (one.time, one.topic, one.payload) for one in day.publications() if one.server is server
        ]
    assert publisher.published == sum(len(link.messages) for link in links.values())
    assert clock.now() == day.span.end


def test_every_minute_is_announced_after_what_came_before_it(
    day: MarketDay, clock: ManualClock
) -> None:
    link = RecordingLink(clock)
    seen: list[tuple[Instant, int]] = []

    def on_minute(minute: Instant) -> None:
        assert clock.now() == minute
        seen.append((minute, len(link.messages)))

    Publisher({NetworkServer.TOWN: link}, clock).run(day, AsFastAsPossible(), on_minute)
    minutes = [minute for minute, _ in seen]
    assert minutes == list(range(day.span.start, day.span.end + 1, MINUTE))
    times = [one.time for one in day.publications() if one.server is NetworkServer.TOWN]
    for minute, published in seen:
        assert published == sum(time < minute for time in times)


def test_a_server_without_a_link_is_left_out(day: MarketDay, clock: ManualClock) -> None:
    link = RecordingLink(clock)
    Publisher({NetworkServer.COUNTY: link}, clock).run(day, AsFastAsPossible())
    assert len(link.messages) == day.truth.copies


def test_it_stops_when_stop_is_called(day: MarketDay, clock: ManualClock) -> None:
    link = RecordingLink(clock)
    publisher = Publisher({NetworkServer.TOWN: link}, clock)
    noon = day.plan.at("12:00")

    def on_minute(minute: Instant) -> None:
        if minute == noon:
            publisher.stop()

    assert not publisher.run(day, AsFastAsPossible(), on_minute)
    assert link.messages[-1][0] <= noon
    assert clock.now() == noon


def test_a_broker_that_does_not_answer_is_an_error_with_a_remedy(
    day: MarketDay, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stadtsinn.simulator.radio.publisher._PUBLISH_TIMEOUT_S", 0.05)
    link = RecordingLink(clock, answers=False)
    with pytest.raises(PublishingStuck, match="is it running"):
        Publisher({NetworkServer.TOWN: link}, clock).run(day, AsFastAsPossible())


def test_time_lapse_keeps_simulated_time_in_step_with_real_time() -> None:
    real = [100.0]
    pace = TimeLapse(60, monotonic=lambda: real[0])
    stopping = threading.Event()
    start = Instant(0)
    assert pace.wait_for(start, stopping) == start
    goal = Instant(10 * MINUTE)
    reached = []
    for _ in range(12):
        real[0] += 1
        reached.append(pace.wait_for(goal, stopping))
    assert all(later - earlier == MINUTE for earlier, later in pairwise(reached[:10]))
    assert reached[10:] == [goal, goal]


def test_time_lapse_hurries_to_where_there_is_something_to_see() -> None:
    real = [100.0]
    pace = TimeLapse(60, quick_until=Instant(30 * MINUTE), monotonic=lambda: real[0])
    stopping = threading.Event()
    assert pace.wait_for(Instant(0), stopping) == 0
    reached = []
    for _ in range(5):
        real[0] += 1
        reached.append(pace.wait_for(Instant(60 * MINUTE), stopping) // MINUTE)
    assert reached == [10, 20, 30, 31, 32]
    assert pace.wait_for(Instant(31 * MINUTE), stopping) == 31 * MINUTE, "nor beyond the moment"


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        TimeLapse(0)


def test_a_real_broker_delivers_the_whole_day(day: MarketDay, tmp_path: Path) -> None:
    # Without it each PUBACK at a full minute waits 40 ms for the TCP stack to send it.
    with mosquitto(tmp_path / "broker", ["set_tcp_nodelay true"]) as broker:
        received: list[Message] = []

        def keep(message: Message) -> None:
            received.append(message)
            reader.acknowledge(message)

        reader = MqttLink(
            Broker("127.0.0.1", broker.port, "reader"),
            subscriptions=["application/+/device/+/event/+"],
            on_message=keep,
        )
        writer = MqttLink(Broker("127.0.0.1", broker.port, "writer"))
        reader.start()
        writer.start()
        try:
            assert reader.wait_connected(PATIENCE_S)
            assert writer.wait_connected(PATIENCE_S)
            clock = SharedClock.create(tmp_path / "clock", day.span.start)
            town_only = {NetworkServer.TOWN: writer}
            publisher = Publisher(town_only, clock)
            assert publisher.run(day, AsFastAsPossible())
            wait_until(lambda: len(received) >= publisher.published, "all messages arrive")
        finally:
            writer.stop()
            reader.stop()
    expected = [one.payload for one in day.publications() if one.server is NetworkServer.TOWN]
    assert sorted(message.payload for message in received) == sorted(expected)
    assert clock.now() - day.span.end < SECOND

"""Publishes the day's events to the brokers of the two network servers, in simulated time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from paho.mqtt.client import MQTTMessageInfo

from stadtsinn.base.instant import MINUTE, SECOND, Instant
from stadtsinn.base.sentence import Explained, Unusable
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.radio.network_servers import NetworkServer

_STEP_S = 0.05
_PUBLISH_TIMEOUT_S = 120.0


class Link(Protocol):
    """What the publisher needs of an `MqttLink`."""

    def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> MQTTMessageInfo: ...


class SettableClock(Protocol):
    """A clock that the simulation moves, such as `SharedClock`."""

    def now(self) -> Instant: ...

    def set(self, moment: Instant) -> None: ...


class Pace(Protocol):
    """Decides when simulated time may go on."""

    def wait_for(self, moment: Instant, stopping: threading.Event) -> Instant:
        """Wait a little; returns the simulated time reached, `moment` at most."""
        ...


class AsFastAsPossible:
    """Simulated time jumps from event to event; `on_minute` alone holds it back."""

    def wait_for(self, moment: Instant, stopping: threading.Event) -> Instant:  # noqa: ARG002
        return moment


_QUICK = 10


class TimeLapse:
    """Simulated time runs `speed` times as fast as real time, beginning with the first call; up to
    `quick_until`, where there is nothing to see yet, ten times as fast as that."""

    def __init__(
        self,
        speed: float,
        *,
        quick_until: Instant | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise Unusable(
                f"speed {speed}: give a number above 0, e.g. 60 for an hour a minute",
                f"Tempo {speed}: eine Zahl über 0 angeben, z. B. 60 für eine Stunde je Minute",
            )
        self._speed = speed
        self._quick_until = quick_until or Instant(0)
        self._monotonic = monotonic
        self._origin: tuple[float, Instant] | None = None

    def wait_for(self, moment: Instant, stopping: threading.Event) -> Instant:
        if self._origin is None:
            self._origin = (self._monotonic(), moment)
        began, first = self._origin
        due = began + self._takes_s(first, moment)
        if due > self._monotonic():
            stopping.wait(min(_STEP_S, due - self._monotonic()))
        return min(moment, self._reached(first, self._monotonic() - began))

    def _takes_s(self, first: Instant, moment: Instant) -> float:
        """Real seconds from one moment to the other."""
        quick = max(0, min(moment, self._quick_until) - first)
        return (quick / _QUICK + (moment - first - quick)) / SECOND / self._speed

    def _reached(self, first: Instant, passed_s: float) -> Instant:
        """Where simulated time is so many real seconds after its beginning."""
        at_quick = first + passed_s * self._speed * _QUICK * SECOND
        if at_quick <= self._quick_until:
            return Instant(int(at_quick))
        slow_from = max(first, self._quick_until)
        slow_s = passed_s - self._takes_s(first, slow_from)
        return Instant(int(slow_from + slow_s * self._speed * SECOND))


class PublishingStuck(Explained):
    """A broker did not take a message in time."""


class Publisher:
    """Hands every message to its server's broker with QoS 1 and moves the clock along.

    `on_minute(minute)` is called at every full minute of simulated time, when the brokers have
    everything from before it: there the caller may wait for its consumers, cut the line, kill
    processes. It runs on the publishing thread, and simulated time stands still meanwhile.
    """

    def __init__(self, links: Mapping[NetworkServer, Link], clock: SettableClock) -> None:
        self._links = links
        self._clock = clock
        self._stopping = threading.Event()
        self._pending: list[MQTTMessageInfo] = []
        self.published = 0

    def stop(self) -> None:
        """Make `run` return before its next message; from any thread or a signal handler."""
        self._stopping.set()

    def run(
        self,
        day: MarketDay,
        pace: Pace,
        on_minute: Callable[[Instant], None] = lambda _minute: None,
    ) -> bool:
        """Publish the whole day; True when it ended by itself, False when stopped.

        Raises PublishingStuck when a broker does not answer.
        """
        minute = Instant(day.span.start)
        for publication in day.publications():
            if publication.server not in self._links:
                continue
            minute = self._minutes_until(publication.time, minute, pace, on_minute)
            if not self._advance(publication.time, pace):
                return False
            link = self._links[publication.server]
            self._pending.append(link.publish(publication.topic, publication.payload))
            self.published += 1
        self._minutes_until(day.span.end, minute, pace, on_minute)
        if not self._advance(day.span.end, pace):
            return False
        self._flush()
        return True

    def _minutes_until(
        self,
        moment: Instant,
        minute: Instant,
        pace: Pace,
        on_minute: Callable[[Instant], None],
    ) -> Instant:
        """Announce every full minute up to `moment`; returns the next one."""
        while minute <= moment and self._advance(minute, pace):
            self._flush()
            on_minute(minute)
            minute = Instant(minute + MINUTE)
        return minute

    def _advance(self, moment: Instant, pace: Pace) -> bool:
        """Let time go on until `moment`; False when stopped meanwhile."""
        while not self._stopping.is_set():
            reached = pace.wait_for(moment, self._stopping)
            if reached > self._clock.now():  # a clock never goes back
                self._clock.set(reached)
            if reached >= moment:
                return not self._stopping.is_set()
        return False

    def _flush(self) -> None:
        """Wait until the brokers have everything."""
        deadline = time.monotonic() + _PUBLISH_TIMEOUT_S
        for info in self._pending:
            info.wait_for_publish(max(0.001, deadline - time.monotonic()))
            if not info.is_published():
                raise PublishingStuck(
                    f"a broker did not take message {info.mid} within {_PUBLISH_TIMEOUT_S:.0f} s: "
                    "is it running, and is its queue full?",
                    f"ein Broker nahm die Nachricht {info.mid} nicht innerhalb von "
                    f"{_PUBLISH_TIMEOUT_S:.0f} s an: läuft er, und ist seine Warteschlange voll?",
                )
        self._pending.clear()

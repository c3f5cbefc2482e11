"""Spool → cloud: batches in order, a few in flight, deleted only on the ingest's Ack.

The broker's PUBACK only means that the broker has the batch. When no Ack comes, one item is sent
as a probe, with growing pauses, until one does, so that the broker's queue is not full of copies
when the ingest returns after days.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog
from paho.mqtt.client import MQTTMessageInfo

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.link import MqttLink
from stadtsinn.base.threads import ended_early
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.settings import DeliverySettings
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.messages.delivery import VERSION, Ack, batch_topic

log = structlog.get_logger()

_LONGEST_ACK_WAIT_S = 300.0
_FAULTS = Backoff(first=0.5, longest=10)
_POLL_SECONDS = 0.5


class _SpooledBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A `Batch` whose items are the bytes from the spool: the same message, but not re-encoded."""

    version: int = VERSION
    edge_id: str
    stream: str
    sent_at: Instant
    items: list[msgspec.Raw]


@dataclass
class _InFlight:
    """A batch without its Ack. `at_broker_since`: monotonic seconds, None until the PUBACK."""

    last_position: int
    info: MQTTMessageInfo
    at_broker_since: float | None = None


class Delivery:
    """The thread that sends batches and handles their acknowledgements."""

    def __init__(
        self,
        edge_id: str,
        spool: Spool,
        link: MqttLink,
        settings: DeliverySettings,
        clock: Clock,
        metrics: Metrics,
        beat: Callable[[], None],
    ) -> None:
        self._edge_id = edge_id
        self._topic = batch_topic(edge_id)
        self._spool = spool
        self._link = link
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._beat = beat
        self._encode = msgspec.msgpack.Encoder().encode
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._in_flight: deque[_InFlight] = deque()
        self._sent = spool.acknowledged
        self._ack_waits = Backoff(settings.ack_timeout_seconds, _LONGEST_ACK_WAIT_S)
        self._rewinds = 0
        self._faults = Retries(_FAULTS)
        self._probing = False
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)

    @property
    def unanswered(self) -> bool:
        """True while batches reach the cloud's broker but no ingest acknowledges them."""
        return self._probing

    def wake(self) -> None:
        """To be called when there are new items to send, or the connection changed."""
        self._wake.set()

    def start(self) -> None:
        self._thread.start()

    def ended(self) -> str | None:
        """The thread's name if it ended though nobody stopped it."""
        return ended_early(self._thread, stopped=self._stop.is_set())

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout=30)

    def take_ack(self, ack: Ack) -> None:
        """Delete what the ingest has committed. An Ack of another stream is ignored."""
        if ack.version != VERSION or ack.stream != self._spool.stream:
            self._metrics.bad_messages.labels("foreign_ack").inc()
            log.warning("foreign_ack", stream=ack.stream, version=ack.version)
            return
        crash_point("edge.ack_received")
        before = self._spool.acknowledged
        try:
            advanced = self._spool.acknowledge(ack.position)
        except ValueError as error:
            self._metrics.bad_messages.labels("impossible_ack").inc()
            log.warning("impossible_ack", reason=str(error), remedy="two agents with one edge_id?")
            return
        if not advanced:
            return
        self._metrics.acknowledged.inc(ack.position - before)
        with self._lock:
            self._sent = max(self._sent, ack.position)
            while self._in_flight and self._in_flight[0].last_position <= ack.position:
                self._in_flight.popleft()
            now = time.monotonic()
            for batch in self._in_flight:  # the ingest works: the rest's timeout starts again
                if batch.at_broker_since is not None:
                    batch.at_broker_since = now
            self._rewinds = 0
            self._probing = False
        self._wake.set()

    # --- the loop ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop.is_set():
            self._beat()
            try:
                if self._link.connected:
                    self._rewind_if_unanswered()
                    while self._send_next():
                        self._beat()
            except Exception:  # e.g. the disk failed while reading: what is unsent stays unsent
                log.exception("delivery_failed")
                self._stop.wait(self._faults.failed())
            else:
                self._faults.worked()
            self._wake.wait(_POLL_SECONDS)
            self._wake.clear()

    def _rewind_if_unanswered(self) -> None:
        """Send again from the last Ack on when the oldest batch has waited too long for its Ack."""
        with self._lock:
            if not self._in_flight:
                return
            now = time.monotonic()
            for batch in self._in_flight:
                if batch.at_broker_since is None and batch.info.is_published():
                    batch.at_broker_since = now
            since = self._in_flight[0].at_broker_since
            waited = self._ack_waits.seconds(self._rewinds + 1)
            if since is None or now - since < waited:
                return
            self._in_flight.clear()
            self._sent = self._spool.acknowledged
            self._rewinds += 1
            first = not self._probing
            self._probing = True
        self._metrics.resends.inc()
        if first:
            log.warning(
                "no_acknowledgement",
                waited_seconds=waited,
                waiting_items=self._spool.depth,
                remedy="the cloud's broker took the batches, but no ingest committed them: is "
                "'stadtsinn cloud run' up, and may it publish to this edge's ack topic?",
            )

    def _send_next(self) -> bool:
        """Publish one batch if the window allows; False when there is nothing (more) to do."""
        with self._lock:
            window = 1 if self._probing else self._settings.window
            if len(self._in_flight) >= window or self._stop.is_set():
                return False
            after = max(self._sent, self._spool.acknowledged)
            max_items = 1 if self._probing else self._settings.batch_items
        rows = self._spool.read(after, max_items, self._settings.batch_kib * 1024)
        if not rows:
            return False
        batch = _SpooledBatch(
            edge_id=self._edge_id,
            stream=self._spool.stream,
            sent_at=self._clock.now(),
            items=[msgspec.Raw(body) for _, body in rows],
        )
        info = self._link.publish(self._topic, self._encode(batch))
        crash_point("edge.published")
        with self._lock:
            self._sent = max(self._sent, rows[-1][0])
            if rows[-1][0] > self._spool.acknowledged:
                self._in_flight.append(_InFlight(rows[-1][0], info))
        self._metrics.sent.inc(len(rows))
        return True

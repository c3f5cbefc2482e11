"""Local broker → spool: read, decode and commit a group, then acknowledge it."""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable

import msgspec
import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import Instant
from stadtsinn.base.mqtt.link import Message, MqttLink
from stadtsinn.base.mqtt.liveness import Liveness
from stadtsinn.base.threads import ended_early
from stadtsinn.decoders.reading import Decoded, Outcome, Undecoded
from stadtsinn.decoders.uplink import Frame, Uplink
from stadtsinn.edge.agent.clock_watch import ClockWatch
from stadtsinn.edge.agent.decoding import Decode
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.rows import Row
from stadtsinn.edge.agent.settings import CommitSettings
from stadtsinn.edge.agent.spool import Spool, SpoolFull
from stadtsinn.edge.agent.too_large import moved
from stadtsinn.edge.messages.delivery import Item, RawItem, UplinkItem
from stadtsinn.edge.messages.device_types import DeviceTypes
from stadtsinn.edge.network_servers.event_time import GatewayClocks
from stadtsinn.edge.network_servers.format import (
    MAX_EVENT,
    NetworkServerFormat,
    OtherEvent,
    UnreadableEvent,
)

log = structlog.get_logger()

_GROUP_LIMIT = 500
"""Most rows of one commit when a backlog waits."""
_WINDOW_OF_311 = 20
"""Unacknowledged messages that many brokers send at most with MQTT 3.1.1."""
_RAW_CUT = 256
_BACKOFF = Backoff(first=0.25, longest=2.0)


class Received(msgspec.Struct, frozen=True):
    """A message and when it came from the broker."""

    message: Message
    received_at: Instant


class Intake:
    """The thread that turns messages into spooled items.

    When the spool is full or the disk fails, it stops acknowledging: the broker keeps further
    messages in its persistent session and delivers them when the spool accepts rows again.
    """

    def __init__(
        self,
        spool: Spool,
        server: NetworkServerFormat,
        decode: Decode,
        device_types: DeviceTypes,
        clocks: GatewayClocks,
        settings: CommitSettings,
        clock: Clock,
        metrics: Metrics,
        on_commit: Callable[[], None],
        beat: Callable[[], None],
        on_fatal: Callable[[], None],
        clock_watch: ClockWatch,
        liveness: Liveness,
    ) -> None:
        self.device_types = device_types
        self.link: MqttLink | None = None
        self.liveness = liveness
        self.last_uplink: Instant | None = None
        self.refused_because = ""
        """Why the spool accepts no rows at present; empty while it does."""
        self._spool = spool
        self._server = server
        self._decode = decode
        self._clocks = clocks
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._on_commit = on_commit
        self._beat = beat
        self._on_fatal = on_fatal
        self._clock_watch = clock_watch
        self._queue: queue.SimpleQueue[Received] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._retries = Retries(_BACKOFF)
        self._encode = msgspec.msgpack.Encoder().encode
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def take(self, message: Message) -> None:
        """For the MQTT link. The receive maximum bounds how many messages the queue holds."""
        self.liveness.took(1)
        self._queue.put(Received(message, self._clock.now()))

    def start(self) -> None:
        self._thread.start()

    def ended(self) -> str | None:
        """The thread's name if it ended though nobody stopped it."""
        return ended_early(self._thread, stopped=self._stop.is_set())

    def stop(self) -> None:
        """Commit and acknowledge what was gathered, then end."""
        self._stop.set()
        self._thread.join(timeout=30)

    # --- the loop ----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._beat()
                group = self._gather()
                if group:
                    crash_point("edge.received")
                    self._commit(group)
                self._send_kept_again()
        except Exception:  # unacknowledged messages are delivered again after a restart
            log.exception("intake_failed")
            self._on_fatal()

    def _gather(self) -> list[Received]:
        """Messages for one commit: `rows` of them, or those of `seconds` since the first."""
        try:
            group = [self._queue.get(timeout=0.5)]
        except queue.Empty:
            return []
        rows = self._settings.rows
        if self.link is not None and self.link.protocol != "5":
            rows = min(rows, _WINDOW_OF_311)
        deadline = time.monotonic() + self._settings.seconds
        while len(group) < rows and not self._stop.is_set():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            try:
                group.append(self._queue.get(timeout=min(remaining, 0.5)))
            except queue.Empty:
                continue
        while len(group) < _GROUP_LIMIT and not self._queue.empty():
            group.append(self._queue.get())
        return group

    def _commit(self, group: list[Received]) -> None:
        items = self._items(group)
        rows = [Row(item.position, received_at, self._encode(item)) for item, received_at in items]
        if not self._append(rows):
            return
        crash_point("edge.spool_committed")
        if self.link is not None:
            self.link.acknowledge(*(received.message for received in group))
        self.liveness.acknowledged(len(group))
        crash_point("edge.acknowledged")

    def _send_kept_again(self) -> None:
        """On this thread: only one may append."""
        try:
            if self._spool.send_kept_again(moved):
                self._on_commit()
        except SpoolFull:
            return  # they have time
        except sqlite3.OperationalError as error:
            log.warning("kept_not_sent_again", reason=str(error), remedy="it is tried again")

    def _append(self, rows: list[Row]) -> bool:
        """Commit, retrying until it succeeds; False if `stop` is called first.

        A group that does not fit is committed in parts, down to single rows: it may be larger
        than the space that the next acknowledgement frees, or than the whole spool.
        """
        part = len(rows)
        while rows:
            try:
                self._spool.append(rows[:part])
            except SpoolFull as full:
                if part > 1:
                    part //= 2
                    continue
                if not self._wait_refused(str(full)):
                    return False
            except sqlite3.OperationalError as error:
                if not self._wait_refused(str(error)):
                    return False
            else:
                rows = rows[part:]
                self._metrics.commits.inc()
                self._on_commit()
                self._retries.worked()
                if self.refused_because:
                    log.info("spool_takes_again")
                    self.refused_because = ""
        return True

    def _wait_refused(self, reason: str) -> bool:
        """Report that the spool accepts nothing, and pause; False if `stop` is called."""
        self._refuse(reason)
        self._beat()
        return not self._stop.wait(self._retries.failed())

    def _refuse(self, reason: str) -> None:
        self._metrics.refused.inc()
        if not self.refused_because:
            log.error(
                "spool_refuses",
                reason=reason,
                remedy="uplinks wait in the local broker now; restore the way to the cloud, or "
                "raise spool.max_megabytes or free disk space",
            )
        self.refused_because = reason

    # --- messages to items -------------------------------------------------------------

    def _items(self, group: list[Received]) -> list[tuple[Item, Instant]]:
        """Items with consecutive positions; events that are no uplinks give no item."""
        self._clocks.live_since = self.liveness.since
        read = [(self._read(received), received) for received in group]
        uplinks = [event for event, _ in read if isinstance(event, Uplink)]
        outcomes = iter(self._outcomes(uplinks))
        position = self._spool.last_position
        self._clock_watch.look(position)
        items: list[tuple[Item, Instant]] = []
        for event, received in read:
            if isinstance(event, OtherEvent):
                self._metrics.events.labels(event.kind).inc()
                continue
            position += 1
            item: Item
            if isinstance(event, Uplink):
                item = UplinkItem(position, event, next(outcomes))
                self._count(item)
            else:
                item = self._raw(position, received, event)
            items.append((item, received.received_at))
        return items

    def _read(self, received: Received) -> Uplink | OtherEvent | UnreadableEvent:
        message = received.message
        try:
            event = self._server.read(
                message.topic, message.payload, received.received_at, self._clocks
            )
        except UnreadableEvent as unreadable:
            return unreadable
        except Exception:  # an error in the reader must not stop the next message
            log.exception("read_event_failed", format=self._server.name, topic=message.topic)
            return UnreadableEvent("internal_error", "reading it raised; see the edge's log")
        if isinstance(event, Uplink):
            device_type = self.device_types.resolve(event)
            if device_type != event.device_type:
                event = msgspec.structs.replace(event, device_type=device_type)
        return event

    def _outcomes(self, uplinks: list[Uplink]) -> list[Outcome]:
        frames = [uplink.frame(uplink.device_type) for uplink in uplinks]
        if not frames:
            return []
        try:
            return self._decode(frames)
        except Exception:  # one by one, so that only the frame that fails is not decoded
            log.exception("decoding_failed", frames=len(frames))
            return [self._outcome(frame) for frame in frames]

    def _outcome(self, frame: Frame) -> Outcome:
        try:
            return self._decode([frame])[0]
        except Exception as error:
            return Undecoded("decoder_failed", f"decoder raised {type(error).__name__}")

    def _count(self, item: UplinkItem) -> None:
        self._metrics.events.labels("uplink").inc()
        result = "decoded" if isinstance(item.outcome, Decoded) else item.outcome.reason
        self._metrics.decoded.labels(result).inc()
        self._metrics.time_sources.labels(item.uplink.time_source.value).inc()
        self.last_uplink = item.uplink.received_at

    def _raw(self, position: int, received: Received, error: UnreadableEvent) -> RawItem:
        """The event, forwarded unchanged up to 64 KiB, or cut to 256 bytes if the spool is half
        full."""
        self._metrics.events.labels("unreadable").inc()
        self._metrics.unreadable.labels(error.reason).inc()
        message = received.message
        log.warning(
            "unreadable_event",
            topic=message.topic[:200],
            reason=error.reason,
            detail=str(error),
            size=len(message.payload),
        )
        limit = MAX_EVENT if self._spool.fill < 0.5 else _RAW_CUT
        return RawItem(
            position,
            message.topic,
            message.payload[:limit],
            error.reason,
            received.received_at,
            self._server.name,
        )

"""Spool → cloud: batches in order, a few in flight, deleted only on the ingest's Ack.

The broker's PUBACK only means that the broker has the batch. When no Ack comes, one item is sent
as a probe, with growing pauses, until one does, so that the broker's queue is not full of copies
when the ingest returns after days. A batch that the broker did not take is sent again in halves.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog
from paho.mqtt.client import MQTTMessageInfo

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.base.mqtt.link import PACKET_TOO_LARGE, Connected, MessageTooLarge, MqttLink
from stadtsinn.base.notices import Notices
from stadtsinn.base.threads import ended_early
from stadtsinn.edge.agent.batch_limit import BatchLimit
from stadtsinn.edge.agent.clock_watch import NOTEWORTHY, ClockWatch
from stadtsinn.edge.agent.delivery_notices import NOT_TAKEN, REMEDIES, Kind
from stadtsinn.edge.agent.metrics import Metrics
from stadtsinn.edge.agent.settings import DeliverySettings
from stadtsinn.edge.agent.spool import Spool
from stadtsinn.edge.agent.too_large import Suspect, placeholder
from stadtsinn.edge.messages.delivery import VERSION, Ack, Refusal, Sender, batch_topic

log = structlog.get_logger()

_LONGEST_ACK_WAIT_S = 300.0
_FAULTS = Backoff(first=0.5, longest=10)
_REFUSALS = Backoff(first=0.25, longest=60)
_POLL_SECONDS = 0.5
_LONGEST_WORD = 60
_FOREIGN_ACKS = 3
"""So many Acks for another agent, after the first for us, are no late ones of an earlier run."""
_BY_SIZE = "the broker refused a message as too large"
_BY_CUT = "the broker ended the connection"
_BY_SILENCE = "the broker took a batch that never reached the ingest"
_BY_SILENCE_ALONE = "the broker took it again and again, and it never reached the ingest"
_AT_ONCE_S = 5.0
_WITNESSES = 3
"""Items sent behind one that may be too large: an Ack for them proves that the ingest is there."""


class _SpooledBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A `Batch` whose items are the bytes from the spool: the same message, but not re-encoded."""

    version: int = VERSION
    edge_id: str
    stream: str
    sent_at: Instant
    items: list[msgspec.Raw]
    sender: Sender


@dataclass
class _InFlight:
    """A batch without its Ack. `published_at`: monotonic seconds; `at_broker_since` as well, None
    until the PUBACK."""

    first: int
    last: int
    size: int
    info: MQTTMessageInfo
    sent_at: Instant
    published_at: float
    at_broker_since: float | None = None

    @property
    def alone(self) -> bool:
        return self.first == self.last


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
        clock_watch: ClockWatch,
    ) -> None:
        self._edge_id = edge_id
        self._topic = batch_topic(edge_id)
        self._spool = spool
        self._link = link
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._beat = beat
        self._clock_watch = clock_watch
        self.id = uuid.uuid4().hex
        """Names this run of the agent."""
        self.limit = BatchLimit(settings.batch_kib * 1024)
        self.notices = Notices(REMEDIES, lambda kind, _, n: metrics.notices.labels(kind).inc(n))
        self._encode = msgspec.msgpack.Encoder().encode
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._in_flight: deque[_InFlight] = deque()
        self._sent = spool.acknowledged
        self._newest_sent = spool.acknowledged
        self._ack_waits = Backoff(settings.ack_timeout_seconds, _LONGEST_ACK_WAIT_S)
        self._rewinds = 0
        self._faults = Retries(_FAULTS)
        self._refusals = Retries(_REFUSALS)
        self._refusals_said: deque[tuple[int, int]] = deque()
        self._not_before = 0.0
        self._suspect = Suspect()
        self._probing = False
        self._largest_through = 0
        self._ingest_lives = False
        self._unanswered_batch: _InFlight | None = None
        self._ack_beyond = False
        self._answered = False
        self._foreign_acks = 0
        self._former_streams: set[str] = set()
        self._former_runs: set[str] = set()
        self._limit_text = ""
        self.not_taken = ""
        """Why the cloud takes nothing of us; empty while it does, or says nothing."""
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

    def greet(self) -> None:
        """Send the newest item once more where nothing waits, so that a cloud whose database was
        restored hears how far we were acknowledged. Where something waits, that says it."""
        with self._lock:
            if self._spool.depth == 0 and self._spool.go_back(self._spool.last_position - 1):
                self._sent = self._spool.acknowledged
        self._wake.set()

    # --- what the broker does ----------------------------------------------------------

    def connection_begins(self, connected: Connected) -> None:
        """For the link, before it sends anything again: what did not get through is cut anew."""
        with self._lock:
            self.limit.broker_says(self._link.room_for_payload(self._topic))
            self._note_limit()
            lost = self._what_ended(connected)
            if lost is not None:
                by_size = connected.ended_by == PACKET_TOO_LARGE
                self._take_again(lost, by_size, _BY_SIZE if by_size else _BY_CUT)

    def _what_ended(self, connected: Connected) -> _InFlight | None:
        """The batch at which the connection before this one ended.

        Some brokers take what is too large, drop it, and hang up at once.
        """
        for oldest in list(self._in_flight)[:1]:
            at_once = connected.ended_at - oldest.published_at < _AT_ONCE_S
            if at_once and self._may_be_too_large(oldest):
                return oldest
        return next((one for one in self._in_flight if not one.info.is_published()), None)

    def _may_be_too_large(self, one: _InFlight) -> bool:
        """Alone, and larger than all that got through."""
        return one.alone and one.size > self._largest_through

    def refused(self, packet_id: int, reason: int) -> None:
        """For the link: the broker answered a message with this reason instead of taking it.

        Without our lock: the link's client holds one of its own here, which `publish` needs.
        """
        self._refusals_said.append((packet_id, reason))
        self._wake.set()

    def _look_at_refusals(self) -> None:
        while self._refusals_said:
            packet_id, reason = self._refusals_said.popleft()
            lost = next((one for one in self._in_flight if one.info.mid == packet_id), None)
            if lost is None:
                continue
            by_size = reason == PACKET_TOO_LARGE
            why = _BY_SIZE if by_size else f"the broker refused a batch (reason {reason:#04x})"
            if not by_size:
                self.notices.note(Kind.BATCH_REFUSED, why)
            self._take_again(lost, by_size, why)

    def _take_again(self, lost: _InFlight, by_size: bool, why: str) -> None:
        """Forget this batch and all behind it, and send them again: smaller, after a pause."""
        self._metrics.refused_batches.inc()
        if lost.alone:
            self._suspect.lost(lost.last, by_size, why)
        elif by_size:
            self.limit.refused(lost.size, why)
        else:
            self.limit.cut(lost.size, why)
        while self._in_flight and self._in_flight[-1].first >= lost.first:
            self._link.withdraw([self._in_flight.pop().info])
        self._sent = min(self._sent, lost.first - 1)
        self._not_before = time.monotonic() + self._refusals.failed()
        self._note_limit()

    def _note_limit(self) -> None:
        text = self.limit.text
        if text and text != self._limit_text:
            self.notices.note(Kind.BROKER_LIMIT, text)
        elif not text:
            self.notices.end(Kind.BROKER_LIMIT)
        self._limit_text = text

    # --- what the ingest answers -------------------------------------------------------

    def take_ack(self, ack: Ack) -> None:
        """Delete what the ingest has committed, as far as this run has sent it.

        An Ack of another stream or agent is ignored. One beyond what there ever was in this spool
        means that the stream went on elsewhere: the card is a copy, or from the past.
        """
        if ack.version != VERSION or ack.stream != self._spool.stream:
            return self._take_foreign(ack)
        if ack.sender not in ("", self.id):
            return self._take_foreign(ack)
        crash_point("edge.ack_received")
        self.not_taken = ""
        self.notices.end(Kind.NOT_TAKEN)
        with self._lock:
            if ack.begin_anew or ack.position > self._spool.last_position:
                self._begin_anew(ack)
            elif ack.again is not None and self._go_back(ack.again):
                pass
            elif ack.position > self._newest_sent:
                # Of an earlier run, or of another agent: sending goes on, so that it is proven.
                self._ack_beyond = True
            else:
                self._look_at_clock(ack)
                self._look_for_a_gap(ack)
                self._advance(ack.position, ack.kept)
        self._wake.set()
        return None

    def take_refusal(self, refusal: Refusal) -> None:
        """The cloud takes nothing of this edge, and says why. What waits is sent all the same: it
        gets through as soon as the reason is gone."""
        said = NOT_TAKEN.get(refusal.refused)
        word = visible(refusal.refused[:_LONGEST_WORD])
        self.not_taken = said.format(self._edge_id) if said else f"the cloud refuses: {word}"
        self.notices.note(Kind.NOT_TAKEN, self.not_taken)

    def _look_for_a_gap(self, ack: Ack) -> None:
        """The ingest answers what was sent behind the oldest item, and does not have that one."""
        if len(self._in_flight) > 1 and ack.position < self._in_flight[0].first:
            self._ingest_lives = True

    def _look_at_clock(self, ack: Ack) -> None:
        """Compare clocks by the batch that is answered: the last one up to this position."""
        answered = [one.sent_at for one in self._in_flight if one.last <= ack.position]
        if not answered or not ack.at:
            return
        self._clock_watch.answered(answered[-1], ack.at)
        ahead = self._clock_watch.ahead
        if ahead is not None and abs(ahead) > NOTEWORTHY:
            way = "ahead of" if ahead > 0 else "behind"
            minutes = abs(ahead) // MINUTE
            self.notices.note(
                Kind.CLOCK,
                f"our clock is {counted(minutes, 'minute', 'minutes')} {way} the cloud's",
            )
        else:
            self.notices.end(Kind.CLOCK)

    def _take_foreign(self, ack: Ack) -> None:
        if ack.sender == self.id or ack.stream in self._former_streams:
            return  # of our stream before it began anew
        if ack.sender in self._former_runs:
            return  # of what we sent before we went back
        self._metrics.bad_messages.labels("foreign_ack").inc()
        self._foreign_acks += self._answered
        if self._foreign_acks >= _FOREIGN_ACKS:
            self.notices.note(
                Kind.SECOND_AGENT,
                f"another agent with the edge id {self._edge_id} is delivering",
            )

    def _go_back(self, position: int) -> bool:
        """Send again, as another run, what was acknowledged behind this position; False where
        nothing of it is here.

        Another run, because the cloud then acknowledges nothing but what is sent from now on.
        """
        items = self._spool.go_back(position)
        if not items:
            return False
        self._former_runs.add(self.id)
        self.id = uuid.uuid4().hex
        self._forget_what_is_under_way()
        self._metrics.delivered_again.inc(items)
        text = (
            f"the cloud asked for {counted(items, 'item', 'items')} again that it had acknowledged"
        )
        log.warning(
            "delivers_again",
            items=items,
            after_position=self._spool.acknowledged,
            meaning="the cloud's database was restored from a backup",
        )
        self.notices.note(Kind.DELIVERS_AGAIN, text)
        return True

    def _forget_what_is_under_way(self) -> None:
        self._link.withdraw([one.info for one in self._in_flight])
        self._in_flight.clear()
        self._sent = self._newest_sent = self._spool.acknowledged
        self._ack_beyond = False

    def _begin_anew(self, ack: Ack) -> None:
        before = self._spool.stream
        self._former_streams.add(before)
        stream = self._spool.begin_stream()
        self._forget_what_is_under_way()
        self._metrics.streams_begun.inc()
        log.error(
            "spool_of_an_older_life",
            stream_before=before,
            stream=stream,
            acknowledged_by_the_cloud=ack.position,
            newest_position=self._spool.last_position,
            waiting=self._spool.depth,
            meaning="the cloud knows this spool further on than it is",
            remedy="nothing: all that waits is delivered as a new stream; look whether a copy of "
            "this card is running elsewhere",
        )
        self.notices.note(
            Kind.OLDER_LIFE, "the spool is from the past (a card image, a copy, lost writes)"
        )

    def _advance(self, position: int, kept: tuple[tuple[int, int], ...]) -> None:
        self._answered = True
        before = self._spool.acknowledged
        if not self._spool.acknowledge(position, kept):
            return
        self._metrics.acknowledged.inc(position - before)
        self._sent = max(self._sent, position)
        while self._in_flight and self._in_flight[0].last <= position:
            size = self._in_flight.popleft().size
            self._largest_through = max(self._largest_through, size)
            self.limit.went_through(size)
            self._refusals.worked()
        if position >= self._suspect.position:
            self._suspect.clear()
        if self._unanswered_batch is not None and position < self._unanswered_batch.last:
            self.limit.cut(self._unanswered_batch.size, _BY_SILENCE)
        self._unanswered_batch = None
        self._note_limit()
        now = time.monotonic()
        for batch in self._in_flight:  # the ingest works: the rest's timeout starts again
            if batch.at_broker_since is not None:
                batch.at_broker_since = now
        self._rewinds = 0
        self._probing = False
        self._ack_beyond = False

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
            if self._ack_beyond:
                self._begin_anew(Ack(stream=self._spool.stream, position=self._newest_sent))
                return
            oldest = self._in_flight[0]
            if not oldest.alone:
                self._unanswered_batch = oldest
            elif self._ingest_lives:
                self._suspect.lost(oldest.last, False, _BY_SILENCE_ALONE)
            self._rewinds += not (oldest.alone and self._ingest_lives)
            self._ingest_lives = False
            self._in_flight.clear()
            self._sent = self._spool.acknowledged
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
            self._look_at_refusals()
            self._set_aside_what_is_too_large()
            if len(self._in_flight) >= self._window() or self._stop.is_set():
                return False
            if time.monotonic() < self._not_before:
                return False
            after = max(self._sent, self._spool.acknowledged)
            max_items = 1 if self._probing else self._settings.batch_items
            allowed = self.limit.allowed
        rows = self._spool.read(after, max_items, allowed)
        if not rows:
            return False
        sent_at = self._clock.now()
        payload = self._payload(rows, sent_at)
        while len(payload) > allowed and len(rows) > 1:
            rows = rows[: len(rows) // 2]
            payload = self._payload(rows, sent_at)
        with self._lock:
            if after != max(self._sent, self._spool.acknowledged):
                return True  # something was taken back meanwhile
            try:
                info = self._link.publish(self._topic, payload)
            except MessageTooLarge as error:
                self._suspect.lost(rows[0][0], True, str(error))
                return True
            self._sent = rows[-1][0]
            self._newest_sent = max(self._newest_sent, self._sent)
            self._in_flight.append(
                _InFlight(rows[0][0], self._sent, len(payload), info, sent_at, time.monotonic())
            )
        crash_point("edge.published")
        self._metrics.sent.inc(len(rows))
        return True

    def _window(self) -> int:
        """How many batches may be under way."""
        if not self._probing:
            return 1 if self._suspect.position else self._settings.window
        suspicious = bool(self._in_flight) and self._may_be_too_large(self._in_flight[0])
        return 1 + _WITNESSES if suspicious else 1

    def _set_aside_what_is_too_large(self) -> None:
        """An item that the broker does not take even alone makes room for the others."""
        found = self._suspect.convicted()
        if found is None:
            return
        position, why = found
        for stored, body in self._spool.read(position - 1, 1, 1):
            instead = placeholder(body, why)
            if stored != position or instead is None:
                self.notices.note(Kind.BATCH_REFUSED, f"{why}, though it is a small one")
                self._not_before = time.monotonic() + self._refusals.failed()
                continue
            self._spool.set_aside(position, instead, why, self._clock.now())
            log.error(
                "item_set_aside",
                position=position,
                size=len(body),
                reason=why,
                remedy="raise the broker's limit, then 'stadtsinn edge aside retry'",
            )

    def _payload(self, rows: list[tuple[int, bytes]], sent_at: Instant) -> bytes:
        return self._encode(
            _SpooledBatch(
                edge_id=self._edge_id,
                stream=self._spool.stream,
                sent_at=sent_at,
                items=[msgspec.Raw(body) for _, body in rows],
                sender=self._sender(),
            )
        )

    def _sender(self) -> Sender:
        spool = self._spool
        return Sender(
            id=self.id,
            begins=spool.begins,
            opened=spool.opened,
            acknowledged=spool.acknowledged,
            clock_ahead=self._clock_watch.ahead,
            clock_steps=self._clock_watch.steps(spool.acknowledged),
            keeps=True,
            holds=min(spool.holds_after, spool.acknowledged),
            again=bool(self._former_runs),
        )

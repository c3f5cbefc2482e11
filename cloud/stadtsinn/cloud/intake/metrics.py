"""Counters that tell an operator what came, what was kept, and where it got stuck."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from prometheus_client import Counter, Gauge, Histogram

log = structlog.get_logger()

UPLINKS = Counter("stadtsinn_ingest_uplinks", "Uplinks committed to the log", ["source"])
DUPLICATES = Counter(
    "stadtsinn_ingest_duplicates", "Further copies of logged uplinks, dropped", ["source"]
)
QUARANTINED = Counter("stadtsinn_ingest_quarantined", "What was not taken, by reason", ["reason"])
DROPPED = Counter(
    "stadtsinn_ingest_quarantine_dropped",
    "Rows dropped because the quarantine holds no more of their reason and source",
    ["reason"],
)
OTHER_EVENTS = Counter(
    "stadtsinn_ingest_other_events", "Readable events that are no uplinks", ["kind"]
)
STREAM_GAPS = Counter(
    "stadtsinn_ingest_stream_positions_skipped", "Spool positions that never arrived", ["source"]
)
EDGE_NOTICES = Counter(
    "stadtsinn_ingest_edge_notices",
    "What is wrong with an edge whose data arrive: an old or copied card, its clock, a flood",
    ["source", "kind"],
)
EDGE_CLOCK = Gauge(
    "stadtsinn_ingest_edge_clock_ahead_seconds",
    "Seconds that an edge's clock is ahead of this cloud's; 0 where it is right, NaN: impossible",
    ["source"],
)
BROKER_NOTICES = Counter(
    "stadtsinn_ingest_broker_notices",
    "What a broker or its publishers do not guarantee: a forgotten session, messages at QoS 0, …",
    ["source", "kind"],
)
DIFFERENT_CLAIMS = Counter(
    "stadtsinn_ingest_different_claims",
    "Uplinks that an edge decoded otherwise than the same decoder does here",
    ["source"],
)
COMMIT_SECONDS = Histogram(
    "stadtsinn_ingest_commit_seconds",
    "One group commit, from reading to committed",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
WAITING = Gauge("stadtsinn_ingest_waiting_messages", "Messages received and not yet committed")
WAITING_BYTES = Gauge("stadtsinn_ingest_waiting_bytes", "Bytes of those messages")
LAST_COMMIT = Gauge(
    "stadtsinn_ingest_last_commit_timestamp_seconds", "When uplinks were last committed"
)
CONNECTED = Gauge("stadtsinn_ingest_broker_connected", "1 while connected", ["source"])


class Occasional:
    """Logs an event per key at most once per interval, with the number of those since the last
    line."""

    def __init__(
        self, interval_s: float = 60, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._interval = interval_s
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._last: dict[tuple[str, ...], float] = {}
        self._silent: dict[tuple[str, ...], int] = {}

    def warn(self, event: str, key: tuple[str, ...], **details: object) -> None:
        with self._lock:
            now = self._monotonic()
            last = self._last.get(key)
            if last is not None and now - last < self._interval:
                self._silent[key] = self._silent.get(key, 0) + 1
                return
            if len(self._last) > 10_000:  # keys name sources, and anybody may invent those
                self._last.clear()
                self._silent.clear()
            self._last[key] = now
            unsaid = self._silent.pop(key, 0)
        log.warning(event, more_since_last_line=unsaid, **details)

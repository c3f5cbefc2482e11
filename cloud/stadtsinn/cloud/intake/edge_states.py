"""What edge agents say of themselves: whether they are there, what waits in their spool.

It comes on each edge's status topic, every 30 seconds and retained; the broker says "offline" for
an agent that it lost. Kept for registered edges only, in a few bytes each, and apart from the
measurements: nothing waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.batches import batched
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import Instant, parse
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.intake import edge_state_repository as repository
from stadtsinn.cloud.intake.edge_state_repository import EdgeState
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory
from stadtsinn.edge.messages.delivery import TOPIC_ROOT

log = structlog.get_logger()

MOST_BYTES = 64 * 1024
"""Of a status: one with fifty gateways has 4 KiB."""
ONLINE, OFFLINE = "online", "offline"

_EDGES_KEPT = 10_000
_WARNINGS_KEPT = 20
_LONGEST = 300
_EVERY_S = 5.0
_WRITTEN_AT_ONCE = 500
_BACKOFF = Backoff(first=5, longest=300)


class SpoolReport(msgspec.Struct, frozen=True):
    """`oldest`: arrival of the oldest waiting item. `refuses`: why it takes none, or empty."""

    items: int = 0
    bytes: int = 0
    max_bytes: int = 0
    oldest: str | None = None
    refuses: str = ""


class EdgeReport(msgspec.Struct, frozen=True):
    """The part of a status that is kept. Older agents say less."""

    state: str
    version: str = ""
    at: str = ""
    reason: str = ""
    local_broker: bool = True
    spool: SpoolReport = SpoolReport()
    last_uplink: str | None = None
    clock_ahead: float | None = None
    certificate_ends: str | None = None
    stream: str = ""
    acknowledged_position: int = 0
    warnings: list[str] = []


_read = msgspec.json.Decoder(EdgeReport).decode
_encoded = msgspec.json.Encoder().encode


def report_of(status: bytes) -> EdgeReport | None:
    """The stored report; None where there is none, or another version wrote what we cannot read."""
    try:
        return _read(status) if status else None
    except UNREADABLE:
        return None


def edge_of_status(topic: str) -> str | None:
    """The edge id in ``stadtsinn/edge/{id}/status``; None for another topic."""
    edge_id, _, kind = topic.removeprefix(f"{TOPIC_ROOT}/").partition("/")
    return edge_id if topic.startswith(f"{TOPIC_ROOT}/") and kind == "status" else None


def time_of(text: str | None) -> Instant | None:
    """A time that an edge wrote; None for what is none."""
    try:
        return parse(text) if text else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True)
class _Heard:
    report: EdgeReport
    at: Instant


class EdgeStates:
    """What was heard and not yet written. `note` is called on the network thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[str, _Heard] = {}

    def note(self, edge_id: str, payload: bytes, now: Instant, *, retained: bool) -> None:
        """Take account of a status. A retained one was said earlier: at its own time."""
        report = _bounded(payload)
        if report is None:
            return
        at = now
        if retained and report.state == ONLINE:
            at = Instant(min(now, time_of(report.at) or 0))
        with self._lock:
            if len(self._heard) < _EDGES_KEPT or edge_id in self._heard:
                self._heard[edge_id] = _Heard(report, at)

    def take(self) -> dict[str, _Heard]:
        with self._lock:
            heard, self._heard = self._heard, {}
        return heard


class EdgeStateWriter(Repeating):
    """Writes what was heard, every few seconds; a thread of its own."""

    def __init__(
        self, database: Database, states: EdgeStates, directory: Callable[[], Directory]
    ) -> None:
        super().__init__(
            "edge-states",
            _BACKOFF,
            failed="edge_states_not_written",
            remedy="measurements are taken all the same; 'stadtsinn edges' shows older states",
        )
        self._database = database
        self._states = states
        self._directory = directory

    def step(self) -> float:
        heard = self._states.take()
        known = self._directory().edges if heard else {}
        mine = {edge_id: one for edge_id, one in heard.items() if edge_id in known}
        if mine:
            with self._database.read() as connection:
                before = repository.states(connection, mine)
            states = [_state(edge_id, one, before.get(edge_id)) for edge_id, one in mine.items()]
            for part in batched(states, _WRITTEN_AT_ONCE):
                with self._database.write() as connection:
                    repository.write(connection, part)
        return _EVERY_S


def _state(edge_id: str, heard: _Heard, before: EdgeState | None) -> EdgeState:
    """The last will of an agent says nothing else: what was known before stays."""
    before = before or EdgeState(edge_id, b"", Instant(0), None, "")
    if heard.report.state == ONLINE:
        return EdgeState(
            edge_id, _encoded(heard.report), Instant(max(heard.at, before.heard_at)), None, ""
        )
    since = heard.at if before.offline_at is None else before.offline_at
    return EdgeState(edge_id, before.status, before.heard_at, since, heard.report.reason[:20])


def _bounded(payload: bytes) -> EdgeReport | None:
    if len(payload) > MOST_BYTES:
        return None
    try:
        report = _read(payload)
    except UNREADABLE:
        return None
    if report.state not in (ONLINE, OFFLINE):
        return None
    return msgspec.structs.replace(
        report,
        version=_shown(report.version, 40),
        at=_shown(report.at, 40),
        reason=_shown(report.reason, 20),
        spool=msgspec.structs.replace(
            report.spool,
            oldest=_shown(report.spool.oldest or "", 40) or None,
            refuses=_shown(report.spool.refuses, _LONGEST),
        ),
        last_uplink=_shown(report.last_uplink or "", 40) or None,
        certificate_ends=_shown(report.certificate_ends or "", 40) or None,
        stream=_shown(report.stream, 64),
        warnings=[_shown(one, _LONGEST) for one in report.warnings[:_WARNINGS_KEPT]],
    )


def _shown(text: str, length: int) -> str:
    return visible(text[:length])[:length]

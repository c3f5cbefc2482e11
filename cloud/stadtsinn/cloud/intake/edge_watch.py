"""What the ingest notices about edges: a card from the past, a copied card, a flood.

A copied card is two agents with one edge id. Each of their runs has an id of its own; a run that
speaks again after another one is running beside it. A restart changes the run once, and batches of
the run before may come a little late, so only repeated changes count.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from math import nan

from stadtsinn.base.counted import counted
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, HOUR, MINUTE, SECOND
from stadtsinn.base.notices import Notices
from stadtsinn.cloud.intake import metrics
from stadtsinn.cloud.intake.streams import Answer

_RETURNS = 3
_NO_CLOCK = 100 * 365 * DAY
"""No clock is wrong by more: one that begins in 1970 is not."""
_WITHIN_S = 3600.0
_EDGES_KEPT = 10_000
_RUNS_KEPT = 8


class Kind(StrEnum):
    """What is wrong with an edge, though its data arrive."""

    OLDER_LIFE = "edge_of_an_older_life"
    DELIVERS_AGAIN = "edge_delivers_again"
    SECOND_AGENT = "edge_runs_twice"
    CLOCK = "edge_clock_wrong"
    NO_CLOCK = "edge_time_impossible"
    STREAMS = "edge_begins_streams"
    FLOOD = "edge_set_back"


REMEDIES: Mapping[Kind, str] = {
    Kind.OLDER_LIFE: "it goes on as a new stream and delivers all that waits; look whether its "
    "card was restored from an image, or a copy is running elsewhere",
    Kind.DELIVERS_AGAIN: "nothing to do where the database was restored from a backup: what the "
    "edge still holds comes and counts once. Otherwise find out who set it back",
    Kind.SECOND_AGENT: "a copied card? Give one of them an edge id, a certificate and a spool of "
    "its own",
    Kind.CLOCK: "its uplinks are dated by this cloud's clock; set the time there ('timedatectl')",
    Kind.NO_CLOCK: "its uplinks are dated by this cloud's clock; no clock is so wrong: look what "
    "else publishes as this edge",
    Kind.STREAMS: "nothing is lost, what is not answered comes again; an edge agent begins one "
    "stream with each new spool: look what else publishes as this edge",
    Kind.FLOOD: "nothing is lost, an edge agent sends them again and waits for answers before it "
    "sends more; look what else publishes as this edge",
}


class _Runs:
    """The runs of one edge: which speaks now, which spoke, when an earlier one came back."""

    def __init__(self) -> None:
        self.present = ""
        self.known: deque[str] = deque(maxlen=_RUNS_KEPT)
        self.returns: deque[float] = deque(maxlen=_RETURNS)


class EdgeWatch:
    """Notices of all edges; any thread may ask."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.notices = Notices(REMEDIES, _count, monotonic)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._edges: OrderedDict[str, _Runs] = OrderedDict()

    def note_answer(self, answer: Answer) -> None:
        """Take account of who sent what was just committed."""
        edge = answer.edge_id
        if answer.begin_anew:
            self.notices.note(
                Kind.OLDER_LIFE,
                f"edge {edge} came with a spool from the past",
                subject=edge,
            )
        if answer.again is not None:
            self.notices.note(
                Kind.DELIVERS_AGAIN,
                f"edge {edge} was acknowledged more than this database has: it is asked for all "
                f"behind position {answer.again}",
                subject=edge,
            )
        if self._came_back(edge, answer.sender):
            self.notices.note(Kind.SECOND_AGENT, f"two agents deliver as edge {edge}", subject=edge)

    def note_clock(self, edge: str, ahead: int) -> None:
        """Take account of how far an edge's clock is ahead of ours, in µs; 0 for a right one."""
        impossible = abs(ahead) > _NO_CLOCK
        metrics.EDGE_CLOCK.labels(f"edge:{edge}").set(nan if impossible else ahead / SECOND)
        way = "ahead" if ahead > 0 else "behind"
        if impossible:
            text = f"edge {edge} claims a time that is impossible: over 100 years {way}"
            self.notices.note(Kind.NO_CLOCK, text, subject=edge)
        else:
            self.notices.end(Kind.NO_CLOCK, subject=edge)
        if ahead and not impossible:
            text = f"the clock of edge {edge} is {_duration(abs(ahead))} {way}"
            self.notices.note(Kind.CLOCK, text, subject=edge)
        else:
            self.notices.end(Kind.CLOCK, subject=edge)

    def note_unanswered(self, batches: Mapping[str, int]) -> None:
        """Take account of batches, by edge, that began too many streams at once."""
        for edge, count in batches.items():
            self.notices.note(
                Kind.STREAMS,
                f"edge {edge} begins streams without end: "
                f"{counted(count, 'batch was', 'batches were')} not answered",
                subject=edge,
                count=count,
            )

    def note_set_back(self, batches: Mapping[str, int]) -> None:
        """Take account of batches that were left out, by the source of the edge that sent them."""
        for source, count in batches.items():
            self.notices.note(
                Kind.FLOOD,
                f"{source} sends more than its share: "
                f"{counted(count, 'batch was', 'batches were')} set back",
                subject=source.removeprefix("edge:"),
                count=count,
            )

    def check(self) -> Check:
        """Never fails: data arrive. Warns of what needs a look."""
        warnings = self.notices.texts()
        detail = f"{len(warnings)} to look at" if warnings else "nothing noticed"
        return Check(True, detail, warnings)

    def _came_back(self, edge: str, run: str) -> bool:
        """Did an earlier run speak again, often enough to be one that runs beside the other?"""
        now = self._monotonic()
        with self._lock:
            runs = self._edges.setdefault(edge, _Runs())
            self._edges.move_to_end(edge)
            if len(self._edges) > _EDGES_KEPT:
                self._edges.popitem(last=False)
            if run == runs.present:
                return False
            runs.present = run
            if run not in runs.known:
                runs.known.append(run)
                return False
            runs.returns.append(now)
            return len(runs.returns) == _RETURNS and now - runs.returns[0] < _WITHIN_S


def _duration(micros: int) -> str:
    for unit, name in ((DAY, "days"), (HOUR, "hours")):
        if micros >= 2 * unit:
            return f"{micros / unit:.1f} {name}"
    return counted(round(micros / MINUTE), "minute", "minutes")


def _count(kind: Kind, edge: str, count: int) -> None:
    metrics.EDGE_NOTICES.labels(f"edge:{edge}", kind.value).inc(count)

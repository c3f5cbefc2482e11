"""`stadtsinn demo --check`: the day at full speed, with failures.

Simulated time stands still at every full minute until the cloud has every uplink that can reach
it. In between the line to the cloud is cut for an hour, and the edge agent and the ingest are
killed at their worst moments. At the end the cloud is compared with the simulator's truth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from stadtsinn.base.backoff import Backoff, wait_until
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesReader
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.duty import answer_alarm
from stadtsinn.simulator.demo.progress import Progress, look
from stadtsinn.simulator.demo.stage import Stage
from stadtsinn.simulator.demo.swap import replace_sensor
from stadtsinn.simulator.demo.watering import judge_now, water_tree
from stadtsinn.simulator.market_day.day import MarketDay

_PATIENCE_S = 900
"""Bounds hanging only: a busy machine may be slow."""
_LOOKS = Backoff(first=0.02, longest=0.03)
"""A look reads much, and takes time from those it waits for."""

KILL_EDGE_AFTER = 20 * MINUTE
"""Time into the outage: then only the spool holds the uplinks."""

KILL_INGEST_AFTER = 90 * MINUTE
"""Time after the start of the day, when a minute's messages have just reached the broker."""


class Stuck(Explained):
    """The cloud did not process everything in time; the text says how far it came."""


class Disasters:
    """Causes the failures of the day, and waits until the cloud has processed each minute.

    Its `minute` is the publisher's callback: the brokers have all messages from before it.
    """

    def __init__(
        self,
        stage: Stage,
        day: MarketDay,
        database: Database,
        series: SeriesReader,
        report: Callable[[str], None],
    ) -> None:
        self._stage = stage
        self._database = database
        self._series = series
        self._report = report
        self._outage = day.plan.outage
        self._kill_edge_at = Instant(self._outage.start + KILL_EDGE_AFTER)
        self._kill_ingest_at = Instant(day.span.start + KILL_INGEST_AFTER)
        self._plan = day.plan
        uplinks = list(day.uplinks())
        # An uplink is expected from its first message on, from either network server.
        self._first_sent = sorted(
            min(message.time for message in (uplink.event, *uplink.copies)) for uplink in uplinks
        )
        self._spooled = sorted(
            uplink.event.time for uplink in uplinks if uplink.event.time in self._outage
        )

    def minute(self, moment: Instant) -> None:
        self._stage.check()
        if moment == self._kill_edge_at:
            self._report("edge agent killed in the outage, with a full spool")
            self._restart(self._stage.edge)
        if moment == self._kill_ingest_at:
            self._report("ingest killed with messages under way")
            self._restart(self._stage.ingest)
        if moment == self._outage.end:
            self._report("line restored, the edge agent delivers the backlog of an hour")
            self._stage.backhaul.restore()
            self._kill_during_delivery()
        self._settle(moment)
        if answer_alarm(self._database, moment):
            self._report("the duty officer answers OK to the alarm about the market")
        if moment == self._plan.watering_list:
            self._report("the watering list is made")
            judge_now(self._database, self._series, moment)
        if moment == self._plan.watering:
            water_tree(self._database, moment)
        if moment == self._plan.swap:
            self._report("a tree's sensor is replaced by the spare one")
            replace_sensor(self._database, moment)
        if moment == self._outage.start:
            self._report("line to the cloud cut for an hour")
            self._stage.backhaul.cut()

    def _settle(self, moment: Instant) -> None:
        """Wait until the cloud, or the spool while the line is cut, has all uplinks before
        `moment`."""
        cut = moment in self._outage and moment != self._outage.start
        expected = bisect_left(self._first_sent, self._outage.start if cut else moment)

        def settled() -> bool:
            self._stage.check()
            progress = self._look()
            return progress.settled(expected) and (not cut or self._spool_holds(moment))

        if not wait_until(settled, timeout=_PATIENCE_S, backoff=_LOOKS):
            raise self._stuck(self._look(), expected)

    def _look(self) -> Progress:
        with self._database.read() as connection:
            return look(connection)

    def _spool_holds(self, moment: Instant) -> bool:
        """A killed agent counts again what it does not know any more as acknowledged."""
        return (self._stage.spooled() or 0) >= bisect_left(self._spooled, moment)

    def _kill_during_delivery(self) -> None:
        """Kill the ingest again while it processes the backlog."""
        before = self._look().committed
        wait_until(lambda: self._look().committed > before, timeout=_PATIENCE_S)
        self._report("ingest killed in the middle of the backlog")
        self._restart(self._stage.ingest)

    @staticmethod
    def _restart(child: Child) -> None:
        child.kill()
        child.start()

    def _stuck(self, progress: Progress, expected: int) -> Stuck:
        spooled, logs = self._stage.spooled(), f"{self._stage.folder}/*.log"
        return Stuck(
            f"after {_PATIENCE_S} s the log had {progress.committed} of "
            f"{counted(expected, 'uplink', 'uplinks')}, "
            f"followers were {progress.behind} behind, "
            f"{counted(progress.unsent, 'message', 'messages')} unsent, "
            f"the edge's spool held {spooled}: see {logs}",
            f"nach {_PATIENCE_S} s hatte das Log {progress.committed} von "
            f"{counted(expected, 'Meldung', 'Meldungen')}, "
            f"Follower waren {progress.behind} zurück, "
            f"{counted(progress.unsent, 'Nachricht', 'Nachrichten')} nicht "
            f"gesendet, im Spool des Agenten lagen {spooled}: siehe {logs}",
        )

"""Each process writes down that its roles really run: ingest, rules, outbox. `heartbeat` beats only
while all of them did so just now, in whatever process."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.operations import repository
from stadtsinn.cloud.platform.database.engine import Database

NEEDED = ("ingest", "alerts", "notify")
"""The roles that an alarm passes."""
_PULSE_S = 15.0
_FRESH = 60 * SECOND
_BACKOFF = Backoff(first=15, longest=60)

Checks = Mapping[str, Callable[[], Check]]


class Pulse(Repeating):
    """Notes every 15 s which roles of this process run."""

    def __init__(
        self, database: Database, alive: Mapping[str, Checks], wall: Clock | None = None
    ) -> None:
        super().__init__(
            "pulse",
            _BACKOFF,
            failed="pulse_failed",
            remedy="meanwhile the outside monitor misses the heartbeat",
        )
        self._database = database
        self._alive = alive
        self._wall = wall or SystemClock()

    def step(self) -> float:
        running = [
            role
            for role, checks in self._alive.items()
            if role in NEEDED and all(check().ok for check in checks.values())
        ]
        if running:
            now = self._wall.now()
            with self._database.write() as connection:
                repository.note_pulses(connection, running, now)
        return _PULSE_S


def missing(connection: Connection, now: Instant) -> list[str]:
    """The roles that did not run just now; empty: an alarm would get out. `now` is the machine's;
    a pulse from later than now is of before the clock was put back."""
    pulses = repository.pulses(connection)
    return [role for role in NEEDED if not 0 <= now - pulses.get(role, Instant(0)) <= _FRESH]

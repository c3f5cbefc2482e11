"""Sees that the log grows where another process ingests, once for all followers of this one."""

from __future__ import annotations

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.log.uplinks.repository import head
from stadtsinn.cloud.log.uplinks.signal import LogSignal
from stadtsinn.cloud.platform.database.engine import Database

_BACKOFF = Backoff(first=0.1, longest=10)


class LogWatch(Repeating):
    """Looks at the log's head every `look_s` seconds and wakes the followers when it has moved.

    One short query stands for a transaction of each follower. What it misses while the database
    is away they find by themselves a little later, and they say so, not this.
    """

    def __init__(self, database: Database, signal: LogSignal, look_s: float) -> None:
        super().__init__(
            "log-watch",
            _BACKOFF,
            failed="log_not_watched",
            remedy="followers look by themselves twice a second",
            hindered=Exception,
        )
        self._database = database
        self._signal = signal
        self._look_s = look_s
        self._seen = 0

    def step(self) -> float:
        with self._database.read() as connection:
            position = head(connection)
        if position != self._seen:
            self._seen = position
            self._signal.notify()
        return self._look_s

"""A dead man's switch: an outside monitor misses a beat when alarms would not get out."""

from __future__ import annotations

from pathlib import Path

import httpx
import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock, SystemClock
from stadtsinn.base.health import Check
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.operations.pulses import missing
from stadtsinn.cloud.operations.settings import HeartbeatSettings
from stadtsinn.cloud.platform.database.engine import Database

log = structlog.get_logger()

_TIMEOUT_S = 10.0
_BACKOFF = Backoff(first=15, longest=60)


class Heartbeat(Repeating):
    """Beats while nothing is missing. The address is a secret: whoever has it can pretend."""

    def __init__(
        self,
        database: Database,
        settings: HeartbeatSettings,
        wall: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(
            "heartbeat",
            _BACKOFF,
            failed="heartbeat_failed",
            remedy="the outside monitor will say so, unless it is only that monitor",
        )
        self._database = database
        self._url = settings.url.read() or ""
        self._file: Path | None = settings.file
        self._every_s = float(settings.every_s)
        self._wall = wall or SystemClock()
        self._client = httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, transport=transport)
        self._last = "not yet"

    def check(self) -> Check:
        """Never fails: the outside monitor is there for that."""
        return Check(ok=True, detail=f"last: {self._last}")

    def step(self) -> float:
        with self._database.read() as connection:
            absent = missing(connection, self._wall.now())
        if absent:
            self._note(f"no beat, {', '.join(absent)} missing")
            return self._every_s
        if self._file is not None:
            self._file.touch()
        self._note(self._call() if self._url else "beat")
        return self._every_s

    def _call(self) -> str:
        """What came of it, without the address."""
        try:
            answer = self._client.get(self._url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the monitor is not reached ({type(error).__name__})"
        return "beat" if answer.is_success else f"the monitor answers {answer.status_code}"

    def _note(self, said: str) -> None:
        if said != self._last:
            (log.info if said == "beat" else log.warning)("heartbeat", said=said)
        self._last = said

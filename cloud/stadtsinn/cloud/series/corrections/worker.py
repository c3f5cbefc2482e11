"""A thread that does corrections, in the process of the follower that writes series."""

from __future__ import annotations

import threading

import structlog

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.base.health import Check
from stadtsinn.base.threads import ended_early
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy
from stadtsinn.cloud.series.corrections.service import Corrector

log = structlog.get_logger()

_LOOK_S = 0.5
_BACKOFF = Backoff(first=1, longest=30)


class CorrectionWorker:
    """Looks for corrections and does them until it is stopped."""

    def __init__(self, corrector: Corrector, *, look_s: float = _LOOK_S) -> None:
        self._corrector = corrector
        self._look_s = look_s
        self._stopping = threading.Event()
        self._retries = Retries(_BACKOFF)
        self._trouble: str | None = None
        self._said: str | None = None
        self._thread = threading.Thread(target=self._run, name="series-corrections", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the corrections under way."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=60)

    def ended(self) -> str | None:
        return ended_early(self._thread, stopped=self._stopping.is_set())

    def check(self) -> Check:
        """How much is waiting; unhealthy while it cannot be done."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return Check(ok=False, detail="the thread of corrections ended: restart the process")
        waiting = self._corrector.waiting()
        if not waiting:
            return Check(ok=True, detail="nothing to correct")
        said = f"{waiting} parts of series are being corrected"
        if self._trouble is not None:
            return Check(ok=False, detail=f"{said}: {self._trouble}")
        return Check(ok=True, detail=said)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                done = self._corrector.run_once()
            except HistoryBusy:
                self._stopping.wait(self._retries.failed())  # the archive is being written
                continue
            except Exception as error:
                self._note_failure(error)
                self._stopping.wait(self._retries.failed())
                continue
            self._trouble = self._said = None
            self._retries.worked()
            if not done:
                self._stopping.wait(self._look_s)

    def _note_failure(self, error: Exception) -> None:
        self._trouble = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        if self._trouble != self._said:
            self._said = self._trouble
            log.error(
                "series_correction_failed",
                exc_info=error,
                remedy="it tries again by itself; series stay as they were meanwhile",
            )

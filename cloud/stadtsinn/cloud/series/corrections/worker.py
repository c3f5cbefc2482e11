"""A thread that does corrections, in the process of the follower that writes series."""

from __future__ import annotations

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.counted import counted
from stadtsinn.base.health import Check
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy
from stadtsinn.cloud.series.corrections.service import Corrector

_LOOK_S = 0.5
_BACKOFF = Backoff(first=1, longest=30)


class CorrectionWorker(Repeating):
    """Looks for corrections and does them. While the archive is being written they wait."""

    def __init__(self, corrector: Corrector, *, look_s: float = _LOOK_S) -> None:
        super().__init__(
            "series-corrections",
            _BACKOFF,
            failed="series_correction_failed",
            remedy="it tries again by itself; series stay as they were meanwhile",
            hindered=HistoryBusy,
        )
        self._corrector = corrector
        self._look_s = look_s

    def step(self) -> float:
        return 0 if self._corrector.run_once() else self._look_s

    def check(self) -> Check:
        """How much is waiting; unhealthy while it cannot be done."""
        if self.thread.ident is not None and not self.thread.is_alive():
            return Check(ok=False, detail="the thread of corrections ended: restart the process")
        waiting = self._corrector.waiting()
        if not waiting:
            return Check(ok=True, detail="nothing to correct")
        said = f"{counted(waiting, 'part of a series is', 'parts of series are')} being corrected"
        if self.trouble is not None:
            return Check(ok=False, detail=f"{said}: {self.trouble}")
        return Check(ok=True, detail=said)

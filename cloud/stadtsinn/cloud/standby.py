"""A part of which an installation runs one at a time: in a second process it waits.

The lock is the operating system's (SQLite) or the server's (PostgreSQL), so that it ends with the
process that has it, also after a crash.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable

import structlog

from stadtsinn.base.health import Check
from stadtsinn.base.logs import one_line
from stadtsinn.base.threads import ended_early
from stadtsinn.cloud.log.archive_files.exclusive import StillHeld, alone
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.running import Running

log = structlog.get_logger()

_LOOK_S = 1.0


class Standby:
    """Starts `running` once no other process on this database has the lock of that name.

    A lock can be lost: PostgreSQL is restarted. Then it is taken again; where another process was
    quicker, this one ends, so that its supervisor starts it anew and it waits.
    """

    def __init__(
        self, database: Database, name: str, running: Running, *, look_s: float = _LOOK_S
    ) -> None:
        self._database = database
        self._name = name
        self._lock = f"role-{name}"
        self._running = running
        self._look_s = look_s
        self._stopping = threading.Event()
        self._has_begun = False
        self._waits = "begins"
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._run, name=f"standby-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the part, then leave the lock to others."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def ended(self) -> str | None:
        early = ended_early(self._thread, stopped=self._stopping.is_set())
        return early or (self._running.ended() if self._has_begun else None)

    def waiting_or(self, check: Callable[[], Check]) -> Callable[[], Check]:
        """A check of the part, which says that it waits as long as it does."""

        def said() -> Check:
            if self._has_begun:
                return check()
            if self._trouble is not None:
                return Check(ok=False, detail=self._trouble)
            return Check(ok=True, detail=self._waits)

        return said

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and self._may_go_on():
                self._stopping.wait(self._look_s)
        finally:
            if self._has_begun:
                self._running.stop()

    def _may_go_on(self) -> bool:
        """Take the lock and keep it; False where another process has what this one had."""
        try:
            with alone(self._database, self._lock, zlib.crc32(self._lock.encode())) as held:
                self._trouble = None
                if held is not None:
                    self._work(held)
                    return True
        except Exception as error:
            self._note(one_line(error))
            return True
        if self._has_begun:
            log.error("role_taken_over", role=self._name, meaning="another process has it now")
            return False
        self._waits = f"waits: another process on this database has the role {self._name}"
        return True

    def _work(self, held: StillHeld) -> None:
        if not self._has_begun:
            self._running.start()
            self._has_begun = True
        while not self._stopping.wait(self._look_s):
            held()
        self._running.stop()

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            log.error("role_lock", role=self._name, trouble=trouble, remedy="it tries again")

"""Deletes a few rows at a time, so that nobody else notices (decision 22)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.exc import IntegrityError

from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.cloud.erasure.repository import delete_some, known_devices
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.archive_files.archiving import sweep
from stadtsinn.cloud.log.archive_files.exclusive import HistoryBusy, rewriting_history
from stadtsinn.cloud.log.archive_files.thinning import Gone, days_that_hold, thin
from stadtsinn.cloud.log.uplinks.removal_repository import Conditions, forget_read, remove_some
from stadtsinn.cloud.platform.database.engine import Database, overwriting
from stadtsinn.cloud.series.stores.store import SeriesStore

AT_ONCE = 2_000
"""Rows of one transaction."""
_PAUSE_S = 0.1
"""Between two transactions: another process that waits for SQLite looks so seldom."""
_PATIENCE = 600
"""Looks at the lock of the history, a tenth of a second each: corrections hold it for moments."""


@dataclass(frozen=True)
class Storage:
    """All places where an installation keeps data."""

    database: Database
    archive: Archive
    series: SeriesStore
    clock: Clock


def said(gone: Mapping[str, int]) -> str:
    """What went, for log and audit."""
    return ", ".join(f"{what}: {count}" for what, count in sorted(gone.items()))


@dataclass
class Slices:
    """Runs deletions and counts what went, by what it was. `report` hears of each slice."""

    storage: Storage
    report: Callable[[str, int], None] = lambda _what, _count: None
    wait: Callable[[float], None] = time.sleep
    gone: Counter[str] = field(default_factory=Counter)

    def run(self, what: str, some: Callable[[Connection, int], int]) -> int:
        """Call `some` in a transaction of its own each, until it finds less than it may delete.

        Without a name nothing is counted: nothing goes.
        """
        total = 0
        while True:
            done = self._once(some)
            total += done
            self.note(what, done)
            crash_point("erasure.sliced")
            if done < AT_ONCE:
                return total
            self.wait(_PAUSE_S)

    def delete(self, table: Table, where: ColumnElement[bool]) -> int:
        """Delete these rows of a table."""
        return self.run(str(table.name), lambda one, most: delete_some(one, table, where, most))

    def remove_uplinks(self, which: Conditions) -> None:
        """Delete these rows of the log."""
        self.run("uplinks", lambda one, most: remove_some(one, which, most))

    def thin_archive(self, gone: Gone, dev_eui: str | None = None) -> None:
        """Take such rows out of every archived day; `dev_eui` where all are of one device. Only
        under `alone_with_history`. Raises ArchiveUnreadable, OSError."""
        where = self.storage
        for day, count in days_that_hold(where.database, where.archive, gone, dev_eui):
            thin(where.database, where.archive, day, gone, where.clock)
            self.note("archived uplinks", count)
            self.note("archived days", 1)
        self.sweep_archive()

    def sweep_archive(self) -> None:
        """Nobody reads what was thinned any more, and its old files go."""
        where = self.storage
        with where.database.write() as connection:
            forget_read(connection)
        sweep(where.database, where.archive)

    def forget_names(self, struck_off: str | None = None) -> None:
        """Names of devices that no town has or had go from the series, what is deleted from the
        file; that of a device as well of which only what is being erased is left."""

        def known() -> set[str]:
            with self.storage.database.read() as connection:
                return known_devices(connection) - {struck_off}

        self.storage.series.forget_devices(known)
        self.storage.database.tidy()

    def _once(self, some: Callable[[Connection, int], int]) -> int:
        try:
            with self.storage.database.write() as connection:
                overwriting(connection)
                return some(connection, AT_ONCE)
        except IntegrityError:
            return 0  # a follower has just added what refers to it: the next pass takes both

    def note(self, what: str, count: int) -> None:
        if what and count:
            self.gone[what] += count
            self.report(what, count)

    @contextmanager
    def alone_with_history(self) -> Iterator[None]:
        """Nothing else rewrites what was logged. Raises HistoryBusy after a minute."""
        with ExitStack() as held:
            for _ in range(_PATIENCE):
                with suppress(HistoryBusy):
                    held.enter_context(rewriting_history(self.storage.database))
                    break
                self.wait(_PAUSE_S)
            else:
                raise HistoryBusy
            yield

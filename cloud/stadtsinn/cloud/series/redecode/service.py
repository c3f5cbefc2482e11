"""Decodes history again: finds what differs, changes the log, then each device's series.

A run that is killed at any point is continued by the next one:

1. *Scan*: new versions of the archive's files are written beside the old; nobody reads them.
2. *Switch*: one transaction names the new files and records the run and the devices it changes.
   Before it nothing has changed, after it the run is finished, now or by the next one.
3. *Devices*, some at a time: the table's rows of each get their outcomes; the parts of the series
   of the stations that they fed are gathered from the log aside; each is replaced at once for all
   readers; the devices are marked as done.

Uplinks that the `series` follower has not passed yet are left alone: it may have read their
outcomes already. The running ingest decoded them with its present catalogue.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.sentence import Explained
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay, days
from stadtsinn.cloud.log.archive_files.archiving import sweep
from stadtsinn.cloud.log.archive_files.batches import table_batches
from stadtsinn.cloud.log.archive_files.exclusive import rewriting_history
from stadtsinn.cloud.log.archive_files.leaving import finish_leaving
from stadtsinn.cloud.log.archive_files.parquet import integers
from stadtsinn.cloud.log.cursors.repository import read_cursor
from stadtsinn.cloud.log.uplinks.repository import count_revision
from stadtsinn.cloud.log.uplinks.tables import archived_days
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.redecode import repository
from stadtsinn.cloud.series.redecode.report import DeviceChanges, Report
from stadtsinn.cloud.series.redecode.repository import Pending, Redecoding
from stadtsinn.cloud.series.redecode.scanning import (
    NEEDED,
    DayResult,
    DayTask,
    Scanner,
    scan_day,
    scan_day_in_worker,
    start_worker,
)
from stadtsinn.cloud.series.redecode.selection import Selection
from stadtsinn.cloud.series.rewriting.parts import joined, parts_fed_by
from stadtsinn.cloud.series.rewriting.rewriter import PartRewriter
from stadtsinn.cloud.series.stores.replacing import SeriesPart
from stadtsinn.cloud.series.stores.store import Refused, SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.catalogue import Catalogue

log = structlog.get_logger()

_TOGETHER = 200
"""How many devices' new points are staged at the same time."""
WRITTEN_AT_ONCE = 2_000
"""Rows of the log that one transaction changes."""


@dataclass(frozen=True)
class Wanted:
    """Which history: start <= event time < end, of a town or all, of some devices or types."""

    start: Instant
    end: Instant
    tenant_id: str | None = None
    devices: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Done:
    """What a run found, and changed unless it was a dry one (`redecoding` is None then).

    `left_alone`: uplinks of the range that the `series` follower had not passed.
    """

    report: Report
    left_alone: int
    redecoding: int | None
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True)
class Workers:
    """How many processes look through files, and the town's own device files for them."""

    count: int = 1
    device_folder: Path | None = None


class SeriesBehind(Explained):
    """The `series` follower has not read all archived days yet; nothing was done."""


class Redecoder:
    """Decodes history again with one catalogue. Only one run at a time on a database.

    Every method raises HistoryBusy, SeriesBehind, ArchiveUnreadable, SeriesUnavailable,
    SeriesRejected or OSError; running again continues what was begun.
    """

    def __init__(
        self,
        database: Database,
        archive: Archive,
        store: SeriesStore,
        directory: DirectoryCache,
        known: Catalogue,
        clock: Clock,
        workers: Workers | None = None,
    ) -> None:
        self._database = database
        self._archive = archive
        self._store = store
        self._directory = directory
        self._rewriter = PartRewriter(database, archive, store, directory, lambda: known, clock)
        self._known = known
        self._clock = clock
        self._workers = workers or Workers()

    def dry_run(self, wanted: Wanted) -> Done:
        """What a run would change now."""
        with rewriting_history(self._database):
            finish_leaving(self._database, self._archive)  # else some rows would count twice
            chosen = self._selection(wanted)
            report, _ = self._scan(chosen, write=False)
            return Done(report, self._left_alone(chosen), None)

    def run(self, wanted: Wanted, who: str) -> Done:
        """Finish what was interrupted, then decode again and change log and series."""
        with rewriting_history(self._database):
            self._store.check_replaceable()
            self._continue_all()
            sweep(self._database, self._archive)
            finish_leaving(self._database, self._archive)
            chosen = self._selection(wanted)
            report, files = self._scan(chosen, write=True)
            crash_point("redecode.scanned")
            redecoding = self._switch(chosen, report, files, who)
            crash_point("redecode.switched")
            refused = self._finish(redecoding)
            return Done(report, self._left_alone(chosen), redecoding.id, tuple(refused))

    def finish_interrupted(self) -> list[Redecoding]:
        """Finish runs that were interrupted after their switch; returns them."""
        with rewriting_history(self._database):
            return self._continue_all()

    def _continue_all(self) -> list[Redecoding]:
        with self._database.read() as connection:
            waiting = repository.unfinished(connection)
        for redecoding in waiting:
            log.info("redecoding_continued", redecoding=redecoding.id)
            self._finish(redecoding)
        return waiting

    def _selection(self, wanted: Wanted) -> Selection:
        with self._database.read() as connection:
            cursor = read_cursor(connection, "series")
            behind = days(connection, archived_days.c.last_position > cursor)
        if behind:
            raise SeriesBehind(
                f"the follower 'series' is at position {cursor} and has to read archived days yet: "
                "let 'stadtsinn cloud run' catch up, then decode again",
                f"der Follower 'series' steht bei Position {cursor} und muss noch verlagerte "
                "Tage lesen: 'stadtsinn cloud run' aufholen lassen, dann noch einmal dekodieren",
            )
        return Selection(wanted.start, wanted.end, cursor, wanted.tenant_id, wanted.devices)

    def _left_alone(self, chosen: Selection) -> int:
        with self._database.read() as connection:
            return repository.count_behind(connection, chosen)

    def _scan(self, chosen: Selection, *, write: bool) -> tuple[Report, list[DayResult]]:
        day = archived_days.c.day
        with self._database.read() as connection:
            listed = days(connection, day > chosen.start - DAY, day < chosen.end)
        report = Report()
        results = []
        for result in self._scan_days(listed, chosen, write=write):
            report.add(result.report)
            results.append(result)
        scanner = Scanner(self._known, chosen)
        conditions = repository.in_table(chosen)
        for batch in table_batches(self._database, NEEDED, *conditions):
            scanner.scan(batch, report)
        return report, results

    def _scan_days(
        self, listed: Sequence[ArchivedDay], chosen: Selection, *, write: bool
    ) -> Iterator[DayResult]:
        tasks = [DayTask(self._archive.folder, day, chosen, write) for day in listed]
        if self._workers.count <= 1 or len(tasks) <= 1:
            for task in tasks:
                yield scan_day(task, self._known)
            return
        with ProcessPoolExecutor(
            self._workers.count,
            multiprocessing.get_context("spawn"),
            start_worker,
            (self._workers.device_folder,),
        ) as pool:
            yield from pool.map(scan_day_in_worker, tasks)

    def _switch(
        self, chosen: Selection, report: Report, files: Sequence[DayResult], who: str
    ) -> Redecoding:
        """The switch: from here on the archive holds the outcomes of the present catalogue."""
        now = self._clock.now()
        with self._database.write() as connection:
            for result in files:
                if result.file is not None:
                    repository.use_file(connection, result.day.day, result.file)
            number = repository.begin(connection, chosen, who, now, report)
            count_revision(connection)
            (begun,) = (one for one in repository.unfinished(connection) if one.id == number)
        log.info(
            "redecoding_begun",
            redecoding=number,
            by=who,
            uplinks=report.differing,
            devices=len(report.devices),
            decoders=begun.decoders,
        )
        return begun

    def _finish(self, redecoding: Redecoding) -> list[Refused]:
        refused: list[Refused] = []
        with self._database.read() as connection:
            waiting = repository.pending(connection, redecoding.id)
        for some in batched(waiting, _TOGETHER):
            refused += self._finish_devices(redecoding, some)
        with self._database.write() as connection:
            repository.finish(connection, redecoding.id, self._clock.now())
        log.info("redecoding_finished", redecoding=redecoding.id, decoders=redecoding.decoders)
        for report in refused:
            log.warning("series_value_refused", what=report.what, reason=report.reason)
        return refused

    def _finish_devices(self, redecoding: Redecoding, waiting: Sequence[Pending]) -> list[Refused]:
        wide = [self._change_rows(redecoding, device) for device in waiting]
        crash_point("redecode.rows_changed")
        parts = self._parts(wide)
        delayed = frozenset(device.dev_eui for device in wide if device.delayed)
        refused = self._rewriter.gather(parts, delayed)
        crash_point("redecode.staged")
        for part in parts:
            self._rewriter.finish(part)
            crash_point("redecode.replaced")
        with self._database.write() as connection:
            for device in wide:
                repository.mark_done(connection, redecoding.id, device, self._clock.now())
        return refused

    def _parts(self, changed: Sequence[Pending]) -> list[SeriesPart]:
        """The parts of stations' series in which points of these devices differ."""
        directory = self._directory.current()
        return joined(
            part
            for device in changed
            if device.first is not None and device.last is not None
            for part in parts_fed_by(
                directory, device.tenant_id, device.dev_eui, device.first, device.last
            )
        )

    def _change_rows(self, redecoding: Redecoding, device: Pending) -> Pending:
        """Write the present catalogue's outcomes into the table's rows of a device."""
        chosen = redecoding.chosen
        scanner = Scanner(self._known, chosen)
        report = Report()
        own = repository.of_device(device.tenant_id, device.dev_eui)
        positions: list[int] = []
        outcomes: list[bytes] = []
        conditions = (*repository.in_table(chosen), *own)
        for batch in table_batches(self._database, NEEDED, *conditions):
            changed = scanner.scan(batch, report)
            positions += integers(batch, "position")[changed.rows].tolist()
            outcomes += changed.outcomes
        if not positions:
            return device
        found = report.devices.get((device.tenant_id, device.dev_eui), DeviceChanges())
        # Before the first row: a run that goes on finds no difference in rows that are changed.
        with self._database.write() as connection:
            wide = repository.widen(connection, redecoding.id, device, found)
        rows = list(zip(positions, outcomes, strict=True))
        for number, some in enumerate(batched(rows, WRITTEN_AT_ONCE)):
            if number:
                self._database.let_others_write()
            with self._database.write() as connection:
                repository.write_outcomes(connection, some)
                count_revision(connection)
            crash_point("redecode.some_rows_changed")
        return wide

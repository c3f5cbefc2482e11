"""Goes through the log, a row group at a time, and finds what decodes to something else today."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.archive_files.archive import Archive, ArchivedDay
from stadtsinn.cloud.log.archive_files.archiving import next_file
from stadtsinn.cloud.log.archive_files.parquet import COLUMNS, RowGroups, integers, write_file
from stadtsinn.cloud.series.redecode import decoding, selection
from stadtsinn.cloud.series.redecode.decoding import BatchRedecoder, Changed
from stadtsinn.cloud.series.redecode.report import Report
from stadtsinn.cloud.series.redecode.selection import Selection
from stadtsinn.decoders.catalogue import Catalogue, catalogue
from stadtsinn.decoders.reading import Outcome

NEEDED = tuple(dict.fromkeys((*selection.NEEDED, *decoding.NEEDED)))
"""Columns that scanning asks for."""

_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode


class Scanner:
    """Compares stored outcomes with those of one catalogue. Not for several threads at once."""

    def __init__(self, known: Catalogue, chosen: Selection) -> None:
        self._redecoder = BatchRedecoder(known)
        self._chosen = chosen

    def scan(self, batch: Any, report: Report) -> Changed:
        """What changes in a batch with the columns NEEDED; counted in the report."""
        mask = self._chosen.mask(batch)
        rows = np.flatnonzero(mask)
        report.uplinks += len(rows)
        if not len(rows):
            return Changed([], [])
        whole = len(rows) == batch.num_rows
        changed = self._redecoder.redecode(batch if whole else batch.take(pa.array(rows)))
        if not whole:
            changed = Changed(rows[changed.rows].tolist(), changed.outcomes)
        self._count(batch, changed, report)
        return changed

    def _count(self, batch: Any, changed: Changed, report: Report) -> None:
        if not changed.rows:
            return
        part = batch.take(pa.array(changed.rows))
        columns = [part.column(name).to_pylist() for name in ("tenant_id", "dev_eui")]
        old = part.column("outcome").to_pylist()
        types = part.column("device_type").to_pylist()
        times = integers(part, "event_time").tolist()
        rows = zip(*columns, types, times, old, changed.outcomes, strict=True)
        for tenant_id, dev_eui, device_type, time, before, now in rows:
            device = report.device(tenant_id, dev_eui)
            device.compare(Instant(time), _decode_outcome(before), _decode_outcome(now))
            device.delayed |= self._redecoder.can_delay(device_type)


@dataclass(frozen=True)
class DayTask:
    """A day's file to be looked through, and written anew where `write` says so."""

    folder: Path
    day: ArchivedDay
    chosen: Selection
    write: bool


@dataclass(frozen=True)
class DayResult:
    """`file` is the new version that was written; None where nothing differs or for a dry run."""

    day: ArchivedDay
    report: Report
    file: str | None


def scan_day(task: DayTask, known: Catalogue) -> DayResult:
    """Look through a day's file; a new version holds the outcomes of now. Nobody reads it yet.

    Raises ArchiveUnreadable, OSError.
    """
    report = Report()
    scanner = Scanner(known, task.chosen)
    with Archive(task.folder).open(task.day) as file:
        for number in range(len(file)):
            changed = scanner.scan(file.read(number, NEEDED), report)
            if changed.rows and task.write:
                name = next_file(task.day.file, task.day.day)
                path = task.folder / name
                write_file(path, _rewritten(file, number, changed, scanner, report))
                return DayResult(task.day, report, name)
    return DayResult(task.day, report, None)


def _rewritten(
    file: RowGroups, number: int, changed: Changed, scanner: Scanner, report: Report
) -> Iterator[Any]:
    """The whole file with the outcomes of now; the first ones that differ are in `number`."""
    for earlier in range(number):
        yield file.read(earlier)
    yield with_outcomes(file.read(number), changed)
    for later in range(number + 1, len(file)):
        batch = file.read(later)
        yield with_outcomes(batch, scanner.scan(batch.select(list(NEEDED)), report))


def with_outcomes(batch: Any, changed: Changed) -> Any:
    """A batch of all columns with other outcomes in some rows."""
    if not changed.rows:
        return batch
    outcomes = batch.column("outcome").to_pylist()
    for row, outcome in zip(changed.rows, changed.outcomes, strict=True):
        outcomes[row] = outcome
    at = COLUMNS.index("outcome")
    return batch.set_column(at, batch.schema.field(at), pa.array(outcomes, pa.large_binary()))


_worker: list[Catalogue] = []


def start_worker(device_folder: Path | None) -> None:
    """In a process of a pool: the catalogue, with a town's own device files."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    known = catalogue()
    if device_folder is not None:
        known.add_folder(device_folder)
    _worker.append(known)


def _end_with_parent() -> None:
    """A killed parent leaves its pool waiting for ever; nothing that it writes is named by then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def scan_day_in_worker(task: DayTask) -> DayResult:
    return scan_day(task, _worker[0])

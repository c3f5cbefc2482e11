"""Replays what lies in quarantine, through the same way as if it came now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from stadtsinn.base.batches import batched
from stadtsinn.base.clock import Clock
from stadtsinn.cloud.intake.arrival import Arrival, Rejection
from stadtsinn.cloud.intake.reading import read_original
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.repository import (
    QuarantineRow,
    mark_rejected_again,
    mark_replayed,
    quarantined,
    quarantined_row,
)
from stadtsinn.cloud.intake.service import Committed, Ingestor, Judged, is_outage
from stadtsinn.cloud.log.archive_files.archive import ArchiveUnreadable
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory

log = structlog.get_logger()

_GROUP = 500

_JudgedRow = tuple[QuarantineRow, Judged]


@dataclass
class ReplayReport:
    """What became of the rows: `taken` into the log, `copies` of what it held, or refused again.

    `resent` were about edges that are registered now: they send everything again by themselves.
    `never` can be taken, whatever is registered or corrected.
    """

    taken: int = 0
    copies: int = 0
    resent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    never: Counter[str] = field(default_factory=Counter)

    @property
    def looked_at(self) -> int:
        return self.taken + self.copies + self.resent + self.refused.total() + self.never.total()


def replay(
    database: Database,
    ingestor: Ingestor,
    clock: Clock,
    *,
    scope: Scope | None = None,
    reason: str | None = None,
    dev_eui: str | None = None,
    row_ids: Sequence[int] | None = None,
) -> ReplayReport:
    """Try the chosen rows again, oldest first; all that were not replayed when none is chosen.

    An uplink gets the event time it always had, so after a registration the device's history
    is complete. `scope` None is for the operator's command line only. Raises SQLAlchemy's errors
    while the database is away, ArchiveUnreadable; what was replayed before stays replayed, and the
    audit of the caller's town says so.
    """
    report = ReplayReport()
    if row_ids is not None:
        for rows in batched(_chosen(database, row_ids, scope), _GROUP):
            replay_rows(database, ingestor, clock, rows, report, scope)
        return report
    after = 0
    while True:
        with database.read() as connection:
            rows = quarantined(
                connection,
                scope=scope,
                reason=reason,
                dev_eui=dev_eui,
                after_id=after,
                limit=_GROUP,
            )
        if not rows:
            return report
        after = rows[-1].id
        replay_rows(database, ingestor, clock, rows, report, scope)


def _chosen(database: Database, row_ids: Sequence[int], scope: Scope | None) -> list[QuarantineRow]:
    with database.read() as connection:
        found = [quarantined_row(connection, row_id, scope) for row_id in sorted(set(row_ids))]
    return [row for row in found if row is not None and row.replayed_at is None]


def replay_rows(
    database: Database,
    ingestor: Ingestor,
    clock: Clock,
    rows: Sequence[QuarantineRow],
    report: ReplayReport,
    by: Scope | None = None,
) -> None:
    """Try these rows again, in one transaction; adds to the report. `by` is who asked for it, for
    the audit. Raises as `replay`."""
    judged: list[_JudgedRow] = []
    for row in rows:
        if row.never is not None:
            report.never[row.never] += 1
            continue
        judged.append((row, ingestor.judge([_read(row, ingestor.directory())])))
    _commit(database, ingestor, clock, judged, report, by)


def _read(row: QuarantineRow, directory: Directory) -> Arrival:
    try:
        return read_original(row.original, directory)
    except Exception as error:  # a bug in reading one row must not stop the next
        log.exception("replay_not_read", row=row.id)
        rejection = Rejection(row.original, Reason.INTERNAL_ERROR, type(error).__name__)
        return Arrival(rejections=[rejection])


def _commit(
    database: Database,
    ingestor: Ingestor,
    clock: Clock,
    judged: Sequence[_JudgedRow],
    report: ReplayReport,
    by: Scope | None,
) -> None:
    """Uplinks into the log and their rows marked, in one transaction.

    Where one uplink makes the database refuse the group, the rest is taken without it, and its
    row says so.
    """
    if not judged:
        return
    try:
        committed = _write(ingestor, clock, judged, by)
    except ArchiveUnreadable:
        raise
    except Exception as error:
        if is_outage(error):
            raise
        if len(judged) > 1:
            for one in judged:
                _commit(database, ingestor, clock, [one], report, by)
            return
        log.exception("replay_refused", row=judged[0][0].id)
        _set_back(database, judged[0][0], type(error).__name__)
        report.refused[Reason.REFUSED_BY_DATABASE] += 1
        return
    ingestor.count(committed)
    report.taken += committed.new.total()
    report.copies += committed.copies.total()
    for _, verdict in judged:
        if verdict.rejections:
            report.refused[verdict.rejections[0].reason] += 1
        else:
            report.resent += not verdict.entries


def _write(
    ingestor: Ingestor, clock: Clock, judged: Sequence[_JudgedRow], by: Scope | None
) -> Committed:
    def mark(connection: Connection) -> None:
        if by is not None:
            record(connection, by, clock.now(), [_line(by, judged)])
        for row, verdict in judged:
            if verdict.rejections:
                again = verdict.rejections[0]
                mark_rejected_again(connection, row.id, again.reason, again.detail)
            else:
                mark_replayed(connection, row.id, clock.now())

    entries = [entry for _, verdict in judged for entry in verdict.entries]
    return ingestor.write(Judged(entries), mark)


def _set_back(database: Database, row: QuarantineRow, why: str) -> None:
    detail = f"the replay failed with {why}: please report this with the log of the moment"
    with database.write() as connection:
        mark_rejected_again(connection, row.id, Reason.REFUSED_BY_DATABASE, detail)


def _line(by: Scope, judged: Sequence[_JudgedRow]) -> Line:
    taken = sum(not verdict.rejections for _, verdict in judged)
    return Line(by.tenant_id, Action.DONE, Kind.REPLAY, "", f"taken: {taken}/{len(judged)}")

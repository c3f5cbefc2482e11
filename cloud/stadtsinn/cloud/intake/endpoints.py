"""The tenant's own quarantine: see what was not taken, and try it again."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import structlog
from fastapi import APIRouter, Query

from stadtsinn.base.problems import NotFound, Unavailable
from stadtsinn.cloud.intake.opening import open_ingestor
from stadtsinn.cloud.intake.quarantine import replay
from stadtsinn.cloud.intake.reasons import NOT_THEIRS
from stadtsinn.cloud.intake.repository import quarantined, quarantined_row
from stadtsinn.cloud.intake.schemas import QuarantineItem, Replayed, view
from stadtsinn.cloud.intake.service import DatabaseAway
from stadtsinn.cloud.log.archive_files.archive import ArchiveUnreadable
from stadtsinn.cloud.log.history.dependencies import ArchiveDep
from stadtsinn.cloud.platform.access.dependencies import (
    EditorDep,
    ReaderDep,
    ServicesDep,
)
from stadtsinn.cloud.platform.api.fields import Id
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath
from stadtsinn.cloud.town.directory import DirectoryCache

log = structlog.get_logger()

router = APIRouter(tags=["quarantine"])


@router.get("/quarantine", summary="List quarantine · Quarantäne auflisten")
def list_quarantine(
    behind: ServicesDep,
    scope: ReaderDep,
    page: PageDep,
    reason: Annotated[str | None, Query(max_length=64)] = None,
    dev_eui: Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")] = None,
) -> Page[QuarantineItem]:
    """What came from your edges and network servers and was not taken, newest first."""
    with behind.database.read() as connection:
        rows = quarantined(
            connection,
            scope=scope,
            reason=reason,
            dev_eui=dev_eui,
            before_id=page.after_number,
            limit=page.fetch,
        )
    return page_of(rows, page, key=lambda row: row.id, view=view)


@router.get("/quarantine/{row_id}", summary="Read an item · Eintrag lesen")
def show_quarantined(behind: ServicesDep, scope: ReaderDep, row_id: IdInPath) -> QuarantineItem:
    """One item of the quarantine."""
    with behind.database.read() as connection:
        row = quarantined_row(connection, row_id, scope)
    if row is None:
        raise NotFound(
            f"There is no item {row_id} in your quarantine.",
            f"In der Quarantäne dieser Stadt gibt es keinen Eintrag {row_id}.",
        )
    return view(row)


@router.post("/quarantine/replay", summary="Try again · Erneut versuchen")
def replay_quarantine(
    behind: ServicesDep,
    scope: EditorDep,
    archive: ArchiveDep,
    dev_eui: Annotated[str | None, Query(pattern="^[0-9a-f]{16}$")] = None,
    row_id: Annotated[list[Id] | None, Query(max_length=500)] = None,
) -> Replayed:
    """Try again, e.g. after a device was registered; its uplinks keep their event times.

    Without `dev_eui` and `row_id` everything in your quarantine is tried.
    """
    directory = DirectoryCache(behind.database)
    ingestor = open_ingestor(behind.database, directory, behind.clock, archive)
    try:
        report = replay(
            behind.database, ingestor, behind.clock, scope=scope, dev_eui=dev_eui, row_ids=row_id
        )
    except DatabaseAway:
        raise Unavailable(
            "The database is away; try again soon.",
            "Die Datenbank ist fort; gleich noch einmal versuchen.",
        ) from None
    except ArchiveUnreadable:
        log.exception("archive_unreadable")
        raise Unavailable(
            "Old uplinks cannot be read just now; try again later.",
            "Alte Meldungen sind gerade nicht lesbar; später noch einmal versuchen.",
        ) from None
    refused: Counter[str] = Counter()
    for reason, count in report.refused.items():
        refused["unregistered_device" if reason in NOT_THEIRS else reason] += count
    return Replayed(
        taken=report.taken,
        copies=report.copies,
        resent=report.resent,
        refused=dict(refused),
        never=dict(report.never),
    )

"""The uplinks of a device, as they were received."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from starlette.requests import ClientDisconnect

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Unavailable
from stadtsinn.cloud.log.archive_files.archive import ArchiveUnreadable
from stadtsinn.cloud.log.history.dependencies import ArchiveDep
from stadtsinn.cloud.log.history.schemas import UplinkView, view
from stadtsinn.cloud.log.reader import CallerLeft, history
from stadtsinn.cloud.log.uplinks.history_item import page_length
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.leaving import HasLeftDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import DevEuiInPath
from stadtsinn.cloud.platform.api.times import HOW, GivenTime
from stadtsinn.cloud.platform.limits.service import require_days
from stadtsinn.cloud.town.repository import require_history

log = structlog.get_logger()

router = APIRouter(tags=["uplinks"])


@router.get("/devices/{dev_eui}/uplinks", summary="List uplinks · Rohdaten auflisten")
def list_uplinks(
    behind: ServicesDep,
    archive: ArchiveDep,
    scope: ReaderDep,
    page: PageDep,
    has_left: HasLeftDep,
    dev_eui: DevEuiInPath,
    start: Annotated[GivenTime | None, Query(description=f"First event time. {HOW}")] = None,
    end: Annotated[GivenTime | None, Query(description=f"Event time to stop before. {HOW}")] = None,
) -> Page[UplinkView]:
    """Every uplink of a device with payload, values, times and gateways; newest commit first.

    Of a device that was handed over or deleted, those of the caller's own time. A page of very
    large uplinks ends early.
    """
    if start is not None:
        require_days(scope, Instant(start), behind.clock.now() if end is None else Instant(end))
    with behind.database.read() as connection:
        require_history(connection, scope, dev_eui)
        try:
            items = history(
                connection,
                archive,
                scope,
                dev_eui,
                start=_instant(start),
                end=_instant(end),
                before_position=page.after_number,
                limit=page.fetch,
                has_left=has_left,
            )
        except CallerLeft:
            raise ClientDisconnect from None
        except ArchiveUnreadable:
            log.exception("archive_unreadable")
            raise Unavailable(
                "Archived uplinks cannot be read at the moment; ask the operator.",
                "Verlagerte Meldungen sind gerade nicht lesbar; den Betreiber fragen.",
            ) from None
    page = replace(page, limit=min(page.limit, max(1, page_length(items))))
    return page_of(items, page, key=lambda item: item.uplink.position, view=view)


def _instant(moment: int | None) -> Instant | None:
    return None if moment is None else Instant(moment)

"""The uplinks of a device, as they were received."""

from __future__ import annotations

from typing import Annotated

import structlog
from fastapi import APIRouter, Query

from stadtsinn.base.instant import Instant, parse
from stadtsinn.base.problems import Invalid, Unavailable
from stadtsinn.cloud.log.archive_files.archive import ArchiveUnreadable
from stadtsinn.cloud.log.history.dependencies import ArchiveDep
from stadtsinn.cloud.log.history.schemas import UplinkView, view
from stadtsinn.cloud.log.reader import history
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.fields import DevEuiInPath
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.town.repository import device

log = structlog.get_logger()

router = APIRouter(tags=["uplinks"])

_WHEN = "ISO 8601 with offset, e.g. 2026-09-26T08:00:00+02:00."


@router.get("/devices/{dev_eui}/uplinks", summary="List uplinks · Rohdaten auflisten")
def list_uplinks(
    behind: ServicesDep,
    archive: ArchiveDep,
    scope: ReaderDep,
    page: PageDep,
    dev_eui: DevEuiInPath,
    start: Annotated[
        str | None, Query(max_length=40, description=f"First event time. {_WHEN}")
    ] = None,
    end: Annotated[
        str | None, Query(max_length=40, description=f"Event time to stop before. {_WHEN}")
    ] = None,
) -> Page[UplinkView]:
    """Every uplink of a device with payload, values, times and gateways; newest commit first."""
    with behind.database.read() as connection:
        device(connection, scope, dev_eui)
        try:
            items = history(
                connection,
                archive,
                scope,
                dev_eui,
                start=_instant("start", start),
                end=_instant("end", end),
                before_position=page.after_number,
                limit=page.fetch,
            )
        except ArchiveUnreadable:
            log.exception("archive_unreadable")
            raise Unavailable(
                "Archived uplinks cannot be read at the moment; ask the operator."
            ) from None
    return page_of(items, page, key=lambda item: item.uplink.position, view=view)


def _instant(name: str, text: str | None) -> Instant | None:
    if text is None:
        return None
    try:
        return parse(text.replace(" ", "+"))  # an unescaped "+" of the offset arrives as a space
    except (ValueError, OverflowError):
        raise Invalid(f"'{name}' is no time: give {_WHEN}") from None

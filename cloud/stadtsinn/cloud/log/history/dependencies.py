"""The archive of the log, for endpoints."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from stadtsinn.cloud.log.archive_files.archive import Archive


def archive(request: Request) -> Archive | None:
    """Where old uplinks lie; None only where none were ever archived."""
    return cast("Archive | None", request.app.state.archive)


ArchiveDep = Annotated[Archive | None, Depends(archive)]

"""The archive of the log, for endpoints."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from stadtsinn.cloud.log.archive_files.archive import Archive


def archive(request: Request) -> Archive:
    """Where old uplinks lie."""
    return cast(Archive, request.app.state.archive)


ArchiveDep = Annotated[Archive, Depends(archive)]

"""The series store, for endpoints."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from stadtsinn.cloud.series.stores.store import SeriesStore


def series_store(request: Request) -> SeriesStore:
    return cast(SeriesStore, request.app.state.series)


SeriesDep = Annotated[SeriesStore, Depends(series_store)]

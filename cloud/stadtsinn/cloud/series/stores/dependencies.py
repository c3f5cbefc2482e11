"""Series as endpoints read them: within the retention of each datastream."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from stadtsinn.cloud.series.stores.store import SeriesReader


def series_reader(request: Request) -> SeriesReader:
    return cast(SeriesReader, request.app.state.series)


SeriesDep = Annotated[SeriesReader, Depends(series_reader)]

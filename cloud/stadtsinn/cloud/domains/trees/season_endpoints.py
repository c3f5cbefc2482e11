"""What the soil answered, what that calibrates, and seasons over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from stadtsinn.base.berlin import local
from stadtsinn.base.csv_text import MEDIA_TYPE as CSV
from stadtsinn.base.csv_text import Locale
from stadtsinn.cloud.domains.trees.answers import Answer
from stadtsinn.cloud.domains.trees.list_schemas import (
    AnswersView,
    AnswerView,
    CalibrationView,
    DepthAnswerView,
    GroupSeasonView,
    SeasonView,
    watering_view,
)
from stadtsinn.cloud.domains.trees.season_csv import season_csv
from stadtsinn.cloud.domains.trees.season_service import answers_of, season_of
from stadtsinn.cloud.platform.access.dependencies import ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.series.stores.dependencies import SeriesDep

router = APIRouter(tags=["trees"])


class Format(StrEnum):
    """How a season is written."""

    JSON = "json"
    CSV = "csv"


@router.get(
    "/tree-groups/{group}/answers",
    summary="Did the soil answer? · Hat der Boden geantwortet?",
)
def read_answers(
    scope: ReaderDep,
    services: ServicesDep,
    series: SeriesDep,
    group: SlugInPath,
    days: Annotated[int, Query(ge=1, le=400, description="So far back.")] = 90,
) -> AnswersView:
    """The waterings of the tree at the group's station, and how much wetter the soil was within 24
    hours; from all of them, what 100 litres do to each depth."""
    now = services.clock.now()
    found = answers_of(services.database, series, scope, group, days, now)
    return AnswersView(
        reference_tree=found.reference_tree,
        items=[_answer(one) for one in found.answers],
        calibration=[CalibrationView(**asdict(one)) for one in found.calibration],
    )


@router.get(
    "/watering-report",
    summary="A season: litres, waterings, dry days · Gießjahr",
    response_model=SeasonView,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def read_season(
    scope: ReaderDep,
    services: ServicesDep,
    year: Annotated[int | None, Query(ge=1970, le=2254, description="This one by default.")] = None,
    format_: Annotated[Format, Query(alias="format")] = Format.JSON,
    locale: Annotated[
        Locale, Query(description="`de`: CSV as people and Excel read it.")
    ] = Locale.EN,
) -> SeasonView | Response:
    now = services.clock.now()
    wanted = year or local(now).year
    made = season_of(services.database, scope, wanted, now)
    if format_ is Format.CSV:
        headers = {"Content-Disposition": f'attachment; filename="giessjahr-{wanted}.csv"'}
        return Response(season_csv(made, locale), media_type=CSV, headers=headers)
    return SeasonView(
        year=wanted,
        items=[GroupSeasonView(**asdict(one)) for one in made.groups],
        litres=made.litres,
        waterings=made.waterings,
        at_risk=list(made.at_risk),
        at_risk_count=made.at_risk_count,
        former_trees=made.former_trees,
    )


def _answer(one: Answer) -> AnswerView:
    return AnswerView(
        watering=watering_view(one.watering),
        outcome=one.outcome,
        depths=[DepthAnswerView(**asdict(depth)) for depth in one.depths],
        rain_mm=one.rain_mm,
    )

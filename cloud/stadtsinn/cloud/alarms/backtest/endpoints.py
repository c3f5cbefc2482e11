"""Back-tests over HTTP, for a rule editor: bounded, one of a town at a time, nothing is written."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter
from pydantic import ConfigDict, Field, JsonValue

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.base.problems import Invalid, TooMany
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.backtest.chart import drawn
from stadtsinn.cloud.alarms.backtest.grid import Grid, grid_of
from stadtsinn.cloud.alarms.backtest.labels import Label
from stadtsinn.cloud.alarms.backtest.schemas import BacktestView, view
from stadtsinn.cloud.alarms.backtest.service import Question, prepare, report
from stadtsinn.cloud.alarms.backtest.tasks import Outcome, Task, run
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ServicesDep
from stadtsinn.cloud.platform.api.fields import ShortText, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import GivenTime
from stadtsinn.cloud.platform.limits.service import require_days
from stadtsinn.cloud.series.stores.dependencies import SeriesDep
from stadtsinn.cloud.series.stores.store import SeriesReader
from stadtsinn.rules.history.course import Exhausted

router = APIRouter()

MOST_STATIONS = 50
MOST_VALUES = 600_000
"""Of a station: ten years of a value every ten minutes are fewer."""
MOST_JUDGED = 20_000
"""Values that the engine judges itself, of a station and a variation."""
MOST_HAPPENED = 20_000
"""Beginnings, messages and ends of alarms, of all stations: each is worded and shown."""
MOST_TRIED = 25
SECONDS = 10.0
"""After so long no further station is begun."""
_AT_ONCE = 2
"""Back-tests in one process: they compute, and others want to be answered."""

_EXAMPLE: dict[str, JsonValue] = {
    "rule": {
        "slug": "wochenmarkt-voll",
        "name": "Wochenmarkt voll",
        "zone": "wochenmarkt",
        "on": 900,
        "off": 850,
        "recipients": ["ordnungsamt"],
    },
    "start": "2026-09-26",
    "end": "2026-09-27",
    "grid": {},
}


class LabelBody(Model):
    """Something that really happened, of which an alarm should tell."""

    start: GivenTime
    end: GivenTime
    label: ShortText = ""
    station: Annotated[Slug | None, Field(description="Of a group; else of all.")] = None


class GridBody(Model):
    """What is tried besides the rule itself; empty: settings around the rule's own."""

    limits: Annotated[
        tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(max_length=MOST_TRIED)
    ] = ()
    holds: Annotated[
        tuple[Annotated[int, Field(ge=0, le=604_800)], ...], Field(max_length=MOST_TRIED)
    ] = ()


class BacktestBody(Model):
    """A rule, which need not exist, and the time that it is tried over."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    rule: Rule
    start: GivenTime
    end: GivenTime
    labels: Annotated[tuple[LabelBody, ...] | None, Field(max_length=1_000)] = None
    grid: GridBody | None = None
    language: Annotated[Language, Field(description="Of messages and notes.")] = Language.DE
    svg: Annotated[bool, Field(description="With a picture of it.")] = False


class BacktestAnswer(BacktestView):
    """With a picture, where one was wanted."""

    svg: str | None = Field(description="An SVG document.")


class Turns:
    """Who tries a rule just now: one of a town, and few of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._towns: set[str] = set()

    @contextmanager
    def one(self, tenant_id: str) -> Iterator[None]:
        """Raises TooMany."""
        with self._lock:
            if tenant_id in self._towns or len(self._towns) >= _AT_ONCE:
                raise TooMany(
                    "A back-test is running already. Wait for its answer and try again.",
                    "Es läuft schon ein Rückblick. Auf seine Antwort warten und es noch einmal "
                    "versuchen.",
                )
            self._towns.add(tenant_id)
        try:
            yield
        finally:
            with self._lock:
                self._towns.discard(tenant_id)


turns = Turns()


@router.post(
    "/rules/backtest",
    tags=["rules"],
    summary="Try a rule over the past · Regel an der Vergangenheit ausprobieren",
)
def backtest(
    scope: EditorDep, services: ServicesDep, series: SeriesDep, body: BacktestBody
) -> BacktestAnswer:
    """Every message that the rule would have sent, when and to whom. Nothing is changed and nobody
    is told. Long times and many stations are for `stadtsinn rule backtest` on the server."""
    require_days(scope, Instant(body.start), Instant(body.end))
    question = Question(
        body.rule,
        Instant(body.start),
        Instant(body.end),
        None if body.labels is None else _labels(body.labels),
        None if body.grid is None else _grid(body.rule, body.grid),
        body.language,
        MOST_STATIONS,
        MOST_VALUES,
        MOST_JUDGED,
    )
    with turns.one(scope.tenant_id):
        with services.database.read() as connection:
            prepared = prepare(connection, scope, question)
        found = report(prepared, _in_time(prepared.tasks, series))
        picture = drawn(found) if body.svg else None
        return BacktestAnswer(**dict(view(found)), svg=picture)


def _in_time(tasks: tuple[Task, ...], series: SeriesReader) -> Iterator[Outcome]:
    began, happened = time.monotonic(), 0
    for task in tasks:
        if time.monotonic() - began > SECONDS:
            raise _too_much()
        try:
            outcome = run(task, series)
        except Exhausted:
            raise _too_much() from None
        happened += len(outcome.happened)
        if happened > MOST_HAPPENED:
            raise _too_much()
        yield outcome


def _too_much() -> Invalid:
    return Invalid(
        "This is too much for one request: ask for a shorter time, fewer stations or a smaller "
        "grid, or use 'stadtsinn rule backtest' on the server.",
        "Das ist zu viel für eine Anfrage: eine kürzere Zeit, weniger Messstellen oder ein "
        "kleineres Raster angeben, oder 'stadtsinn rule backtest' auf dem Server nehmen.",
    )


def _labels(labels: tuple[LabelBody, ...]) -> list[Label]:
    for one in labels:
        if one.end <= one.start:
            raise Invalid(
                "'end' of a label has to lie after its 'start'.",
                "'end' eines Ereignisses muss nach seinem 'start' liegen.",
            )
    return [
        Label(Instant(one.start), Instant(one.end), one.label, one.station or "") for one in labels
    ]


def _grid(rule: Rule, wanted: GridBody) -> Grid:
    try:
        return grid_of(rule, wanted.limits, wanted.holds, MOST_TRIED)
    except Unusable as error:
        raise Invalid.of(error.sentence) from None

"""Health and metrics of the process that serves the API, for operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import REGISTRY, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.health import Check, HealthServer, encode
from stadtsinn.cloud.operations.pulses import missing
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.database.sqlite_file import DatabaseDamaged
from stadtsinn.cloud.series.stores.store import SeriesStore, SeriesUnavailable


def service_router(
    database: Database,
    series: SeriesStore,
    checks: Mapping[str, Callable[[], Check]] | None = None,
    beside: Sequence[str] = (),
) -> APIRouter:
    """``/healthz`` and ``/metrics``; `checks` come from the other roles of the process, `beside`
    names the health pages of other processes."""
    router = APIRouter(tags=["service"])
    all_checks = {
        "database": lambda: _check_database(database),
        "series": lambda: _check_series(series),
        **(checks or {}),
    }
    health = HealthServer(checks=all_checks, beside=beside)

    @router.get("/healthz", summary="Does it work? · Läuft alles?", response_class=Response)
    def healthz() -> Response:
        """200 when every part works, else 503; the body has each part with its state."""
        report = health.report()
        return Response(encode(report), 200 if report.ok else 503, media_type="application/json")

    @router.get("/metrics", summary="Prometheus metrics · Kennzahlen", response_class=Response)
    def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @router.get("/heartbeat", include_in_schema=False)  # it may say 503 while all is well here
    def heartbeat() -> Response:
        """For an outside monitor: 200 while ingest, rules and outbox really run, in whatever
        process; else 503."""
        with database.read() as connection:
            absent = missing(connection, SystemClock().now())
        said = f"missing: {', '.join(absent)}" if absent else "beats"
        return Response(f"{said}\n", 503 if absent else 200, media_type="text/plain")

    return router


def _check_database(database: Database) -> Check:
    try:
        with database.read() as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseDamaged as error:
        return Check(ok=False, detail=str(error))
    except SQLAlchemyError as error:
        return Check(ok=False, detail=f"does not answer ({type(error).__name__})")
    return Check(ok=True, detail="answers")


def _check_series(series: SeriesStore) -> Check:
    try:
        series.ping()
    except SeriesUnavailable:
        return Check(ok=False, detail="does not answer")
    return Check(ok=True, detail="answers")

"""The HTTP application: every domain's endpoints under ``/api/v1``, public pages beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from stadtsinn.base.health import Check
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts.endpoints import router as alerts_router
from stadtsinn.cloud.alarms.answers.endpoints import router as answers_router
from stadtsinn.cloud.alarms.answers.inbound_endpoints import inbound_router
from stadtsinn.cloud.alarms.backtest.endpoints import router as backtest_router
from stadtsinn.cloud.alarms.duty.endpoints import router as duty_router
from stadtsinn.cloud.alarms.notify.endpoints import page_router as phone_router
from stadtsinn.cloud.alarms.notify.endpoints import report_router
from stadtsinn.cloud.alarms.notify.endpoints import router as notify_router
from stadtsinn.cloud.domains.crowd.endpoints import router as crowd_router
from stadtsinn.cloud.domains.crowd.zones.endpoints import router as zone_router
from stadtsinn.cloud.domains.parking.endpoints import router as parking_router
from stadtsinn.cloud.domains.trees.endpoints import router as tree_router
from stadtsinn.cloud.domains.trees.list_endpoints import router as watering_router
from stadtsinn.cloud.domains.trees.season_endpoints import router as season_router
from stadtsinn.cloud.domains.water.endpoints import router as water_router
from stadtsinn.cloud.intake.device_claims.endpoints import router as claims_router
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.intake.endpoints import router as ingest_router
from stadtsinn.cloud.log.archive_files.archive import Archive
from stadtsinn.cloud.log.history.endpoints import router as log_router
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.endpoints import router as access_router
from stadtsinn.cloud.platform.api.errors import install_error_handlers
from stadtsinn.cloud.platform.audit.endpoints import router as audit_router
from stadtsinn.cloud.platform.retention.endpoints import router as retention_router
from stadtsinn.cloud.publish.api.document import openapi_document
from stadtsinn.cloud.publish.api.fair_share import FairShare
from stadtsinn.cloud.publish.api.middleware import API_PREFIX, RequestMiddleware
from stadtsinn.cloud.publish.api.parameters import only_known_parameters
from stadtsinn.cloud.publish.api.reference import router as reference_router
from stadtsinn.cloud.publish.api.service_endpoints import service_router
from stadtsinn.cloud.publish.api.visible_answers import VisibleAnswers
from stadtsinn.cloud.publish.clients import NO_PROXIES, Proxies
from stadtsinn.cloud.publish.web.answers import Answers
from stadtsinn.cloud.publish.web.endpoints import router as web_router
from stadtsinn.cloud.publish.web.memory import FromMemory, Memory
from stadtsinn.cloud.publish.web.parking import PublicParking
from stadtsinn.cloud.publish.web.parking import router as public_parking_router
from stadtsinn.cloud.publish.web.settings import WebSettings, settings_of
from stadtsinn.cloud.series.answers.endpoints import router as series_router
from stadtsinn.cloud.series.corrections.endpoints import router as corrections_router
from stadtsinn.cloud.series.retention.kept import KeptSeries
from stadtsinn.cloud.series.stores.store import SeriesStore, SeriesUnavailable
from stadtsinn.cloud.town.edge_authority import EdgeAuthority
from stadtsinn.cloud.town.endpoints import router as registry_router
from stadtsinn.cloud.town.stations.endpoints import router as stations_router

# Each domain's own endpoints, all of which ask for a key.
DOMAIN_ROUTERS = (
    registry_router,
    stations_router,
    log_router,
    ingest_router,
    claims_router,
    series_router,
    corrections_router,
    zone_router,
    crowd_router,
    tree_router,
    watering_router,
    season_router,
    parking_router,
    water_router,
    alerts_router,
    answers_router,
    backtest_router,
    notify_router,
    duty_router,
    access_router,
    audit_router,
    retention_router,
)
# Under the same prefix, for callers with another secret than an API key.
REPORT_ROUTERS = (report_router, inbound_router)
# Pages and data for everybody.
OPEN_ROUTERS: tuple[APIRouter, ...] = (phone_router, public_parking_router, web_router)

_UNAVAILABLE: Mapping[type[Exception], Sentence] = {
    SeriesUnavailable: Sentence(
        "The store of measured values does not answer. Try again in a moment.",
        "Die Ablage der Messwerte antwortet nicht. Gleich noch einmal versuchen.",
    )
}


def create_app(
    services: Services,
    series: SeriesStore,
    archive: Archive,
    checks: Mapping[str, Callable[[], Check]] | None = None,
    beside: Sequence[str] = (),
    proxies: Proxies = NO_PROXIES,
    *,
    web: WebSettings | None = None,
    claims: ClaimSettings | None = None,
    edges: EdgeAuthority | None = None,
) -> FastAPI:
    """The application over these stores; `checks` are the process's other health checks, `beside`
    the addresses of other processes' health pages. `proxies` are believed about who asks. Without
    `edges` no edge's certificate counts."""
    own = APIRouter(generate_unique_id_function=_operation_id)
    own.include_router(service_router(services.database, series, checks, beside))
    app = FastAPI(
        title="stadtsinn",
        version=version("stadtsinn"),
        openapi_url=f"{API_PREFIX}/openapi.json",
        # FastAPI's own pages load scripts from elsewhere; ours is in api/reference.py.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
        routes=[*own.routes, *_routes()],
    )
    app.state.services = services
    app.state.series = KeptSeries(series, services.database, services.clock)
    app.state.archive = archive
    app.state.web_settings = web or WebSettings()
    app.state.claim_settings = claims or ClaimSettings()
    app.state.edge_authority = edges or EdgeAuthority()
    install_error_handlers(app, _UNAVAILABLE)
    app.state.public_answers = Answers(partial(settings_of, app))
    app.state.public_memory = Memory(services)
    app.state.public_parking = PublicParking()
    # The last one added is the first that a request meets.
    app.add_middleware(VisibleAnswers)
    app.add_middleware(FairShare, proxies=proxies)
    app.add_middleware(RequestMiddleware)
    networks = [str(network) for network in proxies.networks]
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=networks)
    app.add_middleware(FromMemory, services=services, memory=app.state.public_memory)
    app.openapi = partial(openapi_document, app)  # type: ignore[method-assign]
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes that every application of this process shares. FastAPI reads the parameters of an
    endpoint at the first request; for all of them that takes half a second."""
    shared = APIRouter(generate_unique_id_function=_operation_id)
    for router in DOMAIN_ROUTERS:
        known = [Depends(only_known_parameters)]
        shared.include_router(router, prefix=API_PREFIX, dependencies=known)
    for router in (*REPORT_ROUTERS, reference_router):
        shared.include_router(router, prefix=API_PREFIX)
    for router in OPEN_ROUTERS:
        shared.include_router(router)
    return shared.routes


def _operation_id(route: APIRoute) -> str:
    tag = str(route.tags[0]) if route.tags else "other"
    return f"{tag}.{route.name}"

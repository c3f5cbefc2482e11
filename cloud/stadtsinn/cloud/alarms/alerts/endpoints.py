"""Rules and incidents over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import Connection, Row

from stadtsinn.base.berlin import isoformat, write_time
from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.alarms.alerts import (
    attention_repository,
    incident_repository,
    repository,
    service,
)
from stadtsinn.cloud.alarms.alerts.attention_repository import Acknowledgement
from stadtsinn.cloud.alarms.alerts.cap import MEDIA_TYPE as CAP
from stadtsinn.cloud.alarms.alerts.cap_service import cap_of
from stadtsinn.cloud.alarms.alerts.incident_repository import NAMED, Key, Standing
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.rule import Rule, RuleBody
from stadtsinn.cloud.alarms.alerts.schemas import (
    AcknowledgedView,
    IncidentView,
    MemberView,
    RuleStateView,
    RuleView,
)
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.town.changing import changing
from stadtsinn.cloud.town.service import change
from stadtsinn.rules.state import Phase, RuleState

router = APIRouter()


# --- rules -----------------------------------------------------------------------------


def _view(
    stored: StoredRule, states: Mapping[Key, Standing], stations: Mapping[int, str]
) -> RuleView:
    named = states.get((stored.id, NAMED))
    return RuleView.model_construct(
        **dict(stored.rule),
        state=RuleStateView(**_state(named)) if named else None,
        members=tuple(
            MemberView(station=stations[member], **_state(standing))
            for (rule_id, member), standing in states.items()
            if rule_id == stored.id and member in stations
        ),
    )


def _is_worth_a_look(state: RuleState) -> bool:
    return state.stale or state.phase is not Phase.OK


def _state(standing: Standing) -> dict[str, Any]:
    state = standing.state
    return {
        "phase": state.phase,
        "stale": state.stale,
        "since": write_time(_since(state)),
        "level": state.level if state.alarmed else 0,
        "last_event": write_time(state.last_event),
        "last_value": state.last_value,
    }


def _since(state: RuleState) -> Instant | None:
    """Since when it waits or recovers; else when the open alarm began."""
    if state.alarmed and (state.since is None or state.phase is Phase.FIRING):
        return state.opened_at
    return state.since


def _views(
    connection: Connection, scope: ReaderDep, found: Sequence[StoredRule]
) -> dict[int, RuleView]:
    states = incident_repository.read_states(connection, [stored.id for stored in found])
    shown = {member for (_, member), one in states.items() if _is_worth_a_look(one.state)}
    stations = repository.station_slugs(connection, scope, shown)
    return {stored.id: _view(stored, states, stations) for stored in found}


@router.get("/rules", tags=["rules"], summary="List rules · Regeln auflisten")
def list_rules(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[RuleView]:
    """Each rule with its present state."""
    with services.database.read() as connection:
        found = repository.rules_page(connection, scope, page.after_text, page.fetch)
        views = _views(connection, scope, found)
    return page_of(found, page, lambda stored: stored.rule.slug, lambda stored: views[stored.id])


@router.post("/rules", tags=["rules"], status_code=201, summary="Create a rule · Regel anlegen")
def create_rule(scope: EditorDep, services: ServicesDep, body: Rule) -> RuleView:
    """It judges from the next measurement on."""
    with changing(services, scope) as connection:
        service.create_rule(connection, scope, body)
    return read_rule(scope, services, body.slug)


@router.get("/rules/{rule}", tags=["rules"], summary="Read a rule · Regel lesen")
def read_rule(scope: ReaderDep, services: ServicesDep, rule: SlugInPath) -> RuleView:
    with services.database.read() as connection:
        return _read(connection, scope, rule)


@router.put("/rules/{rule}", tags=["rules"], summary="Replace a rule · Regel ändern")
def replace_rule(
    scope: EditorDep, services: ServicesDep, rule: SlugInPath, body: RuleBody
) -> RuleView:
    """A change of what it judges ends an open alarm; its recipients get the reason in a message."""
    with changing(services, scope) as connection:
        service.replace_rule(connection, scope, Rule(slug=rule, **dict(body)))
    return read_rule(scope, services, rule)


@router.delete(
    "/rules/{rule}", tags=["rules"], status_code=204, summary="Delete a rule · Regel löschen"
)
def delete_rule(scope: EditorDep, services: ServicesDep, rule: SlugInPath) -> None:
    """Its incidents stay on record; recipients of an open alarm get a message that it ended."""
    while True:
        now = services.clock.now()
        with change(services.database, scope, now) as connection:
            if service.delete_rule(connection, scope, rule, now):
                return
        services.database.let_others_write()


def _read(connection: Connection, scope: ReaderDep, slug: str) -> RuleView:
    stored = repository.rule(connection, scope, slug)
    return _views(connection, scope, [stored])[stored.id]


IncidentInPath = Annotated[str, Path(pattern=r"^[0-9]{1,19}-[0-9]{1,19}(-[0-9]{1,19})?$")]


# --- incidents -------------------------------------------------------------------------


def _incident_views(connection: Connection, rows: Sequence[Row[Any]]) -> list[IncidentView]:
    found = attention_repository.acknowledgements_of(connection, [row.id for row in rows])
    return [_incident_view(row, found.get(row.id, ())) for row in rows]


def _incident_view(row: Row[Any], acknowledged: Sequence[Acknowledgement]) -> IncidentView:
    return IncidentView(
        id=row.id,
        rule=row.rule,
        rule_name=row.rule_name,
        station=row.station,
        station_name=row.station_name,
        level=row.level,
        opened_at=isoformat(row.opened_at),
        opening_value=row.opening_value,
        late=row.late,
        announced_at=write_time(row.announced_at),
        closed_at=write_time(row.closed_at),
        close_reason=row.close_reason,
        closing_value=row.closing_value,
        acknowledged=acknowledged_view(acknowledged[-1]) if acknowledged else None,
    )


def acknowledged_view(one: Acknowledgement) -> AcknowledgedView:
    return AcknowledgedView(level=one.level, at=isoformat(one.at), by=one.by, via=one.via)


def _cursor(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    opened_at, _, key = text.partition("/")
    if not opened_at.isascii() or not opened_at.isdigit() or len(opened_at) > 18 or not key:
        raise Invalid(
            "This cursor belongs to another list. Use `next` of the page before, or none.",
            "Diese Marke gehört zu einer anderen Liste. `next` der Seite davor nehmen, oder keine.",
        )
    return int(opened_at), key


@router.get(
    "/incidents", tags=["incidents"], summary="List incidents, newest first · Alarme auflisten"
)
def list_incidents(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    still_open: Annotated[
        bool | None, Query(alias="open", description="Only those still open, or only the others.")
    ] = None,
    rule: Annotated[
        str | None, Query(pattern=SHORT_NAME, max_length=63, description="Only of one rule.")
    ] = None,
    station: Annotated[
        str | None, Query(pattern=SHORT_NAME, max_length=63, description="Only of one station.")
    ] = None,
) -> Page[IncidentView]:
    with services.database.read() as connection:
        rows = incident_repository.incidents_page(
            connection,
            scope,
            _cursor(page.after_text),
            page.fetch,
            still_open=still_open,
            rule=rule,
            station=station,
        )
        views = {view.id: view for view in _incident_views(connection, rows)}
    return page_of(rows, page, lambda row: f"{row.opened_at}/{row.id}", lambda row: views[row.id])


@router.get("/incidents/{incident}", tags=["incidents"], summary="Read an incident · Alarm lesen")
def read_incident(
    scope: ReaderDep,
    services: ServicesDep,
    incident: IncidentInPath,
) -> IncidentView:
    with services.database.read() as connection:
        row = incident_repository.incident(connection, scope, incident)
        return _incident_views(connection, [row])[0]


@router.get(
    "/incidents/{incident}/cap",
    tags=["incidents"],
    summary="An incident as CAP 1.2 · Alarm als CAP-Dokument",
    response_class=Response,
    responses={200: {"content": {CAP: {"schema": {"type": "string"}}}}},
)
def read_cap(scope: ReaderDep, services: ServicesDep, incident: IncidentInPath) -> Response:
    """For offices of the town (scope Restricted), in German and English: an Alert while it is open,
    then a Cancel that refers to it. No official warning."""
    with services.database.read() as connection:
        return Response(cap_of(connection, scope, incident), media_type=CAP)

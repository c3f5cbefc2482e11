"""Acknowledging, timelines, mutes and previews over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.alarms.alerts import mute_repository, muting
from stadtsinn.cloud.alarms.alerts import repository as rules
from stadtsinn.cloud.alarms.alerts.endpoints import IncidentInPath
from stadtsinn.cloud.alarms.alerts.incident_repository import incident as require_incident
from stadtsinn.cloud.alarms.alerts.mute import MuteBody
from stadtsinn.cloud.alarms.answers import repository
from stadtsinn.cloud.alarms.answers.acknowledging import Person, Via, acknowledge_of
from stadtsinn.cloud.alarms.answers.preview import EXAMPLE_PERSON, previews
from stadtsinn.cloud.alarms.answers.schemas import (
    AcknowledgeBody,
    AcknowledgementView,
    MuteView,
    PreviewView,
    TimelineEntry,
    mute_view,
)
from stadtsinn.cloud.alarms.answers.timeline import timeline
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.access.repository import key
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath, SlugInPath
from stadtsinn.cloud.platform.audit.recording import recording

router = APIRouter()


@router.post(
    "/incidents/{incident}/acknowledgement",
    tags=["incidents"],
    summary="Acknowledge an incident · Alarm bestätigen",
)
def acknowledge_incident(
    scope: EditorDep, services: ServicesDep, incident: IncidentInPath, body: AcknowledgeBody
) -> AcknowledgementView:
    """It is not repeated or passed on any more, and the others who were told learn who has it. The
    first one counts; a further level needs another."""
    now = services.clock.now()
    # Not in a transaction of the registry: nobody waits with this until followers have read it.
    with services.database.write() as connection, recording(connection, scope, now):
        require_incident(connection, scope, incident)
        done = acknowledge_of(connection, scope, incident, _person(connection, scope, body), now)
    return AcknowledgementView(
        incident=incident,
        first=done.first,
        by=done.by,
        at=isoformat(done.at),
        level=done.level,
        whole=done.is_whole,
    )


def _person(connection: Connection, scope: Scope, body: AcknowledgeBody) -> Person:
    if body.recipient is None:
        return Person(key(connection, scope, scope.key_id).name, Via.API)
    try:
        row = repository.recipient_named(connection, scope, body.recipient)
    except NotFound as missing:
        raise Invalid.of(missing.sentence) from None
    return Person(row.name, Via.API, row.id)


@router.get(
    "/incidents/{incident}/timeline",
    tags=["incidents"],
    summary="What happened to an incident · Verlauf eines Alarms",
)
def read_timeline(
    scope: ReaderDep, services: ServicesDep, incident: IncidentInPath
) -> tuple[TimelineEntry, ...]:
    """Its beginning and end, who was told when, who acknowledged it, what was muted."""
    with services.database.read() as connection:
        found = timeline(connection, scope, incident)
    return tuple(
        TimelineEntry(
            at=isoformat(one.at),
            what=one.what,
            kind=one.kind,
            who=one.who,
            status=one.status,
            level=one.level,
            detail=one.detail,
        )
        for one in found
    )


@router.get("/mutes", tags=["mutes"], summary="List mutes · Stummschaltungen auflisten")
def list_mutes(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    past: Annotated[bool, Query(description="Also those that are over.")] = False,
) -> Page[MuteView]:
    """The newest first."""
    now = services.clock.now()
    with services.database.read() as connection:
        found = mute_repository.mutes_page(
            connection, scope, page.after_number, page.fetch, since=None if past else now
        )
    return page_of(
        found, page, lambda one: one.id, lambda one: mute_view(one, active=one.holds(now))
    )


@router.post("/mutes", tags=["mutes"], status_code=201, summary="Mute · Stummschalten")
def create_mute(scope: EditorDep, services: ServicesDep, body: MuteBody) -> MuteView:
    """From now on. Alarms are recorded all the same, and what still goes on at its end is told
    then. Who knows of an alarm hears of its end."""
    now = services.clock.now()
    with services.database.write() as connection, recording(connection, scope, now):
        return mute_view(muting.create_mute(connection, scope, body, now), active=True)


@router.get("/mutes/{mute}", tags=["mutes"], summary="Read a mute · Stummschaltung lesen")
def read_mute(scope: ReaderDep, services: ServicesDep, mute: IdInPath) -> MuteView:
    with services.database.read() as connection:
        found = mute_repository.mute(connection, scope, mute)
    return mute_view(found, active=found.holds(services.clock.now()))


@router.delete("/mutes/{mute}", tags=["mutes"], summary="End a mute · Stummschaltung beenden")
def end_mute(scope: EditorDep, services: ServicesDep, mute: IdInPath) -> MuteView:
    """What still goes on is told within a minute."""
    now = services.clock.now()
    with services.database.write() as connection, recording(connection, scope, now):
        return mute_view(muting.end_mute(connection, scope, mute, now), active=False)


@router.get(
    "/rules/{rule}/preview",
    tags=["rules"],
    summary="What its messages would say · Wie die Meldungen lauten",
)
def preview_rule(
    scope: ReaderDep, services: ServicesDep, rule: SlugInPath
) -> tuple[PreviewView, ...]:
    """Every message that it may cause, in both languages, with example values."""
    now = services.clock.now()
    with services.database.read() as connection:
        stored = rules.rule(connection, scope, rule)
        found = previews(connection, stored, EXAMPLE_PERSON, now)
    return tuple(
        PreviewView(what=one.what, language=one.language, text=one.text, septets=one.septets)
        for one in found
    )

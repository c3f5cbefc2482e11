"""Duty groups over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from stadtsinn.base import berlin
from stadtsinn.base.calendar import Span
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.duty import importing, repository, service
from stadtsinn.cloud.alarms.duty.coverage import next_year
from stadtsinn.cloud.alarms.duty.model import DutyGroup, DutyGroupBody, SubstitutionBody
from stadtsinn.cloud.alarms.duty.schemas import (
    CoverageView,
    ImportBody,
    ImportView,
    OnDutyView,
    SubstitutionView,
    coverage_view,
    import_view,
    substitution_view,
    turn_view,
)
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import IdInPath, SlugInPath
from stadtsinn.cloud.platform.api.times import GivenTime
from stadtsinn.cloud.town.changing import changing
from stadtsinn.cloud.town.service import DryRunEnded, change_or_dry_run

router = APIRouter()
_GROUPS = "/duty-groups"
_GROUP = f"{_GROUPS}/{{duty_group}}"


@router.get(_GROUPS, tags=["duty"], summary="List duty groups · Bereitschaften auflisten")
def list_duty_groups(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[DutyGroup]:
    with services.database.read() as connection:
        found = repository.groups_page(connection, scope, page.after_text, page.fetch)
    return page_of(found, page, lambda one: one.group.slug, lambda one: one.group)


@router.post(
    _GROUPS,
    tags=["duty"],
    status_code=201,
    summary="Create a duty group · Bereitschaft anlegen",
)
def create_duty_group(scope: EditorDep, services: ServicesDep, body: DutyGroup) -> DutyGroup:
    """Rules name it among their `recipients` and `technicians`."""
    with changing(services, scope) as connection:
        service.create_group(connection, scope, body)
        return repository.group(connection, scope, body.slug).group


@router.get(_GROUP, tags=["duty"], summary="Read a duty group · Bereitschaft lesen")
def read_duty_group(scope: ReaderDep, services: ServicesDep, duty_group: SlugInPath) -> DutyGroup:
    with services.database.read() as connection:
        return repository.group(connection, scope, duty_group).group


@router.put(_GROUP, tags=["duty"], summary="Replace a duty group · Bereitschaft ändern")
def replace_duty_group(
    scope: EditorDep, services: ServicesDep, duty_group: SlugInPath, body: DutyGroupBody
) -> DutyGroup:
    """Who is no member any more has no shift in the plan either."""
    with changing(services, scope) as connection:
        service.replace_group(connection, scope, DutyGroup(slug=duty_group, **dict(body)))
        return repository.group(connection, scope, duty_group).group


@router.delete(
    _GROUP, tags=["duty"], status_code=204, summary="Delete a duty group · Bereitschaft löschen"
)
def delete_duty_group(scope: EditorDep, services: ServicesDep, duty_group: SlugInPath) -> None:
    """Refused while a rule names it: its messages would be lost."""
    with changing(services, scope) as connection:
        service.delete_group(connection, scope, duty_group)


@router.get(f"{_GROUP}/on-duty", tags=["duty"], summary="Who is on duty · Wer Dienst hat")
def who_is_on_duty(
    scope: ReaderDep,
    services: ServicesDep,
    duty_group: SlugInPath,
    at: Annotated[GivenTime | None, Query(description="Now, if not given.")] = None,
) -> OnDutyView:
    moment = services.clock.now() if at is None else Instant(at)
    week = Span(moment, Instant(moment + 7 * DAY))
    with services.database.read() as connection:
        found = service.duty_in(connection, scope, duty_group, week)
    return OnDutyView(
        at=berlin.isoformat(moment),
        on_duty=[turn_view(one) for one in found.now],
        is_list=found.is_list,
        turns=[turn_view(one) for one in found.turns],
    )


@router.get(
    f"{_GROUP}/coverage", tags=["duty"], summary="Gaps of the next year · Lücken im nächsten Jahr"
)
def read_coverage(scope: ReaderDep, services: ServicesDep, duty_group: SlugInPath) -> CoverageView:
    """Every minute is looked at."""
    with services.database.read() as connection:
        return coverage_view(next_year(connection, scope, duty_group, services.clock.now()))


@router.post(f"{_GROUP}/plan", tags=["duty"], summary="Import a shift plan · Dienstplan einlesen")
def import_plan(
    scope: EditorDep, services: ServicesDep, duty_group: SlugInPath, body: ImportBody
) -> ImportView:
    """It takes the place of what an earlier import said of the same time."""
    now = services.clock.now()
    try:
        with change_or_dry_run(services.database, body.dry_run, scope, now) as connection:
            made = importing.import_plan(
                connection,
                scope,
                duty_group,
                body.content.encode(),
                now,
                start=None if body.start is None else Instant(body.start),
                end=None if body.end is None else Instant(body.end),
            )
    except DryRunEnded:
        pass
    return import_view(made, dry_run=body.dry_run)


@router.get(
    f"{_GROUP}/substitutions", tags=["duty"], summary="List stand-ins · Vertretungen auflisten"
)
def list_substitutions(
    scope: ReaderDep, services: ServicesDep, duty_group: SlugInPath
) -> list[SubstitutionView]:
    """The newest first; where two speak of the same time, the newer one counts."""
    with services.database.read() as connection:
        found = service.substitutions(connection, scope, duty_group)
    return [substitution_view(one) for one in found]


@router.post(
    f"{_GROUP}/substitutions",
    tags=["duty"],
    status_code=201,
    summary="Somebody stands in · Vertretung eintragen",
)
def create_substitution(
    scope: EditorDep, services: ServicesDep, duty_group: SlugInPath, body: SubstitutionBody
) -> SubstitutionView:
    with changing(services, scope) as connection:
        now = services.clock.now()
        made = service.add_substitution(connection, scope, duty_group, body, now)
    return substitution_view(made)


@router.delete(
    f"{_GROUP}/substitutions/{{substitution}}",
    tags=["duty"],
    status_code=204,
    summary="Take a stand-in back · Vertretung zurücknehmen",
)
def delete_substitution(
    scope: EditorDep, services: ServicesDep, duty_group: SlugInPath, substitution: IdInPath
) -> None:
    with changing(services, scope) as connection:
        service.delete_substitution(connection, scope, duty_group, substitution)

"""Changes the permitted number of a zone while it is in use: from now on, or from a time on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.berlin import for_people
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.base.logs import mask_text
from stadtsinn.base.problems import Conflict, Invalid
from stadtsinn.cloud.domains.crowd import permit_repository
from stadtsinn.cloud.domains.crowd.zones import repository
from stadtsinn.cloud.domains.crowd.zones.entry import ZoneEntry
from stadtsinn.cloud.domains.crowd.zones.permits import (
    MOST_PLANNED,
    PlannedPermit,
    with_planned,
)
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.repository import bump_revision
from stadtsinn.cloud.town.service import change

_FURTHEST = 400 * DAY


@dataclass(frozen=True)
class Permitted:
    """What is permitted from now on, and what is planned."""

    permitted: int | None
    planned: tuple[PlannedPermit, ...]


def set_permit(
    database: Database,
    scope: Scope,
    slug: str,
    permitted: int | None,
    *,
    name: str,
    reason: str,
    since: Instant | None,
    now: Instant,
) -> Permitted:
    """From now on so many persons are permitted, or from a time on; None: no number is.

    Rules that go by the permit judge by it with the next sample, which comes at once. Raises
    NotFound, and Invalid for a time that has passed or lies more than a year ahead.
    """
    if since is not None and since < now:
        raise Invalid(
            "'since' lies in the past: who was permitted then stays on record. Leave it out, and "
            "it holds from now on.",
            "'since' liegt in der Vergangenheit: was da zugelassen war, bleibt festgehalten. Ohne "
            "'since' gilt es ab jetzt.",
        )
    if since is not None and since > now + _FURTHEST:
        raise Invalid(
            "'since' lies more than a year ahead.",
            "'since' liegt mehr als ein Jahr in der Zukunft.",
        )
    with change(database, scope, now) as connection:
        zone_id = repository.zone_id(connection, scope, slug)
        former = repository.zone(connection, scope, slug).permitted
        planned = repository.planned_permits(connection, scope, slug)
        if since is None:
            found = Permitted(permitted, planned)
        else:
            one = PlannedPermit(since=since, permitted=permitted)
            found = Permitted(former, with_planned(planned, one))
        _require_few(found.planned)
        permit_repository.write_permit(connection, zone_id, found.permitted, found.planned)
        when = "" if since is None else f" from {for_people(since)}"
        detail = f"permitted: {former} → {permitted}{when}; name: {name}; reason: {reason}"
        line = Line(scope.tenant_id, Action.CHANGED, Kind.PERMIT, slug, mask_text(detail))
        record(connection, scope, now, [line])
    return found


def apply_due(connection: Connection, zone: ZoneEntry, now: Instant) -> bool:
    """Make planned numbers that are due those of the zone; True: there were some."""
    due = [plan for plan in zone.planned if plan.since <= now]
    if not due:
        return False
    left = [plan for plan in zone.planned if plan.since > now]
    permit_repository.write_permit(connection, zone.id, due[-1].permitted, left)
    bump_revision(connection)
    return True


def _require_few(planned: tuple[PlannedPermit, ...]) -> None:
    if len(planned) > MOST_PLANNED:
        raise Conflict(
            f"{MOST_PLANNED} changes are planned already.",
            f"Es sind schon {MOST_PLANNED} Änderungen geplant.",
        )

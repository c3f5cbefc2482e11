"""Changes of the permitted number that are planned for a time to come."""

from __future__ import annotations

from collections.abc import Sequence

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.crowd.zones.agenda import Agenda
from stadtsinn.cloud.platform.api.model import Model

MOST_PLANNED = 50
"""Of a zone."""


class PlannedPermit(Model):
    """From an event time on so many persons are permitted; None: no number is."""

    since: Instant
    permitted: int | None


def permitted_at(
    agenda: Agenda, planned: Sequence[PlannedPermit], permitted: int | None, moment: int
) -> int | None:
    """What is permitted at a moment: by a running event, by the newest change, by the zone."""
    due = [plan.permitted for plan in planned if plan.since <= moment]
    return agenda.permitted_at(moment, due[-1] if due else permitted)


def with_planned(planned: Sequence[PlannedPermit], one: PlannedPermit) -> tuple[PlannedPermit, ...]:
    """In order; of two for the same moment the later word counts."""
    others = [plan for plan in planned if plan.since != one.since]
    return tuple(sorted([*others, one], key=lambda plan: plan.since))

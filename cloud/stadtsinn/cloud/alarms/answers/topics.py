"""What is to be said of an open incident: its rule, its place, the value that is known now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts import incident_repository, repository
from stadtsinn.cloud.alarms.alerts.happening import happened
from stadtsinn.cloud.alarms.alerts.muting import Mutes, mutes_of
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.wording import About, Moment
from stadtsinn.cloud.alarms.answers.wording import Topic
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.domains.crowd.zones.repository import permitted_of
from stadtsinn.rules.state import Phase


@dataclass(frozen=True)
class Matter:
    """An open incident with all that belongs to it."""

    incident: str
    stored: StoredRule
    topic: Topic
    facts: Facts
    calm: bool
    """It is about to end by itself."""
    mutes: Mutes

    @property
    def tenant_id(self) -> str:
        return self.stored.tenant_id


def matter(connection: Connection, incident: str, now: Instant) -> Matter | None:
    """None where it ended, or its rule is gone, which ends it."""
    found = incident_repository.open_matter(connection, incident)
    if found is None:
        return None
    stored = repository.rule_of(connection, found.key[0])
    if stored is None:
        return None
    standing = incident_repository.read_members(connection, [found.key]).get(found.key)
    rule = stored.rule.model_copy(update={"name": found.rule_name})
    of_permit = rule.parameters.of_permit and stored.zone_id is not None
    permitted = permitted_of(connection, stored.zone_id or 0) if of_permit else None
    place = found.place
    about = About(rule, place.name if place else "", found.level, permitted, found.permitted)
    state = standing.state if standing is not None else None
    last = state.last if state is not None else None
    moment = Moment(last.value if last else None, last.at if last else None, now)
    mutes = mutes_of(connection, stored, place.station_id if place else None, now)
    calm = state is not None and state.phase is Phase.RECOVERING
    facts = happened(rule, place, moment.value, moment.at, found.opened_at)
    return Matter(incident, stored, Topic(about, found.opened_at, moment), facts, calm, mutes)

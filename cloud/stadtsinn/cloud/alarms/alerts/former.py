"""Where a rule stood before its history began to be judged again.

While that is under way, a rule may be edited, a station may leave, or a rebuild is begun once more.
Then the record goes back to what it was, and the change ends what was open in it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.alerts import former_repository, incident_repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Key
from stadtsinn.cloud.town.stations.model import FOR_EVER
from stadtsinn.rules.state import Phase, RuleState

KEPT = 2 * DAY
"""How long the former record is kept: a rebuild is over by then."""

DELETED_AT_ONCE = 500


def as_it_was(connection: Connection, key: Key, state: RuleState) -> RuleState:
    """Puts the record back and gives the state that belongs to it, judged up to where it was; the
    same state unless it is being judged again."""
    if not state.judged_again or not former_repository.put_back(connection, key):
        return state
    known = behind_its_last(RuleState(last_event=state.quiet_until, quiet_until=state.quiet_until))
    last = incident_repository.last_before(connection, key, FOR_EVER)
    if last is None or last.closed_at is not None:
        return replace(known, opened_at=None if last is None else last.opened_at)
    return replace(
        known,
        phase=Phase.FIRING,
        level=last.level,
        last_value=last.opening_value,
        opened_at=last.opened_at,
        announced=last.told_at is not None,
    )


def behind_its_last(state: RuleState) -> RuleState:
    """The same state, for which also the sample that was judged last is one of the past."""
    at = state.last_event
    return state if at is None else replace(state, last_event=Instant(at + 1))


def forget_some(connection: Connection, now: Instant) -> bool:
    """What was not found again, and what was; True: there may be more of it."""
    deleted = former_repository.delete_before(connection, now - KEPT, DELETED_AT_ONCE)
    return deleted == DELETED_AT_ONCE

"""Rules that fire for missing data, where no value ever came: they count from the moment at which
a device is there, see decision 9.

Such a rule may be younger than what it watches. So it begins with what the log says: where a device
has sent something since it is there, silence counts from that.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts import incident_repository, inputs_repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Key
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.domains.crowd.repository import latest_sample
from stadtsinn.cloud.log.uplinks.repository import last_heard
from stadtsinn.rules.state import RuleState
from stadtsinn.rules.terms import ALWAYS, NEVER

LOOKED_AT_ONCE = 1_000
"""Stations and zones for which one transaction looks whether a state is there."""

_SEEN = "awaited"
"""The revision of the registry for which all of them were looked at."""
_ROUND = ("awaited.rule", "awaited.member")
_NONE: Key = (0, 0)


def unjudged(connection: Connection, watching: Watching, now: Instant) -> tuple[list[Key], bool]:
    """Where data is expected and none was judged yet, of the next that are looked at; True: there
    are more to look at."""
    begin = inputs_repository.round_position(connection, _ROUND)
    revision = watching.directory.revision
    if begin == _NONE and inputs_repository.input_position(connection, _SEEN) >= revision:
        return [], False
    first = bisect_right(watching.awaited, begin)
    some = watching.awaited[first : first + LOOKED_AT_ONCE]
    more = first + len(some) < len(watching.awaited)
    inputs_repository.move_round(connection, _ROUND, some[-1] if more else _NONE)
    if not more:
        # A change in the middle of a round is looked at by the next one.
        inputs_repository.move_input(connection, _SEEN, revision)
    judged = incident_repository.have_states(connection, some)
    found = [key for key in some if key not in judged and _is_awaited(watching, key, now)]
    return found, more


def _is_awaited(watching: Watching, key: Key, now: Instant) -> bool:
    watched = watching.find(*key)
    return watched is not None and watching.awaited_since(watched, now) != NEVER


def begun(
    connection: Connection, watching: Watching, watched: Watched, state: RuleState, now: Instant
) -> RuleState:
    """The state of a rule that fires for missing data and judged nothing yet, or not for a while:
    silence counts from what was heard last."""
    if state.last_event is None and state.quiet_until > ALWAYS:
        # The history was judged again, and nothing came.
        return replace(state, last_event=state.quiet_until)
    since = watching.awaited_since(watched, now)
    if since == NEVER:
        return state
    heard = _heard(connection, watching, watched, since)
    if heard is None and since == ALWAYS:
        heard = now  # since when a device is there nobody knows
    if heard is None or heard <= (state.last_event or 0):
        return state
    return replace(state, last_event=min(heard, now), last_value=None)


def _heard(
    connection: Connection, watching: Watching, watched: Watched, since: Instant
) -> Instant | None:
    if watched.stored.zone_id is not None:
        sample = latest_sample(connection, watched.stored.zone_id)
        return None if sample is None else sample.event_time
    devices = watching.devices_since(watched, since)
    return last_heard(connection, watched.stored.tenant_id, devices, since)

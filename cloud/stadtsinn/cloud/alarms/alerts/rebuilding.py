"""What of a rule's history can be judged again: a rebuild removes nothing else.

Uplinks are kept as long as a town says, samples of zones for a week. What a rule found before the
first one that is left stays on record, and so does what began so soon after it that earlier ones
may have been part of the decision. What ended because rules, stations or zones were
changed stays as well, with all before it: the log does not hold these changes, so it would go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from stadtsinn.base.instant import DAY, SECOND, Instant
from stadtsinn.cloud.alarms.alerts import former_repository, incident_repository, inputs_repository
from stadtsinn.cloud.alarms.alerts.evaluation import why_ended
from stadtsinn.cloud.alarms.alerts.former import as_it_was, behind_its_last
from stadtsinn.cloud.alarms.alerts.incident_repository import Key, Standing
from stadtsinn.cloud.alarms.alerts.repository import StoredRule
from stadtsinn.cloud.alarms.alerts.watching import Watched, Watching
from stadtsinn.cloud.log.archive_files.archive import day_of
from stadtsinn.cloud.platform.retention.service import retention_of
from stadtsinn.rules import machine
from stadtsinn.rules.incident import FLAPPING_WITHIN
from stadtsinn.rules.state import RuleState
from stadtsinn.rules.terms import ALWAYS, Terms


@dataclass(frozen=True)
class Again:
    """From when on a rule's history at one member is judged again.

    Incidents that began before `begins` stay; samples up to `known_until`, the end of the last of
    them, which began at `opened_at`, are not judged again.
    """

    begins: Instant
    known_until: Instant | None = None
    opened_at: Instant | None = None


AT_ONCE = 50
"""Members of rules that begin anew in one transaction: of each all that it found is set apart."""

_REACHED = ("anew.rule", "anew.member")


def begin_anew(
    connection: Connection, watching: Watching, now: Instant, samples: Mapping[int, Instant]
) -> bool:
    """Forget where rules stand and what they found, as far as it can be found again: of some
    members; True: there are more. `samples`: of each zone the time of the oldest.

    How far it has come stands in the inputs: nothing is judged before it is done.
    """
    rule_id, member = (inputs_repository.input_position(connection, name) for name in _REACHED)
    found = incident_repository.states_after(connection, (rule_id, member), AT_ONCE)
    inputs = _Inputs(connection, now, samples)
    for key, standing in found.items():
        watched = watching.find(*key)
        if watched is None:
            continue  # the station left: first the alarm there ends
        terms = _terms(watching, watched, now)
        before = replace(standing, state=as_it_was(connection, key, standing.state))
        if why_ended(watching, watched, before, watching.lost(watched, now)) is not None:
            # First it ends, for what was changed; what led so far is judged by nobody again.
            before = replace(before, state=behind_its_last(before.state))
            again = None
        else:
            again = _again(connection, watched, before.state, terms, inputs)
        if again is not None:
            _forget(connection, key, before, again, terms, now)
        elif before.state is not standing.state:
            incident_repository.write_state(connection, key, before, now)
    if len(found) < AT_ONCE:
        inputs_repository.forget_all(connection)
        return False
    for name, position in zip(_REACHED, max(found), strict=True):
        inputs_repository.move_input(connection, name, position)
    return True


class _Inputs:
    """From when on there is something to judge."""

    def __init__(
        self, connection: Connection, now: Instant, samples: Mapping[int, Instant]
    ) -> None:
        self._connection = connection
        self._today = day_of(now)
        self._samples = samples
        self._uplinks: dict[str, Instant] = {}

    def begin(self, stored: StoredRule) -> Instant | None:
        """For a rule; None: there is nothing."""
        if stored.zone_id is not None:
            return self._samples.get(stored.zone_id)
        found = self._uplinks.get(stored.tenant_id)
        if found is None:
            found = self._uplinks[stored.tenant_id] = self._log_begins(stored.tenant_id)
        return found

    def _log_begins(self, tenant_id: str) -> Instant:
        kept = retention_of(self._connection, tenant_id)
        days = [one for one in (kept.log, kept.archive) if one is not None]
        return Instant(self._today - min(days) * DAY) if days else ALWAYS


def _terms(watching: Watching, watched: Watched, now: Instant) -> Terms:
    interval_s = watching.interval_s(watched, now)
    return watched.stored.rule.terms(interval_s, watched.stored.valid_from)


def _again(
    connection: Connection, watched: Watched, state: RuleState, terms: Terms, inputs: _Inputs
) -> Again | None:
    """From when on this is judged again; None: not at all."""
    first = inputs.begin(watched.stored)
    if first is None:
        return None
    begins = terms.valid_from
    if first > ALWAYS:
        begins = max(begins, _surely_from(first, terms))
    if state.opened_at is None:
        return Again(begins)
    changed = incident_repository.last_change(connection, watched.key)
    if changed is not None:
        first, begins = max(first, changed), max(begins, Instant(changed + 1))
    last = incident_repository.last_before(connection, watched.key, begins)
    if last is None:
        return Again(begins)
    if last.closed_at is None:
        return None  # it goes on: where the rule stands now is what the samples led to
    return Again(begins, max(first, last.closed_at), last.opened_at)


def _forget(
    connection: Connection, key: Key, standing: Standing, again: Again, terms: Terms, now: Instant
) -> None:
    former_repository.set_apart(connection, key, again.begins, now)
    since = again.begins - FLAPPING_WITHIN
    openings = incident_repository.openings_between(connection, key, since, again.begins)
    state = replace(
        machine.forget(standing.state),
        last_event=again.known_until or _silent_since(terms, again),
        opened_at=again.opened_at,
        openings=tuple(openings),
    )
    incident_repository.write_state(connection, key, replace(standing, state=state), None)


def _silent_since(terms: Terms, again: Again) -> Instant | None:
    """Where a rule for missing data begins: what was before the log's beginning is not missing."""
    return again.begins if terms.kind.of_silence and again.begins > ALWAYS else None


def _surely_from(first: Instant, terms: Terms) -> Instant:
    """Samples that lead to an alarm follow each other by less than what counts as silence, and a
    kind looks no further back than its spans."""
    spans = {} if terms.kind.of_silence else terms.kind.spans()
    looks_back = max(spans.values(), default=0) * SECOND
    waits = terms.hold + (terms.min_samples - 1) * terms.stale_after
    return Instant(first + looks_back + waits)

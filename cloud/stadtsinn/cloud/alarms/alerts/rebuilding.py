"""What of a rule's history can be judged again: a rebuild removes nothing else.

Uplinks are kept for good, samples of zones for a week. What a rule found in a zone before the
first sample that is left stays on record, and so does what began so soon after it that samples
before it may have been part of the decision.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts import incident_repository
from stadtsinn.cloud.alarms.alerts.incident_repository import Again
from stadtsinn.cloud.alarms.alerts.watching import NAMED, Watched, Watching
from stadtsinn.cloud.alarms.judging.terms import Terms
from stadtsinn.cloud.domains.crowd.repository import first_samples


def judged_again(
    connection: Connection, watching: Watching, now: Instant
) -> Mapping[int, Again | None]:
    """For each rule over a zone from when on it is judged again; None: not at all."""
    first = first_samples(connection)
    found: dict[int, Again | None] = {}
    for stored in watching.by_id.values():
        if stored.zone_id is not None:
            interval = watching.interval_s(Watched(stored), now)
            terms = stored.rule.terms(interval, stored.valid_from)
            found[stored.id] = _again(connection, stored.id, terms, first.get(stored.zone_id))
    return found


def _again(
    connection: Connection, rule_id: int, terms: Terms, first: Instant | None
) -> Again | None:
    if first is None:
        return None
    # Samples that lead to an alarm follow each other by less than what counts as silence.
    begins = Instant(first + terms.hold + (terms.min_samples - 1) * terms.stale_after)
    last = incident_repository.last_before(connection, (rule_id, NAMED), begins)
    if last is None:
        return Again(begins, None)
    if last.closed_at is None:
        return None  # it goes on: where the rule stands now is what the samples led to
    return Again(begins, max(first, last.closed_at))
